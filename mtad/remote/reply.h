/*
 * reply: what a server says (RFC 5321 section 4.2), read with suspicion.
 *
 * Any number of bytes at a time. Lines are cut, texts are bounded, control
 * bytes become blanks; a reply that never ends, or is none, is an error and
 * not a reason to wait or to believe. Pure.
 */
#ifndef REMOTE_REPLY_H
#define REMOTE_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "slice.h"

#define REPLY_TEXT_MAX 1000 /* kept of all lines together */
#define REPLY_BYTES_MAX 65536 /* read of one reply */

struct server_reply {
	int code; /* 200 to 599 once it is whole */
	size_t n;
	char text[REPLY_TEXT_MAX + 1]; /* lines joined by blanks */
	/* private */
	size_t bytes;
	char line[600];
	size_t line_n;
	bool is_long;
};

enum reply_state { REPLY_MORE, REPLY_WHOLE, REPLY_BAD };

void server_reply_init(struct server_reply *);
/* Takes bytes up to the end of this reply; *ret_used says how many. */
enum reply_state
server_reply_feed(struct server_reply *, struct slice, size_t *ret_used);
/* The text of each line of EHLO is wanted on its own: called for each. */
typedef void reply_line_fn(void *arg, struct slice text);
enum reply_state server_reply_feed_lines(struct server_reply *, struct slice,
    size_t *ret_used, reply_line_fn *, void *arg);
/* Queue id of the other side in the text of its last 250, or empty. */
struct slice reply_remote_id(struct slice text);

#endif
