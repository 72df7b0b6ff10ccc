/*
 * past_sums: what a store has added up: the queue's shape at a moment, what
 * happened minute by minute, how long stages took, what hosts said.
 */
#ifndef PAST_SUMS_H
#define PAST_SUMS_H

#include "buf.h"
#include "past.h"

/* The last snapshot of each host at or before t, not older than ten minutes:
 * an array of their cells (mta-control(7), queue.shape). 1; 0: there is none;
 * or negative errno. */
struct past_shape {
	int64_t t, messages, bytes, oldest; /* wall; oldest 0: none */
};
int past_shape(struct past *, int64_t t, struct past_shape *ret, struct buf *);
/* The snapshot nearest behind t (is_back: before it). */
bool past_snapshot(struct past *, int64_t t, bool is_back, int64_t *ret);

enum past_flow { PF_IN, PF_OUT, PF_DEFER, PF_FAIL, PAST_FLOWS };

/* Sums of the n minutes that end with the one of t, the oldest first; < 0:
 * nothing was heard in that minute. */
int
past_minutes(struct past *, int64_t t, int n, double *const ret[PAST_FLOWS]);

#define PAST_STAGES 9

struct past_stage {
	const char *name; /* static */
	uint64_t n, p50, p95; /* microseconds */
};

/* Of what ended in the time from from to to; when that day is gone, in its
 * hours. */
int past_stages(
    struct past *, int64_t from, int64_t to, struct past_stage[PAST_STAGES]);

/* The replies that deferred mail for a domain, the most frequent first, of
 * the last rows at or before t. one() gets the text of the last such reply.
 */
int past_whys(struct past *, const char *domain, int64_t t,
    void (*one)(void *arg, const char *text, int64_t n, int64_t of), void *arg);

#define PAST_OUTCOMES 20

struct past_host {
	char name[256], ip[64], text[300]; /* text: of the last trouble */
	char outcome[PAST_OUTCOMES + 1]; /* . d b, the newest at the end */
	int64_t ok, deferred, failed, last; /* last: wall */
	int64_t conn_us; /* of the last that says so; 0 none */
	int code;
};

/* The hosts that mail for a domain, or through a host of that name or
 * address, went to lately; at most max. port: only where it is that one, or
 * not known; 0: whatever it is. How many, or negative errno. */
int past_hosts(struct past *, const char *destination, int port, int64_t t,
    struct past_host *ret, int max);

#endif
