# mtad-local: a library for the tests, and the program
noinst_LIBRARIES += mtad/local/liblocal.a
mtad_local_liblocal_a_SOURCES = \
	mtad/local/agent.c mtad/local/agent.h \
	mtad/local/agent_wire.c \
	mtad/local/deliver.h \
	mtad/local/exits.c \
	mtad/local/folder.c \
	mtad/local/forward.c \
	mtad/local/letter.c \
	mtad/local/maildir.c \
	mtad/local/mbox.c \
	mtad/local/owner.c \
	mtad/local/program.c \
	mtad/local/result.c
mtad_local_liblocal_a_CPPFLAGS = $(MTAD_CPPFLAGS) $(SECCOMP_CFLAGS)
mtalibexec_PROGRAMS += mtad/local/mtad-local
mtad_local_mtad_local_SOURCES = \
	mtad/local/jobs.c \
	mtad/local/local.c \
	mtad/local/master.h \
	mtad/local/pool.c
mtad_local_mtad_local_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_local_mtad_local_LDADD = mtad/local/liblocal.a $(MTAD_LIBS)
