/*
 * remote: all deliveries and connections of one mtad-remote.
 */
#ifndef REMOTE_H
#define REMOTE_H

#include "link.h"
#include "map.h"
#include "proc.h"
#include "resolve.h"

TAILQ_HEAD(link_list, link);
TAILQ_HEAD(delivery_list, delivery);

struct remote {
	struct proc *proc; /* borrowed */
	struct resolver *resolver;
	struct delivery_list deliveries;
	struct link_list idle; /* oldest first */
	struct map results; /* not yet acknowledged, by serial */
	uint64_t next_serial, next_id;
	int idle_n, links_n;
	struct event *second;
	const struct timeval *t_connect, *t_initial, *t_helo, *t_mail, *t_rcpt,
	    *t_datainit, *t_block, *t_final, *t_quit;
	int64_t stop_at; /* mono; 0: not stopping */
};

/* From link.c: the transaction is over, recipients are decided; the link is
 * idle, dying or dead. */
void delivery_over(struct delivery *);
/* The link failed before this transaction got anywhere: another target, a
 * fresh connection, or the end. v is copied. */
void delivery_failed(
    struct delivery *, const struct verdict *v, bool is_silent_retry);
void delivery_decide(
    struct delivery_rcpt *, const char *command, const struct verdict *);
/* All that are not decided yet get this one. */
void delivery_decide_all(
    struct delivery *, const char *command, const struct verdict *);
char *delivery_key(const struct delivery *); /* the caller's, or NULL */
void remote_link_idle(struct remote *, struct link *);

#endif
