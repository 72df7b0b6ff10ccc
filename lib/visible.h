/*
 * visible: text of strangers as it may go to a terminal.
 *
 * Control characters (C0, DEL, C1), bytes that are no UTF-8 (RFC 3629), and
 * marks without width that change what stands around them (bidirectional
 * overrides, joiners, tags) would steer the terminal or lie to who reads.
 * They are shown as \xNN and \uNNNN.
 */
#ifndef VISIBLE_H
#define VISIBLE_H

#include <stdint.h>

#include "buf.h"
#include "slice.h"

struct visible {
	char text[12]; /* what is shown, NUL behind it */
	uint32_t c; /* the character; 0: text stands in its place */
};

/* The first character of s, which is not empty; the bytes that it took. */
size_t visible_next(struct slice s, struct visible *ret);
/* All of it; is_ascii: whatever is not ASCII is shown as bytes, too. */
void visible_put(struct buf *, struct slice s, bool is_ascii);

#endif
