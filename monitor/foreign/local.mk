# other mailers' logs and the words of replies: pure, for mtacollect and tests
noinst_LIBRARIES += monitor/foreign/libforeign.a
monitor_foreign_libforeign_a_SOURCES = \
	monitor/reason.c monitor/reason.h \
	monitor/reason_class.c \
	monitor/reason_date.c monitor/reason_date.h \
	monitor/reason_tree.c
monitor_foreign_libforeign_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/monitor
