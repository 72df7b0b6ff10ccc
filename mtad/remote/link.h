/*
 * link: one connection to a server, and the transactions over it.
 *
 *	[WAIT ->] CONNECT -> GREETING -> EHLO [-> HELO] -> ENVELOPE
 *	ENVELOPE -> BODY -> DOT -> IDLE      some recipient was accepted
 *	ENVELOPE -> EMPTY -> IDLE            none was, and DATA was yet taken
 *	ENVELOPE -> IDLE                     none was
 *	IDLE -> ENVELOPE (the next delivery) | QUIT
 *	any -> DEAD                          closed, failed, or in time
 *
 * client.c has the dialogue; here is what begins, breaks and ends it. A link
 * has at most one delivery, from the connect on; a dead one is freed at the
 * end of the turn.
 */
#ifndef REMOTE_LINK_H
#define REMOTE_LINK_H

#include "conn.h"
#include "delivery.h"
#include "ehlo.h"
#include "lines.h"
#include "remote.h"
#include "reply.h"

enum link_state {
	L_WAIT, /* the parent connects: this process sees no path */
	L_CONNECT,
	L_GREETING,
	L_EHLO,
	L_HELO,
	L_IDLE,
	L_ENVELOPE, /* replies to RSET, MAIL, RCPT, DATA are due */
	L_BODY, /* the body goes out; a reply would be early */
	L_DOT, /* all is out, the last reply is due */
	L_EMPTY, /* the same with no body, and nobody listens */
	L_QUIT,
	L_DEAD,
	L_STATES
};

struct link {
	TAILQ_ENTRY(link) list, bucket; /* of the cache, or quitting, dead */
	struct remote *remote; /* borrowed */
	struct conn *conn; /* NULL in WAIT and when dead */
	enum link_state state;
	enum wait wait; /* what is waited for, since when (mono) */
	int64_t since;
	uint8_t mailer; /* enum proto_mailer */
	struct targets *targets; /* a reference; target is one of them */
	const struct target *target;
	char *domain; /* owned: whose mail went over it last; or NULL */
	struct delivery *delivery; /* borrowed, NULL while idle */
	struct server_reply reply;
	struct ehlo ehlo;
	struct lines lines;
	uint64_t body_at; /* how much of the body is in the output */
	uint64_t id;
	uint32_t messages, commands;
	uint32_t put, got; /* steps of the envelope: next to say, next reply */
	uint32_t dots; /* last replies that are due: LMTP has one for each */
	bool is_chunked; /* BDAT in this transaction */
	bool is_dirty; /* the server may be inside a transaction: RSET first */
	bool is_open; /* conn.open was said */
	struct event *connected; /* the socket is, or failed */
	int64_t opened;
};

/* Connects to the delivery's target for it. */
void link_open(struct remote *, struct delivery *);
/* P_UNIX_GIVE: what the parent made of it. Takes fd. False: malformed. */
bool link_got_unix(struct remote *, struct slice payload, int fd);
/* The next transaction over an idle link. */
void link_deliver(struct link *, struct delivery *);
/* Says QUIT to an idle one; closes it when the answer or its time comes. */
void link_quit(struct link *);
void link_close(struct link *, const char *cause); /* at once */
/* The delivery that it has is taken from it, and it is closed. */
void link_drop_delivery(struct link *);
/* Is the end of the message with the kernel, and its fate unknown? */
bool link_is_past_dot(const struct link *);
/* Frees what is dead. */
void links_bury(struct remote *);

/* For the dialogue. */
void link_wait(struct link *, enum wait);
/* It is of no more use, and why: v decides what is open of its delivery. */
void link_broke(struct link *, const struct verdict *v, const char *cause);
/* No delivery: into the cache, or QUIT. */
void link_idle(struct link *);

#endif
