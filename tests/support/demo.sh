#!/bin/sh
# The demo: a whole mail system in one folder, real messages through it, a
# kill -9 of all of it in the midst. usage: demo.sh PROGRAMS STATE
set -eu
bin=$1 d=$2
here=$(cd "$(dirname "$0")" && pwd)
free_port() { # the first from here on
	python3 - "$1" <<'PY'
import socket, sys
port = int(sys.argv[1])
while True:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            print(port)
            break
        except OSError:
            port += 10
PY
}
smtp=$(free_port 2525) remote=$(free_port 2626) dead=$(free_port 2627)

step() { printf '\n== %s\n' "$*"; }
show() { printf '    $ %s\n' "$1"; eval "$1"; } # a command, and what it says
wait_for() { # SECONDS COMMAND...: until it succeeds
	n=$(($1 * 10)); shift
	while ! "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		if [ $n -le 0 ]; then
			echo "demo: gave up waiting for: $*" >&2
			cat "$d/mtad.out" >&2
			exit 1
		fi
		sleep 0.1
	done
}
arrived() { # recipients of whom the server next door has mail
	grep -h '^RCPT TO' "$d"/remote/*[0-9] | sort -u | wc -l
}
has_all() { [ "$(arrived)" -ge 41 ]; }
has_files() { # N FOLDER
	[ "$(find "$2" -type f ! -name '*.tmp' | wc -l)" -ge "$1" ]
}
collect() { "$bin/sbin/mtacollect" run >>"$d/collect.out" 2>&1 & }
start() { "$bin/sbin/mtad" -F -f "$d/mtad.conf" >>"$d/mtad.out" 2>&1 & }
up() { mtactl status; }

mkdir -p "$d/mail" "$d/remote"
owner= monitor=
if [ "$(id -u)" = 0 ]; then
	owner=nobody monitor=mtamon
	chown nobody "$d/mail"
fi
cat >"$d/mtad.conf" <<CONF
# The demo's configuration. See mtad.conf(5).
HostName = "mx.demo.test"
QueueDirectory = "$d/spool"
RunDirectory = "$d/run"
LogDirectory = "$d/log"
Syslog = ""
AliasFile = {"$d/aliases"}

listener "smtp" { Address = "127.0.0.1" Port = $smtp }
listener "sendmail" { Kind = "local" Path = "$d/run/submission" }

# alice, bob and carol have Maildirs here
virtual "demo.test" { Users = "$d/users" Mailbox = "$d/mail/\$u/" User = "$owner" }

# dead.test does not answer; everything else goes to the server next door
route "dead.test" { Host = "[127.0.0.1]:$dead" }
route "*" { Host = "[127.0.0.1]:$remote" }
CONF
cat >"$d/mtacollect.conf" <<CONF
# The demo's collector. See mtacollect.conf(5).
StoreDirectory = "$d/store"
User = "$monitor"
source "mtad" { Kind = "events" Path = "$d/log" }
CONF
printf 'alice\nbob\ncarol\n' >"$d/users"
printf 'postmaster: alice@demo.test\nteam: alice@demo.test, bob@demo.test\n' >"$d/aliases"
cat >"$d/env" <<ENV
PATH=$bin/sbin:$bin/bin:$bin/libexec/mtad:\$PATH
MTAD_CONF=$d/mtad.conf
MTACOLLECT_CONF=$d/mtacollect.conf
MANPATH=$bin/share/man:
export PATH MTAD_CONF MTACOLLECT_CONF MANPATH
ENV
# shellcheck disable=SC1091
. "$d/env"

step "starting a server next door (port $remote) and mtad (port $smtp)"
python3 "$here/sink.py" $remote "$d/remote" </dev/null >"$d/sink.out" 2>&1 &
echo $! >"$d/sink.pid"
start
wait_for 20 up
collect
echo $! >"$d/collect.pid"
show 'mtactl status'

step 'mail by SMTP, from next door to alice and to a host elsewhere'
python3 - $smtp <<'PY'
import smtplib, sys
with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as s:
    for to in (["alice@demo.test"], ["someone@elsewhere.test"],
               ["team@mx.demo.test", "carol@demo.test"]):
        s.sendmail("friend@next.test", to,
                   "From: friend@next.test\nTo: %s\nSubject: hello %s\n\n"
                   "By SMTP.\n" % (", ".join(to), to[0]))
        print("sent to", ", ".join(to))
PY

step 'mail by sendmail -t, with a Bcc'
printf 'To: bob@demo.test\nBcc: carol@demo.test\nSubject: from a script\n\nBy sendmail.\n' >"$d/letter"
cat "$d/letter"
show "sendmail -t -f alice@demo.test <$d/letter"

step 'mail by sendmail to nobody.here@demo.test: its notice comes back'
show 'echo hello | sendmail -f alice@demo.test nobody.here@demo.test'

step 'mail for dead.test, which does not answer'
show 'echo hello | sendmail -f alice@demo.test x@dead.test'
wait_for 10 has_files 6 "$d/mail"

step 'kill -9 of all processes, in the midst of 40 more messages'
python3 - $smtp <<'PY' &
import smtplib, sys, time
sent = 0
end = time.time() + 30
while sent < 40 and time.time() < end:
    try:
        with smtplib.SMTP("127.0.0.1", int(sys.argv[1]), timeout=10) as s:
            while sent < 40:
                s.sendmail("friend@next.test", ["x%d@elsewhere.test" % sent],
                           "Subject: number %d\n\nx\n" % sent)
                sent += 1
                time.sleep(0.02)
    except (OSError, smtplib.SMTPException):
        time.sleep(0.1)
print("accepted:", sent)
PY
client=$!
sleep 0.5
parent=$(cat "$d/run/mtad.pid")
# children first known, then all at once
kids=$(ps -o pid= --ppid "$parent")
# shellcheck disable=SC2086
kill -9 "$parent" $kids
echo "killed mtad $parent and its" $kids
start
wait_for 20 up
wait "$client"
wait_for 60 has_all
echo "arrived next door: mail for $(arrived) of 41," \
    "$(($(find "$d/remote" -name '*[0-9]' | wc -l) - 41)) of it twice"
show 'mtactl status'

step 'the queue: what waits for dead.test'
show mailq
show "mtactl queue why $(mtactl -j queue list to:@dead.test | sed -n 's/.*"id":"\([^"]*\)".*/\1/p' | head -1)"

step 'the mailboxes'
find "$d/mail" -type f | sed "s|$d/||" | sort
step 'the notice that alice got'
grep -l 'could not be delivered' "$d"/mail/alice/new/* | head -1 |
    xargs sed -n '/^From:/,/^ *550/p;/^ *550/q'

step 'what became of that letter: the collector has every event'
has_told() { mtatrace --to nobody.here@demo.test | grep -q msg.done; }
wait_for 60 has_told
show 'mtatrace --to nobody.here@demo.test'
step 'what happened in all, and is anything missing'
has_counted() { mtacollect totals --json | grep -q '"received":4[5-9]'; }
wait_for 60 has_counted
show 'mtacollect totals'
case $(mtacollect totals) in
*' missing in '*)
	echo 'What is missing the killed processes had not written yet.'
	;;
esac

cat <<END

The mail system is running. To use it:

    . $d/env    # its programs on the PATH, pointed at it
    mtactl status
    mtatop                   # live: flow, messages, hosts; F1 helps
    mtactl queue list        # and: queue why ID, hosts list, route a@b.c
    echo hello | sendmail bob@demo.test
    cat $d/mail/bob/new/*
    tail -f $d/log/events.*.jsonl
    mtacollect totals        # and: mtatrace --to bob@demo.test
    man mtactl               # and: mtacollect, mtatrace, mtad, mtad.conf, aliases, mta-events

SMTP is at 127.0.0.1 port $smtp. ./bootstrap stop ends it all.
END
