/*
 * past: a store as a console reads it: the days' files, open for reading,
 * and never for longer than a moment at a time.
 *
 * Every question has the budget of past_budget(): what takes longer ends
 * with -ETIME, having told what it found until then. Nothing is written. A day
 * whose file was replaced or removed meanwhile is not read from the old one.
 */
#ifndef PAST_H
#define PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct past;

/* NULL, and why, when the folder has no store that can be read. */
struct past *past_open(const char *dir, char ret_why[256]);
void past_close(struct past *); /* NULL is fine */
const char *past_dir(const struct past *);
/* From now on each question may take so long; the first is begun. */
void past_budget(struct past *, int64_t us);
/* The newest day at or before this one that has a file (YYYYMMDD): its
 * database, borrowed until the next call, and its number. NULL: none. */
struct db *past_day(struct past *, int day, int *ret_day);
/* The oldest at or behind it. */
struct db *past_day_behind(struct past *, int day, int *ret_day);
/* What is known of days that have no file any more; the caller closes it. */
int past_catalog(struct past *, struct db *ret);
/* How often a file was found replaced or removed while it was open: what was
 * read of it before, and places in it, are no more. */
unsigned past_replaced(const struct past *);
/* Negative errno of an answer that ended; -ETIME when the time was over. */
int past_errno(const struct past *, int sqlite_code);

/* What the store itself does not know, of the last 24 hours. */
struct past_confession {
	uint64_t gaps, missing, unparsed, lost;
	uint64_t days_unread; /* damaged files */
	int64_t newest; /* wall: the last minute that has events; 0 none */
};
int past_confess(struct past *, int64_t wall, struct past_confession *ret);

#endif
