/*
 * retold: what mtad told again after a power cut, with a new number, counts
 * once: it is known by message, recipient, attempt and kind.
 *
 * The first telling may come after the second (files in any order). So from
 * the first event that is marked on, every event of a message is looked for.
 */
#ifndef RETOLD_H
#define RETOLD_H

#include "book.h"
#include "dicts.h"
#include "row.h"

struct retold {
	sqlite3_stmt *find;
	bool is_known; /* some event came again: look before each */
};

int retold_open(struct retold *, struct db *); /* 0 or negative errno */
void retold_close(struct retold *);
/* To be called for each event before retold_is_here(). */
int retold_note(struct retold *, struct dicts *, const struct fields *);
/* Is another telling of this event here? type and node: their words. */
int retold_is_here(struct retold *, struct book *, struct row *,
    const struct fields *, int64_t type, int64_t node, bool *ret);

#endif
