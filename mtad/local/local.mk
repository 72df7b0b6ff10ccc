# mtad-local: a library for the tests, and the program
noinst_LIBRARIES += mtad/local/liblocal.a
mtad_local_liblocal_a_SOURCES = \
	mtad/local/agent.c mtad/local/agent.h \
	mtad/local/agent_wire.c \
	mtad/local/deliver.h \
	mtad/local/exits.c \
	mtad/local/folder.c \
	mtad/local/forward.c \
	mtad/local/lanes.c mtad/local/lanes.h \
	mtad/local/letter.c \
	mtad/local/lock.c mtad/local/lock.h \
	mtad/local/maildir.c \
	mtad/local/mbox.c \
	mtad/local/owner.c \
	mtad/local/program.c \
	mtad/local/result.c \
	mtad/local/tree.c mtad/local/tree.h
mtad_local_liblocal_a_CPPFLAGS = $(MTAD_CPPFLAGS) $(SECCOMP_CFLAGS)
mtalibexec_PROGRAMS += mtad/local/mtad-local
mtad_local_mtad_local_SOURCES = \
	mtad/local/agents.c mtad/local/agents.h \
	mtad/local/jobs.c \
	mtad/local/local.c \
	mtad/local/master.h \
	mtad/local/pool.c \
	mtad/local/watch.c
mtad_local_mtad_local_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_local_mtad_local_LDADD = mtad/local/liblocal.a $(MTAD_LIBS)
include tests/unit/mtad/local/local.mk
