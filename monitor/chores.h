/*
 * chores: what is done beside `mtacollect run` now and then, each in a
 * process of its own, one at a time: a slow disk or a fault in it stops no
 * intake. A chore is a command of this program that one can type as well.
 *
 * The collector reads what strangers send and may not start programs. So a
 * helper does, which is forked before, reads nothing, and ends with it.
 */
#ifndef CHORES_H
#define CHORES_H

#include <sys/types.h>

#include "command.h"

struct helper {
	pid_t pid;
	int fd; /* readable: it died */
};

/* Before the store is opened and the event loop is made. 0 or negative errno. */
int helper_start(struct helper *, const struct options *);
void helper_stop(struct helper *); /* and what it started */

#endif
