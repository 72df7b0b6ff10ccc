/*
 * journal: the system's journal (or a folder of journal files) as lines.
 *
 * An entry becomes the line that a syslog daemon would have sent of it (RFC
 * 5424), with the exact time; whatever bytes its message has are the line's.
 * The place is (0, how many entries were taken, cursor of the last one). An
 * entry is known by what its cursor says of it and not of its file: it is
 * the same when journald moved it from memory to disk. When it is gone,
 * reading goes on at the next one that there is; unless that one is the very
 * next, entries may have gone unread: that is counted and told as log.gap.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include "feed.h"

struct journal;

/* Was libsystemd there when this was built? Else journal_new() gives NULL. */
bool journal_is_built(void);
/* path: a folder; "": the system's journal. match: FIELD=VALUE, several with
 * spaces between them; "": everything. Both are copied, and neither need
 * exist yet. NULL without memory. */
struct journal *journal_new(const char *path, const char *match, struct feed *,
    const struct place *from);
void journal_free(struct journal *);
/* Like follow_read() and follow_rewind(). */
int journal_read(struct journal *, size_t budget, bool *ret_more);
void journal_rewind(struct journal *);
/* Readable when there may be more; -1 while there is no such journal. */
int journal_fd(struct journal *);

#endif
