/*
 * hist: how long things took, as a distribution that can be added to others.
 *
 * Log-linear: 16 buckets for each power of two, so a value read back is at
 * most 1/16 off; values below 16 are exact. Written, it is a list of
 * (distance to the next bucket in use, count) as variable-length numbers:
 * percentiles over any range and group come from sums, never from averages.
 */
#ifndef HIST_H
#define HIST_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define HIST_POWERS 44 /* above 200 days in microseconds: the last bucket */
#define HIST_BUCKETS (16 + (HIST_POWERS - 4) * 16)

struct hist {
	uint64_t n, sum, min, max; /* min and max only when n is not 0 */
	uint32_t bucket[HIST_BUCKETS];
};

void hist_clear(struct hist *);
void hist_add(struct hist *, uint64_t value);
void hist_merge(struct hist *, const struct hist *);
/* The buckets alone; n, sum, min and max stand beside them in their row. */
void hist_encode(struct buf *, const struct hist *);
/* Adds to what is there; false, and some of it added, when it is damaged. */
bool hist_decode(struct hist *, struct slice);
/* The value that permille of 1000 lie at or below; 0 when it is empty. */
uint64_t hist_at(const struct hist *, unsigned permille);

#endif
