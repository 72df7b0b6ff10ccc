/*
 * lines: a message as it goes over the wire, a block at a time.
 *
 * The spool promises CRLF line ends and nothing else of CR or LF; here the
 * promise is enforced: a CR or LF alone leaves as a blank, so that the number
 * of bytes stays (BDAT has announced it) and no smuggled end of data goes
 * out. Dots are stuffed (RFC 5321 section 4.5.2) when asked for. Pure.
 */
#ifndef REMOTE_LINES_H
#define REMOTE_LINES_H

#include "buf.h"

struct lines {
	bool stuffs; /* dots: DATA, not BDAT */
	bool is_at_start; /* of a line */
	bool has_cr; /* the last block ended with a CR: which kind is open */
};

void lines_init(struct lines *, bool stuffs);
void lines_put(struct lines *, struct buf *, struct slice block);
/* After the last block: with stuffing also the dot, behind a whole line. */
void lines_end(struct lines *, struct buf *);

#endif
