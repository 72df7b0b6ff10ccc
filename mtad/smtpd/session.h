/*
 * session: one client's dialogue: where it is, what it may, what it has.
 *
 * Verbs (verb_*.c) get the session and their arguments, and return the reply
 * or REPLY_LATER. One function, session_reply(), writes, counts and logs.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "addr.h"
#include "body.h"
#include "conn.h"
#include "fsm.h"
#include "proc.h"
#include "store.h"
#include "verdict.h"

struct smtpd;

struct reply {
	int code; /* 0: REPLY_LATER */
	const char *text; /* enhanced code and words; borrowed until sent */
};
#define REPLY(code_, text_) ((struct reply){ (code_), (text_) })
#define REPLY_LATER ((struct reply){ 0, NULL })

enum listener_kind { KIND_SMTP, KIND_LMTP, KIND_SUBMISSION, KIND_LOCAL };

/* From MAIL to the end of the message. */
struct txn {
	struct submission *sub; /* owned: envelope and body so far */
	struct body body;
	struct buf sender, envid, first_rcpt; /* owned */
	uint64_t declared; /* SIZE= */
	uint64_t chunk_left; /* of BDAT */
	bool is_last_chunk,
	    is_refused; /* refused: bytes are read and dropped */
	const char *refusal; /* code and words */
	uint32_t rcpt_n; /* at the end of the message */
	int64_t started;
};

struct session {
	LIST_ENTRY(session) link;
	struct smtpd *smtpd; /* borrowed */
	struct conn *conn;
	uint64_t id;
	const struct conf_listener *listener; /* borrowed */
	enum listener_kind kind;
	enum smtp_state state, after; /* after: once a late reply is given */
	enum smtp_verb verb; /* that is being answered */
	bool is_trusted, is_esmtp, is_lmtp, is_waiting, is_ended;
	bool is_skipping; /* the rest of a line that was too long */
	bool has_name;
	uint8_t fcrdns; /* enum proto_fcrdns, once has_name */
	uint16_t errors;
	uint32_t commands, messages;
	int64_t opened; /* mono */
	uint32_t uid; /* local: the peer's */
	struct client *client; /* counts its address; borrowed */
	char *helo, *name; /* owned */
	char ip[46];
	uint16_t port;
	struct txn *txn; /* owned, NULL outside */
	struct submission *flying; /* borrowed: with the store, not yet done */
	uint64_t ask_key; /* of lookup, while it waits */
	struct addr *asked; /* owned: the address that is asked about */
	char *orcpt; /* owned, with asked */
	uint8_t notify;
	char scratch[300]; /* a reply that was made up */
};

/* smtpd.c */
struct smtpd {
	struct proc *proc; /* borrowed */
	struct store *store;
	char *host; /* HostName; outlives reloads */
	LIST_HEAD(, session) sessions;
	uint32_t sessions_n;
	uint64_t next_id; /* of sessions */
	struct asks *asks;
	struct access *access;
	const struct timeval *t_command, *t_block; /* common timeouts */
	struct timeval t_pause;
	size_t body_bytes; /* held by all sessions */
	struct {
		int fd;
		uint32_t row;
		struct event *ev;
	} listener[64];
	int listeners;
	bool is_listening;
};

/* Takes fd. Greets, or refuses and closes. */
void session_new(struct smtpd *, int fd, const struct conf_listener *);
void session_end(struct session *, const char *cause); /* frees it */
/* Write a reply; code 0 is a late one. Counts errors and may end. */
void session_reply(struct session *, struct reply);
/* The late reply of the verb that waits; goes on with what came since. */
void session_answer(struct session *, struct reply);
/* Stop reading until session_answer(). */
void session_wait(struct session *);
void session_pause_greeting(struct session *);
void session_stop(struct session *); /* 421, unless inside a message */
void session_tick(struct session *, int64_t now); /* whole-session limit */
const struct conf *session_conf(const struct session *);

void txn_free(struct session *);
/* From verb_data.c: bytes of a message. Returns how many were taken. */
size_t data_input(struct session *, struct slice);
void data_chunk_over(struct session *);

struct reply verb_hello(struct session *, struct slice args);
struct reply verb_mail(struct session *, struct slice args);
struct reply verb_rcpt(struct session *, struct slice args);
struct reply verb_data(struct session *, struct slice args);
struct reply verb_bdat(struct session *, struct slice args);
struct reply verb_rset(struct session *, struct slice args);
struct reply verb_noop(struct session *, struct slice args);
struct reply verb_quit(struct session *, struct slice args);
struct reply verb_help(struct session *, struct slice args);
struct reply verb_vrfy(struct session *, struct slice args);
/* The recipient that waited is decided: verdict of lookup. */
void session_answer_rcpt(struct session *, struct reply);
void rcpt_answered(struct session *, const struct verdict *);
void
vrfy_answered(struct session *, const struct verdict *, struct slice lines);

#endif
