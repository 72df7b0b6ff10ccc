# mtad-queue: a library for the tests, and the program
noinst_LIBRARIES += mtad/queue/libqueue.a
mtad_queue_libqueue_a_SOURCES = \
	mtad/queue/accept.c \
	mtad/queue/answered.c mtad/queue/answered.h \
	mtad/queue/attempt.c \
	mtad/queue/best.c mtad/queue/best.h \
	mtad/queue/body.c \
	mtad/queue/check.c \
	mtad/queue/checkpoint.c \
	mtad/queue/claim.c mtad/queue/claim.h \
	mtad/queue/commit.c \
	mtad/queue/context.c \
	mtad/queue/control_acts.c \
	mtad/queue/control_export.c \
	mtad/queue/control_daemon.c \
	mtad/queue/control_hosts.c \
	mtad/queue/control_import.c \
	mtad/queue/control_queue.c \
	mtad/queue/control_row.c \
	mtad/queue/control_server.c mtad/queue/control_server.h \
	mtad/queue/copy.c \
	mtad/queue/dest.c \
	mtad/queue/drops.c mtad/queue/drops.h \
	mtad/queue/evfiles.c mtad/queue/evfiles.h \
	mtad/queue/expand.c mtad/queue/expand.h \
	mtad/queue/expand_answer.c \
	mtad/queue/filter.c mtad/queue/filter.h \
	mtad/queue/grave.c \
	mtad/queue/handed.c mtad/queue/handed.h \
	mtad/queue/handover.c mtad/queue/handover.h \
	mtad/queue/index.c mtad/queue/index.h \
	mtad/queue/journal.c mtad/queue/journal.h \
	mtad/queue/journal_file.c mtad/queue/journal_file.h \
	mtad/queue/names.c \
	mtad/queue/notice.c \
	mtad/queue/outcome.c \
	mtad/queue/place.c \
	mtad/queue/qrun.c \
	mtad/queue/queue.h \
	mtad/queue/records.h \
	mtad/queue/rcpt.c \
	mtad/queue/relay.c mtad/queue/relay.h \
	mtad/queue/recover.c mtad/queue/recover.h \
	mtad/queue/replay.c \
	mtad/queue/say.c \
	mtad/queue/scan.c \
	mtad/queue/sched.c mtad/queue/sched.h \
	mtad/queue/second.c \
	mtad/queue/segment.c mtad/queue/segment.h \
	mtad/queue/settle.c \
	mtad/queue/share.c \
	mtad/queue/snapshot.c \
	mtad/queue/spool.c \
	mtad/queue/suspect.c mtad/queue/suspect.h \
	mtad/queue/told.c \
	mtad/queue/transfer.c mtad/queue/transfer.h \
	mtad/queue/writer.c mtad/queue/writer.h
mtad_queue_libqueue_a_CPPFLAGS = $(MTAD_CPPFLAGS) -I$(srcdir)/mtad/queue $(JANSSON_CFLAGS)
mtalibexec_PROGRAMS += mtad/queue/mtad-queue
mtad_queue_mtad_queue_SOURCES = mtad/queue/queue.c
mtad_queue_mtad_queue_CPPFLAGS = $(MTAD_CPPFLAGS) $(JANSSON_CFLAGS)
mtad_queue_mtad_queue_LDADD = mtad/queue/libqueue.a $(MTAD_LIBS) $(JANSSON_LIBS) $(ZLIB_LIBS)
