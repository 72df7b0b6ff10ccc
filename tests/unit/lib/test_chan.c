/* chan: what the other side can cost, and what our own frames can. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>

#include "chan.h"
#include "unit.h"
#include "wire.h"

#define SMALL 7 /* a type of at most 10 bytes; others of any size */

static struct event_base *base;
static struct chan *c;
static int peer; /* the other side, by hand */
static int frames, fds, ends;
static size_t bytes;
static bool was_breach;

static int
on_frame(void *arg, struct chan *ch, uint16_t type, struct slice s, int fd)
{
	(void)arg;
	(void)ch;
	(void)type;
	frames++;
	bytes += s.n;
	if (fd >= 0) {
		fds++;
		close(fd);
	}
	return 0;
}

static void
on_gone(void *arg, struct chan *ch)
{
	(void)arg;
	ends++;
	was_breach = chan_is_breached(ch);
}

static size_t
most(void *arg, uint16_t type)
{
	(void)arg;
	return type == SMALL ? 10 : CHAN_FRAME_MAX;
}

static const struct chan_ops ops = { on_frame, on_gone, most };

static void
set_up(void)
{
	int sv[2];

	base = event_base_new();
	ck_assert_int_eq(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv),
	    0);
	peer = sv[1];
	c = chan_new(base, sv[0], &ops, NULL);
	frames = fds = ends = 0;
	bytes = 0;
	was_breach = false;
}

static void
tear_down(void)
{
	chan_free(c);
	close(peer);
	event_base_free(base);
}

static int
open_files(void)
{
	int n = 0;

	for (int fd = 0; fd < 1000; fd++)
		n += dup2(fd, fd) == fd;
	return n;
}

/* A head of a frame, n bytes after it, and so many descriptors. */
static void
put(uint32_t len, uint16_t type, uint16_t has_fd, size_t n, int fds_n)
{
	static char data[65536];
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} ctl = { 0 };
	unsigned char head[8];
	struct iovec iov[2] = { { head, 8 }, { data, n } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };
	int v[8];

	set_le32(head, len);
	set_le32(head + 4, type | (uint32_t)has_fd << 16);
	for (int i = 0; i < fds_n; i++)
		v[i] = 2;
	if (fds_n != 0) {
		mh.msg_control = &ctl;
		mh.msg_controllen = CMSG_SPACE((size_t)fds_n * sizeof(int));
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN((size_t)fds_n * sizeof(int));
		memcpy(CMSG_DATA(&ctl.align), v, (size_t)fds_n * sizeof(int));
	}
	ck_assert_int_eq(sendmsg(peer, &mh, MSG_NOSIGNAL), (ssize_t)(8 + n));
}

static void
turn(void)
{
	event_base_loop(base, EVLOOP_NONBLOCK);
}

static const struct row {
	const char *name;
	uint32_t len;
	uint16_t type, has_fd;
	size_t n;
	int fds;
	int frames; /* that come out of it; -1: a breach */
} rows[] = {
	{ "a frame", 10, SMALL, 0, 10, 0, 1 },
	{ "with its descriptor", 10, SMALL, 1, 10, 1, 1 },
	{ "half of one", 10, SMALL, 0, 5, 0, 0 },
	{ "half of one and its descriptor", 10, SMALL, 1, 5, 1, 0 },
	{ "too large for its type, at its head", 11, SMALL, 0, 0, 0, -1 },
	{ "too large for all", CHAN_FRAME_MAX + 1, 1, 0, 0, 0, -1 },
	{ "two descriptors", 10, SMALL, 1, 10, 2, -1 },
	{ "eight descriptors", 10, SMALL, 1, 10, 8, -1 },
	{ "two are said", 10, SMALL, 2, 10, 1, -1 },
	{ "one is said and none there", 10, SMALL, 1, 10, 0, -1 },
	{ "none is said and one there", 10, SMALL, 0, 10, 1, -1 },
	{ "none is said and one there, in half a frame", 10, SMALL, 0, 5, 1,
	    -1 },
};

START_TEST(what_comes_is_a_frame_or_a_breach)
{
	const struct row *r = &rows[_i];
	int before = open_files();

	put(r->len, r->type, r->has_fd, r->n, r->fds);
	turn();
	if (r->frames < 0) {
		ck_assert_msg(ends == 1 && was_breach, "%s", r->name);
		chan_free(c);
		c = NULL;
		ck_assert_msg(open_files() == before - 1, "%s: leak", r->name);
	} else {
		ck_assert_msg(
		    ends == 0 && frames == r->frames, "%s", r->name);
		ck_assert_int_eq(fds, r->frames * r->has_fd);
	}
}
END_TEST

/* Byte by byte, each with a descriptor more. */
START_TEST(descriptors_without_frames_do_not_pile_up)
{
	char one = 'x';
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	struct iovec iov = { &one, 1 };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ctl,
		.msg_controllen = sizeof(ctl) };
	int before = open_files();

	ctl.align.cmsg_level = SOL_SOCKET;
	ctl.align.cmsg_type = SCM_RIGHTS;
	ctl.align.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&ctl.align), &(int){ 2 }, sizeof(int));
	put(4 << 20, 1, 0, 0, 0);
	for (int i = 0; i < 20; i++) {
		if (sendmsg(peer, &mh, MSG_NOSIGNAL) < 0)
			break;
		turn();
	}
	ck_assert_int_eq(ends, 1);
	ck_assert(was_breach);
	ck_assert_int_le(open_files(), before + 2);
}
END_TEST

static int
send_one(uint16_t type, size_t n, int fd)
{
	static char data[CHAN_FRAME_MAX + 1];

	buf_add(chan_begin(c, type), data, n);
	return chan_try_end(c, fd);
}

/* What does not fit is taken back whole; what was there before goes on. */
START_TEST(a_frame_that_does_not_fit_is_not_begun)
{
	static char got[65536];
	size_t sum = 0, most_bytes;
	int before = open_files(), n = 0;

	ck_assert_int_eq(send_one(1, 100, -1), 0);
	ck_assert_int_eq(send_one(1, CHAN_FRAME_MAX + 1, dup(2)), -EMSGSIZE);
	ck_assert_int_eq(open_files(), before);
	while (send_one(1, CHAN_FRAME_MAX, -1) == 0)
		ck_assert_int_lt(++n, 1000);
	ck_assert_int_eq(send_one(1, 10, -1), 0);
	most_bytes = 108 + 18 + (size_t)n * (CHAN_FRAME_MAX + 8);
	while (sum < most_bytes) {
		ssize_t k;

		chan_flush(c);
		turn();
		k = read(peer, got, sizeof(got));
		ck_assert_int_gt(k, 0);
		sum += (size_t)k;
	}
	ck_assert_int_eq(read(peer, got, sizeof(got)), -1);
	ck_assert_int_eq(ends, 0);
}
END_TEST

/* Never quite empty, it would grow with all that ever went through it. */
START_TEST(a_busy_channel_stays_small)
{
	static char got[1 << 20];
	size_t sent = 0;

	while (sent < (size_t)600 << 20) {
		while (chan_queued(c) < 1 << 20)
			ck_assert_int_eq(send_one(1, 300000, -1), 0);
		chan_flush(c);
		sent += (size_t)read(peer, got, sizeof(got));
		turn();
	}
	ck_assert_int_eq(ends, 0);
}
END_TEST

START_TEST(who_does_not_read_is_not_read)
{
	static char got[65536];
	size_t n = 0;

	chan_guard(c);
	ck_assert_int_eq(send_one(1, 3 << 20, -1), 0);
	chan_flush(c);
	put(10, SMALL, 0, 10, 0);
	turn();
	ck_assert_int_eq(frames, 0);
	while (frames == 0) {
		ssize_t k = read(peer, got, sizeof(got));

		n += k > 0 ? (size_t)k : 0;
		ck_assert_uint_le(n, (3 << 20) + 8);
		turn();
	}
	ck_assert_uint_gt(n, 1 << 20);
}
END_TEST

START_TEST(nor_who_takes_no_descriptors)
{
	int before = open_files();

	chan_guard(c);
	for (int i = 0; i < 1000; i++) {
		unsigned char ask[18] = { 10, 0, 0, 0, SMALL };

		if (send(peer, ask, sizeof(ask), MSG_NOSIGNAL) < 0)
			break; /* its questions wait in the kernel */
		turn();
		for (; frames > 0; frames--)
			ck_assert_int_eq(send_one(1, 1, dup(2)), 0);
		chan_flush(c);
		if (i > 500) /* it asks, and takes nothing */
			ck_assert_int_lt(open_files(), before + 50);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("chan");
	TCase *tc = tcase_create("bounds");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, what_comes_is_a_frame_or_a_breach, 0, ROWS(rows));
	tcase_add_test(tc, descriptors_without_frames_do_not_pile_up);
	tcase_add_test(tc, a_frame_that_does_not_fit_is_not_begun);
	tcase_add_test(tc, a_busy_channel_stays_small);
	tcase_add_test(tc, who_does_not_read_is_not_read);
	tcase_add_test(tc, nor_who_takes_no_descriptors);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
