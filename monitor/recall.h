/*
 * recall: events of a segment as the lines that they were.
 *
 * The inverse of row: each event comes as one JSON line with all its fields
 * (mta-events(7)), those that the store keeps in columns first.
 */
#ifndef RECALL_H
#define RECALL_H

#include "buf.h"
#include "db.h"

struct recall;

/* where: SQL behind WHERE, with e for ev; ?1 and ?2 are free. NULL without
 * memory or table. The database is borrowed. */
struct recall *recall_new(struct db *segment, const char *where);
/* All events, in the order in which they were heard. */
struct recall *recall_new_in_order(struct db *segment);
void recall_free(struct recall *);
void recall_bind(struct recall *, int64_t first, int64_t second);
/* The next line, without its end, appended. 1, 0 at the end (then it may be
 * bound again), or negative errno. ret_t may be NULL. */
int recall_next(struct recall *, struct buf *, int64_t *ret_t);
/* The number of the row of the line that came last. */
int64_t recall_row(const struct recall *);

#endif
