# shellcheck shell=sh disable=SC2086,SC2034,SC2046,SC2154,SC2174
# OpenSMTPD: see foreign_logs.sh.
conf_opensmtpd() {
	mkdir -p /var/spool/smtpd /var/lib/opensmtpd/empty
	chmod 711 /var/spool/smtpd
	mount -t tmpfs tmpfs /run -o mode=755
	cp "$PEERS/opensmtpd/usr/sbin/smtpctl" $W/smtpctl
	chgrp opensmtpq $W/smtpctl
	chmod 2755 $W/smtpctl
	ln -sf smtpctl $W/sendmail
	printf '%s\n' 'team: alice, bob' 'away: ok@example.com' 'big: carol' \
	    'lost: gone' 'fails: "|/bin/false"' 'postmaster: carol' \
	    'alice: alice' 'bob: bob' 'carol: carol' >$W/aliases
	cat >$W/smtpd.conf <<-X
	table aliases file:$W/aliases
	smtp max-message-size 1M
	queue ttl $1
	bounce warn-interval 2s
	filter "client" phase connect match src 198.51.100.66 disconnect "554 5.7.1 not you"
	filter "helo" phase ehlo match helo "worse.example.net" reject "550 5.7.1 nor you"
	filter "sender" phase mail-from match mail-from "bad@example.net" reject "550 5.1.8 not this sender"
	filter "temp" phase mail-from match mail-from "temp@example.net" reject "450 4.7.1 come back"
	filter "rcpt" phase rcpt-to match rcpt-to "refused@example.org" reject "550 5.7.1 not this recipient"
	filter "all" chain { "client", "helo", "sender", "temp", "rcpt" }
	listen on 192.0.2.1 hostname mail.example.org filter "all"
	listen on 127.0.0.1 hostname mail.example.org filter "all"
	listen on socket
	action "box" mbox alias <aliases>
	action "out" relay host smtp://203.0.113.5
	action "dead" relay host smtp://203.0.113.6
	match from any for domain "example.org" action "box"
	match from any for domain "mail.example.org" action "box"
	match from local for domain "dead.example.com" action "dead"
	match from local for domain "example.com" action "out"
	match from local for domain "example.net" action "out"
	match from local for any action "out"
	X
	chmod 644 $W/smtpd.conf $W/aliases
}

smtpd_start() {
	"$PEERS/opensmtpd/usr/sbin/smtpd" -f $W/smtpd.conf
	listening 25
}

opensmtpd_own() {
	mail sender@example.net alice@example.org helo=worse.example.net
	mail bad@example.net alice@example.org
	mail temp@example.net alice@example.org
	mail sender@example.net refused@example.org
	mail sender@example.net lost@example.org subject=alias-lost
	mail sender@example.net fails@example.org subject=commands
	mail sender@example.net '' junk='GET / HTTP/1.1'
	inside alice@example.org bob@example.org,ok@example.com \
	    notify=NOTIFY=SUCCESS subject=told
	printf 'Subject: picked-up\n\nx\n' |
	    $W/sendmail -f alice@example.org bob@example.org || true
}

ctl() { $W/smtpctl "$@"; }

run_opensmtpd() {
	world iso
	conf_opensmtpd 4d
	smtpd_start
	dialogues
	opensmtpd_own
	wait_for 'result="TempFail"' 4
	set -- $(ctl show queue | cut -d'|' -f1)
	ctl pause envelope "$1"
	ctl resume envelope "$1"
	ctl remove "$2"
	kill "$(pgrep -o -f 'smtpd -f')"
	sleep 1
	conf_opensmtpd 1s
	smtpd_start
	wait_for 'result="Expired"' 3 || ctl schedule all
	sleep 3
	kill "$(pgrep -o -f 'smtpd -f')"
	sleep .5
}
