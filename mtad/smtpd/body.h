/*
 * body: the bytes after 354 or BDAT, made into a message. Pure.
 *
 * With DATA the end is CRLF.CRLF alone, and the CRLF of the command counts as
 * the first half (RFC 5321 section 4.1.1.4). A CR or LF that stands alone, and
 * NUL, are remembered as a fault (or, with is_normal, made into CRLF and
 * dropped): no byte sequence that another server might take for the end
 * passes in or out, and a line that was begun by anything but CRLF never ends
 * the message, so what follows it is never read as a command. Also watches
 * the length of lines, the size of the header and its number of Received
 * lines.
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
	uint32_t header_size; /* once !is_header: with the empty line, if there
				 is one; 0: the first line is no field */
	unsigned hops;
	bool has_8bit;
	bool is_header; /* still inside it */
	/* private */
	uint8_t state;
	size_t line;
	uint8_t kind; /* of a line in the header, as far as it was seen */
	bool is_after_crlf;
	char start[9]; /* of the line, for counting Received */
};

void body_init(struct body *, bool is_dotted);
/*
 * Takes bytes off s, appends message bytes to out (stops early when out is
 * at its ceiling: out->bad). Returns how many were taken; *ret_end is true
 * when the final dot was among them.
 */
size_t body_feed(struct body *, struct slice s, struct buf *out, bool *ret_end);
/* The last byte was given (BDAT LAST; after DATA body_feed() does it). */
void body_finish(struct body *, struct buf *out);
/* "554 5.6.11 …" for a fault. */
const char *body_refusal(enum body_fault);

#endif
