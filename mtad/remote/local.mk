# mtad-remote: a library for the tests, and the program
noinst_LIBRARIES += mtad/remote/libremote.a
mtad_remote_libremote_a_SOURCES = \
	mtad/remote/classify.c mtad/remote/classify.h \
	mtad/remote/link.c mtad/remote/link.h \
	mtad/remote/remote.h \
	mtad/remote/reply.c mtad/remote/reply.h \
	mtad/remote/resolve.c mtad/remote/resolve.h
mtad_remote_libremote_a_CPPFLAGS = $(MTAD_CPPFLAGS)
mtalibexec_PROGRAMS += mtad/remote/mtad-remote
mtad_remote_mtad_remote_SOURCES = mtad/remote/remote.c
mtad_remote_mtad_remote_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_remote_mtad_remote_LDADD = mtad/remote/libremote.a $(MTAD_LIBS) $(UNBOUND_LIBS) -lresolv
