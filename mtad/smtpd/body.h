/*
 * body: the bytes after 354 or BDAT, made into a message. Pure.
 *
 * With DATA the end is CRLF.CRLF alone. A CR or LF that stands alone, and
 * NUL, are remembered as a fault (or, with is_normal, made into CRLF and
 * dropped): no byte sequence that another server might take for the end
 * passes in or out. Also watches the length of lines, the size of the header
 * and its number of Received lines.
 */
#ifndef SMTP_BODY_H
#define SMTP_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

enum body_fault {
	BODY_FINE,
	BODY_BARE_CR,
	BODY_BARE_LF,
	BODY_NUL,
	BODY_LINE_TOO_LONG,
	BODY_HEADER_TOO_LARGE,
	BODY_TOO_MANY_HOPS
};

struct body {
	/* set by the caller */
	bool is_dotted; /* DATA: stuffed, ended by a dot */
	bool is_normal; /* repair newlines instead of refusing */
	size_t max_line, max_header;
	unsigned max_hops;
	/* results */
	enum body_fault fault; /* the first one */
	uint64_t size; /* bytes given out */
	uint32_t header_size; /* known once the header is over */
	unsigned hops;
	bool has_8bit;
	/* private */
	uint8_t state;
	size_t line;
	bool is_header;
	char start[9]; /* of the line, for counting Received */
};

void body_init(struct body *, bool is_dotted);
/*
 * Takes bytes off s, appends message bytes to out (stops early when out is
 * at its ceiling: out->bad). Returns how many were taken; *ret_end is true
 * when the final dot was among them.
 */
size_t body_feed(struct body *, struct slice s, struct buf *out, bool *ret_end);
/* BDAT LAST: the last byte was given. */
void body_finish(struct body *, struct buf *out);
/* "554 5.6.11 …" for a fault. */
const char *body_refusal(enum body_fault);

#endif
