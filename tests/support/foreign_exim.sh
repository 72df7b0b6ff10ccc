# shellcheck shell=sh disable=SC2086,SC2034,SC2046,SC2154,SC2174
# Exim: see foreign_logs.sh. Its main log, first as it is by default, then with
# process ids and the time zone.
EX=$W/exim4

conf_exim() {
	cp "$PEERS/exim/usr/sbin/exim4" $EX
	chmod 4755 $EX
	mkdir -p $W/log /var/spool/exim
	chown Debian-exim $W/log /var/spool/exim
	mount -t tmpfs tmpfs /etc/exim4 -o mode=755
	chown root:root /srv $W
	printf '%s\n' 'team: alice, bob' 'away: ok@example.com' 'big: carol' \
	    'lost: gone' 'fails: "|/bin/false"' 'void: :blackhole:' \
	    'refuses: :fail: not here any more' 'postmaster: carol' >$W/aliases
	cat >/etc/exim4/exim4.conf <<-X
	primary_hostname = mail.example.org
	exim_path = $EX
	spool_directory = /var/spool/exim
	log_file_path = $W/log/%slog
	pid_file_path = $W/exim.pid
	local_interfaces = 192.0.2.1 : 127.0.0.1
	domainlist local_domains = example.org : mail.example.org
	hostlist relay_from_hosts = 127.0.0.1
	tls_advertise_hosts =
	never_users = root
	rfc1413_hosts =
	host_lookup = *
	host_lookup_order = byaddr
	dns_ipv4_lookup =
	message_size_limit = 1M
	delay_warning = 1s
	ignore_bounce_errors_after = 1s
	timeout_frozen_after = 7d
	acl_smtp_connect = acl_connect
	acl_smtp_helo = acl_helo
	acl_smtp_mail = acl_mail
	acl_smtp_rcpt = acl_rcpt
	acl_smtp_data = acl_data
	keep_environment =
	queue_run_max = 1
	smtp_enforce_sync = true
	$1
	begin acl
	acl_connect:
	  deny message = not you
	       hosts = 198.51.100.66
	  accept
	acl_helo:
	  deny message = nor you
	       condition = \${if eq{\$sender_helo_name}{worse.example.net}}
	  accept
	acl_mail:
	  deny message = not this sender
	       senders = bad@example.net
	  defer message = come back
	       senders = temp@example.net
	  discard senders = discard@example.net
	  accept
	acl_rcpt:
	  warn senders = hold@example.net
	       control = freeze
	  accept hosts = +relay_from_hosts
	  require message = relay not permitted
	       domains = +local_domains
	  require verify = recipient
	  accept
	acl_data:
	  deny message = this subject is refused
	       condition = \${if match{\$h_subject:}{refuse}}
	  accept
	begin routers
	away:
	  driver = manualroute
	  domains = ! +local_domains
	  transport = smtp
	  route_list = *.example.com \$domain byname ; \
	               example.com mx.example.com byname ; \
	               *.example.org 203.0.113.5
	  no_more
	aliases:
	  driver = redirect
	  data = \${lookup{\$local_part}lsearch{$W/aliases}}
	  allow_fail
	  allow_defer
	  pipe_transport = pipe
	  user = benchmail
	users:
	  driver = accept
	  check_local_user
	  transport = box
	begin transports
	smtp:
	  driver = smtp
	  hosts_avoid_tls = *
	  dnssec_request_domains =
	box:
	  driver = appendfile
	  file = /var/mail/\$local_part_data
	pipe:
	  driver = pipe
	begin retry
	* * F,$2
	X
	chmod 644 /etc/exim4/exim4.conf $W/aliases
}

exim_start() {
	$EX -bd -q1h & # stays in front: its parent is the first process here
	listening 25
}

exim_stop() { kill "$(cat $W/exim.pid)"; sleep .3; }

exim_own() {
	mail sender@example.net alice@example.org helo=worse.example.net
	mail bad@example.net alice@example.org
	mail temp@example.net alice@example.org
	mail discard@example.net alice@example.org subject=discarded
	mail sender@example.net alice@example.org subject=refuse
	mail hold@example.net alice@example.org subject=held
	mail sender@example.net lost@example.org subject=alias-lost
	mail sender@example.net fails@example.org,void@example.org subject=commands
	mail sender@example.net refuses@example.org
	mail sender@example.net '' junk='GET / HTTP/1.1'
	inside alice@example.org ok@nowhere.example.edu subject=unroutable
	printf 'Subject: picked-up\n\nx\n' | $EX -f alice@example.org bob@example.org
	printf 'Subject: local-lost\n\nx\n' | $EX -f alice@example.org gone@example.org
}

run_exim() {
	world traditional
	touch "$log"
	conf_exim 'log_selector = -queue_run' '10s,1s'
	exim_start
	dialogues
	exim_own
	real=$log log=$W/log/mainlog
	wait_for ' == ' 4
	set -- $($EX -bp | sed -n 's/^ *[^ ]* *[^ ]* *\([^ ]*\) .*frozen.*/\1/p')
	[ $# = 0 ] || $EX -Mt "$1"
	set -- $($EX -bp | sed -n 's/^ *[^ ]* *[^ ]* *\([0-9A-Za-z-]*\) <alice.*/\1/p')
	$EX -Mf "$1"
	$EX -Mt "$1"
	$EX -Mrm "$2"
	exim_stop
	conf_exim 'log_selector = +pid +smtp_connection +smtp_confirmation +delivery_size +queue_time +deliver_time +received_recipients
	log_timezone = true' '1s,1s'
	exim_start
	mail sender@example.net alice@example.org,bob@example.org subject=late-one
	inside alice@example.org no@example.com,ok@example.com subject=late-two
	mail sender@example.net nouser@example.org
	sleep 2
	$EX -qff
	wait_for 'retry timeout exceeded' 3
	wait_for 'Completed' 20
	sleep 1
	exim_stop
	conf_exim 'log_selector = +all' '1s,1s'
	exim_start
	mail sender@example.net alice@example.org subject=all-one
	inside alice@example.org no@example.com,ok@example.com subject=all-two
	mail sender@example.net nouser@example.org
	mail sender@example.net '' junk='GET / HTTP/1.1'
	inside alice@example.org later@example.com subject=all-later
	wait_for 'all-later'
	sleep 1
	exim_stop
	cp "$log" "$real"
}
