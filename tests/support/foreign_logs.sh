#!/bin/sh
# shellcheck disable=SC2086,SC2046,SC1090
# foreign_logs.sh MAILER [FILE]: run Debian's postfix, exim, opensmtpd or
# sendmail in namespaces of its own (mounts, host name, network, processes)
# through the dialogues below, and keep the log that it wrote. Root. Postfix is
# the installed package; the others are unpacked below PEERS, as their packages
# exclude each other. Nothing outside of the namespaces is touched.
#
# The world: 192.0.2.1 mail.example.org (the mailer), 198.51.100.7 a client,
# 198.51.100.66 one that is not wanted, 203.0.113.5 mx.example.com (a server
# whose answers depend on the local part), 203.0.113.9 dead.example.com.
set -eu
PEERS=${PEERS:-/opt/peers}
here=$(cd "$(dirname "$0")" && pwd)
mailer=$1 file=${2:-$here/../data/foreign/$1.log}
if [ -z "${INSIDE:-}" ]; then
	out=$(mktemp -d)
	INSIDE=$out timeout -s KILL 170 unshare -m -u -n -p --fork --mount-proc \
	    --kill-child "$0" "$mailer" >"$out/said" 2>&1 || {
		tail -400 "$out/said"; echo "its log so far: $out/log"; exit 1; }
	cp "$out/log" "$file"
	wc -l "$file"
	if [ -n "${KEEP:-}" ]; then echo "$out"; else rm -rf "$out"; fi
	exit
fi

talk() { python3 "$here/foreign_talk.py" "$@"; }
log=$INSIDE/log W=/srv/world
client=198.51.100.7

world() {
	cd /
	hostname mail.example.org
	mount -t tmpfs tmpfs /srv -o mode=755
	mkdir -p $W
	cp -a /etc $W/etc
	mount -t tmpfs tmpfs /var/spool -o mode=755
	mount -t tmpfs tmpfs /var/mail -o mode=1777
	ip link set lo up
	for ip in 192.0.2.1 192.0.2.2 $client 198.51.100.66 203.0.113.5; do
		ip address add $ip/32 dev lo
	done
	ip route add blackhole 203.0.113.9/32 2>/dev/null || true
	cat >$W/etc/hosts <<-X
	127.0.0.1 localhost
	192.0.2.1 mail.example.org mail
	198.51.100.7 client.example.net
	198.51.100.66 bad.example.net
	203.0.113.5 mx.example.com example.com
	203.0.113.6 dead.example.com
	X
	printf 'lookup file\nnameserver 127.0.0.1\n' >$W/etc/resolv.conf
	sed 's/^hosts:.*/hosts: files/' /etc/nsswitch.conf >$W/etc/nsswitch.new
	mv $W/etc/nsswitch.new $W/etc/nsswitch.conf
	for u in alice bob carol; do
		echo "$u:x:2000:2000::/srv/world/home/$u:/bin/sh" |
		    sed "s/2000/$((2000 + $(printf %d "'$u")))/g"
		mkdir -p $W/home/$u
		chown $((2000 + $(printf %d "'$u"))) $W/home/$u
	done >>$W/etc/passwd
	for u in 2097 2098 2099; do echo "g$u:x:$u:"; done >>$W/etc/group
	printf 'mail.example.org\n' >$W/etc/mailname
	# all of it: a file that others replace outside would be theirs again
	mount --bind $W/etc /etc
	devices
	ip address add 203.0.113.6/32 dev lo # and nobody listens there
	talk log "$log" "$1" &
	talk sink 203.0.113.5 25 &
	talk sink 203.0.113.5 24 lmtp &
	talk milter 8899 &
	for _ in 1 2 3 4 5 6 7 8 9; do [ -S /dev/log ] && break; sleep .1; done
}

# /dev of our own, as its /dev/log must be ours
devices() {
	mkdir -p $W/dev
	mount -t tmpfs tmpfs $W/dev -o mode=755
	for d in null:3 zero:5 full:7 random:8 urandom:9 tty:0; do
		mknod -m 666 $W/dev/${d%:*} c $([ $d = tty:0 ] && echo 5 || echo 1) ${d#*:}
	done
	ln -s /proc/self/fd $W/dev/fd
	ln -s fd/0 $W/dev/stdin; ln -s fd/1 $W/dev/stdout; ln -s fd/2 $W/dev/stderr
	mkdir -m 1777 $W/dev/shm
	mount --move $W/dev /dev
}

wait_for() { # PATTERN [COUNT]
	i=0
	until [ "$(grep -cE "$1" "$log")" -ge "${2:-1}" ]; do
		i=$((i + 1))
		[ $i -lt 150 ] || { echo "never seen: $1"; cat "$log"; return 1; }
		sleep .1
	done
}

listening() { # PORT
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		ss -Hltn "sport = :$1" | grep -q 192.0.2.1 && return
		sleep .1
	done
	echo "nobody listens at $1"; return 1
}

mail() { talk mail "$client" 192.0.2.1 "$@" || true; }
bad() { talk mail 198.51.100.66 192.0.2.1 "$@" || true; }
inside() { talk mail 127.0.0.1 127.0.0.1 "$@" || true; }

# What every mailer is told; the tests count what comes of it.
dialogues() {
	mail sender@example.net alice@example.org subject=local-one
	mail sender@example.net alice@example.org,bob@example.org subject=local-two
	inside alice@example.org ok@example.com subject=relay-one
	inside alice@example.org bob@example.org,ok@example.com,ok2@example.com \
	    subject=mixed-three
	mail sender@example.net team@example.org subject=alias
	mail sender@example.net away@example.org subject=forward
	mail sender@example.net big@example.org,alice@example.org size=200000 subject=large
	mail sender@example.net nouser@example.org subject=unknown
	mail sender@example.net ok@example.com subject=no-relay
	mail sender@example.net alice@example.org size=3000000 subject=too-large
	mail sender@example.net alice@example.org esmtp=SIZE=5000000 subject=too-large-said
	mail sender@example.net alice@example.org end=drop at=data
	mail sender@example.net alice@example.org end=drop at=rcpt
	mail sender@example.net alice@example.org end=rset at=rcpt
	mail '' alice@example.org subject=null-sender
	bad sender@example.net alice@example.org
	inside alice@example.org no@example.com subject=bounce
	inside alice@example.org spam@example.com,ok@example.com subject=bounce-spam
	inside alice@example.org later@example.com subject=greylisted
	inside alice@example.org drop@example.com subject=dropped
	inside alice@example.org full@example.com subject=full
	inside alice@example.org x@dead.example.com subject=dead
}

# Of those that have a filter.
filtered() {
	mail filtered@example.net alice@example.org
	mail sender@example.net filtered@example.org
	for what in refuse temp discard hold; do
		mail sender@example.net alice@example.org subject=filter-$what
	done
}

. "$here/foreign_$mailer.sh"
"run_$mailer"
