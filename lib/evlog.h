/*
 * evlog: the writer of events, one in each process.
 *
 * Events gather as JSON lines during a turn of the loop and go out with one
 * write to the descriptor of the event log file, or as batches to the queue,
 * which alone of mtad's children has that file, and as sentences to syslog when there is one (sysout.h). Sequence
 * numbers rise by one each event. A full disk never stops mail: what no disk
 * took is counted and told by log.gap later.
 */
#ifndef EVLOG_H
#define EVLOG_H

#include "event.h"
#include "stat.h"
#include "sysout.h"

#define EVLOG_BATCH_MAX ((size_t)128 << 10)

struct evlog;

/* node: host name; prog: program. Both are copied. NULL without memory. */
struct evlog *evlog_new(const char *node, const char *prog);
void evlog_free(struct evlog *);
/* Takes fd; what was gathered goes to the old one first. -1: none. */
void evlog_file(struct evlog *, int fd);
void evlog_syslog(struct evlog *, int fd, enum sysout_kind); /* takes fd */
/* Where sequence number and counters are kept; borrowed, may be NULL. */
void evlog_slot(struct evlog *, struct stat_slot *);
/*
 * For a process whose events another one writes: what waits goes out in
 * batches, one at a time, and is kept until that other says that it is written.
 * Nothing (n == 0) while a batch is out, or while there is none. ret_batch: its
 * number, for evlog_written().
 */
size_t evlog_waiting(const struct evlog *); /* bytes for the next batch */
struct slice evlog_batch(struct evlog *, uint64_t *ret_batch);
void evlog_written(struct evlog *, uint64_t batch);
void evlog_again(struct evlog *); /* who had the batch is gone */
/* Whole lines of another process, to be written with ours. False: no room. */
bool evlog_relay(struct evlog *, struct slice lines);
void evlog_emit(struct evlog *, const struct event *);
void evlog_flush(struct evlog *); /* once a turn of the loop */
/* Nothing waits for room in the file, nothing was dropped for want of it. */
bool evlog_is_flushed(const struct evlog *);
/* The syslog socket broke since the last call: ask for a new one. */
bool evlog_wants_syslog(struct evlog *);

#endif
