/*
 * stages: how long each stage of mail took, as histograms of five minutes,
 * for all mailers together and for each. Gathered in memory, added to the
 * rows of hist at each flush, in the transaction of the events.
 */
#ifndef STAGES_H
#define STAGES_H

#include "db.h"
#include "dict.h"
#include "fields.h"

struct stages;

struct stages *stages_new(struct db *, struct dict *words); /* NULL: memory */
void stages_free(struct stages *);
/* The times that this event has; mailer: its word, 0: none. */
void
stages_event(struct stages *, int64_t t, const struct fields *, int64_t mailer);
int stages_flush(struct stages *);
void stages_forget(struct stages *);

/* The names of all stages; NULL behind the last. */
const char *stage_name(unsigned);

#endif
