/*
 * drop: the file that sendmail leaves while the daemon is down.
 *
 *	mtad-drop 1
 *	F sender                 at most one; empty for <>
 *	R recipient              one a line
 *	E envid / T full|hdrs / N never|success,failure,delay   may be absent
 *	                         an empty line
 *	the message, N bytes, as it was given
 *	mtad-end N               proves that all was written
 *
 * Written below a name that begins with a dot, synced, then renamed. Read by
 * a smtpd from a descriptor: to it these are bytes of a stranger.
 */
#ifndef DROP_H
#define DROP_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

#define DROP_RCPTS_MAX 20000

/* Slices point into the file's bytes. */
struct drop {
	struct slice sender, envid, ret, notify;
	struct slice head; /* the lines, for drop_next_rcpt() */
	struct slice message;
	uint32_t rcpts;
};

void drop_put(
    struct buf *, const struct drop *, const struct slice *rcpts, uint32_t n);
/* A file's end, from whose last bytes drop_parse_tail() reads it. */
#define DROP_TAIL_MAX 40
/*
 * A large file in pieces: its beginning (ret->message is what of it is there;
 * -EAGAIN: the lines are not whole yet), and its last bytes (how long the
 * message and the trailer are). 0, -EAGAIN, or -EBADMSG: not of this format.
 */
int drop_parse_head(struct slice start, struct drop *ret);
int
drop_parse_tail(struct slice last, uint64_t *ret_message, size_t *ret_trailer);
/* 0, or -EBADMSG: not whole, or not of this format. */
int drop_parse(struct slice file, struct drop *ret);
/* Walks d->head: start with *pos = 0. */
bool drop_next_rcpt(const struct drop *, size_t *pos, struct slice *ret);

#endif
