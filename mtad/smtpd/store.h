/*
 * store: messages into segments, many to a sync (SPOOL.md).
 *
 * What becomes ready gathers; one task beside the loop writes it with one
 * call and syncs, while more gathers for the next. After the sync the queue
 * is told, then each submission's done() runs: only now may anybody say 250.
 * After a short write or a failed sync all that it covered is answered 451,
 * the range is reported, and another segment is begun.
 */
#ifndef SMTP_STORE_H
#define SMTP_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "proc.h"
#include "proto.h"

struct store;

/* One message. The store owns it from store_submit() until done(). */
struct submission {
	STAILQ_ENTRY(submission) link;
	struct p_envelope env; /* its strings live in env_bytes or in arg */
	struct buf rcpts; /* owned: env_rcpt after env_rcpt */
	struct buf body; /* owned: the message, or empty with a body file */
	int body_fd; /* owned; -1: none */
	uint64_t body_file;
	/* Append what only the id makes known (Received and the like); it
	 * stands in front of the body, in the record even when the body has a
	 * file. Sets env's header_size and size. */
	void (*head)(struct submission *, struct msgid, struct buf *);
	/* code 250, or the refusal with its words; then it is freed. */
	void (*done)(
	    struct submission *, struct msgid, int code, const char *text);
	void *arg; /* borrowed: the session, NULL when it is gone */
	struct buf env_message_id, kept; /* owned: strings of env */
	const char *host; /* borrowed from the configuration */
	bool has_date, has_from, is_noted, completes;
	/* private */
	struct msgid id;
	uint64_t offset;
	uint32_t length;
	struct buf env_bytes;
	int64_t started;
};

struct store *store_new(struct proc *);
void store_free(struct store *);
struct submission *submission_new(void); /* NULL without memory */
void submission_free(struct store *, struct submission *);
/* 0: a message may begin; else the reply to MAIL, with its words. */
int store_refuses(const struct store *, const char **ret_text);
/* A body file: the caller's descriptor to append to; -1: none is there. */
int store_take_body(struct store *, uint64_t *ret_number);
void store_drop_body(struct store *, uint64_t number); /* not used */
void store_submit(struct store *, struct submission *);
bool store_is_idle(const struct store *);
bool store_has_segment(const struct store *);
void store_turn(struct store *); /* once a turn of the loop */
/* Frames of the queue; false: malformed. */
bool store_frame(struct store *, enum proto_type, struct slice, int fd);
void store_queue_up(struct store *);
void store_queue_down(struct store *);
void store_stop(struct store *); /* closes its segments */

#endif
