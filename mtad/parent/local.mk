# mtad: the parent
sbin_PROGRAMS += mtad/parent/mtad
mtad_parent_mtad_SOURCES = \
	mtad/conf_parse.c mtad/conf_parse.h \
	mtad/parent/check.c \
	mtad/parent/child.c mtad/parent/child.h \
	mtad/parent/frames.c \
	mtad/parent/join.c mtad/parent/join.h \
	mtad/parent/mtad.c \
	mtad/parent/parent.h \
	mtad/parent/reload.c \
	mtad/parent/setup.c
mtad_parent_mtad_CPPFLAGS = $(MTAD_CPPFLAGS) -I$(top_srcdir)/mtad/lookup $(CONFUSE_CFLAGS) $(SYSTEMD_CFLAGS)
mtad_parent_mtad_LDADD = mtad/lookup/liblookup.a $(MTAD_LIBS) $(CONFUSE_LIBS) $(SYSTEMD_LIBS)
