# mtad-remote
mtalibexec_PROGRAMS += mtad/remote/mtad-remote
mtad_remote_mtad_remote_SOURCES = mtad/remote/remote.c
mtad_remote_mtad_remote_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_remote_mtad_remote_LDADD = $(MTAD_LIBS)
