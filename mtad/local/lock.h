/*
 * lock: an mbox is ours alone: a turn among the threads of this process, the
 * kernel's lock, the .lock file.
 *
 * Others may take the two locks in the other order, so that nothing is held
 * while one of them is waited for. When the wait is not a short one the letter
 * is told so (its waits()), which makes its lane's other mail somebody else's
 * delay no more.
 */
#ifndef LOCAL_LOCK_H
#define LOCAL_LOCK_H

#include "deliver.h"

struct turn;
struct lock {
	char name[4100]; /* of the .lock file */
	bool has_file;
};

/* Waits behind other threads at the same path; NULL: no memory. */
struct turn *turn_take(const char *path);
void turn_leave(struct turn *);
/* 0; -EDEADLK: somebody held it for too long; another negative errno. */
int lock_take(struct lock *, int fd, const struct letter *);
void lock_leave(struct lock *, const struct letter *);
/*
 * This thread alone acts in the mailbox folder's group, and only for the
 * owner's own mailbox: a file that a .forward names must not claim the name
 * of somebody else's.
 */
void lock_use_group(const struct letter *, bool is_on);

#endif
