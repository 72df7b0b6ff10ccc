# mtad-local
mtalibexec_PROGRAMS += mtad/local/mtad-local
mtad_local_mtad_local_SOURCES = mtad/local/local.c
mtad_local_mtad_local_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_local_mtad_local_LDADD = $(MTAD_LIBS)
