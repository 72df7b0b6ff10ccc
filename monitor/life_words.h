/*
 * life_words: what all ways of showing a message share.
 */
#ifndef LIFE_WORDS_H
#define LIFE_WORDS_H

#include "buf.h"
#include "life.h"

/* 2026-11-24 19:23:41.480, local time. */
void life_put_time(struct buf *, int64_t us);
/* What strangers wrote is shown, not obeyed. */
void life_put_escaped(struct buf *, struct slice);
/* Its row of msg in a day; 0: that knows nothing of it. */
int64_t life_number(struct db *, const struct life *);

#endif
