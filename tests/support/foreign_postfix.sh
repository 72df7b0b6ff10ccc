# shellcheck shell=sh disable=SC2086,SC2034,SC2046,SC2154,SC2174
# Postfix: see foreign_logs.sh.
P=$W/etc/postfix

conf_postfix() {
	mkdir -p $P $W/lib
	chown postfix $W/lib
	cp /etc/postfix/dynamicmaps.cf /etc/postfix/postfix-files $P/ 2>/dev/null
	sed -E 's/^(\S+\s+(inet|unix|fifo|unix-dgram)\s+\S+\s+\S+\s+)y(\s)/\1n\3/; s/^(pickup .*)60 /\12 /' \
	    /usr/share/postfix/master.cf.dist >$P/master.cf
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=mail.example.org \
	    -keyout $P/key.pem -out $P/cert.pem 2>/dev/null
	cat >>$P/master.cf <<-X
	192.0.2.1:587 inet n - n - - smtpd
	  -o syslog_name=postfix/submission
	  -o smtpd_client_restrictions=permit_mynetworks,reject
	192.0.2.2:25 inet n - n - 1 postscreen
	smtpd pass - - n - - smtpd
	dnsblog unix - - n - 0 dnsblog
	tlsproxy unix - - n - 0 tlsproxy
	out unix - - n - - smtp
	  -o syslog_name=postfix-out
	program unix - n n - - pipe
	  flags=Rq user=benchmail argv=/bin/\${nexthop}
	X
	cat >$P/main.cf <<-X
	compatibility_level = 3.6
	data_directory = $W/lib
	mail_owner = postfix
	setgid_group = postdrop
	myhostname = mail.example.org
	mydestination = example.org, mail.example.org
	mynetworks = 127.0.0.0/8, 192.0.2.1
	inet_protocols = ipv4
	inet_interfaces = 192.0.2.1, 127.0.0.1
	alias_maps = hash:$P/aliases
	transport_maps = texthash:$P/transport
	virtual_alias_maps = texthash:$P/virtual
	virtual_mailbox_domains = virtual.example.org
	virtual_mailbox_maps = texthash:$P/mailboxes
	virtual_mailbox_base = $W/virtual
	virtual_uid_maps = static:2097
	virtual_gid_maps = static:2097
	smtp_dns_support_level = disabled
	smtp_tls_security_level = none
	smtpd_tls_security_level = may
	smtpd_tls_cert_file = $P/cert.pem
	smtpd_tls_key_file = $P/key.pem
	smtpd_tls_loglevel = 1
	smtpd_delay_reject = no
	smtpd_helo_required = yes
	message_size_limit = 1000000
	mailbox_size_limit = 0
	minimal_backoff_time = 30s
	maximal_backoff_time = 30s
	queue_run_delay = 30s
	smtpd_client_restrictions = check_client_access texthash:$P/clients
	smtpd_helo_restrictions = check_helo_access texthash:$P/helos
	smtpd_sender_restrictions = check_sender_access texthash:$P/senders
	smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
	smtpd_recipient_restrictions = check_recipient_access texthash:$P/rcpts
	smtpd_data_restrictions = check_sender_access texthash:$P/datas
	smtpd_error_sleep_time = 0
	smtpd_soft_error_limit = 3
	smtpd_hard_error_limit = 4
	header_checks = regexp:$P/headers
	postscreen_greet_wait = 1s
	smtpd_milters = inet:127.0.0.1:8899
	milter_default_action = accept
	postscreen_greet_action = enforce
	notify_classes = 2bounce
	X
	printf '%s\n' 'team: alice, bob' 'away: ok@example.com' 'big: carol' \
	    'lost: gone' 'counted: "|/bin/cat >/dev/null"' \
	    'fails: "|/bin/false"' 'root: carol' \
	    'postmaster: root' \
	    'filtered: alice' >$P/aliases
	postalias -c $P hash:$P/aliases
	printf '%s\n' 'lmtp.example.org lmtp:inet:203.0.113.5:24' \
	    'true.example.org program:true' 'false.example.org program:false' \
	    'error.example.org error:5.1.2 mail for it is not taken' \
	    'void.example.org discard:silently' \
	    'out.example.com out:[mx.example.com]' \
	    'unreachable.example.com smtp:[203.0.113.9]' \
	    'loop.example.org smtp:[192.0.2.1]' >$P/transport
	printf 'info@example.org alice@example.org, ok@example.com\n' >$P/virtual
	printf 'vera@virtual.example.org vera/\n' >$P/mailboxes
	printf '198.51.100.66 554 5.7.1 not you\n' >$P/clients
	printf 'worse.example.net 550 5.7.1 nor you\n' >$P/helos
	printf '%s\n' 'bad@example.net 550 5.1.8 not this sender' \
	    'hold@example.net HOLD look at it' \
	    'discard@example.net DISCARD not wanted' \
	    'temp@example.net 450 4.7.1 come back' \
	    'warn@example.net WARN seen' >$P/senders
	printf 'refused@example.org REJECT\n' >$P/rcpts
	printf 'data@example.net 550 5.7.1 no data of yours\n' >$P/datas
	printf '%s\n' '/^Subject: refuse-header/ REJECT this subject' \
	    '/^Subject: hold-header/ HOLD this subject' \
	    '/^Subject: discard-header/ DISCARD this subject' \
	    '/^Subject: warn-header/ WARN this subject' >$P/headers
	mkdir -p -m 777 $W/virtual/vera
	chown 2097 $W/virtual/vera
	mkdir -p /var/spool/postfix
}

# Each stage's own refusal, and what Postfix alone has.
postfix_own() {
	mail sender@example.net alice@example.org helo=worse.example.net
	mail bad@example.net alice@example.org
	mail temp@example.net alice@example.org
	mail sender@example.net refused@example.org
	mail data@example.net alice@example.org
	mail warn@example.net alice@example.org subject=warned
	mail sender@example.net alice@example.org subject=refuse-header
	mail sender@example.net alice@example.org subject=hold-header
	mail sender@example.net alice@example.org subject=discard-header
	mail sender@example.net alice@example.org subject=warn-header
	mail hold@example.net alice@example.org subject=held
	mail discard@example.net alice@example.org subject=discarded
	mail sender@example.net alice@example.org subject=tls tls=1
	mail sender@example.net a@example.org,b@example.org,c@example.org,d@example.org,e@example.org
	mail sender@example.net '' junk='GET / HTTP/1.1'
	mail sender@example.net info@example.org subject=virtual-alias
	mail sender@example.net lost@example.org subject=alias-lost
	mail sender@example.net counted@example.org,fails@example.org subject=commands
	mail sender@example.net vera@virtual.example.org subject=virtual
	mail sender@example.net eve@virtual.example.org
	for d in lmtp true false error void unreachable loop; do
		inside alice@example.org ok@$d.example.org subject=to-$d
	done
	inside alice@example.org ok@unreachable.example.com subject=to-unreachable
	inside alice@example.org ok@out.example.com subject=to-out
	inside alice@example.org no@lmtp.example.org subject=to-lmtp-no
	talk mail 192.0.2.1 192.0.2.1 alice@example.org ok@out.example.com port=587 subject=submission
	inside alice@example.org ok@example.com,bob@example.org \
	    notify=NOTIFY=SUCCESS subject=told
	printf 'Subject: picked-up\n\nx\n' |
	    sendmail -C $P -f alice@example.org bob@example.org
	printf 'Subject: picked-up-lost\n\nx\n' |
	    sendmail -C $P -f '' nouser@example.org
	sendmail -C $P -bv alice@example.org nouser@example.org </dev/null
	talk mail $client 192.0.2.2 sender@example.net alice@example.org subject=screened
	talk mail $client 192.0.2.2 sender@example.net alice@example.org subject=screened-known
	talk mail 198.51.100.66 192.0.2.2 sender@example.net alice@example.org \
	    junk='EHLO too.soon' || true
}

ids() { # MARK: of the queued messages with it
	postqueue -c $P -j | sed -n "s/.*\"queue_name\": \"$1\", \"queue_id\": \"\([^\"]*\).*/\1/p"
}

run_postfix() {
	world traditional
	conf_postfix
	postfix -c $P start
	listening 25
	dialogues
	filtered
	postfix_own
	wait_for 'status=deferred' 5
	postqueue -c $P -f
	wait_for 'status=deferred' 10
	set -- $(ids hold)
	postsuper -c $P -H "$1"
	postsuper -c $P -d "$2"
	postsuper -c $P -d "$3"
	set -- $(ids deferred)
	postsuper -c $P -h "$1"
	postsuper -c $P -r "$2"
	wait_for 'pickup.*orig_id'
	wait_for "postsuper.*$1: placed on hold"
	postsuper -c $P -H "$1"
	postconf -c $P -e enable_long_queue_ids=yes delay_warning_time=1s
	postfix -c $P reload
	mail sender@example.net alice@example.org subject=long-one
	inside alice@example.org no@example.com,ok@example.com subject=long-two
	inside alice@example.org x@dead.example.com subject=long-dead
	sleep 1
	postqueue -c $P -f
	wait_for 'sender delay notification'
	postconf -c $P -e maximal_queue_lifetime=1s delay_warning_time=0
	postfix -c $P reload
	postqueue -c $P -f
	wait_for 'status=expired' 5
	wait_for 'sender non-delivery' 12
	postfix -c $P stop
}
