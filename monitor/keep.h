/*
 * keep: how long days are kept, and what stays of them.
 *
 * A day that is too old, or has to make room on a full disk, is folded into
 * the catalog (its sums by five minutes, its distributions by the hour, the
 * numbers that it had, the places of its sources) and its file removed. Which of both a crash leaves is known by the catalog's row of the
 * day; nothing is folded twice. The newest day stays in any case.
 */
#ifndef KEEP_H
#define KEEP_H

#include "db.h"

struct keep_rules {
	int64_t time_us; /* a day is kept so long after its end, lean or not */
	int64_t free_bytes; /* older days go while less is free */
};

/*
 * Removes what has to go, except the days that is_open says are in use.
 * The number of removed days, or negative errno and why. A line of each that
 * went before its time is in ret_why, too.
 */
int keep_run(struct db *catalog, const char *dir, const struct keep_rules *,
    bool (*is_open)(void *arg, int day), void *arg, char ret_why[256]);

#endif
