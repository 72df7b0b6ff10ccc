# other mailers' logs and the words of replies: pure, for mtacollect and tests
noinst_LIBRARIES += monitor/foreign/libforeign.a
monitor_foreign_libforeign_a_SOURCES = \
	monitor/foreign/exim.c monitor/foreign/exim.h \
	monitor/foreign/exim_delivery.c \
	monitor/foreign/exim_refusal.c \
	monitor/foreign/foreign.c monitor/foreign/foreign.h \
	monitor/foreign/joins.c monitor/foreign/joins.h \
	monitor/foreign/mailer.h \
	monitor/foreign/opensmtpd.c monitor/foreign/opensmtpd.h \
	monitor/foreign/opensmtpd_session.c \
	monitor/foreign/pairs.c monitor/foreign/pairs.h \
	monitor/foreign/postfix.c monitor/foreign/postfix.h \
	monitor/foreign/postfix_delivery.c \
	monitor/foreign/postfix_smtpd.c \
	monitor/foreign/said.c monitor/foreign/said.h \
	monitor/foreign/sendmail.c monitor/foreign/sendmail.h \
	monitor/foreign/sendmail_delivery.c \
	monitor/foreign/sendmail_refusal.c \
	monitor/foreign/syslog_line.c monitor/foreign/syslog_line.h \
	monitor/foreign/tell.c \
	monitor/foreign/texts.c monitor/foreign/texts.h \
	monitor/foreign/when.c monitor/foreign/when.h \
	monitor/heard.h \
	monitor/reason.c monitor/reason.h \
	monitor/reason_class.c \
	monitor/reason_date.c monitor/reason_date.h \
	monitor/reason_tree.c
monitor_foreign_libforeign_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/monitor \
	-I$(top_srcdir)/monitor/foreign
