/*
 * writer: who wrote the events of a segment, and which of them are here.
 *
 * One row for each start of a process of ours (its boot), one for each
 * program of another mailer, which has no sequence numbers.
 */
#ifndef WRITER_H
#define WRITER_H

#include "db.h"
#include "heard.h"
#include "seen.h"

struct writer {
	int64_t id;
	struct seen seen;
	/* the rest is writer.c's */
	bool is_dirty, has_rows; /* against the table */
	uint64_t hash;
	size_t n; /* bytes of key */
	char key[]; /* boot, node, instance, prog, each with a NUL */
};

struct writers;

struct writers *writers_new(struct db *); /* NULL without memory or table */
void writers_free(struct writers *);
/* The writer of this event, made when it is new; borrowed until the next
 * flush or forget. Negative errno. */
int writers_get(struct writers *, const struct heard *, struct writer **ret);
/* True: the event is not here yet, and from now on it is. */
bool writers_take(struct writers *, struct writer *, uint64_t seq, int *ret_rc);
int writers_flush(struct writers *); /* what changed, into the tables */
void writers_forget(struct writers *); /* after a rollback */

#endif
