/*
 * chores: what is done beside `mtacollect run` now and then, each in a
 * process of its own, one at a time: a slow disk or a fault in it stops no
 * intake. A chore is a command of this program that one can type as well.
 */
#ifndef CHORES_H
#define CHORES_H

#include <event2/event.h>

#include "command.h"

struct chores;

/* Options are borrowed; done is called after each that went well. NULL
 * without memory. */
struct chores *chores_new(struct event_base *, const struct options *,
    void (*done)(void *arg), void *arg);
void chores_free(struct chores *); /* ends what it started; NULL is fine */

#endif
