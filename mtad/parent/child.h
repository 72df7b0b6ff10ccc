/*
 * child: the other processes, started, joined by channels and started again.
 *
 * A child that dies is back at once; one that keeps dying waits a little
 * longer each time, up to half a minute, and every death is an event.
 */
#ifndef CHILD_H
#define CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "chan.h"
#include "proto.h"

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
	bool
	    is_outlaw; /* broke the rules: it is ended, and that is its fault */
	char outlaw_why[100];
	bool has_crashed; /* the last one ended by a fault of its own */
	unsigned reloads_due; /* CONF is out, its RELOADED is not here */
	int64_t syslog_at; /* mono: it was given a socket */
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
/* It broke the rules ("verb what"): it is ended, and comes back. */
void child_outlaw(struct child *, const char *verb, const char *what);

/* frames.c: what children say. */
extern const struct chan_ops child_chan_ops;
void child_renew_syslog(struct child *); /* at most one a second */

/* One frame to a child that has a channel; fd is taken. */
#define CHILD_SEND(c_, id, ID, fd_, ...)                                       \
	do {                                                                   \
		struct p_##id m_ = { __VA_ARGS__ };                            \
		put_p_##id(chan_begin((c_)->chan, P_##ID), &m_);               \
		chan_end((c_)->chan, (fd_));                                   \
	} while (0)

#endif
