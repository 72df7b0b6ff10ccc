/*
 * master: what the parts of mtad-local's master share. It has root to become
 * the recipient, and does nothing else with it.
 *
 *	jobs.c	what the queue wants, and what it gets back
 *	pool.c	who waits for his turn (lanes.h), and gets it
 *	agents.c  the processes: one for an account, one for a program
 *	watch.c	and what is wrong with them
 */
#ifndef LOCAL_MASTER_H
#define LOCAL_MASTER_H

#include <sys/queue.h>

#include "agent.h"
#include "lanes.h"
#include "map.h"
#include "outbox.h"
#include "proc.h"

struct agent_peer;
struct delivery;

/* One recipient of a job: it waits for its turn, or an agent has it. */
struct piece {
	struct lane_item item; /* the first field */
	uint64_t tag;
	struct delivery *d;
	const struct crowd *crowd; /* of its delivery */
	struct p_job_rcpt r; /* strings live with the delivery */
	struct agent_peer *agent; /* NULL: it waits */
};

LIST_HEAD(agent_list, agent_peer);
struct local {
	struct proc *proc;
	struct agent_list agents; /* that serve */
	struct agent_list leaving; /* whose end is waited for */
	int agents_n, programs_n; /* that serve, and these among them */
	unsigned agents_ended; /* for walks over agents */
	struct lanes lanes;
	struct crowd users, virtuals;
	LIST_HEAD(, delivery) deliveries;
	struct map pieces; /* that agents have */
	struct outbox outbox;
	uint64_t next_tag;
	int64_t told_full; /* mono: when a full disk was last told */
	bool has_room; /* an agent ended or is idle: ask again */
	bool is_pressed; /* somebody waits for room */
	bool has_orphans; /* children that are no agents may be there */
	bool is_busy; /* the tick is the quick one */
	struct event *tick;
};

/* jobs.c */
void jobs_init(struct local *);
/* Takes fd, also when it fails. False: malformed. */
bool jobs_take(struct local *, struct slice payload, int fd);
bool jobs_ack(struct local *, struct slice payload);
/* To a new queue: what is in hand, and what it may not know yet. */
void jobs_report(struct local *);
bool jobs_are_over(const struct local *);
void jobs_tidy(struct local *, int64_t now); /* every moment */
/* The end of one piece, which is freed. */
void jobs_answered(struct piece *, const struct agent_answer *);
void jobs_refused(struct piece *, const char *enhanced, const char *why);
void jobs_dropped(struct piece *); /* and nothing is said of it */
/* The job of a piece for its agent; fd is a new descriptor or -1. False: no
 * descriptor could be had. */
bool jobs_letter(const struct piece *, struct agent_job *ret, int *ret_fd);

/* pool.c */
void pool_init(struct local *);
void pool_init_crowds(struct local *); /* also: a new configuration */
void pool_add(struct local *, struct piece *);
void pool_run(struct local *); /* end of a turn: whose turn it is */
void pool_drop(struct local *); /* what waits, when the process stops */
void pool_tidy(struct local *, int64_t now); /* every moment */

/* agents.c */
void agents_init(struct local *);
/* To its agent, or answered. False: there is no room for one now. */
bool agents_hand(struct local *, struct piece *);
void agents_tidy(struct local *, int64_t now); /* every moment: watch.c */
void agents_retire(struct local *); /* the idle ones: a new configuration */
void agents_flush(struct local *); /* end of a turn */

#endif
