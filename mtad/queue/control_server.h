/*
 * control_server: the daemon's side of the control socket (mta-control(7)).
 *
 * One JSON object a line. Who asks, the kernel says (SO_PEERCRED): root, the
 * admin group and the queue's own user see and do all; others see what they
 * submitted. Long answers are written as fast as the client reads and never
 * make the loop wait: a listing goes on in slices, turn by turn.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include <jansson.h>

#include "best.h"
#include "filter.h"
#include "queue.h"

struct control_server;

/* Who has connections, each kind a number of its own. ROOT is also who
 * started mtad without root. */
enum control_kind { CONTROL_USER, CONTROL_ADMIN, CONTROL_ROOT, CONTROL_KINDS };

#define OUT_FULL ((size_t)256 << 10) /* more is written when this is read */

/* One client. Handlers append rows to out and end with control_done(). */
struct client {
	TAILQ_ENTRY(client) link;
	struct queue *q; /* borrowed */
	struct control_server *server; /* borrowed */
	int fd;
	struct event *rd, *wr;
	struct buf in, out;
	size_t sent;
	size_t scanned; /* of in: no end of a line below it */
	size_t line; /* of in: the first line with its end; 0: not known */
	size_t bytes; /* of in and out, as counted */
	int64_t active; /* mono: when bytes came or went last */
	enum control_kind kind;
	uid_t uid;
	bool is_admin;
	char user[48]; /* as the kernel says */
	char claim[48]; /* as the client says: who became root */
	/* what takes more than a turn; step is NULL when there is none */
	bool (*step)(struct client *); /* false: over */
	struct index_walk walk;
	struct filter *filter;
	uint64_t limit, looked, matched, changed;
	int64_t (*order)(const struct msg *); /* of a list; NULL: arrival */
	struct best best; /* its rows so far, with an order */
	size_t best_next; /* of them, to be written */
	struct msgid shown; /* the row that is written in slices */
	uint32_t shown_next; /* recipient of it */
	enum act act;
	struct qrun run; /* of ACT_RETRY */
	bool is_walking, is_dry, wants_text, is_reverse;
	int64_t progress; /* when to tell next, mono; 0: nobody asked */
	uint32_t act_number;
	char *selector, *why;
	struct commit commit;
	uint32_t order_key; /* reload and the like: answered later; 0 none */
	bool is_subscribed;
	bool is_waiting; /* for a commit, the disk or another process */
	bool is_blocked; /* it has enough to read: told when it has read some */
	bool is_full; /* in holds all it may: not read until that is used */
	bool needs_input; /* step goes on when more was read */
	struct transfer *transfer; /* owned; transfer.h */
	bool is_closed;
};

struct control_server *control_server_new(struct queue *, int fd);
void control_turn(struct control_server *); /* NULL is fine */
void control_order_done(
    struct control_server *, uint32_t key, bool ok, struct slice text);
bool control_mx_answer(struct control_server *, struct slice);

/* For the handlers, in control_*.c. */
struct control_op {
	const char *name;
	bool is_admin_only;
	void (*run)(struct client *, json_t *request);
};
extern const struct control_op control_queue_ops[]; /* ends with NULL */
extern const struct control_op control_act_ops[];
extern const struct control_op control_host_ops[];
extern const struct control_op control_daemon_ops[];
extern const struct control_op control_export_ops[];
extern const struct control_op control_import_ops[];
void transfer_free(struct transfer *); /* NULL is fine */

/* A row is written with row_begin, members, row_end. */
void row_begin(struct client *);
void row_str(struct client *, const char *name, struct slice);
void row_cstr(struct client *, const char *name, const char *);
void row_num(struct client *, const char *name, int64_t);
void row_bool(struct client *, const char *name, bool);
void row_time(struct client *, const char *name, int64_t wall); /* 0: absent */
void row_id(struct client *, struct msgid);
void row_reply(struct client *, const struct rcpt *); /* the last, if any */
void row_end(struct client *);
/* A message: with its first open recipients; up to them all, and each of
 * them; or as mailq prints it. */
void row_msg(struct client *, const struct msg *);
void row_msg_begin(struct client *, const struct msg *);
void row_msg_rcpt(struct client *, const struct msg *, uint32_t);
void row_msg_text(struct client *, const struct msg *);
/* {"done":true}: the request is answered. */
void control_done(struct client *);
void control_error(struct client *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct msg *control_msg(struct client *, json_t *); /* its "id", or said why */
/* A walk over the messages that "filter" selects; false: said why not. */
bool control_set_filter(struct client *, json_t *);
void control_start_walk(struct client *, bool (*step)(struct client *));
/* The next one; NULL when left messages were looked at. False at the end. */
bool control_next_match(struct client *, int *left, struct msg **ret);
void control_put_total(struct client *); /* the last object of such a walk */
/* Filled room: go on when the client has read some. */
bool control_is_full(const struct client *);
void control_flush(struct client *); /* what it reads; may close it */
uint32_t control_new_key(struct client *); /* for an answer of another */
/* The client whose act has this number, NULL: it is over. */
struct client *control_find_act(struct client *asking, uint32_t act);
/* Destinations whose state changed in the last second. */
void control_changed_hosts(struct client *);
void control_audit(struct client *, const char *verb, const char *selector,
    uint64_t matched, uint64_t changed, bool is_dry);

#endif
