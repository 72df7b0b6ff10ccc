# Unit tests are TESTS of automake; whole-system ones are run by tests/run.
UNIT_LIBS = mtad/libmtad.a lib/libmta.a $(CHECK_LIBS) $(EVENT_LIBS) \
	$(SECCOMP_LIBS) $(JANSSON_LIBS) -lpthread
UNIT_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad -I$(top_srcdir)/tests/support \
	$(CHECK_CFLAGS)

include tests/unit/lib/local.mk
include tests/unit/mtad/smtpd/local.mk
include tests/unit/mtad/queue/local.mk
include tests/unit/mtad/remote/local.mk
include tests/unit/mtad/local/local.mk
include tests/unit/mtad/lookup/local.mk
include tests/unit/mtad/ctl/local.mk
include tests/dialogue/remote/local.mk
include tests/fuzz/local.mk
