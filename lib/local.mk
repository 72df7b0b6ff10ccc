# libmta.a: no policy, no process
noinst_LIBRARIES += lib/libmta.a
lib_libmta_a_SOURCES = \
	lib/addr.c lib/addr.h \
	lib/buf.c lib/buf.h \
	lib/chan.c lib/chan.h \
	lib/classify.c lib/classify.h \
	lib/clock.c lib/clock.h \
	lib/control.c lib/control.h \
	lib/crc32c.c lib/crc32c.h \
	lib/drop.c lib/drop.h \
	lib/event.c lib/event.h lib/event.def \
	lib/event_file.c lib/event_file.h \
	lib/event_read.c lib/event_read.h \
	lib/evlog.c lib/evlog.h \
	lib/file.c lib/file.h \
	lib/header.c lib/header.h \
	lib/heap.c lib/heap.h \
	lib/json_text.c lib/json_text.h \
	lib/log.c lib/log.h \
	lib/map.c lib/map.h \
	lib/msgid.c lib/msgid.h \
	lib/priv.c lib/priv.h \
	lib/reply_id.c lib/reply_id.h \
	lib/siphash.c lib/siphash.h \
	lib/slice.c lib/slice.h \
	lib/stat.c lib/stat.h lib/stat.def \
	lib/sysout.c lib/sysout.h \
	lib/verdict.c lib/verdict.h \
	lib/visible.c lib/visible.h \
	lib/wire.c lib/wire.h \
	lib/worker.c lib/worker.h
lib_libmta_a_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS) $(SECCOMP_CFLAGS)
