/*
 * ehlo: what a server offers (RFC 5321 section 4.1.1.1). Pure.
 */
#ifndef REMOTE_EHLO_H
#define REMOTE_EHLO_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

struct ehlo {
	uint64_t max_size; /* RFC 1870; 0: no limit was named */
	bool has_size;
	bool has_pipelining; /* RFC 2920 */
	bool has_8bit; /* RFC 6152 */
	bool has_utf8; /* RFC 6531 */
	bool has_dsn; /* RFC 3461 */
	bool has_chunking; /* RFC 3030 */
	bool had_first; /* private: the line with the server's name */
};

/* One line of the answer; the first is the greeting. Unknown ones are
 * nothing to us. */
void ehlo_line(struct ehlo *, struct slice text);

#endif
