/*
 * totals: what happened in a span of time, and how much of it is known.
 */
#ifndef TOTALS_H
#define TOTALS_H

#include "tally.h"

struct totals {
	uint64_t n[TK_COUNT], bytes[TK_COUNT];
	uint64_t gaps, missing; /* runs of missing numbers; numbers in all */
	uint64_t days_unread; /* damaged files */
	uint64_t imbalances; /* messages whose recipients do not balance */
};

/* Read from the rollups, so to the minute. 0, or negative errno when the
 * folder cannot be read. */
int totals_read(const char *dir, int64_t from, int64_t to, struct totals *ret);
/* Is everything that was written here? */
bool totals_is_complete(const struct totals *);
void totals_text(struct buf *, const struct totals *);
void totals_json(struct buf *, const struct totals *);

#endif
