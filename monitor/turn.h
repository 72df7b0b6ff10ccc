/*
 * turn: several processes write to one store, one after the other.
 *
 * Who writes holds a lock on the file "lock". Who wants to takes a place in
 * the line first (a lock on "next"), so that the one who writes can see that
 * it is wanted and end its turn at the next batch; then nobody starves.
 */
#ifndef TURN_H
#define TURN_H

#include <stdbool.h>

struct turn {
	char *line_path;
	int lock, line; /* open files; -1: none */
	bool is_ours, is_in_line;
};

/* dir is there. 0 or negative errno; nothing is locked. */
int turn_init(struct turn *, const char *dir);
void turn_release(struct turn *); /* ends it, too */
/* 0: ours, until turn_end(). -EBUSY: not yet; ask again, the place in the
 * line is kept. Else negative errno. */
int turn_try(struct turn *);
/* Asks until it is ours. After five seconds it says that it waits, once. */
int turn_wait(struct turn *);
void turn_end(struct turn *);
/* While it is ours: somebody is in the line. */
bool turn_is_wanted(const struct turn *);
/* The file whose attributes change when somebody comes to wait (inotify). */
const char *turn_line(const struct turn *);

#endif
