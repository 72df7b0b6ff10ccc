#!/bin/sh
# The demo: a whole mail system in one folder, real messages through it, a
# kill -9 of all of it in the midst. usage: demo.sh PROGRAMS STATE
set -eu
bin=$1 d=$2
here=$(cd "$(dirname "$0")" && pwd)
smtp=2525 remote=2626

step() { printf '\n== %s\n' "$*"; }
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
has_files() { # N FOLDER
	[ "$(find "$2" -type f ! -name '*.tmp' | wc -l)" -ge "$1" ]
}
start() { "$bin/sbin/mtad" -F -f "$d/mtad.conf" >>"$d/mtad.out" 2>&1 & }
up() { mtactl status; }

mkdir -p "$d/mail" "$d/remote"
owner=
if [ "$(id -u)" = 0 ]; then
	owner=nobody
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
route "dead.test" { Host = "[127.0.0.1]:2627" }
route "*" { Host = "[127.0.0.1]:$remote" }
CONF
printf 'alice\nbob\ncarol\n' >"$d/users"
printf 'postmaster: alice@demo.test\nteam: alice@demo.test, bob@demo.test\n' >"$d/aliases"
cat >"$d/env" <<ENV
PATH=$bin/sbin:$bin/bin:$bin/libexec/mtad:\$PATH
MTAD_CONF=$d/mtad.conf
export PATH MTAD_CONF
ENV
# shellcheck disable=SC1091
. "$d/env"

step "starting a server next door (port $remote) and mtad (port $smtp)"
python3 "$here/sink.py" $remote "$d/remote" </dev/null >"$d/sink.out" 2>&1 &
echo $! >"$d/sink.pid"
start
wait_for 20 up
mtactl status

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
printf 'To: bob@demo.test\nBcc: carol@demo.test\nSubject: from a script\n\nBy sendmail.\n' |
    sendmail -t -f alice@demo.test

step 'mail by sendmail to nobody.here@demo.test: its notice comes back'
echo 'A letter to somebody who is not here.' |
    sendmail -f alice@demo.test nobody.here@demo.test

step 'mail for dead.test, which does not answer'
echo 'This one waits.' | sendmail -f alice@demo.test x@dead.test
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
echo "killed $parent" $kids
start
wait_for 20 up
wait "$client"
wait_for 20 has_files 41 "$d/remote"
mtactl status

step 'the queue: what waits for dead.test'
mailq
mtactl queue why "$(mtactl -j queue list to:@dead.test | sed -n 's/.*"id":"\([^"]*\)".*/\1/p' | head -1)"

step 'the mailboxes'
find "$d/mail" -type f | sed "s|$d/||" | sort
echo "next door: $(find "$d/remote" -type f | wc -l) messages"
step 'the notice that alice got'
grep -l 'could not be delivered' "$d"/mail/alice/new/* | head -1 | xargs sed -n '1,30p'

step 'the events, the last ten'
tail -q -n 10 "$d"/log/events.*.jsonl | tail -n 10 | cut -c 1-160

cat <<END

The mail system is running. To use it:

    . demo/env          # its programs on the PATH, pointed at it
    mtactl status
    mtactl queue list   # and: queue why ID, hosts list, route a@b.c
    echo hello | sendmail bob@demo.test
    tail -f $d/log/events.*.jsonl

./bootstrap stop ends it; ./bootstrap demo starts a new one.
END
