/*
 * master: what the parts of mtad-local's master share. It has root to become
 * the recipient, and does nothing else with it.
 *
 *	jobs.c	what the queue wants, and what it gets back
 *	pool.c	the agents, one for each account and purpose
 */
#ifndef LOCAL_MASTER_H
#define LOCAL_MASTER_H

#include <sys/queue.h>

#include "agent.h"
#include "map.h"
#include "outbox.h"
#include "proc.h"

struct agent_peer;
struct delivery;

/* One recipient of a job: it waits for an agent, or has one. */
struct piece {
	TAILQ_ENTRY(piece) link; /* while it waits */
	uint64_t tag;
	struct delivery *d;
	struct p_job_rcpt r; /* strings live with the delivery */
	struct agent_peer *agent; /* NULL: it waits */
};

struct local {
	struct proc *proc;
	LIST_HEAD(, agent_peer) agents;
	TAILQ_HEAD(, piece) waiting;
	LIST_HEAD(, delivery) deliveries;
	struct map pieces;
	struct outbox outbox;
	uint64_t next_tag;
	int agents_n;
	unsigned agents_ended; /* for walks over agents */
	int64_t told_full; /* mono: when a full disk was last told */
	struct event *second;
};

/* jobs.c */
void jobs_init(struct local *);
/* Takes fd, also when it fails. False: malformed. */
bool jobs_take(struct local *, struct slice payload, int fd);
bool jobs_ack(struct local *, struct slice payload);
/* To a new queue: what is in hand, and what it may not know yet. */
void jobs_report(struct local *);
bool jobs_are_over(const struct local *);
/* The end of one piece, which is freed. */
void jobs_answered(struct piece *, const struct agent_answer *);
void jobs_refused(struct piece *, const char *why);
/* The job of a piece for its agent; fd is a new descriptor or -1. False: no
 * descriptor could be had. */
bool jobs_letter(const struct piece *, struct agent_job *ret, int *ret_fd);

/* pool.c */
void pool_init(struct local *);
void pool_hand(struct local *, struct piece *);
void pool_tidy(struct local *); /* once a second */
void pool_retire(struct local *); /* the idle ones: a new configuration */
void pool_flush(struct local *); /* end of a turn */

#endif
