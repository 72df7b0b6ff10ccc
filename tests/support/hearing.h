/*
 * hearing: what a store is told in tests: a relay's day, event by event, into
 * the folder "store" of tmp.h.
 */
#ifndef HEARING_H
#define HEARING_H

#include "clock.h"
#include "store.h"
#include "totals.h"

#define DAY INT64_C(1764000000000000) /* 2025-11-24 16:00 UTC */

struct store *open_store(void);
/* An event of mtad-queue's, without fields yet. */
void begin(struct heard *, enum event_type, int64_t t, uint64_t seq);
enum heard_as say(struct store *, const struct heard *);
/* One of them with the fields that mtad gives it. */
void received(struct heard *, const char *qid, int64_t t, uint64_t seq);
void outcome(struct heard *, enum event_type, const char *qid, int64_t t,
    uint64_t seq, unsigned attempt);
void done(struct heard *, const char *qid, int64_t t, uint64_t seq);
struct totals totals(void); /* of all time */
void is_sound(void); /* mtacollect check finds nothing */
int64_t in_catalog(const char *sql); /* one number; -1: none */

#endif
