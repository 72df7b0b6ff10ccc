/*
 * agents: the master's side of its agents. Each is its user's, who may stop
 * it, hold it up and leave processes behind: it has a time, and what it leaves
 * comes to the master and is ended.
 *
 *	serving --socket closed--> leaving --process ended--> gone
 */
#ifndef LOCAL_AGENTS_H
#define LOCAL_AGENTS_H

#include "master.h"

#define PROGRAM_GRACE (5 * US_SEC) /* it ends its program by itself */

struct agent_peer {
	LIST_ENTRY(agent_peer) link;
	struct local *l; /* borrowed */
	char *user; /* "": who started us */
	enum agent_purpose purpose;
	bool is_old; /* gets no more: another configuration, or it is late */
	bool is_stopped, is_late;
	struct chan *chan; /* NULL: leaving */
	pid_t pid; /* 0: it has ended */
	unsigned busy;
	int64_t last_used, last_given, until; /* mono */
	const char *why; /* of its end */
};

/* agents.c */
void agent_end(struct agent_peer *); /* it serves no more */
void agent_kill(struct agent_peer *, const char *why);

/* watch.c */
void agent_free(struct agent_peer *);
void agent_end_process(const struct agent_peer *);
/* What became of children: those that leave may be freed. */
void agents_reap(struct local *);
/* So many of one account may have left something running: those that did so
 * first have to end it. */
void agents_limit(struct local *, const struct agent_peer *last);

#endif
