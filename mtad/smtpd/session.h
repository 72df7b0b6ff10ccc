/*
 * session: one client's dialogue: where it is, what it may, what it has.
 *
 * Verbs (verb_*.c) get the session and their arguments, and return the reply
 * or REPLY_LATER. One function, session_reply(), writes, counts and logs.
 */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include <stdbool.h>
#include <netinet/in.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "access.h"
#include "addr.h"
#include "body.h"
#include "conn.h"
#include "fsm.h"
#include "map.h"
#include "proc.h"
#include "store.h"
#include "verdict.h"
#include "worker.h"

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
	struct buf sender, envid; /* owned */
	uint64_t declared; /* SIZE= */
	size_t rcpt_bytes; /* of the recipients, as counted */
	bool is_last_chunk,
	    is_refused; /* refused: bytes are read and dropped */
	const char *refusal; /* code and words */
	uint32_t rcpt_n; /* of the message, once the store has it */
	int64_t started;
	bool is_full; /* has been told that it has recipients enough */
	int64_t waits_since; /* mono: for a body file; 0 */
};

struct session {
	LIST_ENTRY(session) link;
	struct smtpd *smtpd; /* borrowed */
	struct conn *conn;
	uint64_t id;
	const struct conf_listener *listener; /* borrowed */
	enum listener_kind kind;
	enum smtp_state state, after; /* after: once a late reply is given */
	enum smtp_state skip_to; /* behind the chunk that is skipped */
	uint64_t chunk_left; /* of BDAT, also of a refused one */
	enum smtp_verb verb; /* that is being answered */
	enum access_class class;
	bool is_trusted, is_esmtp, is_lmtp, is_waiting, is_ended;
	bool is_choked; /* the client reads no replies: we read no commands */
	bool is_asked_again; /* lookup died over the first time */
	bool is_skipping; /* the rest of a line that was too long */
	bool has_name;
	uint8_t fcrdns; /* enum proto_fcrdns, once has_name */
	uint16_t errors;
	uint32_t commands, messages;
	uint64_t taken; /* bytes of input, by commands and messages */
	int64_t opened; /* mono */
	uint32_t uid; /* local: the peer's */
	struct client *client; /* whose it is; borrowed */
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

/* What all sessions of the process share. */
struct smtpd {
	struct proc *proc; /* borrowed */
	struct store *store;
	struct worker *reader; /* of drop files */
	char *host; /* HostName; outlives reloads */
	LIST_HEAD(, session) sessions;
	struct map by_id; /* the same */
	uint32_t sessions_n;
	uint32_t class_n[CLASSES]; /* of them */
	int64_t told_refused; /* mono: of who was not let in */
	uint64_t next_id; /* of sessions */
	struct asks *asks;
	struct access *access;
	const struct timeval *t_command, *t_block; /* common timeouts */
	struct timeval t_pause;
	/* In memory, of all sessions, until they are with the spool. */
	size_t body_bytes, rcpt_bytes;
	uint32_t txns; /* begun, and not with the store yet */
	uint32_t body_waiters; /* sessions that wait for a body file */
	struct {
		int fd;
		uint32_t row;
		struct event *ev;
	} listener[64];
	int listeners;
	bool is_listening;
	uint32_t files_max; /* sessions, so that spool files find room, too */
	struct event *second;
	int64_t stop_at; /* mono: when the last sessions are ended; 0 */
};

/* context.c: with the configuration and the base of p, which it borrows. 0 or
 * -ENOMEM. Release ends all sessions; what is in flight is written first. */
int smtpd_init(struct smtpd *, struct proc *p);
void smtpd_release(struct smtpd *);
void smtpd_set_timeouts(struct smtpd *); /* after a reload */
/* lookup's word on a question; false: malformed. */
bool smtpd_answer(struct smtpd *, struct slice payload);

/* What accept() said of the other side; AF_UNIX: its credentials are asked. */
union sockaddr_any {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* Takes fd. Greets, or refuses and closes. */
void session_new(struct smtpd *, int fd, const union sockaddr_any *,
    const struct conf_listener *);
struct session *session_find(struct smtpd *, uint64_t id); /* NULL: gone */
uint64_t session_hash(const void *); /* for smtpd.by_id */
bool session_is(const void *, const void *id);
void session_end(struct session *, const char *cause); /* frees it */
extern const struct conn_ops session_conn_ops;
/* session_log.c: what is told of it. */
void session_say_open(struct session *);
void session_say_close(struct session *, const char *cause);
void session_say_reject(struct session *, struct reply);
/* Write a reply; code 0 is a late one. Counts errors and may end. */
void session_reply(struct session *, struct reply);
/* The same without counting: further lines of one answer (LMTP). */
void session_put(struct session *, struct reply);
/* The late reply of the verb that waits; goes on with what came since. */
void session_answer(struct session *, struct reply);
/* Stop reading until session_answer(). */
void session_wait(struct session *);
/* 421; while inside a message only when is_last_call. */
void session_stop(struct session *, bool is_last_call);
void session_tick(struct session *, int64_t now); /* whole-session limit */
const struct conf *session_conf(const struct session *);
/* Is this the address that the client connected to? */
bool session_is_ours(const struct session *, const char *ip);

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
/* BDAT where it is not allowed: its bytes are no commands. */
struct reply bdat_refused(struct session *, struct slice args, struct reply);
/* Lookup is back: ask again. */
void rcpt_ask_again(struct session *);
/* The recipient that waited is decided: verdict of lookup. */
void rcpt_answered(struct session *, const struct verdict *);
void
vrfy_answered(struct session *, const struct verdict *, struct slice lines);

#endif
