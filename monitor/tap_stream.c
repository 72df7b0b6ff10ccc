/*
 * The sources of kinds "unixstream", "tcp" and "tls": connections that say
 * one message after the other (framing.h). Each has a ceiling of one message
 * of memory, and a time within which what it began must end.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "framing.h"
#include "intake.h"
#include "listen.h"
#include "rate.h"
#include "tls.h"

#define READS_A_TURN 16
#define ROOM ((size_t)FEED_LINE_MAX + 16) /* a message and its length */

struct conn {
	struct tap_stream *tap; /* borrowed */
	struct conn *next, **at; /* of all */
	int fd;
	struct tls *tls; /* NULL: none */
	struct event *readable, *writable;
	struct sockaddr_storage from;
	socklen_t from_n;
	struct buf in;
	int64_t begun; /* when the message in the buffer began; 0: none did */
};

struct tap_stream {
	struct intake *in; /* borrowed */
	struct feed *feed; /* borrowed */
	const struct source_settings *settings; /* borrowed */
	struct tls_server *tls;
	int fd;
	struct event *incoming;
	struct rate *rate;
	struct conn *conns;
	int64_t conns_n;
};

static void
conn_free(struct conn *c)
{
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	c->tap->conns_n--;
	if (c->readable != NULL)
		event_free(c->readable);
	if (c->writable != NULL)
		event_free(c->writable);
	if (c->tls != NULL)
		tls_free(c->tls);
	close(c->fd);
	buf_release(&c->in);
	free(c);
}

static void
set_timeout(int64_t us, struct timeval *ret)
{
	ret->tv_sec = us / US_SEC;
	ret->tv_usec = us % US_SEC;
}

/* A message that was begun must end in time, however slowly it drips. */
static void
wait_for_more(struct conn *c)
{
	const struct source_settings *s = c->tap->settings;
	int64_t left = s->IdleTimeout;
	struct timeval tv;

	if (c->in.len == 0) {
		c->begun = 0;
	} else {
		if (c->begun == 0)
			c->begun = clock_mono();
		left = c->begun + s->LineTimeout - clock_mono();
		left = left > 0 ? left : 1;
	}
	set_timeout(left, &tv);
	event_add(c->readable, &tv);
}

static int
say(struct conn *c, struct slice msg)
{
	struct tap_stream *t = c->tap;
	char from[INET6_ADDRSTRLEN];

	if (msg.n == 0)
		return 0;
	if (!rate_takes(t->rate, (struct sockaddr *)&c->from, c->from_n))
		return feed_count(t->feed, TK_LOST, 1);
	/* the bytes are the buffer's own, and dropped afterwards */
	return feed_line_from(t->feed, (char *)(uintptr_t)msg.p, msg.n,
	    listen_text((struct sockaddr *)&c->from, from));
}

/* All whole messages of the buffer. False: the connection is of no use. */
static bool
take_messages(struct conn *c, int *rc)
{
	struct slice rest = buf_slice(&c->in), msg;
	enum framing what = FRAMING_MORE;
	size_t used = 0, n;

	while (*rc == 0 &&
	    (what = framing_next(rest, FEED_LINE_MAX, &msg, &n)) ==
		FRAMING_ONE) {
		*rc = say(c, msg);
		used += n;
		rest = slice_sub(rest, n, rest.n);
		c->begun = 0;
	}
	buf_drop(&c->in, used);
	return what != FRAMING_BAD;
}

static ssize_t
read_some(struct conn *c)
{
	size_t n = ROOM - c->in.len;
	char *room = buf_room(&c->in, n);
	ssize_t got;

	if (room == NULL)
		return -ENOMEM;
	if (c->tls != NULL) {
		got = tls_read(c->tls, room, n);
	} else {
		got = read(c->fd, room, n);
		if (got < 0)
			got = errno == EINTR ? -EAGAIN : -errno;
	}
	if (got > 0) {
		c->in.len += (size_t)got;
		c->in.data[c->in.len] = '\0';
	}
	return got;
}

/* The last line may have no end. */
static int
take_rest(struct conn *c)
{
	if (c->in.len == 0 || (c->in.data[0] >= '0' && c->in.data[0] <= '9'))
		return 0;
	return say(c, buf_slice(&c->in));
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;
	struct intake *in = c->tap->in;
	bool is_good = (what & EV_TIMEOUT) == 0;
	ssize_t n = 1;
	int rc = 0;

	(void)fd;
	if (!intake_is_open(in))
		return;
	for (int i = 0; i < READS_A_TURN && is_good && rc == 0 && n > 0; i++) {
		n = read_some(c);
		if (n > 0)
			is_good = take_messages(c, &rc);
		else if (n == 0)
			rc = take_rest(c);
	}
	if (!is_good || (n <= 0 && n != -EAGAIN && n != -EINPROGRESS)) {
		conn_free(c);
	} else if (n == -EINPROGRESS) {
		event_add(c->writable, NULL);
	} else {
		wait_for_more(c);
		if (n > 0) /* more may be in TLS's own buffer */
			event_active(c->readable, EV_READ, 0);
	}
	intake_heard(in, rc);
}

static bool
is_same_client(const struct conn *a, const struct sockaddr_storage *b)
{
	if (a->from.ss_family != b->ss_family || b->ss_family == AF_UNIX)
		return false;
	if (b->ss_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)&a->from)->sin_addr,
			   &((const struct sockaddr_in *)b)->sin_addr, 4) == 0;
	return memcmp(&((const struct sockaddr_in6 *)&a->from)->sin6_addr,
		   &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
}

static bool
is_welcome(const struct tap_stream *t, const struct sockaddr_storage *from)
{
	int64_t same = 0;

	if (t->conns_n >= t->settings->MaxConnections)
		return false;
	for (const struct conn *c = t->conns; c != NULL; c = c->next)
		same += is_same_client(c, from);
	return same < t->settings->MaxConnectionsPerClient;
}

/* Takes fd, also on failure. */
static void
conn_new(struct tap_stream *t, int fd, const struct sockaddr_storage *from,
    socklen_t from_n)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	c->tap = t;
	c->fd = fd;
	c->from = *from;
	c->from_n = from_n;
	buf_init(&c->in, ROOM);
	c->at = &t->conns;
	c->next = t->conns;
	if (c->next != NULL)
		c->next->at = &c->next;
	t->conns = c;
	t->conns_n++;
	c->readable = event_new(intake_base(t->in), fd, EV_READ, on_ready, c);
	c->writable = event_new(intake_base(t->in), fd, EV_WRITE, on_ready, c);
	if (t->tls != NULL)
		c->tls = tls_new(t->tls, fd);
	if (c->readable == NULL || c->writable == NULL ||
	    (t->tls != NULL && c->tls == NULL))
		conn_free(c);
	else
		wait_for_more(c);
}

static void
on_incoming(evutil_socket_t fd, short what, void *arg)
{
	struct tap_stream *t = arg;
	struct sockaddr_storage from = { 0 };
	socklen_t n = sizeof(from);
	int conn = accept4(
	    fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (conn < 0)
		return;
	if (is_welcome(t, &from))
		conn_new(t, conn, &from, n);
	else
		close(conn);
}

static void
stop(void *of)
{
	struct tap_stream *t = of;

	while (t->conns != NULL)
		conn_free(t->conns);
	if (t->incoming != NULL)
		event_free(t->incoming);
	if (t->fd >= 0)
		close(t->fd);
	tls_server_free(t->tls);
	rate_free(t->rate);
	free(t);
}

static bool
open_socket(struct source_settings *s, char why[256])
{
	if (strcmp(s->Kind, "tls") == 0) {
		s->tls = tls_server_new(s, why);
		if (s->tls == NULL)
			return false;
	}
	s->fd = listen_at(s, SOCK_STREAM, why);
	return s->fd >= 0;
}

static void *
start(
    struct intake *in, struct source_settings *s, struct feed *f, char why[256])
{
	struct tap_stream *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->in = in;
	t->feed = f;
	t->settings = s;
	t->rate = rate_new(s->MaxLinesPerSecond);
	t->fd = s->fd;
	t->tls = s->tls;
	s->fd = -1;
	s->tls = NULL;
	snprintf(why, 256, "no memory");
	if (t->fd >= 0 && t->rate != NULL)
		t->incoming = event_new(intake_base(in), t->fd,
		    EV_READ | EV_PERSIST, on_incoming, t);
	if (t->incoming == NULL) {
		stop(t);
		return NULL;
	}
	event_add(t->incoming, NULL);
	return t;
}

/* Closed, nobody is read: the senders' own buffers hold what they can. */
static void
set_open(void *of, bool is_open)
{
	struct tap_stream *t = of;

	for (struct conn *c = t->conns; c != NULL; c = c->next) {
		event_del(c->readable);
		event_del(c->writable);
		if (is_open)
			wait_for_more(c);
	}
	if (is_open)
		event_add(t->incoming, NULL);
	else
		event_del(t->incoming);
}

const struct source_ops source_unixstream = { "unixstream", open_socket, start,
	stop, set_open, FEED_ONCE };
const struct source_ops source_tcp = { "tcp", open_socket, start, stop,
	set_open, FEED_ONCE };
const struct source_ops source_tls = { "tls", open_socket, start, stop,
	set_open, FEED_ONCE };
