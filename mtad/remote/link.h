/*
 * link: one connection to a server, and the transactions over it.
 *
 * greeting -> EHLO -> (transaction -> idle)* -> QUIT. A transaction is one
 * delivery: MAIL, RCPTs and DATA in one write where PIPELINING allows it,
 * then the body. Each reply goes to the step that waits for it; what a server
 * can do wrong ends as a verdict.
 */
#ifndef REMOTE_LINK_H
#define REMOTE_LINK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "conn.h"
#include "proc.h"
#include "reply.h"
#include "resolve.h"

struct remote;

enum rcpt_result { RR_OPEN, RR_ACCEPTED, RR_DECIDED };

struct delivery_rcpt {
	uint32_t index;
	struct slice addr, orcpt; /* in the job's frame */
	uint8_t notify, result; /* enum rcpt_result */
	uint16_t code;
	uint8_t reason;
	char enhanced[16];
	char *text; /* owned */
	const char *command; /* static */
};

/* A job in our hands: from P_JOB until its P_RESULT is written. */
struct delivery {
	TAILQ_ENTRY(delivery) all;
	struct remote *remote; /* borrowed */
	char *frame; /* owned: job's strings are in it */
	struct p_job job;
	int fd; /* the rest of the body, or -1 */
	struct targets targets;
	int target; /* that is tried */
	int failed; /* targets that could not be reached */
	struct link *link; /* borrowed, while it has one */
	bool is_reused, has_retried;
	int64_t started, dns_done, conn_done, envelope_done, data_done;
	char *remote_id; /* owned */
	char session[17]; /* of the connection that it went over */
	struct verdict last; /* of a target that failed; texts below */
	char last_text[600], last_enhanced[16];
	uint32_t n;
	struct delivery_rcpt rcpt[];
};

enum link_state {
	L_GREETING,
	L_EHLO,
	L_HELO,
	L_IDLE,
	L_ENVELOPE, /* replies to MAIL, RCPT, DATA are due */
	L_BODY, /* the body goes out; its reply may come early */
	L_DOT, /* the last reply is due */
	L_QUIT,
	L_DEAD
};

struct link {
	TAILQ_ENTRY(link) idle;
	struct remote *remote; /* borrowed */
	struct conn *conn; /* NULL when dead */
	enum link_state state;
	char *key; /* owned: what it may be used again for */
	struct target target;
	struct delivery *delivery; /* borrowed, NULL while idle */
	struct server_reply reply;
	uint64_t id;
	uint32_t messages, step, dots; /* dots: LMTP replies that are due */
	int64_t opened;
	uint64_t max_size; /* SIZE of the server, 0: it said none */
	bool has_pipelining, has_8bit, has_utf8, has_dsn, has_chunking,
	    has_size, is_lmtp, is_chunked, is_first_line;
	int64_t last_used; /* mono, when it became idle */
	off_t body_at; /* of the descriptor */
	bool at_line_start;
	struct event *connected; /* the socket is, or failed */
	struct event *gone; /* frees it outside its own callbacks */
};

/* Connects to d->targets[d->target] for d, or takes the socket path. */
void link_open(struct remote *, struct delivery *);
/* The next transaction over an idle link. */
void link_deliver(struct link *, struct delivery *);
void link_quit(struct link *); /* says QUIT and closes */
void link_close(struct link *, const char *cause); /* at once */
/* The delivery that it has is taken from it (a stop). */
void link_drop_delivery(struct link *);

#endif
