/*
 * The sources of kinds "unixstream", "tcp" and "tls": connections that say
 * one message after the other (framing.h). Each has a ceiling of one message
 * of memory, and a time within which what it began must end; one that has said
 * nothing yet (nor ended its handshake) has begun. When all places are taken,
 * the peer with the most connections makes room.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "framing.h"
#include "guests.h"
#include "intake.h"
#include "listen.h"
#include "tls.h"

#define READS_A_TURN 4
#define ROOM ((size_t)FEED_LINE_MAX + 16) /* a message and its length */

struct conn {
	struct tap_stream *tap; /* borrowed */
	struct conn *next, **at; /* of all */
	int fd;
	struct tls *tls; /* NULL: none */
	struct event *readable, *writable;
	struct peer peer;
	struct guest *guest; /* borrowed */
	struct turn_seat seat;
	struct buf in;
	int64_t begun; /* when the message in the buffer began; 0: none did */
	int64_t spoke; /* when it last said a whole message */
};

struct tap_stream {
	struct intake *in; /* borrowed */
	struct feed *feed; /* borrowed */
	const struct source_settings *settings; /* borrowed */
	struct tls_server *tls;
	int fd;
	struct event *incoming;
	struct guests *guests;
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
	c->guest->conns--;
	turns_leave(intake_turns(c->tap->in), &c->seat);
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

	if (c->in.len == 0 && c->spoke != 0) {
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

	if (msg.n == 0)
		return 0;
	if (!guests_takes(t->guests, c->guest, msg.n))
		return feed_count(t->feed, TK_REFUSED, 1);
	/* the bytes are the buffer's own, and dropped afterwards */
	return feed_line_from(
	    t->feed, (char *)(uintptr_t)msg.p, msg.n, c->guest, &c->peer);
}

/* Whole messages of the buffer, for as long as the turn is. FRAMING_ONE: there
 * are more. */
static enum framing
take_messages(struct conn *c, int64_t end, int *rc)
{
	struct slice rest = buf_slice(&c->in), msg;
	enum framing what = FRAMING_ONE;
	size_t used = 0, n;

	while (*rc == 0 && clock_mono() < end) {
		what = framing_next(rest, FEED_LINE_MAX, &msg, &n);
		if (what != FRAMING_ONE)
			break;
		*rc = say(c, msg);
		used += n;
		rest = slice_sub(rest, n, rest.n);
	}
	if (used != 0) {
		c->begun = 0;
		c->spoke = clock_mono();
	}
	buf_drop(&c->in, used);
	return what;
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

/* What is to be done with a connection after its turn. */
enum after { AFTER_WAIT, AFTER_WRITE, AFTER_TURN, AFTER_CLOSE };

static enum after
read_all(struct conn *c, int64_t end, int *rc)
{
	for (int i = 0; i < READS_A_TURN && *rc == 0; i++) {
		enum framing what = take_messages(c, end, rc);
		ssize_t n;

		if (what != FRAMING_MORE)
			return what == FRAMING_BAD ? AFTER_CLOSE : AFTER_TURN;
		n = read_some(c);
		if (n == -EAGAIN)
			return AFTER_WAIT;
		if (n == -EINPROGRESS)
			return AFTER_WRITE;
		if (n == 0)
			*rc = take_rest(c);
		if (n <= 0)
			return AFTER_CLOSE;
	}
	return AFTER_TURN; /* more may be in TLS's own buffer */
}

static void
take_turn(void *arg)
{
	struct conn *c = arg;
	struct intake *in = c->tap->in;
	int rc = 0;

	if (!intake_is_open(in))
		return;
	switch (read_all(c, clock_mono() + TURN_US, &rc)) {
	case AFTER_WAIT:
		wait_for_more(c);
		break;
	case AFTER_WRITE:
		wait_for_more(c);
		event_add(c->writable, NULL);
		break;
	case AFTER_TURN:
		turns_wait(intake_turns(in), &c->seat);
		break;
	case AFTER_CLOSE:
		conn_free(c);
	}
	intake_heard(in, rc);
}

static void
on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	event_del(c->readable);
	event_del(c->writable);
	if ((what & EV_TIMEOUT) != 0 && intake_is_open(c->tap->in))
		conn_free(c);
	else
		turns_wait(intake_turns(c->tap->in), &c->seat);
}

/* The connection of this guest that has said nothing for the longest time. */
static struct conn *
most_silent(const struct tap_stream *t, const struct guest *g)
{
	struct conn *best = NULL;

	for (struct conn *c = t->conns; c != NULL; c = c->next)
		if (c->guest == g && (best == NULL || c->spoke <= best->spoke))
			best = c;
	return best;
}

/* Is there a place, or can one be had of those who have more? */
static bool
is_welcome(struct tap_stream *t, const struct guest *g)
{
	struct guest *most;
	struct conn *goes;

	if (g->conns >= t->settings->MaxConnectionsPerClient)
		return false;
	if (t->conns_n < t->settings->MaxConnections)
		return true;
	most = guests_fullest(t->guests);
	goes = most->conns > g->conns + 1 ? most_silent(t, most) : NULL;
	if (goes == NULL)
		return false;
	conn_free(goes);
	intake_turned_away(t->in);
	return true;
}

/* Takes fd, also on failure. */
static void
conn_new(struct tap_stream *t, int fd, const struct peer *peer, struct guest *g)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return;
	}
	c->tap = t;
	c->fd = fd;
	c->peer = *peer;
	c->guest = g;
	c->seat = (struct turn_seat){ .guest = g, .take = take_turn, .arg = c };
	buf_init(&c->in, ROOM);
	c->at = &t->conns;
	c->next = t->conns;
	if (c->next != NULL)
		c->next->at = &c->next;
	t->conns = c;
	t->conns_n++;
	g->conns++;
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
peer_of(struct peer *p, int fd, const struct sockaddr *from)
{
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(who);

	if (from->sa_family == AF_INET || from->sa_family == AF_INET6) {
		peer_of_address(p, from);
		return;
	}
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n);
	peer_of_user(p, who.uid);
}

static void
on_incoming(evutil_socket_t fd, short what, void *arg)
{
	struct tap_stream *t = arg;
	struct sockaddr_storage from = { 0 };
	socklen_t n = sizeof(from);
	struct peer peer;
	struct guest *g;
	int conn = accept4(
	    fd, (struct sockaddr *)&from, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);

	(void)what;
	if (conn < 0)
		return;
	peer_of(&peer, conn, (struct sockaddr *)&from);
	g = guests_get(t->guests, &peer);
	if (is_welcome(t, g)) {
		conn_new(t, conn, &peer, g);
	} else {
		intake_turned_away(t->in);
		close(conn);
	}
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
	guests_free(t->guests);
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
	t->guests = guests_new(s->MaxLinesPerSecond, s->MaxBytesPerDay);
	t->fd = s->fd;
	t->tls = s->tls;
	s->fd = -1;
	s->tls = NULL;
	snprintf(why, 256, "no memory");
	if (t->fd >= 0 && t->guests != NULL)
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
		/* something may be in the buffer, or in TLS's own */
		if (is_open)
			turns_wait(intake_turns(t->in), &c->seat);
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
