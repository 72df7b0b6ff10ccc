# the console's pure core
TUI_UNIT_CPPFLAGS = $(MONITOR_UNIT_CPPFLAGS) -I$(top_srcdir)/tui
TUI_UNIT_LIBS = tui/libtui.a $(MONITOR_UNIT_LIBS)
check_PROGRAMS += test_grid
test_grid_SOURCES = $(UNIT) tests/unit/tui/test_grid.c
test_grid_CPPFLAGS = $(TUI_UNIT_CPPFLAGS)
test_grid_LDADD = $(TUI_UNIT_LIBS)
check_PROGRAMS += test_console
test_console_SOURCES = $(UNIT) tests/unit/tui/test_console.c
test_console_CPPFLAGS = $(TUI_UNIT_CPPFLAGS)
test_console_LDADD = $(TUI_UNIT_LIBS)
check_PROGRAMS += test_past
test_past_SOURCES = $(UNIT) tests/support/tmp.c tests/support/tmp.h \
	tests/unit/tui/test_past.c
test_past_CPPFLAGS = $(TUI_UNIT_CPPFLAGS)
test_past_LDADD = $(TUI_UNIT_LIBS)
check_PROGRAMS += test_words
test_words_SOURCES = $(UNIT) tests/unit/tui/test_words.c
test_words_CPPFLAGS = $(TUI_UNIT_CPPFLAGS)
test_words_LDADD = $(TUI_UNIT_LIBS)
