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

struct held_fd {
	STAILQ_ENTRY(held_fd) link;
	size_t at; /* where its frame starts in out */
	int fd;
};
STAILQ_HEAD(held_fds, held_fd);

struct chan {
	int fd;
	struct event *rd, *wr;
	const struct chan_ops *ops;
	void *arg; /* borrowed */
	struct buf in, out;
	size_t sent; /* of out, already with the kernel */
	size_t frame_at; /* start of the frame that is being written */
	struct held_fds out_fds, in_fds;
	bool is_gone, is_reading, free_later;
};

static void
gone(struct chan *c)
{
	if (c->is_gone)
		return;
	c->is_gone = true;
	event_del(c->rd);
	event_del(c->wr);
	c->ops->gone(c->arg, c);
}

static void
push_fd(struct held_fds *list, int fd, size_t at)
{
	struct held_fd *h = malloc(sizeof(*h));

	if (h == NULL) {
		close(fd);
		return;
	}
	*h = (struct held_fd){ .at = at, .fd = fd };
	STAILQ_INSERT_TAIL(list, h, link);
}

static int
pop_fd(struct held_fds *list)
{
	struct held_fd *h = STAILQ_FIRST(list);
	int fd = -1;

	if (h != NULL) {
		fd = h->fd;
		STAILQ_REMOVE_HEAD(list, link);
		free(h);
	}
	return fd;
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
	struct cmsghdr *cm;
	ssize_t n;

	if (room == NULL)
		return -1;
	n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	for (cm = CMSG_FIRSTHDR(&mh); cm != NULL; cm = CMSG_NXTHDR(&mh, cm)) {
		int fd;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		memcpy(&fd, CMSG_DATA(cm), sizeof(fd));
		push_fd(&c->in_fds, fd, 0);
	}
	if (n == 0)
		return -1;
	c->in.len += (size_t)n;
	return n;
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

		if (len > CHAN_FRAME_MAX || kind >> 16 > 1)
			return false;
		if (c->in.len - at < HEAD + len)
			break;
		if (kind >> 16 == 1 && (fd = pop_fd(&c->in_fds)) < 0)
			return false;
		if (c->ops->frame(c->arg, c, (uint16_t)kind,
			(struct slice){ p + HEAD, len }, fd) < 0)
			return false;
		at += HEAD + len;
	}
	buf_drop(&c->in, at);
	if (c->in.len == 0 && c->in.cap > 2 * READ_AT_ONCE)
		buf_shrink(&c->in);
	return true;
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
	if (n < 0 || (n > 0 && !frames(c)))
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
	if (c->rd == NULL || c->wr == NULL || event_add(c->rd, NULL) < 0) {
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
	while ((fd = pop_fd(&c->in_fds)) >= 0)
		close(fd);
	while ((fd = pop_fd(&c->out_fds)) >= 0)
		close(fd);
	close(c->fd);
	buf_release(&c->in);
	buf_release(&c->out);
	free(c);
}

void
chan_pause(struct chan *c)
{
	event_del(c->rd);
}

void
chan_resume(struct chan *c)
{
	if (!c->is_gone)
		event_add(c->rd, NULL);
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

void
chan_end(struct chan *c, int fd)
{
	char *head = c->out.data + c->frame_at;

	if (c->out.bad || c->is_gone) {
		/* A frame that did not fit would leave the peer out of step. */
		if (fd >= 0)
			close(fd);
		if (c->is_gone)
			buf_clear(&c->out);
		return;
	}
	set_le32(head, (uint32_t)(c->out.len - c->frame_at - HEAD));
	if (fd >= 0) {
		set_le32(head + 4, le32(head + 4) | 1u << 16);
		push_fd(&c->out_fds, fd, c->frame_at);
	}
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
		close(pop_fd(&c->out_fds));
	return n;
}

void
chan_flush(struct chan *c)
{
	while (!c->is_gone && c->sent < c->out.len) {
		ssize_t n = send_some(c);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			event_add(c->wr, NULL);
			return;
		}
		if (n < 0 || c->out.bad) {
			gone(c);
			return;
		}
		c->sent += (size_t)n;
	}
	if (c->out.len != 0) {
		c->sent = 0;
		buf_clear(&c->out);
		if (c->out.cap > 2 * READ_AT_ONCE)
			buf_shrink(&c->out);
	}
}

size_t
chan_queued(const struct chan *c)
{
	return c->out.len - c->sent;
}
