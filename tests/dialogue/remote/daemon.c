#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stat.h"
#include "wire.h"

#define HEAD 8

int64_t
story_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
side_init(struct side *s, int fd)
{
	s->fd = fd;
	s->taken = 0;
	s->events_fd = -1;
	buf_init(&s->in, 32 << 20);
}

void
side_send(struct side *s, uint16_t type, const struct buf *payload, int fd)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	unsigned char head[HEAD];
	struct iovec iov[2] = { { head, HEAD },
		{ payload->data, payload->len } };
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = 2 };

	set_le32(head, (uint32_t)payload->len);
	set_le32(head + 4, type | (fd >= 0 ? 1u << 16 : 0));
	if (fd >= 0) {
		mh.msg_control = &ctl;
		mh.msg_controllen = sizeof(ctl);
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.align), &fd, sizeof(fd));
	}
	if (sendmsg(s->fd, &mh, MSG_NOSIGNAL) != (ssize_t)(HEAD + payload->len))
		story_fail(
		    "cannot send %s: %s", proto_name(type), strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void
read_more(struct side *s, int64_t until, const char *what)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	int64_t left = until - story_ms();
	char *room;
	ssize_t n;

	if (left <= 0 || poll(&p, 1, (int)left) == 0)
		story_fail("no %s within %d ms", what, STORY_WAIT_MS);
	buf_drop(&s->in, s->taken);
	s->taken = 0;
	room = buf_room(&s->in, 65536);
	n = read(s->fd, room, 65536);
	if (n <= 0)
		story_fail("mtad-remote is gone, waiting for %s", what);
	s->in.len += (size_t)n;
}

#define SEND(side_, id, ID, fd_, ...)                                          \
	do {                                                                   \
		struct buf b_;                                                 \
		buf_init(&b_, 16 << 20);                                       \
		put_p_##id(&b_, &(struct p_##id){ __VA_ARGS__ });              \
		side_send((side_), P_##ID, &b_, (fd_));                        \
		buf_release(&b_);                                              \
	} while (0)

/* What the queue does with events. */
static bool
take_events(struct side *s, const struct frame *f)
{
	struct p_events m;

	if (f->type != P_EVENTS || s->events_fd < 0)
		return false;
	if (!get_p_events(f->payload, &m) ||
	    write(s->events_fd, m.lines.p, m.lines.n) != (ssize_t)m.lines.n)
		story_fail("bad EVENTS");
	SEND(s, events_ok, EVENTS_OK, -1, .batch = m.batch);
	return true;
}

/* A whole frame that is there already; events are not for the caller. */
static bool
next_here(struct side *s, struct frame *ret)
{
	for (;;) {
		size_t left = s->in.len - s->taken;
		const char *p = s->in.data + s->taken;

		if (left < HEAD || left < HEAD + le32(p))
			return false;
		*ret = (struct frame){ .type = (uint16_t)le32(p + 4),
			.payload = { p + HEAD, le32(p) } };
		s->taken += HEAD + le32(p);
		if (!take_events(s, ret) && ret->type != P_PEER_LOST)
			return true;
	}
}

struct frame
side_next(struct side *s, const char *what)
{
	int64_t until = story_ms() + STORY_WAIT_MS;
	struct frame f;

	while (!next_here(s, &f))
		read_more(s, until, what);
	return f;
}

static int
memory_file(const void *p, size_t n)
{
	int fd = memfd_create("story", MFD_CLOEXEC);

	if (fd < 0 || (n != 0 && write(fd, p, n) != (ssize_t)n))
		story_fail("no memory file");
	return fd;
}

static void
send_conf(struct daemon *d, const struct conf *c)
{
	struct buf b;

	buf_init(&b, 16 << 20);
	conf_encode(&b, c);
	SEND(&d->parent, conf, CONF, memory_file(b.data, b.len), .is_first = 1);
	buf_release(&b);
}

/* A channel of the daemon to a peer whose end is ours. */
static void
send_peer(struct daemon *d, struct side *s, uint8_t role)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		story_fail("no socket pair");
	side_init(s, sv[0]);
	SEND(&d->parent, peer, PEER, sv[1], .role = role, .index = 0);
}

static void
spawn(struct daemon *d, const char *program)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		story_fail("no socket pair");
	d->pid = fork();
	if (d->pid < 0)
		story_fail("no fork");
	if (d->pid == 0) {
		int fd = fcntl(sv[1], F_DUPFD, 10);

		dup2(fd, 3);
		close(fd);
		/* within the sandbox the leak checker waits for ever */
		setenv("ASAN_OPTIONS", "detect_leaks=0", 0);
		execl(program, "mtad-remote", "0", (char *)NULL);
		_exit(127);
	}
	close(sv[1]);
	side_init(&d->parent, sv[0]);
}

/* Written at its end, while it is read from its beginning. */
static void
open_events(struct daemon *d)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", d->events_fd);
	d->queue.events_fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (d->queue.events_fd < 0)
		story_fail("no event file");
}

void
daemon_start(struct daemon *d, const char *program, const struct conf *c)
{
	int stats = memory_file("", 0);

	if (stat_create(stats) < 0)
		story_fail("no counters");
	spawn(d, program);
	send_conf(d, c);
	SEND(&d->parent, stats, STATS, stats, .slot = 1);
	SEND(&d->parent, world, WORLD, -1, .smtpds = 1, .remotes = 1);
	d->events_fd = memory_file("", 0);
	send_peer(d, &d->queue, R_QUEUE);
	open_events(d);
	send_peer(d, &d->smtpd, R_SMTPD);
	if (side_next(&d->parent, "READY").type != P_READY)
		story_fail("not READY");
	SEND(&d->parent, go, GO, -1, .unused = 0);
}

void
daemon_give_unix(struct daemon *d, const char *path)
{
	struct frame f = side_next(&d->parent, "UNIX_WANT");
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct p_unix_want m;

	if (f.type != P_UNIX_WANT || !get_p_unix_want(f.payload, &m) ||
	    !slice_eq(m.path, slice_of(path)))
		story_fail("%s instead of UNIX_WANT", proto_name(f.type));
	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		story_fail("cannot connect to %s", path);
	SEND(&d->parent, unix_give, UNIX_GIVE, fd, .key = m.key);
}

void
daemon_new_queue(struct daemon *d)
{
	close(d->queue.fd);
	buf_release(&d->queue.in);
	send_peer(d, &d->queue, R_QUEUE);
	open_events(d);
}

void
daemon_say_stop(struct daemon *d)
{
	if (!d->is_stopping)
		SEND(&d->parent, stop, STOP, -1, .unused = 0);
	d->is_stopping = true;
}

void
daemon_take_events(struct daemon *d)
{
	struct side *s = &d->queue;
	struct buf rest;
	struct frame f;
	ssize_t n;

	while (
	    (n = recv(s->fd, buf_room(&s->in, 65536), 65536, MSG_DONTWAIT)) > 0)
		s->in.len += (size_t)n;
	buf_init(&rest, 32 << 20);
	while (next_here(s, &f))
		buf_add(&rest, f.payload.p - HEAD, f.payload.n + HEAD);
	buf_add(&rest, s->in.data + s->taken, s->in.len - s->taken);
	buf_release(&s->in);
	s->in = rest;
	s->taken = 0;
}

/* Its end, or 0 when it does not come in time. */
static pid_t
wait_end(struct daemon *d, int *status)
{
	int64_t until = story_ms() + STORY_WAIT_MS;
	struct pollfd p = { .fd = d->parent.fd, .events = POLLIN };
	char block[4096];
	pid_t pid = 0;

	while (story_ms() < until && pid == 0) {
		poll(&p, 1, 20);
		daemon_take_events(d);
		if (p.revents != 0 &&
		    read(d->parent.fd, block, sizeof(block)) <= 0)
			p.fd = -1; /* closed: only its end is left */
		pid = waitpid(d->pid, status, WNOHANG);
	}
	return pid;
}

void
daemon_stop(struct daemon *d)
{
	int status = 0;

	daemon_say_stop(d);
	if (wait_end(d, &status) != d->pid)
		story_fail("mtad-remote does not end");
	d->pid = 0;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		story_fail("mtad-remote ended with status %#x", status);
}

void
daemon_kill(struct daemon *d)
{
	if (d->pid <= 0)
		return;
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	d->pid = 0;
}
