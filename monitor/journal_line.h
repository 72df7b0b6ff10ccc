/*
 * journal_line: an entry of the journal as the line that a syslog daemon
 * would have sent of it (RFC 5424).
 *
 * The time is that of the sender where the journal has it. The message is
 * the rest of the line, whatever bytes it has; words of the head have none
 * that would end them.
 */
#ifndef JOURNAL_LINE_H
#define JOURNAL_LINE_H

#include "buf.h"
#include "feed.h"

struct sd_journal; /* sd-journal(3) */

#define JOURNAL_LINE_MAX FEED_LINE_MAX /* what is longer is cut */

/* The entry that it stands at; the buffer is cleared before. 0 or negative
 * errno: it cannot be read. */
int journal_line(struct sd_journal *, struct buf *ret);

#endif
