sbin_PROGRAMS += mtad/parent/mtad
mtad_parent_mtad_SOURCES = mtad/parent/mtad.c mtad/conf_parse.c mtad/conf_parse.h
mtad_parent_mtad_CPPFLAGS = $(MTAD_CPPFLAGS) $(CONFUSE_CFLAGS)
mtad_parent_mtad_LDADD = $(MTAD_LIBS) $(CONFUSE_LIBS)
