# libmonitor.a: the store and everything that fills and reads it (README)
EXTRA_DIST += monitor/README
noinst_LIBRARIES += monitor/libmonitor.a
monitor_libmonitor_a_SOURCES = \
	monitor/admit.c monitor/admit.h \
	monitor/allowance.c monitor/allowance.h \
	monitor/anew.c monitor/anew.h \
	monitor/anew_run.c monitor/anew_run.h \
	monitor/audit.c monitor/audit.h \
	monitor/batch.c monitor/batch.h \
	monitor/columns.c monitor/columns.h \
	monitor/copier.c monitor/copier.h \
	monitor/book.c monitor/book.h \
	monitor/days.c monitor/days.h \
	monitor/db.c monitor/db.h \
	monitor/draw.c monitor/draw.h \
	monitor/draw_late.c monitor/draw_late.h \
	monitor/draw_layout.c monitor/draw_layout.h \
	monitor/draw_resources.c monitor/draw_resources.h \
	monitor/draw_stages.c monitor/draw_stages.h \
	monitor/draw_to.c monitor/draw_to.h \
	monitor/draw_top.c monitor/draw_top.h \
	monitor/dict.c monitor/dict.h \
	monitor/dicts.c monitor/dicts.h \
	monitor/expose.c monitor/expose.h \
	monitor/feed.c monitor/feed.h \
	monitor/fields.h monitor/heard.h \
	monitor/filter.c monitor/filter.h \
	monitor/follow.c monitor/follow.h \
	monitor/framing.c monitor/framing.h \
	monitor/gaps.c monitor/gaps.h \
	monitor/guests.c monitor/guests.h \
	monitor/hist.c monitor/hist.h \
	monitor/hist_sql.c monitor/hist_sql.h \
	monitor/import.c monitor/import.h \
	monitor/intake.c monitor/intake.h \
	monitor/input.c monitor/input.h \
	monitor/journal.c monitor/journal.h \
	monitor/journal_line.c monitor/journal_line.h \
	monitor/keep.c monitor/keep.h \
	monitor/kept.c monitor/kept.h \
	monitor/ladder.c monitor/ladder.h \
	monitor/lean.c monitor/lean.h \
	monitor/ledger.c monitor/ledger.h \
	monitor/ledger_days.c monitor/ledger_days.h \
	monitor/letters.c monitor/letters.h \
	monitor/life.c monitor/life.h \
	monitor/life_gone.c monitor/life_gone.h \
	monitor/life_words.c monitor/life_words.h \
	monitor/listen.c monitor/listen.h \
	monitor/metrics.c monitor/metrics.h \
	monitor/minutes.c monitor/minutes.h \
	monitor/own_line.c monitor/own_line.h \
	monitor/page.c monitor/page.h \
	monitor/past.c monitor/past.h \
	monitor/peer.c monitor/peer.h \
	monitor/past_events.c monitor/past_events.h \
	monitor/past_gone.c monitor/past_gone.h \
	monitor/past_hosts.c \
	monitor/past_sums.c monitor/past_sums.h \
	monitor/privacy.c monitor/privacy.h \
	monitor/privacy_day.c monitor/privacy_day.h \
	monitor/privacy_keys.c monitor/privacy_keys.h \
	monitor/privacy_run.c monitor/privacy_run.h \
	monitor/privacy_sql.c monitor/privacy_sql.h \
	monitor/rebuild.c monitor/rebuild.h \
	monitor/replace.c monitor/replace.h \
	monitor/rrd_file.c monitor/rrd_file.h \
	monitor/recall.c monitor/recall.h \
	monitor/resources.c monitor/resources.h \
	monitor/recent.c monitor/recent.h \
	monitor/reasons.c monitor/reasons.h \
	monitor/retold.c monitor/retold.h \
	monitor/row.c monitor/row.h \
	monitor/schema.c monitor/schema.h \
	monitor/seed.h \
	monitor/seen.c monitor/seen.h \
	monitor/segment.c monitor/segment.h monitor/segment.def \
	monitor/series.c monitor/series.h \
	monitor/settings.c monitor/settings.h monitor/settings.def \
	monitor/snaps.c monitor/snaps.h \
	monitor/sources.c monitor/sources.h \
	monitor/stages.c monitor/stages.h \
	monitor/store.c monitor/store.h \
	monitor/tail.c monitor/tail.h \
	monitor/tap_datagram.c monitor/tap_files.c \
	monitor/tap_journal.c monitor/tap_stream.c \
	monitor/tally.c monitor/tally.h \
	monitor/tls.c monitor/tls.h \
	monitor/totals.c monitor/totals.h \
	monitor/trace.c monitor/trace.h \
	monitor/turn.c monitor/turn.h \
	monitor/turns.c monitor/turns.h \
	monitor/unpack.c monitor/unpack.h \
	monitor/upgrade.c monitor/upgrade.h \
	monitor/when.c monitor/when.h \
	monitor/writer.c monitor/writer.h
MONITOR_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/monitor \
	-DMTA_STOREDIR='"$(mtastoredir)"'
MONITOR_LIBS = monitor/libmonitor.a monitor/foreign/libforeign.a lib/libmta.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) $(SQLITE_LIBS) $(ZLIB_LIBS) $(LZMA_LIBS) \
	$(ZSTD_LIBS) $(CONFUSE_LIBS) $(JANSSON_LIBS) $(OPENSSL_LIBS) $(SYSTEMD_LIBS) -lpthread
monitor_libmonitor_a_CPPFLAGS = $(MONITOR_CPPFLAGS)
monitor_libmonitor_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS) $(LZMA_CFLAGS) \
	$(ZSTD_CFLAGS) $(CONFUSE_CFLAGS) $(JANSSON_CFLAGS) $(OPENSSL_CFLAGS)

sbin_PROGRAMS += monitor/mtacollect
monitor_mtacollect_SOURCES = monitor/mtacollect.c \
	monitor/command.h monitor/command_store.c monitor/command_privacy.c \
	monitor/run.c monitor/chores.c monitor/chores.h
monitor_mtacollect_CPPFLAGS = $(MONITOR_CPPFLAGS)
monitor_mtacollect_LDADD = $(MONITOR_LIBS)

bin_PROGRAMS += monitor/mtatrace
monitor_mtatrace_SOURCES = monitor/mtatrace.c monitor/command.h
monitor_mtatrace_CPPFLAGS = $(MONITOR_CPPFLAGS)
monitor_mtatrace_LDADD = $(MONITOR_LIBS)
