/*
 * feed: lines of sources into the store, in batches.
 *
 * Here it is told what a line is: an event of ours (JSON, or RFC 5424 with
 * our element), a line of another mailer, or nothing that anybody knows,
 * which is counted and kept. What comes from a peer is believed as far as it
 * concerns the peer (admit.h), and adds names up to its allowance.
 *
 * All sources share one batch, as they share the segments' transactions: it
 * is committed with the place behind the last line of each. When anything
 * fails the batch is void for all of them: everyone reads again from
 * feed_committed(); what cannot be read again (a datagram) is kept here
 * until it is safe, and said again by feeds_retry().
 */
#ifndef FEED_H
#define FEED_H

#include "guests.h"
#include "metrics.h"
#include "store.h"

#define FEED_LINE_MAX 65536
#define FEED_BATCH 300000 /* lines in one transaction, at most */
#define FEED_SOURCES 64

struct feeds;
struct feed; /* one source of them */

/* What came of the lines so far. */
struct feed_counts {
	uint64_t lines, bytes;
	uint64_t events; /* stored */
	uint64_t before; /* events that were here already */
	uint64_t unparsed; /* lines that nobody could read */
	uint64_t others; /* lines of programs that are no mailers */
};

enum feed_kind {
	FEED_AGAIN, /* can be read again: has a place */
	FEED_ONCE, /* comes once */
};

/* store and metrics (NULL: none) are borrowed. is_live: lines come as they are
 * written, so that a late one is late. NULL without memory. */
struct feeds *feeds_new(struct store *, struct metrics *, bool is_live);
void feeds_free(struct feeds *); /* what is not committed is rolled back */
/* How old a day may be that peers' lines are for; two weeks at first. */
void feeds_set_keep(struct feeds *, int64_t us);
/* Owned by feeds. NULL without memory, or beyond FEED_SOURCES. */
struct feed *feed_new(struct feeds *, int64_t source, enum feed_kind);

/* No line is later: of a file its last change (lines without a year). */
void feed_set_now(struct feed *, int64_t now_us);
/* Where it was read to before, as the store has it. */
void feed_start(struct feed *, const struct place *);
/* The place behind the line that comes next; of FEED_AGAIN. */
void feed_at(struct feed *, const struct place *);
/*
 * One line without its end; the bytes change. Commits by itself at
 * FEED_BATCH lines. Negative errno: all since the last commit is void.
 */
int feed_line(struct feed *, char *line, size_t n);
/* The same of a line that came over a socket; the guest, borrowed, is that of
 * the peer and stays as long as the feed. */
int feed_line_from(
    struct feed *, char *line, size_t n, struct guest *, const struct peer *);
/* A line that was stored before this start: what it says of its message is
 * known again, and nothing else happens. */
void feed_learn(struct feed *, const char *line, size_t n);
/* An event of the collector's own, at a place of this source. */
int feed_hear(struct feed *, const struct heard *);
int feed_count(struct feed *, enum tally_kind, uint64_t n);
int feeds_commit(struct feeds *);
int feeds_retry(struct feeds *); /* after a failure, before anything else */
size_t feeds_pending(const struct feeds *); /* lines since the last commit */
const struct place *feed_committed(const struct feed *);
const struct feed_counts *feeds_counts(const struct feeds *);
const char *feeds_error(const struct feeds *);

#endif
