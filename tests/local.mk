# Unit tests: one Check program a row, run by make check. Whole-system stories
# are run by tests/run on an installed tree.
UNIT_LIBS = mtad/libmtad.a lib/libmta.a $(CHECK_LIBS) $(EVENT_LIBS) \
	$(SECCOMP_LIBS) $(JANSSON_LIBS) -lpthread
UNIT_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad \
	-I$(top_srcdir)/tests/support $(CHECK_CFLAGS)
UNIT = tests/support/unit.c tests/support/unit.h

check_PROGRAMS += test_basics test_mail test_smtpd test_queue test_ctl
TESTS += $(check_PROGRAMS)
test_basics_SOURCES = $(UNIT) tests/unit/lib/test_basics.c
test_basics_CPPFLAGS = $(UNIT_CPPFLAGS)
test_basics_LDADD = $(UNIT_LIBS)
test_mail_SOURCES = $(UNIT) tests/unit/lib/test_mail.c
test_mail_CPPFLAGS = $(UNIT_CPPFLAGS)
test_mail_LDADD = $(UNIT_LIBS)
test_smtpd_SOURCES = $(UNIT) tests/unit/mtad/smtpd/test_smtpd.c
test_smtpd_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
test_smtpd_LDADD = mtad/smtpd/libsmtpd.a $(UNIT_LIBS)
test_queue_SOURCES = $(UNIT) tests/unit/mtad/queue/test_queue.c
test_queue_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/queue
test_queue_LDADD = mtad/queue/libqueue.a $(UNIT_LIBS) $(ZLIB_LIBS)
test_ctl_SOURCES = $(UNIT) tests/unit/mtad/ctl/test_ctl.c \
	mtad/ctl/outgoing.c mtad/ctl/sendmail.h mtad/ctl/sendmail_options.c
test_ctl_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/ctl
test_ctl_LDADD = $(UNIT_LIBS)
EXTRA_DIST += tests/run tests/style tests/support tests/e2e

include tests/unit/mtad/remote/local.mk
include tests/dialogue/remote/local.mk
include tests/fuzz/remote.mk
