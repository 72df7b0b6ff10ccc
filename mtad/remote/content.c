#include "content.h"

#include <unistd.h>

#include "clock.h"

#define BLOCK ((size_t)64 << 10)

/* The next block of the body; 0 at its end, negative when it cannot be read.
 * The beginning is in the job, the rest in the descriptor. */
static ssize_t
next_block(const struct link *l, char *space, struct slice *ret)
{
	const struct delivery *d = l->delivery;
	struct slice inside = d->job.body;
	uint64_t left = d->size - l->body_at;
	ssize_t n;

	if (l->body_at < inside.n) {
		*ret = slice_sub(inside, l->body_at, l->body_at + BLOCK);
		return (ssize_t)ret->n;
	}
	if (left == 0)
		return 0;
	n = pread(d->fd, space, left < BLOCK ? (size_t)left : BLOCK,
	    (off_t)(l->body_at - inside.n));
	*ret = (struct slice){ space, n > 0 ? (size_t)n : 0 };
	return n > 0 ? n : -1; /* shorter than it was said to be */
}

static void
body_is_lost(struct link *l)
{
	const struct verdict v = VERDICT(451, "4.3.0", RC_LOCAL_IO,
	    "The message could not be read from the spool");

	link_broke(l, &v, "error");
}

/* Everything is in the output: the last reply is waited for. */
static void
perform_dot(struct link *l)
{
	lines_end(&l->lines, conn_out(l->conn));
	l->state = L_DOT;
	l->delivery->data_done = clock_mono();
	conn_flush(l->conn);
	link_wait(l, conn_is_stuck(l->conn) ? W_BLOCK : W_FINAL);
}

/* A block at a time, as the socket takes it; a small body in one write. */
void
content_go_on(struct link *l)
{
	char space[BLOCK];
	struct slice block;

	do { /* the first goes behind what the output has already: BDAT */
		ssize_t n = next_block(l, space, &block);

		if (n < 0) {
			body_is_lost(l);
			return;
		}
		l->body_at += (uint64_t)n;
		lines_put(&l->lines, conn_out(l->conn), block);
		if (l->body_at == l->delivery->size)
			perform_dot(l);
		else
			conn_flush(l->conn);
	} while (l->state == L_BODY && !conn_is_stuck(l->conn));
}

void
content_begin(struct link *l)
{
	struct delivery *d = l->delivery;
	struct buf *b = conn_out(l->conn);

	d->envelope_done = clock_mono();
	l->state = L_BODY;
	l->body_at = 0;
	l->dots = l->mailer == MAILER_LMTP ? delivery_accepted(d) : 1;
	lines_init(&l->lines, !l->is_chunked);
	link_wait(l, W_BLOCK);
	if (l->is_chunked) {
		l->commands++;
		buf_adds(b, "BDAT ");
		buf_add_u64(b, d->size);
		buf_adds(b, " LAST\r\n");
	}
	content_go_on(l);
}
