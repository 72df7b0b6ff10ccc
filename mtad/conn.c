#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#define READ_AT_ONCE 65536
#define IN_MAX (READ_AT_ONCE * 2)
#define OUT_MAX ((size_t)4 << 20)

struct conn {
	int fd;
	bool is_paused, is_reading, is_dead, is_freed, is_full;
	bool is_eof; /* the peer sends no more; told when all was taken */
	struct event *rd, *wr; /* wr only when it was ever needed */
	const struct timeval *timeout; /* borrowed */
	const struct conn_ops *ops;
	void *arg; /* borrowed */
	struct buf in, out;
	size_t sent;
	uint64_t bytes_in, bytes_out;
	int error;
	struct event_base *base; /* borrowed */
};

static void
ended(struct conn *c, const char *cause)
{
	if (c->is_dead)
		return;
	c->is_dead = true;
	c->ops->ended(c->arg, cause);
}

/* Give the session what is there; keep what it leaves. */
static void
deliver(struct conn *c, struct slice s)
{
	while (s.n != 0 && !c->is_paused && !c->is_dead && !c->is_freed) {
		size_t n = c->ops->input(c->arg, s);

		if (n == 0)
			break;
		s = slice_sub(s, n, s.n);
	}
	if (s.n != 0 && !c->is_dead && !c->is_freed)
		buf_add_slice(&c->in, s);
}

/* What waited, then the new bytes; without a copy when nothing waited. */
static void
take(struct conn *c, struct slice fresh)
{
	struct buf old;

	if (c->in.len == 0) {
		deliver(c, fresh);
		return;
	}
	buf_add_slice(&c->in, fresh);
	old = c->in;
	buf_init(&c->in, IN_MAX);
	deliver(c, buf_slice(&old));
	buf_release(&old);
}

/* A client may close its half behind a pipelined session: what it sent before
 * is still answered. */
static void
check_eof(struct conn *c)
{
	if (c->is_eof && !c->is_paused && !c->is_freed)
		ended(c, "reset");
}

static void
on_read(int fd, short what, void *arg)
{
	static char block[READ_AT_ONCE]; /* scratch, never kept */
	struct conn *c = arg;
	ssize_t n;

	if (what & EV_TIMEOUT) {
		ended(c, "timeout");
		return;
	}
	n = read(fd, block, sizeof(block));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 0) {
		c->is_eof = true;
		event_del(c->rd);
		check_eof(c);
		return;
	}
	if (n < 0) {
		c->error = errno;
		ended(c, "error");
		return;
	}
	c->bytes_in += (uint64_t)n;
	c->is_reading = true;
	if (c->is_paused)
		buf_add(&c->in, block, (size_t)n);
	else
		take(c, (struct slice){ block, (size_t)n });
	if (!c->is_freed && c->in.len > READ_AT_ONCE / 2 && c->is_paused) {
		c->is_full = true; /* the client runs ahead of us */
		event_del(c->rd);
	}
	c->is_reading = false;
	if (c->is_freed)
		conn_free(c);
}

struct conn *
conn_new(struct event_base *base, int fd, const struct conn_ops *ops, void *arg,
    const struct timeval *timeout)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	*c = (struct conn){ .fd = fd,
		.ops = ops,
		.arg = arg,
		.base = base,
		.timeout = timeout };
	buf_init(&c->in, IN_MAX);
	buf_init(&c->out, OUT_MAX);
	c->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_read, c);
	if (c->rd == NULL || event_add(c->rd, timeout) < 0) {
		conn_free(c);
		return NULL;
	}
	return c;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	if (!c->is_freed)
		conn_flush(c);
	c->is_freed = c->is_dead = true;
	if (c->is_reading) /* from inside its own input() */
		return;
	if (c->rd != NULL)
		event_free(c->rd);
	if (c->wr != NULL)
		event_free(c->wr);
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

void
conn_timeout(struct conn *c, const struct timeval *t)
{
	if (c->timeout == t)
		return;
	c->timeout = t;
	if (!c->is_full && !c->is_dead && !c->is_eof)
		event_add(c->rd, t);
}

struct buf *
conn_out(struct conn *c)
{
	return &c->out;
}

static void
on_write(int fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (what & EV_TIMEOUT) {
		ended(c, "timeout");
		return;
	}
	if (!c->is_full && !c->is_dead) /* the peer takes bytes: it lives */
		event_add(c->rd, c->timeout);
	conn_flush(c);
	if (c->out.len == 0 && c->ops->drained != NULL)
		c->ops->drained(c->arg);
}

static void
wait_writable(struct conn *c)
{
	if (c->wr == NULL)
		c->wr = event_new(c->base, c->fd, EV_WRITE, on_write, c);
	if (c->wr != NULL)
		event_add(c->wr, c->timeout);
}

static void
flush(struct conn *c, int flags)
{
	while (c->sent < c->out.len) { /* also the last words of a dead one */
		ssize_t n = send(c->fd, c->out.data + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT | flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_writable(c);
			return;
		}
		if (n < 0)
			break; /* the read side will see it, too */
		c->sent += (size_t)n;
		c->bytes_out += (uint64_t)n;
	}
	c->sent = 0;
	buf_release(&c->out);
}

void
conn_flush(struct conn *c)
{
	flush(c, 0);
}

void
conn_flush_last(struct conn *c)
{
	flush(c, MSG_MORE);
}

void
conn_pause(struct conn *c)
{
	c->is_paused = true;
}

void
conn_resume(struct conn *c)
{
	struct slice none = { "", 0 };
	bool was_reading = c->is_reading;

	c->is_paused = false;
	if (c->is_full) {
		c->is_full = false;
		event_add(c->rd, c->timeout);
	}
	if (was_reading || (c->in.len == 0 && !c->is_eof))
		return;
	c->is_reading = true;
	take(c, none);
	check_eof(c);
	c->is_reading = false;
	if (c->is_freed)
		conn_free(c);
}

bool
conn_is_paused(const struct conn *c)
{
	return c->is_paused;
}

bool
conn_is_reading(const struct conn *c)
{
	return c->is_reading;
}

bool
conn_has_input(const struct conn *c)
{
	return c->in.len != 0;
}

uint64_t
conn_bytes_in(const struct conn *c)
{
	return c->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *c)
{
	return c->bytes_out;
}

int
conn_fd(const struct conn *c)
{
	return c->fd;
}

int
conn_error(const struct conn *c)
{
	return c->error;
}

bool
conn_is_stuck(const struct conn *c)
{
	return c->out.len != 0;
}
