/*
 * seen: which sequence numbers of one writer are here, as ranges.
 *
 * A number comes once; what lies between two ranges has not come. Numbers
 * come nearly in order, so there is nearly always one range. A writer whose
 * numbers have more than SEEN_MAX holes is not believed any more: its events
 * are all taken for new.
 */
#ifndef SEEN_H
#define SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SEEN_MAX 65536

struct seen_range {
	uint64_t lo, hi; /* both included */
};

struct seen {
	struct seen_range *v; /* rising, never touching */
	size_t n, cap;
};

void seen_release(struct seen *);
/* True when it is new. -ENOMEM in ret_rc leaves it as it was. */
bool seen_add(struct seen *, uint64_t number, int *ret_rc);
bool seen_has(const struct seen *, uint64_t number);
/* How far it is from the nearest range: 0 when it is in one, 1 when it makes
 * one longer; without ranges 1, too. */
uint64_t seen_distance(const struct seen *, uint64_t number);
/* A whole range behind all others, as read back from a table. */
int seen_append(struct seen *, uint64_t lo, uint64_t hi);
uint64_t seen_missing(const struct seen *); /* between first and last */

#endif
