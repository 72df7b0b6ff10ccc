/*
 * joins: what is known of messages and connections between their lines.
 *
 * Two bounded tables. When there are too many entries, or bytes of them, the
 * oldest of the peer that has most is forgotten, and counted; so is, without
 * count, one whose last line is further away in
 * time than a mailer would keep a message, since its id is another's by now.
 */
#ifndef JOINS_H
#define JOINS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "buf.h"
#include "map.h"
#include "seed.h"
#include "texts.h"

#define JOINS_MAX 65536 /* messages, and as many connections */
#define JOINS_BYTES ((size_t)64 << 20) /* of messages, and of connections */
#define JOINS_PEERS 64 /* are told apart; a power of two */
#define JOINS_PENDING_MAX 8192 /* bytes of recipients that wait */

enum mail_text {
	MT_ID, /* private */
	MT_FROM,
	MT_MESSAGE_ID,
	MT_PEER_NAME,
	MT_PEER_IP,
	MT_PROTOCOL,
	MT_USER,
	MT_WHY,
};

enum session_text { SN_NAME, SN_IP, SN_USER, SN_WHY };

struct join {
	TAILQ_ENTRY(join) by_age;
	uint64_t key; /* private, as are these */
	uint32_t bytes;
	uint8_t peer;
	int64_t first_us, last_us; /* of its lines */
	struct texts texts;
};

struct mail {
	struct join join;
	uint64_t session; /* id of the connection it came in by; 0: none */
	uint64_t size_bytes; /* 0: not known */
	uint64_t rcpts;
	unsigned delivered, bounced, expired, discarded;
	bool has_begun; /* its first line was seen */
	bool is_received; /* msg.received was told */
	int64_t arrived_us; /* to be told with the next line; 0: no */
	unsigned noticed; /* of those that failed, how many a notice told */
	bool is_held, is_refused, is_deferred, is_deleted;
	struct buf pending; /* recipients that wait, a line each */
};

struct session {
	struct join join;
	uint64_t id;
	uint64_t messages;
	const char *cause; /* static; NULL: nothing special yet */
	bool is_held, is_discarded;
};

TAILQ_HEAD(join_list, join);

struct join_table { /* private */
	struct map map;
	struct join_list by_age[JOINS_PEERS], spare;
	size_t size; /* of an entry */
	unsigned count;
	size_t bytes, of_peer[JOINS_PEERS];
	struct join *touched; /* may have grown; NULL: none */
};

struct joins { /* private */
	struct join_table mails, sessions;
	struct seed seed;
	uint64_t via; /* hash of the peer's name */
	uint8_t peer;
	uint64_t forgotten;
	int64_t last_begin_us; /* of a session, and how many with it */
	uint64_t same;
};

void joins_init(struct joins *);
void joins_release(struct joins *);
void joins_set_peer(struct joins *, struct slice via, unsigned number);

/* The message of that id on that node, as last heard of at t; made when it is
 * not there. NULL without memory. Borrowed until the next call of these. */
struct mail *
joins_mail(struct joins *, struct slice node, struct slice id, int64_t t);
/* The same, where a line begins a message: forgets an earlier one. */
struct mail *
joins_mail_begin(struct joins *, struct slice node, struct slice id, int64_t t);
void joins_mail_end(struct joins *, struct mail *);

/* The connection that the process (or its number in the log) is busy with. */
struct session *joins_session(struct joins *, struct slice node,
    struct slice prog, uint64_t pid, int64_t t);
struct session *joins_session_begin(struct joins *, struct slice node,
    struct slice prog, uint64_t pid, int64_t t);
void joins_session_end(struct joins *, struct session *);

/* Recipients that were deferred and have not ended since. */
void mail_wait(struct mail *, struct slice rcpt);
void mail_wait_ends(struct mail *, struct slice rcpt);

#endif
