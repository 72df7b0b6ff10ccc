/*
 * Any bytes as a server: the first two say what is delivered, 0xfe ends what
 * is sent at once. Whatever comes, each recipient gets one verdict, and
 * nothing else is left behind.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "delivery.h"
#include "link.h"

#define BREAK 0xfe
#define RCPTS_MAX 7

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct proc proc;
static struct remote rem;

static void
set_up(void)
{
	proc.base = event_base_new();
	proc.conf = conf_new();
	proc.log = evlog_new("fuzz.test", "fuzz");
	rem.proc = &proc;
	TAILQ_INIT(&rem.deliveries);
	TAILQ_INIT(&rem.asks);
	TAILQ_INIT(&rem.waiting);
	TAILQ_INIT(&rem.quitting);
	TAILQ_INIT(&rem.dead);
	cache_init(&rem.cache);
	outbox_init(&rem.outbox);
	wait_load(&rem);
	idle_init(&rem);
}

static void
give_job(uint8_t what, uint32_t rcpts)
{
	struct p_job job = { .mailer = what & 1 ? MAILER_LMTP : MAILER_SMTP,
		.domain = SLICE("fuzz.test"),
		.path = SLICE("/lmtp"),
		.sender = SLICE("a@fuzz.test"),
		.flags = what >> 1 & 3,
		.body = SLICE("Subject: x\r\n\r\n.\r\n"),
		.size = 17 };
	struct buf list, frame;

	buf_init(&list, 4096);
	buf_init(&frame, 65536);
	for (uint32_t i = 0; i < rcpts; i++) {
		struct p_job_rcpt r = { .index = i, .addr = SLICE("b@c") };

		put_p_job_rcpt(&list, &r);
	}
	job.rcpts = buf_slice(&list);
	put_p_job(&frame, &job);
	if (!delivery_take(&rem, buf_slice(&frame), -1))
		abort();
	buf_release(&list);
	buf_release(&frame);
}

static void
turns(void)
{
	for (int i = 0; i < 4; i++) {
		event_base_loop(proc.base, EVLOOP_NONBLOCK);
		links_bury(&rem);
	}
}

/* The links that wait get a socket; the other end, or -1. */
static int
give_socket(void)
{
	struct link *l = TAILQ_FIRST(&rem.waiting);
	struct p_unix_give m = { .error = 0 };
	struct buf b;
	int sv[2];

	if (l == NULL ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) < 0)
		return -1;
	m.key = l->id;
	buf_init(&b, 64);
	put_p_unix_give(&b, &m);
	link_got_unix(&rem, buf_slice(&b), sv[0]);
	buf_release(&b);
	return sv[1];
}

static void
play(int fd, const uint8_t *p, size_t n)
{
	while (n != 0) {
		const uint8_t *at = memchr(p, BREAK, n);
		size_t some = at != NULL ? (size_t)(at - p) : n;
		ssize_t rc = send(fd, p, some, MSG_NOSIGNAL);

		(void)rc; /* it may have closed: so be it */
		turns();
		some += at != NULL;
		p += some;
		n -= some;
	}
}

static void
end_all(void)
{
	struct link *l;
	int fd;

	for (int i = 0; i < 8; i++) {
		fd = give_socket(); /* a retry on a fresh one: it hangs up */
		if (fd >= 0)
			close(fd);
		turns();
	}
	while ((l = cache_oldest(&rem.cache)) != NULL)
		link_close(l, "end");
	while ((l = TAILQ_FIRST(&rem.quitting)) != NULL)
		link_close(l, "end");
	turns();
	if (!TAILQ_EMPTY(&rem.deliveries))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint64_t serial;
	int fd;

	if (n < 2)
		return 0;
	if (proc.base == NULL)
		set_up();
	serial = rem.outbox.next_serial;
	give_job(p[0], 1 + p[1] % RCPTS_MAX);
	fd = give_socket();
	if (p[0] & 8)
		play(fd, p + 2, (n - 2) / 2);
	give_job(p[0], 1);
	play(fd, p + 2 + (p[0] & 8 ? (n - 2) / 2 : 0),
	    n - 2 - (p[0] & 8 ? (n - 2) / 2 : 0));
	close(fd);
	turns();
	end_all();
	if (rem.outbox.next_serial != serial + 2 ||
	    outbox_count(&rem.outbox) != 2)
		abort();
	outbox_ack(&rem.outbox, serial);
	outbox_ack(&rem.outbox, serial + 1);
	return 0;
}
