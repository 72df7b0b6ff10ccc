/*
 * tail: a log file of others, as it is written, over its rotations.
 *
 * A file is known by its first bytes, not by its name: what is read is found
 * again when it was renamed (mail.log.1), packed, or copied and emptied; so
 * are the files that came and went in between while nobody read. After a
 * start the last lines before the place are learnt again (feed_learn()), so
 * that what is told of a message from there on is joined to it. The place
 * is (how many files were begun, offset, mark of the first bytes).
 */
#ifndef TAIL_H
#define TAIL_H

#include <stdbool.h>

#include "feed.h"

struct tail;

/* path is copied and need not exist yet. NULL without memory. */
struct tail *
tail_new(const char *path, struct feed *, const struct place *from);
void tail_free(struct tail *);
/* Like follow_read() and follow_rewind(). */
int tail_read(struct tail *, size_t budget, bool *ret_more);
void tail_rewind(struct tail *);

#endif
