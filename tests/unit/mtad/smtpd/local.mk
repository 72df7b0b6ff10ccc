# unit tests of mtad-smtpd
check_PROGRAMS += test_access
test_access_SOURCES = $(UNIT) tests/unit/mtad/smtpd/test_access.c
test_access_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
test_access_LDADD = mtad/smtpd/libsmtpd.a $(UNIT_LIBS)
check_PROGRAMS += test_body
test_body_SOURCES = $(UNIT) tests/unit/mtad/smtpd/test_body.c
test_body_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
test_body_LDADD = mtad/smtpd/libsmtpd.a $(UNIT_LIBS)
check_PROGRAMS += test_fsm
test_fsm_SOURCES = $(UNIT) tests/unit/mtad/smtpd/test_fsm.c
test_fsm_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
test_fsm_LDADD = mtad/smtpd/libsmtpd.a $(UNIT_LIBS)
check_PROGRAMS += test_params
test_params_SOURCES = $(UNIT) tests/unit/mtad/smtpd/test_params.c
test_params_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
test_params_LDADD = mtad/smtpd/libsmtpd.a $(UNIT_LIBS)
check_PROGRAMS += test_session
test_session_SOURCES = $(UNIT) tests/unit/mtad/smtpd/test_session.c tests/support/smtpd_world.c \
	tests/support/smtpd_world.h
test_session_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
test_session_LDADD = mtad/smtpd/libsmtpd.a $(UNIT_LIBS)
check_PROGRAMS += test_store
test_store_SOURCES = $(UNIT) tests/unit/mtad/smtpd/test_store.c
test_store_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/mtad/smtpd
test_store_LDADD = mtad/smtpd/libsmtpd.a $(UNIT_LIBS)
