# libtui.a: everything of mtatop but the terminal and main
noinst_LIBRARIES += tui/libtui.a
tui_libtui_a_SOURCES = \
	tui/acts.c tui/acts.h tui/acts_draw.c \
	tui/archive.c tui/archive.h \
	tui/archive_life.c tui/archive_rows.c \
	tui/asks.h \
	tui/command.c \
	tui/console.c tui/console.h \
	tui/console_do.c tui/console_find.c tui/console_keys.c \
	tui/copy.c tui/copy.h \
	tui/talk.c tui/talk.h \
	tui/frame.c \
	tui/grid.c tui/grid.h \
	tui/header.c tui/header.h \
	tui/keys.c tui/keys.h tui/keys.def \
	tui/linear.c tui/linear.h \
	tui/lists.c tui/lists.h \
	tui/model.c tui/model.h \
	tui/options.c tui/options.h tui/options.def \
	tui/place.c tui/place.h \
	tui/postfix.c tui/postfix.h \
	tui/postfix_rows.c tui/postfix_rows.h \
	tui/prompt.c tui/prompt.h \
	tui/request.c tui/request.h \
	tui/say.c tui/say.h \
	tui/script.c tui/script.h \
	tui/setup.c tui/setup.h \
	tui/shape.c tui/shape.h \
	tui/tags.c tui/tags.h \
	tui/theme.def \
	tui/view.c tui/view.h \
	tui/view_events.c tui/view_flow.c tui/view_help.c tui/view_hosts.c \
	tui/view_lists.c tui/view_messages.c tui/view_rows.c \
	tui/words.c tui/words.h
TUI_CPPFLAGS = $(MONITOR_CPPFLAGS) -I$(top_srcdir)/tui
TUI_LIBS = tui/libtui.a $(MONITOR_LIBS) -lpthread
tui_libtui_a_CPPFLAGS = $(TUI_CPPFLAGS)
tui_libtui_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS)

bin_PROGRAMS += tui/mtatop
tui_mtatop_SOURCES = tui/mtatop.c tui/term.c tui/term.h
tui_mtatop_CPPFLAGS = $(TUI_CPPFLAGS)
tui_mtatop_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SQLITE_CFLAGS) \
	$(NCURSES_CFLAGS)
tui_mtatop_LDADD = $(TUI_LIBS) $(NCURSES_LIBS)
