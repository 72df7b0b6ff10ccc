/*
 * metrics: counters of what is heard, as Prometheus reads them
 * (text format 0.0.4). metrics.c has the tables of names.
 *
 * What is heard counts when its batch is committed; what is rolled back never
 * did. Series without a value yet are 0, and no series has an address or
 * domain for a label.
 */
#ifndef METRICS_H
#define METRICS_H

#include "heard.h"
#include "tally.h"

struct metrics;

struct metrics *metrics_new(void); /* NULL without memory */
void metrics_free(struct metrics *);
void metrics_hear(struct metrics *, const struct heard *);
/* So many of what is no event (tally.h). */
void metrics_count(struct metrics *, enum tally_kind, uint64_t n);
/* A connection that was not taken, or had to make room for another. */
void metrics_turned_away(struct metrics *);
void metrics_commit(struct metrics *);
void metrics_rollback(struct metrics *);
void metrics_text(const struct metrics *, struct buf *);

#endif
