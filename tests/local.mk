# Unit tests: one Check program a row, run by make check. Whole-system stories
# are run by tests/run on an installed tree.
UNIT_LIBS = mtad/libmtad.a lib/libmta.a $(CHECK_LIBS) $(EVENT_LIBS) \
	$(SECCOMP_LIBS) $(JANSSON_LIBS) -lpthread
UNIT_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad \
	-I$(top_srcdir)/tests/support $(CHECK_CFLAGS)
UNIT = tests/support/unit.c tests/support/unit.h

check_PROGRAMS += test_basics test_mail test_queue test_ctl \
	test_aliases test_deliver test_forward test_lookup test_local \
	test_sendmail
TESTS += $(check_PROGRAMS)
test_basics_SOURCES = $(UNIT) tests/unit/lib/test_basics.c
test_basics_CPPFLAGS = $(UNIT_CPPFLAGS)
test_basics_LDADD = $(UNIT_LIBS)
test_mail_SOURCES = $(UNIT) tests/unit/lib/test_mail.c
test_mail_CPPFLAGS = $(UNIT_CPPFLAGS)
test_mail_LDADD = $(UNIT_LIBS)
check_PROGRAMS += test_best
test_best_SOURCES = $(UNIT) tests/unit/mtad/queue/test_best.c
test_best_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/queue
test_best_LDADD = mtad/queue/libqueue.a $(UNIT_LIBS)
check_PROGRAMS += test_snapshot
test_snapshot_SOURCES = $(UNIT) tests/unit/mtad/queue/test_snapshot.c
test_snapshot_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/queue
test_snapshot_LDADD = mtad/queue/libqueue.a $(UNIT_LIBS) $(ZLIB_LIBS)
check_PROGRAMS += test_checkpoint
test_checkpoint_SOURCES = $(UNIT) tests/unit/mtad/queue/test_checkpoint.c \
	tests/support/queue_world.c tests/support/queue_world.h
test_checkpoint_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/queue
test_checkpoint_LDADD = mtad/queue/libqueue.a $(UNIT_LIBS) $(ZLIB_LIBS)
check_PROGRAMS += test_shares
test_shares_SOURCES = $(UNIT) tests/unit/mtad/queue/test_shares.c \
	tests/support/queue_world.c tests/support/queue_world.h
test_shares_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/queue
test_shares_LDADD = mtad/queue/libqueue.a $(UNIT_LIBS) $(ZLIB_LIBS)
check_PROGRAMS += test_claims
test_claims_SOURCES = $(UNIT) tests/unit/mtad/queue/test_claims.c \
	tests/support/queue_world.c tests/support/queue_world.h
test_claims_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/queue
test_claims_LDADD = mtad/queue/libqueue.a $(UNIT_LIBS) $(ZLIB_LIBS)
test_queue_SOURCES = $(UNIT) tests/unit/mtad/queue/test_queue.c
test_queue_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/queue
test_queue_LDADD = mtad/queue/libqueue.a $(UNIT_LIBS) $(ZLIB_LIBS)
test_ctl_SOURCES = $(UNIT) tests/unit/mtad/ctl/test_ctl.c
test_ctl_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/ctl
test_ctl_LDADD = mtad/ctl/libsendmail.a $(UNIT_LIBS)
test_aliases_SOURCES = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/unit/mtad/lookup/test_aliases.c
test_aliases_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/lookup
test_aliases_LDADD = mtad/lookup/liblookup.a $(UNIT_LIBS)
test_deliver_SOURCES = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/unit/mtad/local/test_deliver.c
test_deliver_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/local
test_deliver_LDADD = mtad/local/liblocal.a $(UNIT_LIBS)
test_forward_SOURCES = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/unit/mtad/local/test_forward.c
test_forward_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/local
test_forward_LDADD = mtad/local/liblocal.a $(UNIT_LIBS)
# the real process; the test is its parent and its peer
RIG = $(UNIT) tests/support/rig.c tests/support/rig.h \
	tests/support/tmp.c tests/support/tmp.h
test_lookup_SOURCES = $(RIG) tests/unit/mtad/lookup/test_lookup.c
test_lookup_CPPFLAGS = $(UNIT_CPPFLAGS)
test_lookup_LDADD = $(UNIT_LIBS)
test_local_SOURCES = $(RIG) tests/unit/mtad/local/test_local.c
test_local_CPPFLAGS = $(UNIT_CPPFLAGS)
test_local_LDADD = $(UNIT_LIBS)
test_sendmail_SOURCES = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/unit/mtad/ctl/test_sendmail.c
test_sendmail_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/ctl
test_sendmail_LDADD = mtad/ctl/libsendmail.a $(UNIT_LIBS)
include tests/fuzz/local.mk
include tests/unit/lib/local.mk
include tests/unit/mtad/smtpd/local.mk
EXTRA_DIST += tests/run tests/style tests/e2e tests/fault tests/bench \
	tests/support/collect_man.py tests/support/collector.py tests/support/conf_man.py tests/support/event_man.py \
	tests/support/fill.py tests/support/man_check.py tests/support/demo.sh \
	tests/support/load.py tests/support/mtad.py tests/support/pty_screen.py \
	tests/support/pty_tmux.py \
	tests/support/sink.py

include tests/unit/monitor/local.mk
include tests/unit/mtad/remote/local.mk
include tests/dialogue/remote/local.mk
include tests/unit/monitor/foreign/local.mk
include tests/unit/tui/local.mk
# Whole folders are taken along: not what was built in them.
dist-hook:
	find $(distdir)/tests -path '*/data' -prune -o \( -name '*.o' -o -name '*.log' -o -name '*.trs' \
	    -o -name .deps -o -name .dirstamp -o -name __pycache__ \) -prune \
	    -exec rm -rf {} +
	rm -f $(distdir)/tests/dialogue/remote/stories

# measured by hand: make tests/bench/spool
EXTRA_PROGRAMS += tests/bench/spool
tests_bench_spool_SOURCES = tests/bench/spool.c
tests_bench_spool_CPPFLAGS = $(MTAD_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
tests_bench_spool_LDADD = mtad/smtpd/libsmtpd.a $(MTAD_LIBS)
EXTRA_PROGRAMS += tests/bench/collect_events
tests_bench_collect_events_SOURCES = tests/bench/collect_events.c
tests_bench_collect_events_LDADD = lib/libmta.a
