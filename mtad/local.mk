# libmtad.a: what the daemon's processes share
noinst_LIBRARIES += mtad/libmtad.a
mtad_libmtad_a_SOURCES = \
	mtad/conf.c mtad/conf.h mtad/conf.def \
	mtad/conf_text.c mtad/conf_text.h \
	mtad/conn.c mtad/conn.h \
	mtad/members.c mtad/members.h \
	mtad/outbox.c mtad/outbox.h \
	mtad/proc.c mtad/proc.h \
	mtad/proto.c mtad/proto.h mtad/proto.def \
	mtad/record.c mtad/record.h \
	mtad/route.c mtad/route.h \
	mtad/sizes.h
mtad_libmtad_a_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad
MTAD_LIBS = mtad/libmtad.a lib/libmta.a $(EVENT_LIBS) $(SECCOMP_LIBS) -lpthread
EXTRA_DIST += mtad/README
MTAD_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/mtad

