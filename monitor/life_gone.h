/*
 * life_gone: what lean days (lean.h) still know of a message whose events are
 * gone: who it was from, and what became of it for each recipient.
 */
#ifndef LIFE_GONE_H
#define LIFE_GONE_H

#include "life.h"

/* Lines for each lean day that knows it; nothing when there is none. 0 or
 * negative errno. */
int life_gone_text(const struct life *, struct days_open *, struct buf *out);
/* The same as a member of an object: ,"summaries":[{...}]. */
int life_gone_json(const struct life *, struct days_open *, struct buf *out);

#endif
