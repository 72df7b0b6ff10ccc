/*
 * follow: mtad's event log files, as they are written.
 *
 * The folder holds events.000000000042.jsonl, or .gz when it was packed.
 * Writers go on with an old file for a while after a new one was begun, so
 * several are read at a time, each until it is packed and at its end. The
 * place is the oldest of them; what is read twice after a restart is known
 * by its sequence numbers. Half a line is left for later.
 */
#ifndef FOLLOW_H
#define FOLLOW_H

#include <stdbool.h>

#include "feed.h"

struct follow;

/* dir is copied and need not exist yet. NULL without memory. */
struct follow *
follow_new(const char *dir, struct feed *, const struct place *from);
void follow_free(struct follow *);
/*
 * Reads at most about budget bytes. 0, negative errno when the feed failed.
 * ret_more: there is more to read now.
 */
int follow_read(struct follow *, size_t budget, bool *ret_more);
/* After a failure: again from what is committed. */
void follow_rewind(struct follow *);

#endif
