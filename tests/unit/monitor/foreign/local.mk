# unit tests of what is read from other mailers' logs, and of reasons
FOREIGN_UNIT_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/monitor \
	-I$(top_srcdir)/monitor/foreign \
	-DTESTS_DATA='"$(abs_top_srcdir)/tests/data"' \
	-DTESTS_SUPPORT='"$(abs_top_srcdir)/tests/support"'
FOREIGN_UNIT_LIBS = monitor/foreign/libforeign.a $(UNIT_LIBS)
FOREIGN_EVENTS = $(UNIT) tests/support/foreign_events.c \
	tests/support/foreign_events.h

check_PROGRAMS += test_reason test_foreign_logs test_foreign_lines \
	test_pflogsumm
test_reason_SOURCES = $(UNIT) tests/unit/monitor/test_reason.c
test_reason_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
test_reason_LDADD = $(FOREIGN_UNIT_LIBS)
test_foreign_logs_SOURCES = $(FOREIGN_EVENTS) tests/unit/monitor/foreign/test_logs.c
test_foreign_logs_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
test_foreign_logs_LDADD = $(FOREIGN_UNIT_LIBS)
test_foreign_lines_SOURCES = $(FOREIGN_EVENTS) tests/unit/monitor/foreign/test_lines.c
test_foreign_lines_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
test_foreign_lines_LDADD = $(FOREIGN_UNIT_LIBS)
test_pflogsumm_SOURCES = $(FOREIGN_EVENTS) \
	tests/unit/monitor/foreign/test_pflogsumm.c
test_pflogsumm_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
test_pflogsumm_LDADD = $(FOREIGN_UNIT_LIBS)
EXTRA_DIST += tests/data tests/support/foreign_logs.sh \
	tests/support/foreign_exim.sh tests/support/foreign_opensmtpd.sh \
	tests/support/foreign_postfix.sh tests/support/foreign_sendmail.sh \
	tests/support/foreign_talk.py tests/support/postfix_day.py

# what a log becomes, for people and for measuring
EXTRA_PROGRAMS += tests/support/foreign_dump
tests_support_foreign_dump_SOURCES = tests/support/foreign_dump.c
tests_support_foreign_dump_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
tests_support_foreign_dump_LDADD = monitor/foreign/libforeign.a lib/libmta.a
