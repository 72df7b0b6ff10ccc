# mtad-remote: a library for the tests, and the program
noinst_LIBRARIES += mtad/remote/libremote.a
mtad_remote_libremote_a_SOURCES = \
	mtad/remote/answer.c mtad/remote/answer.h \
	mtad/remote/asks.c mtad/remote/asks.h \
	mtad/remote/cache.c mtad/remote/cache.h \
	mtad/remote/client.c mtad/remote/client.h \
	mtad/remote/command.c mtad/remote/command.h \
	mtad/remote/content.c mtad/remote/content.h \
	mtad/remote/delivery.c mtad/remote/delivery.h \
	mtad/remote/ehlo.c mtad/remote/ehlo.h \
	mtad/remote/idle.c \
	mtad/remote/lines.c mtad/remote/lines.h \
	mtad/remote/link.c mtad/remote/link.h \
	mtad/remote/mx.c mtad/remote/mx.h \
	mtad/remote/name.c mtad/remote/name.h \
	mtad/remote/reply.c mtad/remote/reply.h \
	mtad/remote/resolve.c mtad/remote/resolve.h \
	mtad/remote/result.c mtad/remote/result.h \
	mtad/remote/saved.c mtad/remote/saved.h \
	mtad/remote/self.c mtad/remote/self.h \
	mtad/remote/target.c mtad/remote/target.h \
	mtad/remote/remote.h mtad/remote/wait.c
mtad_remote_libremote_a_CPPFLAGS = $(MTAD_CPPFLAGS)
REMOTE_LIBS = mtad/remote/libremote.a $(MTAD_LIBS) $(UNBOUND_LIBS) \
	$(IDN2_LIBS) -lresolv
mtalibexec_PROGRAMS += mtad/remote/mtad-remote
mtad_remote_mtad_remote_SOURCES = mtad/remote/remote.c
mtad_remote_mtad_remote_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_remote_mtad_remote_LDADD = $(REMOTE_LIBS)
