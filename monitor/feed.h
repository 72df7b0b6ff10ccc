/*
 * feed: lines of one source into the store.
 *
 * Here it is told what a line is: an event of ours (JSON, or RFC 5424 with
 * our element), a line of another mailer, or nothing that anybody knows,
 * which is counted and kept. Lines gather to batches; each is committed with
 * the place behind it.
 */
#ifndef FEED_H
#define FEED_H

#include "store.h"

#define FEED_LINE_MAX 65536
#define FEED_BATCH 50000 /* lines in one transaction, at most */

struct feed;

/* What came of the lines so far. */
struct feed_counts {
	uint64_t lines, events, before, unparsed, bytes;
};

/* store is borrowed. is_live: lines come as they are written, so that a late
 * one is late. NULL without memory. */
struct feed *feed_new(struct store *, int64_t source, bool is_live);
void feed_free(struct feed *); /* what is not committed is rolled back */
/* The place that the next commit says. */
void feed_at(struct feed *, const struct place *);
/*
 * One line without its end; the bytes change. Commits by itself at
 * FEED_BATCH lines. Negative errno: all since the last commit is void.
 */
int feed_line(struct feed *, char *line, size_t n);
int feed_commit(struct feed *);
int feed_pending(const struct feed *); /* lines since the last commit */
const struct feed_counts *feed_counts(const struct feed *);

#endif
