# Fuzz targets: configure CC=clang --enable-fuzzing, then make fuzz_NAME. Seeds
# are in tests/fuzz/corpus/NAME; tests/fuzz/run runs all of them.
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/run
if FUZZING
FUZZ_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad \
	-I$(top_srcdir)/tests/support
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
FUZZ_LIBS = mtad/libmtad.a lib/libmta.a $(EVENT_LIBS) $(SECCOMP_LIBS) \
	$(JANSSON_LIBS) $(UNBOUND_LIBS) $(IDN2_LIBS) $(ZLIB_LIBS) \
	-lresolv -lpthread

# shared by the processes
noinst_PROGRAMS += fuzz_proto
fuzz_proto_SOURCES = tests/fuzz/fuzz_proto.c
fuzz_proto_CPPFLAGS = $(FUZZ_CPPFLAGS)
fuzz_proto_LDFLAGS = $(FUZZ_LINK)
fuzz_proto_LDADD = $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_conf
fuzz_conf_SOURCES = tests/fuzz/fuzz_conf.c \
	mtad/conf_parse.c mtad/conf_parse.h
fuzz_conf_CPPFLAGS = $(FUZZ_CPPFLAGS)
fuzz_conf_LDFLAGS = $(FUZZ_LINK)
fuzz_conf_LDADD = $(FUZZ_LIBS) $(CONFUSE_LIBS)
# what a log says
noinst_PROGRAMS += fuzz_framing
fuzz_framing_SOURCES = tests/fuzz/fuzz_framing.c \
	monitor/framing.c monitor/framing.h
fuzz_framing_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/monitor
fuzz_framing_LDFLAGS = $(FUZZ_LINK)
fuzz_framing_LDADD = $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_event_read
fuzz_event_read_SOURCES = tests/fuzz/fuzz_event_read.c
fuzz_event_read_CPPFLAGS = $(FUZZ_CPPFLAGS)
fuzz_event_read_LDFLAGS = $(FUZZ_LINK)
fuzz_event_read_LDADD = $(FUZZ_LIBS)
# what clients say
noinst_PROGRAMS += fuzz_address
fuzz_address_SOURCES = tests/fuzz/fuzz_address.c
fuzz_address_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
fuzz_address_LDFLAGS = $(FUZZ_LINK)
fuzz_address_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_body
fuzz_body_SOURCES = tests/fuzz/fuzz_body.c
fuzz_body_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
fuzz_body_LDFLAGS = $(FUZZ_LINK)
fuzz_body_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_command
fuzz_command_SOURCES = tests/fuzz/fuzz_command.c
fuzz_command_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
fuzz_command_LDFLAGS = $(FUZZ_LINK)
fuzz_command_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_drop
fuzz_drop_SOURCES = tests/fuzz/fuzz_drop.c
fuzz_drop_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
fuzz_drop_LDFLAGS = $(FUZZ_LINK)
fuzz_drop_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_header
fuzz_header_SOURCES = tests/fuzz/fuzz_header.c
fuzz_header_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
fuzz_header_LDFLAGS = $(FUZZ_LINK)
fuzz_header_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_params
fuzz_params_SOURCES = tests/fuzz/fuzz_params.c
fuzz_params_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
fuzz_params_LDFLAGS = $(FUZZ_LINK)
fuzz_params_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_session
fuzz_session_SOURCES = tests/fuzz/fuzz_session.c \
	tests/support/smtpd_world.c tests/support/smtpd_world.h
fuzz_session_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
fuzz_session_LDFLAGS = $(FUZZ_LINK)
fuzz_session_LDADD = mtad/smtpd/libsmtpd.a $(FUZZ_LIBS)
# what disks and operators say
QUEUE_WORLD = tests/support/queue_world.c tests/support/queue_world.h
noinst_PROGRAMS += fuzz_filter
fuzz_filter_SOURCES = tests/fuzz/fuzz_filter.c
fuzz_filter_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/queue
fuzz_filter_LDFLAGS = $(FUZZ_LINK)
fuzz_filter_LDADD = mtad/queue/libqueue.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_control
fuzz_control_SOURCES = tests/fuzz/fuzz_control.c $(QUEUE_WORLD)
fuzz_control_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/queue
fuzz_control_LDFLAGS = $(FUZZ_LINK) -Wl,--wrap=file_pwrite_all
fuzz_control_LDADD = mtad/queue/libqueue.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_recover
fuzz_recover_SOURCES = tests/fuzz/fuzz_recover.c $(QUEUE_WORLD)
fuzz_recover_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/queue
fuzz_recover_LDFLAGS = $(FUZZ_LINK) -Wl,--wrap=file_pwrite_all
fuzz_recover_LDADD = mtad/queue/libqueue.a $(FUZZ_LIBS)
# what servers and name servers say
noinst_PROGRAMS += fuzz_dns_answer
fuzz_dns_answer_SOURCES = tests/fuzz/fuzz_dns_answer.c
fuzz_dns_answer_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/remote
fuzz_dns_answer_LDFLAGS = $(FUZZ_LINK)
fuzz_dns_answer_LDADD = mtad/remote/libremote.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_remote_client
fuzz_remote_client_SOURCES = tests/fuzz/fuzz_remote_client.c
fuzz_remote_client_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/remote
fuzz_remote_client_LDFLAGS = $(FUZZ_LINK)
fuzz_remote_client_LDADD = mtad/remote/libremote.a $(FUZZ_LIBS)
# what users say
noinst_PROGRAMS += fuzz_aliases
fuzz_aliases_SOURCES = tests/fuzz/fuzz_aliases.c
fuzz_aliases_CPPFLAGS = $(FUZZ_CPPFLAGS) \
	-I$(top_srcdir)/mtad/lookup -I$(top_srcdir)/mtad/local
fuzz_aliases_LDFLAGS = $(FUZZ_LINK)
fuzz_aliases_LDADD = mtad/lookup/liblookup.a mtad/local/liblocal.a $(FUZZ_LIBS)
noinst_PROGRAMS += fuzz_outgoing
fuzz_outgoing_SOURCES = tests/fuzz/fuzz_outgoing.c
fuzz_outgoing_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/mtad/ctl
fuzz_outgoing_LDFLAGS = $(FUZZ_LINK)
fuzz_outgoing_LDADD = mtad/ctl/libsendmail.a $(FUZZ_LIBS)
# what other mailers and the servers they speak to say
noinst_PROGRAMS += fuzz_foreign
fuzz_foreign_SOURCES = tests/fuzz/fuzz_foreign.c
fuzz_foreign_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/monitor \
	-I$(top_srcdir)/monitor/foreign
fuzz_foreign_LDFLAGS = $(FUZZ_LINK)
fuzz_foreign_LDADD = monitor/foreign/libforeign.a lib/libmta.a
noinst_PROGRAMS += fuzz_reason
fuzz_reason_SOURCES = tests/fuzz/fuzz_reason.c
fuzz_reason_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/monitor
fuzz_reason_LDFLAGS = $(FUZZ_LINK)
fuzz_reason_LDADD = monitor/foreign/libforeign.a lib/libmta.a
noinst_PROGRAMS += fuzz_privacy
fuzz_privacy_SOURCES = tests/fuzz/fuzz_privacy.c
fuzz_privacy_CPPFLAGS = $(FUZZ_CPPFLAGS) -I$(top_srcdir)/monitor
fuzz_privacy_LDFLAGS = $(FUZZ_LINK)
fuzz_privacy_LDADD = $(MONITOR_LIBS)
endif
