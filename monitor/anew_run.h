/*
 * anew_run: days are made anew while others write.
 *
 * New files are made beside the days (anew.h); in a turn of their own (turn.h)
 * they take the places of those that did not change meanwhile. One process at
 * a time does this to a store.
 */
#ifndef ANEW_RUN_H
#define ANEW_RUN_H

#include "days.h"
#include "db.h"
#include "turn.h"

struct anew_run {
	struct db catalog;
	struct turn turn;
	int lock; /* -1: not open */
	int oldest, newest; /* days of the store; 0: there is none */
	int copied, made; /* new files; those that took their place */
	int rc; /* of a day; nothing goes on after it */
	char *why; /* borrowed, 256 bytes */
};

#define ANEW_RUN_NONE                                                          \
	((struct anew_run){ .turn = { .lock = -1, .line = -1 }, .lock = -1 })

/* Waits for another one of these to end. 0 or negative errno and why. */
int anew_begin(struct anew_run *, const char *dir, char ret_why[256]);
/* Of one day, within a turn. What changed or is read stays: another time. */
void anew_replace(struct anew_run *, const struct day *);
/* Of all days, in a turn of its own, when anything was copied. */
int anew_replace_all(struct anew_run *, const char *dir);
/* Also after a begin that failed. How many days were made anew, or rc or that
 * of a day. */
int anew_end(struct anew_run *, int rc);

#endif
