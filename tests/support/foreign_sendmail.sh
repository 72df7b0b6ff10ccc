# shellcheck shell=sh disable=SC2086,SC2034,SC2046,SC2154,SC2174
# sendmail: see foreign_logs.sh.
SMD=$PEERS/sendmail/usr/libexec/sendmail CF=$PEERS/sendmail/usr/share/sendmail/cf/
Q=/var/spool/mqueue

conf_sendmail() {
	cp "$SMD/sendmail" $W/sendmail
	mkdir -p $W/sm $Q
	chmod 700 $Q
	chmod 755 /srv $W $W/sm
	printf '%s\n' 'team: alice, bob' 'away: ok@example.com' 'big: carol' \
	    'lost: gone' 'fails: "|/bin/false"' 'postmaster: carol' \
	    'list: alice, ok@example.com' 'owner-list: carol' \
	    'mailer-daemon: carol' 'filtered: alice' >$W/sm/aliases
	printf 'hosts files\naliases files\n' >$W/sm/service.switch
	printf 'example.org\n' >$W/sm/local-host-names
	printf '%s\n' 'example.com esmtp:[mx.example.com]' \
	    'dead.example.com esmtp:[dead.example.com]' \
	    'error.example.org error:5.1.2:550 mail for it is not taken' |
	    "$SMD/makemap" -C $W/sm/none hash $W/sm/mailertable 2>/dev/null ||
	    true
	cat >$W/sm/m.mc <<-X
	OSTYPE(\`linux')dnl
	define(\`QUEUE_DIR',\`$Q')dnl
	define(\`confPID_FILE',\`$W/sm/pid')dnl
	define(\`STATUS_FILE',\`$W/sm/statistics')dnl
	define(\`HELP_FILE',\`')dnl
	define(\`ALIAS_FILE',\`$W/sm/aliases')dnl
	define(\`confCW_FILE',\`$W/sm/local-host-names')dnl
	define(\`confSERVICE_SWITCH_FILE',\`$W/sm/service.switch')dnl
	define(\`confDOMAIN_NAME',\`mail.example.org')dnl
	define(\`confDONT_PROBE_INTERFACES',\`True')dnl
	define(\`confTO_IDENT',\`0s')dnl
	define(\`confMAX_MESSAGE_SIZE',\`1000000')dnl
	define(\`confTO_QUEUEWARN',\`2s')dnl
	define(\`confTO_QUEUERETURN',\`'SM_RETURN)dnl
	define(\`confMIN_QUEUE_AGE',\`0')dnl
	define(\`confLOG_LEVEL',\`9')dnl
	define(\`confBAD_RCPT_THROTTLE',\`3')dnl
	define(\`PROCMAIL_MAILER_PATH',\`/usr/bin/procmail')dnl
	undefine(\`UUCP_RELAY')dnl
	undefine(\`BITNET_RELAY')dnl
	FEATURE(\`no_default_msa')dnl
	FEATURE(\`use_cw_file')dnl
	FEATURE(\`accept_unresolvable_domains')dnl
	FEATURE(\`accept_unqualified_senders')dnl
	FEATURE(\`nocanonify')dnl
	FEATURE(\`local_procmail')dnl
	FEATURE(\`mailertable',\`hash -o $W/sm/mailertable.db')dnl
	FEATURE(\`access_db',\`hash -o -T<TMPF> $W/sm/access.db')dnl
	FEATURE(\`blacklist_recipients')dnl
	DAEMON_OPTIONS(\`Family=inet, Name=MTA, Addr=192.0.2.1, Port=25')dnl
	DAEMON_OPTIONS(\`Family=inet, Name=MTA2, Addr=127.0.0.1, Port=25')dnl
	INPUT_MAIL_FILTER(\`filter', \`S=inet:8899@127.0.0.1')dnl
	MAILER(\`local')dnl
	MAILER(\`smtp')dnl
	X
	sendmail_cf 5d
	printf '%s\n' 'example.com esmtp:[mx.example.com]' \
	    'dead.example.com esmtp:[dead.example.com]' \
	    'error.example.org error:5.1.2:550 mail for it is not taken' |
	    "$SMD/makemap" -C $W/sm/m.cf hash $W/sm/mailertable
	printf '%s\t%s\n' 'Connect:198.51.100.66' 'ERROR:"554 5.7.1 not you"' \
	    'Connect:127.0.0.1' RELAY 'From:bad@example.net' 'ERROR:"550 5.1.8 not this sender"' \
	    'From:temp@example.net' 'ERROR:"450 4.7.1 come back"' \
	    'From:discard@example.net' DISCARD \
	    'From:hold@example.net' 'QUARANTINE:look at it' \
	    'To:refused@example.org' 'ERROR:"550 5.7.1 not this recipient"' |
	    "$SMD/makemap" -C $W/sm/m.cf hash $W/sm/access
	touch $W/sm/statistics
	sm -bi
}

sendmail_cf() { # RETURN
	m4 -D_CF_DIR_="$CF" -DSM_RETURN="\`$1'" "$CF/m4/cf.m4" $W/sm/m.mc >$W/sm/m.cf
	printf 'HSubject: $>CheckSubject\nSCheckSubject\nRrefuse $*\t$#error $@ 5.7.1 $: "550 5.7.1 this subject is refused"\n' >>$W/sm/m.cf
}

sm() { $W/sendmail -C $W/sm/m.cf "$@"; }

sendmail_own() {
	mail bad@example.net alice@example.org
	mail temp@example.net alice@example.org
	mail discard@example.net alice@example.org subject=discarded
	mail hold@example.net alice@example.org subject=held
	mail sender@example.net refused@example.org
	mail sender@example.net alice@example.org subject='refuse it'
	mail sender@example.net lost@example.org subject=alias-lost
	mail sender@example.net fails@example.org subject=commands
	mail sender@example.net '' junk='GET / HTTP/1.1'
	mail sender@example.net list@example.org subject=list
	inside alice@example.org ok@error.example.org subject=to-error
	inside alice@example.org ok@nowhere.example.edu subject=unroutable
	inside alice@example.org bob@example.org,ok@example.com \
	    notify=NOTIFY=SUCCESS subject=told
	printf 'Subject: picked-up\n\nx\n' | sm -f alice@example.org bob@example.org
	printf 'Subject: local-lost\n\nx\n' | sm -f alice@example.org gone@example.org || true
}

run_sendmail() {
	world traditional
	conf_sendmail
	sm -bd -q1h
	listening 25
	dialogues
	filtered
	sendmail_own
	wait_for 'stat=Deferred' 4
	sleep 2
	sm -q
	wait_for 'stat=Deferred' 8
	kill "$(head -n 1 $W/sm/pid)"
	sendmail_cf 1s
	sm -bd -q1h
	listening 25
	sm -q
	wait_for 'Cannot send message for' 4
	sleep 1
	kill "$(head -n 1 $W/sm/pid)"
	sm -O LogLevel=14 -bd
	listening 25
	mail sender@example.net alice@example.org subject=all-one
	inside alice@example.org no@example.com,ok@example.com subject=all-two
	mail sender@example.net nouser@example.org
	wait_for 'all-two'
	wait_for 'done; ' 3
	kill "$(head -n 1 $W/sm/pid)"
	sleep .3
}
