/*
 * recent: the segments that a store has open: the days of the last events.
 *
 * The one that was used last comes first; beyond a few the last one goes.
 */
#ifndef RECENT_H
#define RECENT_H

#include "segment.h"

#define RECENT_MAX 3

struct recent {
	struct segment *of[RECENT_MAX]; /* owned; NULL behind the last */
	int main_day; /* whose last commits may not be on the disk; 0: none */
};

void recent_close(struct recent *); /* all; what is open is rolled back */
/* The day's, which comes first from now on; NULL: it is not open. */
struct segment *recent_use(struct recent *, int day);
bool recent_has(const struct recent *, int day);
/* -EXFULL: the one that would go has a part of the batch, which must not be
 * committed without the batch's place. */
int recent_make_room(struct recent *);
/* Becomes the first; owned. There is room. */
void recent_add(struct recent *, struct segment *);
/* The newest day of the batch; NULL when there is no batch. */
struct segment *recent_newest_dirty(const struct recent *);
/* All but this one onto the disk. 0, or negative errno and whose it is. */
int recent_commit_others(
    struct recent *, const struct segment *, struct segment **ret_bad);
void recent_rollback(struct recent *);

#endif
