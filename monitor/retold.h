/*
 * retold: what mtad told again after a power cut, with a new number, counts
 * once: it is known by message, recipient, attempt and kind.
 *
 * The first telling may come after the second (files in any order). So from
 * the first event that is marked on, every event of a message of that node is
 * looked for.
 */
#ifndef RETOLD_H
#define RETOLD_H

#include "book.h"
#include "dicts.h"
#include "row.h"

struct retold {
	sqlite3_stmt *find;
	/* bits of the nodes where an event came again: own ones, peers' */
	uint64_t nodes[2][4];
};

int retold_open(struct retold *, struct db *); /* 0 or negative errno */
void retold_close(struct retold *);
/* To be called for each event before retold_is_known(). */
int retold_note(struct retold *, struct dicts *, const struct fields *,
    int64_t node, bool is_peer);
/* May some event of this node have come again? Then look before each. */
bool retold_is_known(const struct retold *, int64_t node, bool is_peer);
/* Is another telling of this event here? type and node: their words. */
int retold_is_here(struct retold *, struct book *, struct row *,
    const struct fields *, int64_t type, int64_t node, bool *ret);

#endif
