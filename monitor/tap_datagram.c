/*
 * The sources of kinds "unix" and "udp": one message a datagram (RFC 5426).
 *
 * A turn is for the socket: whose messages wait in it is not known before.
 * What the kernel had to drop is counted as lost (SO_RXQ_OVFL). While the
 * store fails nothing is read: the socket's own room holds what it can.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "guests.h"
#include "intake.h"
#include "listen.h"

#define AT_ONCE 16 /* messages a call */
#define CALLS_A_TURN 8

struct tap_datagram {
	struct intake *in; /* borrowed */
	struct feed *feed; /* borrowed */
	int fd;
	struct event *readable;
	uint32_t dropped; /* the kernel's count so far */
	struct guests *guests;
	/* what waits in the socket is of all peers: they have a turn together */
	struct guest together;
	struct turn_seat seat;
	char *room; /* AT_ONCE messages */
};

#define CONTROL_ROOM                                                           \
	(CMSG_SPACE(sizeof(uint32_t)) + CMSG_SPACE(sizeof(struct ucred)))

static int
count_dropped(struct tap_datagram *t, struct msghdr *m)
{
	uint32_t total = t->dropped, n;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL)
			memcpy(&total, CMSG_DATA(c), sizeof(total));
	n = total - t->dropped;
	t->dropped = total;
	return n != 0 ? feed_count(t->feed, TK_LOST, n) : 0;
}

/* An address, or the user that the kernel names. */
static void
peer_of(struct peer *p, struct msghdr *m)
{
	const struct sockaddr *from = m->msg_name;
	struct ucred who = { .uid = (uid_t)-1 };

	if (from->sa_family == AF_INET || from->sa_family == AF_INET6) {
		peer_of_address(p, from);
		return;
	}
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	     c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET &&
		    c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&who, CMSG_DATA(c), sizeof(who));
	peer_of_user(p, who.uid);
}

static int
take(struct tap_datagram *t, struct mmsghdr *m, int i)
{
	struct peer peer;
	struct guest *g;
	char *line = t->room + (size_t)i * FEED_LINE_MAX;
	size_t n = m->msg_len;
	int rc = count_dropped(t, &m->msg_hdr);

	while (n != 0 && (line[n - 1] == '\n' || line[n - 1] == '\0'))
		n--;
	if (rc < 0 || n == 0)
		return rc;
	peer_of(&peer, &m->msg_hdr);
	g = guests_get(t->guests, &peer);
	if (!guests_takes(t->guests, g, n))
		return feed_count(t->feed, TK_REFUSED, 1);
	return feed_line_from(t->feed, line, n, g, &peer);
}

/* How many messages there were, at most AT_ONCE. */
static int
read_some(struct tap_datagram *t, int *rc)
{
	struct sockaddr_storage from[AT_ONCE] = { 0 };
	struct mmsghdr m[AT_ONCE];
	struct iovec iov[AT_ONCE];
	char control[AT_ONCE][CONTROL_ROOM]
	    __attribute__((aligned(__alignof__(struct cmsghdr))));
	int n;

	memset(m, 0, sizeof(m));
	for (int i = 0; i < AT_ONCE; i++) {
		iov[i].iov_base = t->room + (size_t)i * FEED_LINE_MAX;
		iov[i].iov_len = FEED_LINE_MAX;
		m[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
			.msg_namelen = sizeof(from[i]),
			.msg_iov = &iov[i],
			.msg_iovlen = 1,
			.msg_control = control[i],
			.msg_controllen = CONTROL_ROOM };
	}
	n = recvmmsg(t->fd, m, AT_ONCE, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n && *rc == 0; i++)
		*rc = take(t, &m[i], i);
	return n;
}

static void
take_turn(void *arg)
{
	struct tap_datagram *t = arg;
	int64_t end = clock_mono() + TURN_US;
	int rc = 0, n = AT_ONCE;

	if (!intake_is_open(t->in))
		return;
	for (int i = 0;
	     i < CALLS_A_TURN && rc == 0 && n == AT_ONCE && clock_mono() < end;
	     i++)
		n = read_some(t, &rc);
	event_add(t->readable, NULL);
	intake_heard(t->in, rc);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct tap_datagram *t = arg;

	(void)fd;
	(void)what;
	turns_wait(intake_turns(t->in), &t->seat);
}

static void
stop(void *of)
{
	struct tap_datagram *t = of;

	turns_leave(intake_turns(t->in), &t->seat);
	if (t->readable != NULL)
		event_free(t->readable);
	if (t->fd >= 0)
		close(t->fd);
	guests_free(t->guests);
	free(t->room);
	free(t);
}

static bool
open_socket(struct source_settings *s, char why[256])
{
	s->fd = listen_at(s, SOCK_DGRAM, why);
	return s->fd >= 0;
}

static void *
start(
    struct intake *in, struct source_settings *s, struct feed *f, char why[256])
{
	struct tap_datagram *t = calloc(1, sizeof(*t));
	int on = 1, room = 4 << 20;

	if (t == NULL)
		return NULL;
	t->in = in;
	t->feed = f;
	t->room = malloc((size_t)AT_ONCE * FEED_LINE_MAX);
	t->guests = guests_new(s->MaxLinesPerSecond, s->MaxBytesPerDay);
	TAILQ_INIT(&t->together.seats);
	t->seat = (struct turn_seat){
		.guest = &t->together, .take = take_turn, .arg = t
	};
	t->fd = s->fd;
	s->fd = -1;
	snprintf(why, 256, "no memory");
	if (t->fd >= 0)
		t->readable =
		    event_new(intake_base(in), t->fd, EV_READ, on_readable, t);
	if (t->room == NULL || t->guests == NULL || t->readable == NULL) {
		stop(t);
		return NULL;
	}
	setsockopt(t->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
	setsockopt(t->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (strcmp(s->Kind, "unix") == 0)
		setsockopt(t->fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	event_add(t->readable, NULL);
	return t;
}

static void
set_open(void *of, bool is_open)
{
	struct tap_datagram *t = of;

	if (is_open)
		event_add(t->readable, NULL);
	else
		event_del(t->readable);
}

const struct source_ops source_unix = { "unix", open_socket, start, stop,
	set_open, FEED_ONCE };
const struct source_ops source_udp = { "udp", open_socket, start, stop,
	set_open, FEED_ONCE };
