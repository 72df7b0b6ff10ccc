# the collector's store
MONITOR_UNIT_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/monitor \
	-I$(top_srcdir)/tests/support $(CHECK_CFLAGS)
MONITOR_UNIT_LIBS = $(MONITOR_LIBS) $(CHECK_LIBS)
check_PROGRAMS += test_sums
test_sums_SOURCES = $(UNIT) tests/unit/monitor/test_sums.c
test_sums_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_sums_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_segments
HEARING = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/support/hearing.c tests/support/hearing.h
test_segments_SOURCES = $(HEARING) tests/unit/monitor/test_segments.c
test_segments_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_segments_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_ledger
test_ledger_SOURCES = $(HEARING) tests/unit/monitor/test_ledger.c
test_ledger_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_ledger_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_lean
test_lean_SOURCES = $(HEARING) tests/unit/monitor/test_lean.c
test_lean_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_lean_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_gone
test_gone_SOURCES = $(HEARING) tests/unit/monitor/test_gone.c
test_gone_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_gone_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_inputs
test_inputs_SOURCES = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/unit/monitor/test_inputs.c
test_inputs_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_inputs_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_privacy
test_privacy_SOURCES = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/unit/monitor/test_privacy.c
test_privacy_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_privacy_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_copier
test_copier_SOURCES = $(HEARING) tests/unit/monitor/test_copier.c
test_copier_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS)
test_copier_LDADD = $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_peers
test_peers_SOURCES = $(HEARING) tests/unit/monitor/test_peers.c
test_peers_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS) -I$(top_srcdir)/monitor/foreign
test_peers_LDADD = $(MONITOR_UNIT_LIBS)
