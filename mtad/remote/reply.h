/*
 * reply: what a server says (RFC 5321 section 4.2), read with suspicion.
 *
 * Any number of bytes at a time. Lines are cut, texts are bounded, control
 * bytes become blanks; a reply that never ends, or is none, is an error and
 * not a reason to wait or to believe. Pure.
 *
 *	reply = *( code "-" text CRLF ) code [ " " text ] CRLF
 *
 * CR may be missing before LF; all lines of a reply have the same code.
 */
#ifndef REMOTE_REPLY_H
#define REMOTE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "reply_id.h"
#include "slice.h"
#include "verdict.h"

#define REPLY_TEXT_MAX 600 /* kept of all lines together */
#define REPLY_KEPT_MAX 512 /* kept of one line */
#define REPLY_LINE_MAX 2048 /* a longer line is no reply */
#define REPLY_BYTES_MAX 65536 /* read of one reply */

struct server_reply {
	int code; /* 200 to 599 once it is whole */
	size_t n;
	char text[REPLY_TEXT_MAX + 1]; /* lines joined by blanks */
	/* private */
	size_t bytes, line_bytes, line_n;
	bool has_line;
	char line[REPLY_KEPT_MAX];
};

enum reply_state { REPLY_MORE, REPLY_WHOLE, REPLY_BAD };

/* The text of a line on its own (of EHLO's answer). */
typedef void reply_line_fn(void *arg, struct slice text);

void server_reply_init(struct server_reply *);
/* Takes bytes up to the end of this reply; *ret_used says how many. each may
 * be NULL. After REPLY_WHOLE or REPLY_BAD comes server_reply_init(). */
enum reply_state server_reply_feed(struct server_reply *, struct slice,
    size_t *ret_used, reply_line_fn *each, void *arg);
/* The enhanced code cut off, the reason classified; texts point into it. */
struct verdict server_reply_verdict(const struct server_reply *);

#endif
