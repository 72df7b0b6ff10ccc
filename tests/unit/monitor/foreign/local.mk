# unit tests of what is read from other mailers' logs, and of reasons
FOREIGN_UNIT_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/monitor \
	-I$(top_srcdir)/monitor/foreign
FOREIGN_UNIT_LIBS = monitor/foreign/libforeign.a $(UNIT_LIBS)
check_PROGRAMS += test_reason
test_reason_SOURCES = $(UNIT) tests/unit/monitor/test_reason.c
test_reason_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
test_reason_LDADD = $(FOREIGN_UNIT_LIBS)

# what a log becomes, for people and for measuring
EXTRA_PROGRAMS += tests/support/foreign_dump
tests_support_foreign_dump_SOURCES = tests/support/foreign_dump.c
tests_support_foreign_dump_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
tests_support_foreign_dump_LDADD = monitor/foreign/libforeign.a lib/libmta.a
