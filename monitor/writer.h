/*
 * writer: who wrote the events of a segment, and which of them are here.
 *
 * One row for each start of a process of ours (its boot), one for each
 * program of another mailer, which has no sequence numbers. What came over a
 * socket has rows of its own, whatever it says: their boot is BOOT@PEER.
 */
#ifndef WRITER_H
#define WRITER_H

#include "db.h"
#include "heard.h"
#include "seen.h"

#define WRITER_BOOT_MAX 256
/* Nothing writes more before it is heard of again: a number that is further
 * from all others of its writer is not believed. */
#define WRITER_JUMP_MAX UINT32_MAX

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
/* The start that an event is of, as it stands in the tables. */
struct slice writer_boot(const struct heard *, char room[WRITER_BOOT_MAX]);

enum number {
	NUMBER_NEW, /* and from now on it is here */
	NUMBER_BEFORE,
	NUMBER_NONE /* the event has none, or one that is not believed */
};

enum number writers_take(
    struct writers *, struct writer *, const struct heard *, int *ret_rc);
int writers_flush(struct writers *); /* what changed, into the tables */
void writers_forget(struct writers *); /* after a rollback */

#endif
