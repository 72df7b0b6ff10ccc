# mtactl
bin_PROGRAMS += mtad/ctl/mtactl
mtad_ctl_mtactl_SOURCES = \
	mtad/conf_parse.c \
	mtad/ctl/ctl.c mtad/ctl/ctl.h \
	mtad/ctl/ctl_hosts.c \
	mtad/ctl/ctl_queue.c \
	mtad/ctl/mtactl.c
mtad_ctl_mtactl_CPPFLAGS = $(MTAD_CPPFLAGS) $(CONFUSE_CFLAGS) $(JANSSON_CFLAGS)
mtad_ctl_mtactl_LDADD = mtad/libmtad.a lib/libmta.a $(CONFUSE_LIBS) $(JANSSON_LIBS) $(EVENT_LIBS) $(SECCOMP_LIBS) -lpthread
