# unit tests of what is read from other mailers' logs, and of reasons
FOREIGN_UNIT_CPPFLAGS = $(UNIT_CPPFLAGS) -I$(top_srcdir)/monitor \
	-I$(top_srcdir)/monitor/foreign
FOREIGN_UNIT_LIBS = monitor/foreign/libforeign.a $(UNIT_LIBS)
check_PROGRAMS += test_reason
test_reason_SOURCES = $(UNIT) tests/unit/monitor/test_reason.c
test_reason_CPPFLAGS = $(FOREIGN_UNIT_CPPFLAGS)
test_reason_LDADD = $(FOREIGN_UNIT_LIBS)
