/*
 * framing: messages out of a stream of syslog, in both ways of RFC 6587.
 *
 * "MSGLEN SP MSG" when the first byte is a digit (octet counting, section
 * 3.4.1), else up to LF (non-transparent, 3.4.2); each message anew. Pure.
 */
#ifndef FRAMING_H
#define FRAMING_H

#include <stddef.h>

#include "slice.h"

#define FRAMING_LENGTH_DIGITS 7

enum framing {
	FRAMING_MORE, /* no whole message yet */
	FRAMING_ONE, /* ret_msg, and ret_used bytes are done with */
	FRAMING_BAD, /* a length that no sender means: close */
};

/* max: the longest message. A longer counted one is bad, a longer line is
 * cut there. */
enum framing
framing_next(struct slice, size_t max, struct slice *ret_msg, size_t *ret_used);

#endif
