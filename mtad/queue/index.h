/*
 * index: every message in the queue, in memory.
 *
 * A message is one struct, one array of recipients and one run of strings:
 * about 350 bytes with one recipient, 32 and its address for each further
 * one. Header and body stay on disk. What a reply said is interned, as a
 * dead host says the same to ten thousand messages.
 *
 * Invariants: msg->open counts the recipients that are not finished; a
 * message with none is finished and leaves when its outcomes are durable.
 * Every open recipient that is routed is in the list of exactly one job.
 */
#ifndef INDEX_H
#define INDEX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "heap.h"
#include "map.h"
#include "msgid.h"
#include "proto.h"
#include "verdict.h"

struct dest; /* sched.h */
struct segment; /* segment.h */

enum rcpt_state {
	RS_OPEN, /* to be tried, now or later */
	RS_ACTIVE, /* a worker has it */
	RS_FAILED, /* for good; the notice is not durable yet */
	RS_OK, /* from here on: finished */
	RS_BOUNCED,
	RS_DELETED,
	RS_EXPANDED, /* replaced by what follows it */
	RS_STATES
};

#define RCPT_NONE UINT32_MAX

struct text {
	uint32_t refs;
	uint32_t n;
	char s[]; /* "5.1.1 words of the server" with NUL */
};

struct rcpt {
	struct text *text; /* the last reply, or NULL */
	uint32_t
	    str; /* in msg->str: address NUL orcpt NUL [user NUL path NUL] */
	uint32_t next; /* in the job's list, or RCPT_NONE */
	uint32_t next_try; /* mono seconds; 0: at once */
	uint32_t parent; /* whom it stands in for, or RCPT_NONE */
	uint16_t attempts;
	uint16_t code; /* of the last reply */
	uint8_t state; /* enum rcpt_state */
	uint8_t kind; /* enum proto_target */
	uint8_t notify;
	uint8_t reason;
	uint8_t depth; /* of aliases within aliases */
	bool has_user; /* str goes on with user and path */
	bool is_expired; /* failed by age, not by a reply */
	bool is_tried; /* since this start */
	bool in_notice; /* RS_FAILED: a notice about it is being written */
};

/*
 * What one message has waiting for one destination: its recipients there
 * that no worker holds. One job for what was never tried, one for retries.
 */
struct job {
	struct msg *msg;
	struct dest *dest;
	LIST_ENTRY(job) of_msg;
	TAILQ_ENTRY(job) link; /* in one of dest's lists, while JOB_READY */
	struct heap_node due; /* mono microseconds, while JOB_WAITING */
	uint32_t first, last; /* recipients, linked */
	uint8_t place; /* enum job_place */
	bool is_retry;
	bool is_host_wait; /* waits only since the host did not answer */
};

enum job_place { JOB_NOWHERE, JOB_READY, JOB_WAITING };

enum msg_flag {
	MSG_HELD = 1, /* by an operator */
	MSG_DAMAGED = 2, /* its record cannot be read; kept */
	MSG_NOTIFY = 4, /* in the list of messages that need a notice */
	MSG_DELETED = 8, /* in the grave */
	MSG_KILLED = 16, /* bounced by an operator, notice waits for undo */
	MSG_ASIDE = 32 /* and held: workers ended over it (suspect.h) */
};

#define MSG_NO_OWNER UINT32_MAX
#define MSG_CAUSES 4096 /* buckets of who made it come */

struct msg {
	struct msgid id;
	uint32_t offset; /* of the record in segment */
	struct segment *segment;
	uint32_t length; /* of the record */
	uint32_t envelope; /* bytes of it */
	uint64_t body_file; /* index_name_body(); 0: it is in the record */
	uint64_t size;
	int64_t received; /* wall microseconds */
	int64_t until; /* wall: end of the grave or of undo */
	struct rcpt *rcpt;
	LIST_HEAD(, job) jobs;
	char *str; /* sender NUL envid NUL, then the recipients' */
	uint32_t str_n, rcpt_n, open, envid;
	TAILQ_ENTRY(msg) all; /* every message, in order of arrival */
	TAILQ_ENTRY(msg) notify; /* while MSG_NOTIFY */
	uint32_t owner; /* uid of who submitted it here, or MSG_NO_OWNER */
	uint32_t
	    act; /* the operator's act that its flags come from; for undo */
	uint32_t pins; /* attempts, commits and reads that come back to it */
	uint16_t cause; /* whose share of attempts it takes (sched.h) */
	uint16_t env_flags; /* ENV_ */
	uint8_t ret;
	uint8_t flags; /* enum msg_flag */
};

TAILQ_HEAD(msg_list, msg);

/* A walk over all messages that may take many turns of the loop: messages
 * may come and go meanwhile. */
struct index_walk {
	LIST_ENTRY(index_walk) link;
	struct msg *next; /* borrowed */
};

struct index {
	struct map by_id, by_body; /* those that have a body file */
	struct map texts;
	struct msg_list all;
	LIST_HEAD(, index_walk) walks;
	uint64_t rcpts, bytes; /* of all messages: open recipients, sizes */
};

void index_init(struct index *);
void index_release(struct index *); /* frees all messages */
struct msg *index_find(const struct index *, struct msgid);
/*
 * A message from its envelope, not yet routed; in the index. NULL without
 * memory or when the envelope does not hold together. -EEXIST in *ret_error
 * when the id is there already.
 */
struct msg *index_add(
    struct index *, struct msgid, const struct p_envelope *, int *ret_error);
/* The same without recipients, from a checkpoint. */
struct msg *
index_add_bare(struct index *, struct msgid, const struct p_envelope *);
/* Its body is in this file, 0: none. -EEXIST: that is another's. */
int index_name_body(struct index *, struct msg *, uint64_t number);
struct msg *index_find_body(const struct index *, uint64_t number);
/* Out of the index and freed; its jobs must be in no destination. */
void index_del(struct index *, struct msg *);

void walk_start(struct index *, struct index_walk *); /* from the oldest */
struct msg *walk_next(struct index_walk *); /* NULL at the end */
void walk_stop(struct index_walk *);

/* Appends s and a NUL to the message's strings. Its place; RCPT_NONE without
 * memory, or when there is a NUL in it. */
uint32_t msg_add_str(struct msg *, struct slice);
void rcpt_texts_init(struct index *);
void rcpt_text_drop(struct index *, struct text *); /* one user less; or NULL */
/* One more recipient: state RS_OPEN. RCPT_NONE without memory. user and path
 * may be NULL. */
uint32_t msg_add_rcpt(struct index *, struct msg *, struct slice addr,
    struct slice orcpt, uint8_t notify, enum proto_target, struct slice user,
    struct slice path);
/* As checkpoints and imported messages keep it (PART rcpt_state): an attempt
 * under way is none; next_try is wall seconds after reading. */
void rcpt_put_state(struct buf *, const struct msg *, const struct rcpt *,
    int64_t mono_to_wall);
bool rcpt_get_state(struct index *, struct msg *, struct rd *);
void rcpt_set_text(struct index *, struct rcpt *, const struct verdict *);
bool rcpt_is_open(const struct rcpt *);
bool rcpt_is_finished(const struct rcpt *);

const char *msg_sender(const struct msg *);
const char *msg_envid(const struct msg *);
/*
 * Who hears of this recipient's failure: the owner of the nearest list that
 * it came from, or the sender. A notice of ours has no sender whatever list
 * it goes to. Owned by the message until a recipient is added.
 */
const char *rcpt_sender(const struct msg *, const struct rcpt *);
const char *rcpt_owner(const struct msg *, const struct rcpt *); /* "" */
bool rcpt_is_listed(const struct msg *, const struct rcpt *); /* by an owner */
/* Of a list, before its members are added. False without memory. */
bool rcpt_set_owner(struct msg *, uint32_t rcpt, struct slice owner);
const char *rcpt_addr(const struct msg *, const struct rcpt *);
const char *rcpt_orcpt(const struct msg *, const struct rcpt *);
const char *rcpt_user(const struct msg *, const struct rcpt *); /* "" */
const char *rcpt_path(const struct msg *, const struct rcpt *); /* "" */
/* Text after the enhanced code, and that code ("" when there is none). */
struct slice rcpt_text(const struct rcpt *);
struct slice rcpt_enhanced(const struct rcpt *);

#endif
