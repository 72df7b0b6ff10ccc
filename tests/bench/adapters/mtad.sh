# mtad for the measuring harness: see its README for the variables.
# MTAD: an installed tree (prefix) of this project, as ./bootstrap build makes.
MTAD=${MTAD:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)/build/root/usr}
A_FG=1
a_dirs(){ echo $SPOOL; }
a_conf(){
	mkdir -p $W $SPOOL $W/log $W/run
	seq -f 'u%g' 0 99 >$W/users
	: >$W/aliases
	cat >$W/mtad.conf <<CONF
HostName = "vm.bench.test"
LocalDomains = {HostName}
QueueDirectory = "$SPOOL"
RunDirectory = "$W/run"
LogDirectory = "$W/log"
AliasFile = {"$W/aliases"}
listener "smtp" { Address = "127.0.0.1" Port = $SMTP_PORT }
virtual "local.test" { Users = "$W/users" Mailbox = "$MDIR/\$u/" User = "benchmail" }
route "*" { Host = "[127.0.0.1]:$SINK_PORT" }
CONF
}
a_start(){
	export MTAD_CONF=$W/mtad.conf
	if [ $HOLD = 1 ]; then
		# held from the first message on: over a restart, as it is kept
		$MTAD/sbin/mtad -F -f $W/mtad.conf >>$W/mtad.log 2>&1 &
		p=$!
		for i in $(seq 100); do $MTAD/bin/mtactl delivery hold bench 2>/dev/null && break; sleep .05; done
		wait $p
	else
		"${PREFIX[@]}" $MTAD/sbin/mtad -F -f $W/mtad.conf >>$W/mtad.log 2>&1 &
		p=$!
		for i in $(seq 100); do $MTAD/bin/mtactl -c $W/mtad.conf delivery release 2>/dev/null && break; sleep .05; done
		wait $p
	fi
}
a_stop(){ kill $(cat $W/run/mtad.pid); }
a_mailq(){ MTAD_CONF=$W/mtad.conf $MTAD/libexec/mtad/mailq; }
a_flush(){ MTAD_CONF=$W/mtad.conf $MTAD/bin/mtactl hosts retry '*' >/dev/null; }
