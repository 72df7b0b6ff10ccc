# mtactl
bin_PROGRAMS += mtad/ctl/mtactl
mtad_ctl_mtactl_SOURCES = \
	mtad/conf_parse.c \
	mtad/ctl/ctl.c mtad/ctl/ctl.h \
	mtad/ctl/ctl_hosts.c \
	mtad/ctl/ctl_move.c \
	mtad/ctl/ctl_queue.c \
	mtad/ctl/mtactl.c
mtad_ctl_mtactl_CPPFLAGS = $(MTAD_CPPFLAGS) $(CONFUSE_CFLAGS) $(JANSSON_CFLAGS)
mtad_ctl_mtactl_LDADD = mtad/libmtad.a lib/libmta.a $(CONFUSE_LIBS) $(JANSSON_LIBS) $(EVENT_LIBS) $(SECCOMP_LIBS) -lpthread

# sendmail and its names: beside the daemon's programs, as /usr/sbin/sendmail
# may be another mailer's
noinst_LIBRARIES += mtad/ctl/libsendmail.a
mtad_ctl_libsendmail_a_SOURCES = \
	mtad/ctl/complete.c \
	mtad/ctl/outgoing.c \
	mtad/ctl/sendmail.h \
	mtad/ctl/sendmail_options.c \
	mtad/ctl/submit.c \
	mtad/ctl/submit_drop.c
mtad_ctl_libsendmail_a_CPPFLAGS = $(MTAD_CPPFLAGS)
mtalibexec_PROGRAMS += mtad/ctl/sendmail
mtad_ctl_sendmail_SOURCES = \
	mtad/conf_parse.c \
	mtad/ctl/sendmail.c
mtad_ctl_sendmail_CPPFLAGS = $(MTAD_CPPFLAGS) -I$(top_srcdir)/mtad/lookup $(CONFUSE_CFLAGS) $(JANSSON_CFLAGS)
mtad_ctl_sendmail_LDADD = mtad/ctl/libsendmail.a mtad/lookup/liblookup.a mtad/libmtad.a lib/libmta.a $(CONFUSE_LIBS) $(JANSSON_LIBS) $(EVENT_LIBS) $(SECCOMP_LIBS) -lpthread

install-exec-hook:
	cd $(DESTDIR)$(mtalibexecdir) && $(LN_S) -f sendmail mailq && \
	    $(LN_S) -f sendmail newaliases
