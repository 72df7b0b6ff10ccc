/*
 * child: the other processes, started, joined by channels and started again.
 *
 * A child that dies is back at once; one that keeps dying waits a little
 * longer each time, up to half a minute, and every death is an event. The
 * pairs that talk to each other stand in one table.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto.h"

struct chan;
struct event;
struct parent;

struct child {
	struct parent *parent; /* borrowed */
	enum proto_role role;
	int index, slot; /* among its role; in the mapped counters */
	pid_t pid; /* 0: not running */
	struct chan *chan; /* NULL: not running */
	struct event *again; /* timer of the next start */
	bool is_running; /* got GO */
	bool is_stopping; /* was told to stop */
	bool is_outlaw; /* sent what it may not */
	bool is_killed; /* as it did not */
	bool is_stuck; /* and is there still: nobody waits for it */
	bool has_reloaded; /* answered the last CONF */
	int deaths; /* in a row, soon after the start */
	int64_t started; /* mono microseconds */
	unsigned restarts;
};

/* All children of this configuration; fatal without memory. */
void child_init_all(struct parent *);
/* log.gap for what the last mtad's processes took with them. */
void child_say_lost(struct parent *);
void child_start(struct child *);
/* Its process has ended with this wait status. */
void child_died(struct child *, int status);
void child_stop(struct child *); /* tell it to stop, once */
void child_send_conf(struct child *, bool is_first);
void child_free_all(struct parent *);

#endif
