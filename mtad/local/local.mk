# mtad-local: a library for the tests, and the program
noinst_LIBRARIES += mtad/local/liblocal.a
mtad_local_liblocal_a_SOURCES = \
	mtad/local/agent.c mtad/local/agent.h \
	mtad/local/deliver.h \
	mtad/local/forward.c \
	mtad/local/letter.c \
	mtad/local/maildir.c \
	mtad/local/mbox.c \
	mtad/local/program.c
mtad_local_liblocal_a_CPPFLAGS = $(MTAD_CPPFLAGS)
mtalibexec_PROGRAMS += mtad/local/mtad-local
mtad_local_mtad_local_SOURCES = mtad/local/local.c
mtad_local_mtad_local_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_local_mtad_local_LDADD = mtad/local/liblocal.a $(MTAD_LIBS)
