# mtad-queue
mtalibexec_PROGRAMS += mtad/queue/mtad-queue
mtad_queue_mtad_queue_SOURCES = mtad/queue/queue.c
mtad_queue_mtad_queue_CPPFLAGS = $(MTAD_CPPFLAGS)
mtad_queue_mtad_queue_LDADD = $(MTAD_LIBS)
