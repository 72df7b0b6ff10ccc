#include "chan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "wire.h"

#define HEAD 8 /* u32 payload length, u16 type, u16 number of descriptors */
#define OUT_MAX ((size_t)256 << 20)
#define READ_AT_ONCE ((size_t)128 << 10)
/* A guarded peer that leaves this much unread is not read from. */
#define CHOKE_BYTES ((size_t)1 << 20)
#define CHOKE_FDS 16
#define DROP_AT ((size_t)1 << 20)

struct held_fd {
	STAILQ_ENTRY(held_fd) link;
	size_t at; /* where its frame starts in out */
	int fd;
};
STAILQ_HEAD(held_fds, held_fd);

struct chan {
	int fd;
	struct event *rd, *wr, *later;
	const struct chan_ops *ops;
	void *arg; /* borrowed */
	struct buf in, out;
	size_t sent; /* of out, already with the kernel */
	size_t frame_at; /* start of the frame that is being written */
	struct held_fds out_fds, in_fds;
	int out_fds_n, in_fds_n;
	bool is_gone, is_reading, free_later;
	bool is_over; /* a frame did not fit: gone at the next flush */
	bool is_breached;
	bool is_paused; /* by the caller */
	bool is_guarded, is_choked;
};

static void
gone(struct chan *c)
{
	if (c->is_gone)
		return;
	c->is_gone = true;
	event_del(c->rd);
	event_del(c->wr);
	event_del(c->later);
	c->ops->gone(c->arg, c);
}

static bool
push_fd(struct held_fds *list, int *n, int fd, size_t at)
{
	struct held_fd *h = malloc(sizeof(*h));

	if (h == NULL) {
		close(fd);
		return false;
	}
	*h = (struct held_fd){ .at = at, .fd = fd };
	STAILQ_INSERT_TAIL(list, h, link);
	++*n;
	return true;
}

static int
pop_fd(struct held_fds *list, int *n)
{
	struct held_fd *h = STAILQ_FIRST(list);
	int fd = -1;

	if (h != NULL) {
		fd = h->fd;
		STAILQ_REMOVE_HEAD(list, link);
		--*n;
		free(h);
	}
	return fd;
}

/* The descriptors of one read: at most one, as each begins a frame. All that
 * the kernel gave us are closed with the channel. */
static bool
take_fds(struct chan *c, struct msghdr *mh)
{
	bool ok = !(mh->msg_flags & MSG_CTRUNC);
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		size_t n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		ok &= n <= 1;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(fd), sizeof(fd));
			ok &= push_fd(&c->in_fds, &c->in_fds_n, fd, 0);
		}
	}
	return ok;
}

/* Read what is there; 0 at the end of it, <0 when the peer is gone. */
static ssize_t
receive(struct chan *c)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl;
	char *room = buf_room(&c->in, READ_AT_ONCE);
	struct iovec iov = { room, READ_AT_ONCE };
	struct msghdr mh = { .msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &ctl,
		.msg_controllen = sizeof(ctl) };
	ssize_t n;

	if (room == NULL)
		return -1;
	n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (!take_fds(c, &mh)) {
		c->is_breached = true;
		return -1;
	}
	if (n == 0)
		return -1;
	c->in.len += (size_t)n;
	return n;
}

/* What its head says of a frame: may it come? */
static bool
is_allowed(struct chan *c, size_t len, uint32_t kind)
{
	size_t most = CHAN_FRAME_MAX;

	if (c->ops->most != NULL)
		most = c->ops->most(c->arg, (uint16_t)kind);
	return len <= most && len <= CHAN_FRAME_MAX && kind >> 16 <= 1 &&
	    (kind >> 16 == 0 || c->in_fds_n != 0);
}

/* A descriptor comes with the first byte of its frame: of what is left over, a
 * part of one frame at most, one can be there already. */
static bool
has_stray_fd(const struct chan *c)
{
	bool is_its = c->in.len != 0 &&
	    (c->in.len < HEAD || le32(c->in.data + 4) >> 16 == 1);

	return c->in_fds_n > is_its;
}

/* Hand out every whole frame; false when the channel broke on the way. */
static bool
frames(struct chan *c)
{
	size_t at = 0;

	while (!c->is_gone && c->in.len - at >= HEAD) {
		const char *p = c->in.data + at;
		size_t len = le32(p);
		uint32_t kind = le32(p + 4);
		int fd = -1;

		if (!is_allowed(c, len, kind))
			return false;
		if (c->in.len - at < HEAD + len)
			break;
		if (kind >> 16 == 1)
			fd = pop_fd(&c->in_fds, &c->in_fds_n);
		if (c->ops->frame(c->arg, c, (uint16_t)kind,
			(struct slice){ p + HEAD, len }, fd) < 0)
			return false;
		at += HEAD + len;
	}
	buf_drop(&c->in, at);
	if (c->in.len == 0 && c->in.cap > 2 * READ_AT_ONCE)
		buf_shrink(&c->in);
	return c->is_gone || !has_stray_fd(c);
}

static void
on_read(int fd, short what, void *arg)
{
	struct chan *c = arg;
	ssize_t n;

	(void)fd;
	(void)what;
	c->is_reading = true;
	n = receive(c);
	if (n > 0 && !frames(c)) {
		c->is_breached = true;
		n = -1;
	}
	if (n < 0)
		gone(c);
	c->is_reading = false;
	if (c->free_later)
		chan_free(c);
}

static void
on_write(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	chan_flush(arg);
}

struct chan *
chan_new(struct event_base *base, int fd, const struct chan_ops *ops, void *arg)
{
	struct chan *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->fd = fd;
	c->ops = ops;
	c->arg = arg;
	buf_init(&c->in, CHAN_FRAME_MAX + HEAD + READ_AT_ONCE);
	buf_init(&c->out, OUT_MAX);
	STAILQ_INIT(&c->out_fds);
	STAILQ_INIT(&c->in_fds);
	c->rd = event_new(base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->wr = event_new(base, fd, EV_WRITE, on_write, c);
	c->later = evtimer_new(base, on_write, c);
	if (c->rd == NULL || c->wr == NULL || c->later == NULL ||
	    event_add(c->rd, NULL) < 0) {
		chan_free(c);
		return NULL;
	}
	return c;
}

void
chan_free(struct chan *c)
{
	int fd;

	if (c == NULL)
		return;
	if (c->is_reading) { /* from inside its own frame handler */
		c->is_gone = c->free_later = true;
		return;
	}
	if (c->rd != NULL)
		event_free(c->rd);
	if (c->wr != NULL)
		event_free(c->wr);
	if (c->later != NULL)
		event_free(c->later);
	while ((fd = pop_fd(&c->in_fds, &c->in_fds_n)) >= 0)
		close(fd);
	while ((fd = pop_fd(&c->out_fds, &c->out_fds_n)) >= 0)
		close(fd);
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

/* Reads, unless the caller or the peer's own backlog forbids it. */
static void
set_reading(struct chan *c)
{
	if (c->is_gone)
		return;
	if (c->is_paused || c->is_choked)
		event_del(c->rd);
	else
		event_add(c->rd, NULL);
}

void
chan_pause(struct chan *c)
{
	c->is_paused = true;
	set_reading(c);
}

void
chan_resume(struct chan *c)
{
	c->is_paused = false;
	set_reading(c);
}

void
chan_guard(struct chan *c)
{
	c->is_guarded = true;
}

bool
chan_is_breached(const struct chan *c)
{
	return c->is_breached;
}

static void
choke(struct chan *c)
{
	bool is_choked = c->is_guarded &&
	    (chan_queued(c) > CHOKE_BYTES || c->out_fds_n > CHOKE_FDS);

	if (is_choked == c->is_choked)
		return;
	c->is_choked = is_choked;
	set_reading(c);
}

struct buf *
chan_begin(struct chan *c, uint16_t type)
{
	unsigned char head[HEAD] = { 0 };

	c->frame_at = c->out.len;
	set_le32(head + 4, type);
	buf_add(&c->out, head, HEAD);
	return &c->out;
}

/* As if it had not been begun. */
static int
take_back(struct chan *c, int fd, int error)
{
	if (fd >= 0)
		close(fd);
	c->out.len = c->frame_at;
	c->out.bad = false;
	return error;
}

int
chan_try_end(struct chan *c, int fd)
{
	char *head = c->out.data + c->frame_at;
	size_t n = c->out.len - c->frame_at;

	if (c->is_gone)
		return take_back(c, fd, 0);
	if (c->out.bad)
		return take_back(c, fd, -ENOBUFS);
	if (n - HEAD > CHAN_FRAME_MAX)
		return take_back(c, fd, -EMSGSIZE);
	if (fd >= 0 && !push_fd(&c->out_fds, &c->out_fds_n, fd, c->frame_at))
		return take_back(c, -1, -ENOBUFS);
	set_le32(head, (uint32_t)(n - HEAD));
	if (fd >= 0)
		set_le32(head + 4, le32(head + 4) | 1u << 16);
	return 0;
}

void
chan_end(struct chan *c, int fd)
{
	if (chan_try_end(c, fd) < 0)
		c->is_over = true;
}

/* One sendmsg: up to the next frame with a descriptor, or that frame. */
static ssize_t
send_some(struct chan *c)
{
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = { 0 };
	struct held_fd *h = STAILQ_FIRST(&c->out_fds);
	struct held_fd *next = h ? STAILQ_NEXT(h, link) : NULL;
	bool with = h != NULL && h->at == c->sent;
	size_t stop = c->out.len;
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (with && next != NULL)
		stop = next->at;
	else if (!with && h != NULL)
		stop = h->at;
	iov = (struct iovec){ c->out.data + c->sent, stop - c->sent };
	if (with) {
		mh.msg_control = &ctl;
		mh.msg_controllen = sizeof(ctl);
		ctl.align.cmsg_level = SOL_SOCKET;
		ctl.align.cmsg_type = SCM_RIGHTS;
		ctl.align.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.align), &h->fd, sizeof(int));
	}
	n = sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0 && with)
		close(pop_fd(&c->out_fds, &c->out_fds_n));
	return n;
}

/* What is sent goes, or a channel that is never quite empty grows for ever. */
static void
drop_sent(struct chan *c)
{
	struct held_fd *h;

	if (c->sent < c->out.len && c->sent < DROP_AT)
		return;
	STAILQ_FOREACH (h, &c->out_fds, link)
		h->at -= c->sent;
	buf_drop(&c->out, c->sent);
	c->sent = 0;
	if (c->out.len == 0 && c->out.cap > 2 * READ_AT_ONCE)
		buf_shrink(&c->out);
}

/* The socket is full, or too many descriptors of this user are under way
 * (unix(7)): then it is writable, and the end of the wait is not told. */
static void
flush_later(struct chan *c, bool is_full)
{
	const struct timeval moment = { 0, 20000 };

	if (is_full)
		event_add(c->wr, NULL);
	else
		event_add(c->later, &moment);
}

void
chan_flush(struct chan *c)
{
	if (c->is_over)
		gone(c);
	while (!c->is_gone && c->sent < c->out.len) {
		ssize_t n = send_some(c);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ETOOMANYREFS)) {
			flush_later(c, errno == EAGAIN);
			break;
		}
		if (n < 0) {
			gone(c);
			return;
		}
		c->sent += (size_t)n;
	}
	if (c->is_gone)
		return;
	drop_sent(c);
	choke(c);
}

size_t
chan_queued(const struct chan *c)
{
	return c->out.len - c->sent;
}
