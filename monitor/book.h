/*
 * book: the messages and recipients of a day, one row each.
 *
 * Rows are kept in memory while events change them and written at the flush,
 * in the transaction of the events: a message that comes and goes within it
 * is written once. A message that goes on over midnight has a row in each
 * day, with what that day knows of it.
 */
#ifndef BOOK_H
#define BOOK_H

#include "allowance.h"
#include "db.h"
#include "fields.h"

/* msg.state */
enum msg_state { MSG_OPEN, MSG_HELD, MSG_DONE };

/* rcpt.state */
enum rcpt_state {
	RCPT_OPEN, /* known, no outcome yet */
	RCPT_DELIVERED,
	RCPT_DEFERRED,
	RCPT_BOUNCED,
	RCPT_EXPIRED,
	RCPT_DISCARDED,
	RCPT_STATES
};

const char *rcpt_state_name(int);

/* Keys of what the event names; 0: nothing. */
struct book_keys {
	int64_t node, sender, rcpt, host;
	struct allowance *may; /* borrowed; NULL: any number of messages */
};

struct book;

struct book *book_new(struct db *); /* NULL without memory or table */
void book_free(struct book *);
/* The number of a message that is known already; 0, or negative errno. */
int64_t book_find(struct book *, struct slice qid, int64_t node);
/* Takes the event down. The number of its message, or negative errno; 0: it is
 * one more than may be. */
int64_t book_event(
    struct book *, int64_t t, const struct fields *, const struct book_keys *);
int book_flush(struct book *);
void book_forget(struct book *); /* after a rollback */

#endif
