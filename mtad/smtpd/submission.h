/*
 * submission: one message on its way into the spool, and its record.
 */
#ifndef SMTP_SUBMISSION_H
#define SMTP_SUBMISSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "buf.h"
#include "proto.h"

/* One message. The store owns it from store_submit() until done(). */
struct submission {
	STAILQ_ENTRY(submission) link;
	struct p_envelope env; /* its strings live in the buffers below */
	/* Both have ceilings (sizes.h); who fills them tests "bad". */
	struct buf rcpts; /* owned: env_rcpt after env_rcpt */
	struct buf body; /* owned: the message, or empty with a body file */
	int body_fd; /* owned; -1: none */
	uint64_t body_file;
	uint32_t generation; /* of the queue that gave the body file */
	/* Append what only the id makes known (Received and the like); it
	 * stands in front of the body, in the record even when the body has a
	 * file. Sets env's header_size and size. */
	void (*head)(struct submission *, struct msgid, struct buf *);
	/* code 250, or the refusal with its words; then it is freed. */
	void (*done)(
	    struct submission *, struct msgid, int code, const char *text);
	void *arg; /* borrowed: the session, NULL when it is gone */
	struct buf env_message_id, kept; /* owned: strings of env */
	struct buf trace; /* owned: Received up to the id (received.h) */
	const char *host; /* borrowed: smtpd.host, which outlives reloads */
	bool is_noted; /* the header was looked at: the next three are known */
	bool has_date, has_from, is_headless;
	/* Sums that its bytes are counted in; borrowed, NULL: none. */
	size_t *body_bytes, *rcpt_bytes;
	bool completes; /* put what is missing: Date, Message-ID, From */
	/* private */
	struct msgid id;
	uint64_t offset;
	uint32_t length;
	struct buf env_bytes;
	int64_t started;
	size_t body_counted, rcpt_counted;
};

struct submission *submission_new(void); /* NULL without memory */
void submission_free(struct submission *); /* closes body_fd; NULL is fine */
/* Body or recipients have changed their size. */
void submission_count(struct submission *);
/* The body's bytes to body_fd; 0, or the error of the write. */
int submission_spill(struct submission *);
/* Append its record (record.h) with its id to b; false: it has no room there,
 * or there is no memory, and b is as it was. Takes the bytes of body and recipients away. */
bool submission_put(struct submission *, uint64_t salt, struct buf *b);

#endif
