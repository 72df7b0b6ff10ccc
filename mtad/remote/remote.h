/*
 * remote: all that one mtad-remote has in its hands.
 */
#ifndef REMOTE_H
#define REMOTE_H

#include <sys/queue.h>

#include "cache.h"
#include "outbox.h"
#include "proc.h"
#include "resolve.h"
#include "self.h"

/* What is waited for, each with its option (wait.c). */
enum wait {
	W_CONNECT,
	W_GREETING,
	W_HELO,
	W_MAIL,
	W_RCPT,
	W_DATAINIT,
	W_BLOCK,
	W_FINAL,
	W_QUIT,
	W_COUNT
};

TAILQ_HEAD(delivery_list, delivery);
TAILQ_HEAD(ask_list, ask);

struct remote {
	struct proc *proc; /* borrowed */
	struct resolver *resolver;
	struct self *self;
	struct delivery_list deliveries;
	struct ask_list asks;
	int asks_of[PROC_MAX]; /* open, by smtpd */
	struct cache cache; /* idle links */
	struct link_list waiting; /* for the parent's socket */
	struct link_list quitting; /* QUIT is said, its answer is due */
	struct link_list dead; /* freed at the end of the turn */
	struct outbox outbox;
	const struct timeval *wait[W_COUNT]; /* the event base's */
	struct event *idle_timer; /* runs while the cache is not empty */
	uint64_t next_link;
	int64_t stop_at; /* mono: nothing is waited for longer; 0: running */
	struct event *stop_timer;
	struct event *second; /* looks for attempts that take too long */
};

/* idle.c: what is in the cache for ConnectionCacheTimeout is closed. */
void idle_init(struct remote *); /* idle_timer is NULL without memory */
void idle_arm(struct remote *); /* the cache is not empty */

/* Each of enum wait: its time, as configured now. */
void wait_load(struct remote *);
int64_t wait_us(const struct conf *, enum wait);
const char *wait_option(enum wait); /* "Timeout.initial" */

#endif
