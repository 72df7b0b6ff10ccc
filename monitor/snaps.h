/*
 * snaps: what was in the queue, minute by minute, over all hosts.
 *
 * A host is as it said last for SNAPS_AGE; then it is not in the sum. When
 * nobody says anything the minute is unknown.
 */
#ifndef SNAPS_H
#define SNAPS_H

#include "db.h"

#define SNAPS_AGE (2 * US_MIN)

/* The states of mtactl(8), then three more. */
enum snap_value { SV_STATES = 7, SV_BYTES = SV_STATES, SV_OLDEST, SV_COUNT };

struct snaps;

struct snaps *snaps_new(void); /* NULL without memory */
void snaps_free(struct snaps *);
/*
 * The minutes of a segment that end behind from and not behind to; days in
 * their order. one() gets their end (microseconds) and SV_COUNT values; the
 * age of the oldest message is in seconds. Stops at a negative number of
 * one(). 0 or negative errno.
 */
int snaps_each(struct snaps *, struct db *segment, int64_t from, int64_t to,
    int (*one)(void *arg, int64_t end, const double *), void *arg);

#endif
