/*
 * gaps: what is missing, by the numbers of the writers, over several days.
 */
#ifndef GAPS_H
#define GAPS_H

#include "db.h"
#include "slice.h"

struct gaps;

/* Whose start a row of ev that is a log.gap speaks of: of a peer's, one of
 * its own. */
#define GAPS_SAID_BOOT                                                         \
	"extra ->> '$.\"source.boot\"' || ifnull('@' || (extra ->> '$.via'), " \
	"'')"

struct gaps *gaps_new(void); /* NULL without memory */
void gaps_free(struct gaps *);
/* What one segment has; segments in their order. 0 or negative errno. */
int gaps_add(struct gaps *, struct db *segment);
/* What days had whose files are gone, from and to as YYYYMMDD. */
int gaps_add_gone(struct gaps *, struct db *catalog, int from, int to);
bool gaps_is_empty(const struct gaps *);
/* Was this number of this start (writer_boot()) among them? */
bool gaps_has(const struct gaps *, struct slice boot, uint64_t seq);
/* Runs of numbers that lie between others, or that a log.gap names and that
 * never came; and how many numbers that is. */
void gaps_count(const struct gaps *, uint64_t *ret_runs, uint64_t *ret_missing);
/* Each run. */
void gaps_each(const struct gaps *,
    void (*one)(void *arg, const char *boot, uint64_t from, uint64_t to),
    void *arg);

#endif
