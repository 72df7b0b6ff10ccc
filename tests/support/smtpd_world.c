#include "smtpd_world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "log.h"
#include "mtad/smtpd/message.h"
#include "record.h"

static void
gone(void *arg, struct chan *c)
{
	(void)arg;
	(void)c;
}

static void
give_segment(struct world *w)
{
	struct p_seg_give m = { .tag = 1,
		.seg = ++w->next_seg,
		.salt = 1,
		.offset = SEGMENT_HEAD,
		.limit = 1 << 20 };
	int fd = memfd_create("segment", MFD_CLOEXEC);

	if (lseek(fd, SEGMENT_HEAD, SEEK_SET) < 0)
		fatal("no segment");
	if (w->segment[m.seg % 4] >= 0)
		close(w->segment[m.seg % 4]);
	w->segment[m.seg % 4] = dup(fd);
	put_p_seg_give(chan_begin(w->queue, P_SEG_GIVE), &m);
	chan_end(w->queue, fd);
}

static void
give_body(struct world *w)
{
	struct p_body_give m = { .number = ++w->next_body };

	put_p_body_give(chan_begin(w->queue, P_BODY_GIVE), &m);
	chan_end(w->queue, memfd_create("body", MFD_CLOEXEC));
}

static int
queue_frame(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	struct world *w = arg;
	struct p_msg_new m;

	(void)c;
	(void)fd;
	if (type == P_SEG_WANT)
		give_segment(w);
	if (type == P_BODY_WANT && !w->keeps_bodies)
		give_body(w);
	if (type != P_MSG_NEW || !get_p_msg_new(s, &m))
		return 0;
	w->messages++;
	w->envelope = m.envelope.n;
	buf_clear(&w->record);
	if (buf_room(&w->record, m.length) != NULL &&
	    pread(w->segment[m.id.seg % 4], w->record.data, m.length,
		(off_t)m.offset) == (ssize_t)m.length)
		w->record.len = m.length;
	return 0;
}

static int
lookup_frame(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	struct world *w = arg;
	struct p_rcpt_ask m;
	struct p_rcpt_answer a = { .lines = SLICE("") };
	struct verdict v = VERDICT(250, "2.1.5", RC_NONE, "ok");
	struct buf b;

	(void)fd;
	if (type != P_RCPT_ASK || !get_p_rcpt_ask(s, &m))
		return -EPROTO;
	w->asks++;
	if (slice_ieq(m.local, SLICE("silent")))
		return 0;
	if (slice_ieq(m.local, SLICE("nobody")))
		v = VERDICT(550, "5.1.1", RC_MAILBOX_UNKNOWN, "No such user");
	if (slice_ieq(m.local, SLICE("later")))
		v = VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE, "Not now");
	if (slice_ieq(m.local, SLICE("list")) && m.what == ASK_EXPN)
		a.lines = SLICE("a@local.test\nb@local.test");
	buf_init(&b, 1000);
	put_verdict(&b, &v);
	a.key = m.key;
	a.verdict = buf_slice(&b);
	put_p_rcpt_answer(chan_begin(c, P_RCPT_ANSWER), &a);
	chan_end(c, -1);
	buf_release(&b);
	return 0;
}

static int
store_side(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	struct world *w = arg;

	(void)c;
	if (!store_frame(w->smtpd.store, (enum proto_type)type, s, fd))
		return -EPROTO;
	if (type == P_BODY_GIVE)
		message_got_body(&w->smtpd);
	return 0;
}

static int
asks_side(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	struct world *w = arg;

	(void)c;
	(void)fd;
	return type == P_RCPT_ANSWER && smtpd_answer(&w->smtpd, s) ? 0
								   : -EPROTO;
}

static struct chan *
join(struct world *w, struct peer *peer, const struct chan_ops *ours,
    const struct chan_ops *theirs)
{
	int fd[2];

	if (socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
		fatal("no socketpair");
	peer->proc = &w->proc;
	peer->chan = chan_new(w->proc.base, fd[0], ours, w);
	return chan_new(w->proc.base, fd[1], theirs, w);
}

static struct conf *
make_conf(void)
{
	struct conf *c = conf_new();

	free(c->HostName);
	c->HostName = strdup("mx.test");
	free(c->Banner);
	c->Banner = strdup("ESMTP test");
	conf_list_add(&c->LocalDomains, "local.test");
	conf_list_add(&c->RelayDomains, "relay.test");
	return c;
}

void
world_init(struct world *w, bool is_full)
{
	static const struct chan_ops queue_ops = { queue_frame, gone, NULL };
	static const struct chan_ops lookup_ops = { lookup_frame, gone, NULL };
	static const struct chan_ops store_ops = { store_side, gone, NULL };
	static const struct chan_ops asks_ops = { asks_side, gone, NULL };
	*w = (struct world){ .segment = { -1, -1, -1, -1 }, .client = -1 };
	w->proc.base = event_base_new();
	w->proc.conf = make_conf();
	w->proc.log = evlog_new("mx.test", "mtad-smtpd");
	w->proc.slot = &w->slot;
	w->proc.smtpds = 1;
	buf_init(&w->record, 16 << 20);
	if (smtpd_init(&w->smtpd, &w->proc) < 0)
		fatal("no memory");
	w->proc.queue.role = R_QUEUE;
	w->proc.lookup.role = R_LOOKUP;
	w->lookup = join(w, &w->proc.lookup, &asks_ops, &lookup_ops);
	if (is_full)
		return;
	w->queue = join(w, &w->proc.queue, &store_ops, &queue_ops);
	store_queue_up(w->smtpd.store);
	world_settle(w);
}

void
world_release(struct world *w)
{
	world_hang_up(w);
	smtpd_release(&w->smtpd);
	chan_free(w->proc.queue.chan);
	chan_free(w->queue);
	chan_free(w->proc.lookup.chan);
	chan_free(w->lookup);
	for (int i = 0; i < 4; i++)
		if (w->segment[i] >= 0)
			close(w->segment[i]);
	evlog_free(w->proc.log);
	conf_free(w->proc.conf);
	event_base_free(w->proc.base);
	buf_release(&w->record);
}

static void
turn(struct world *w)
{
	struct chan *all[] = { w->proc.queue.chan, w->queue,
		w->proc.lookup.chan, w->lookup };

	event_base_loop(w->proc.base, EVLOOP_NONBLOCK);
	store_turn(w->smtpd.store, w->smtpd.txns != 0);
	evlog_flush(w->proc.log);
	for (int i = 0; i < 4; i++)
		if (all[i] != NULL && chan_queued(all[i]) != 0)
			chan_flush(all[i]);
}

/* A frame goes there, its answer back, and makes work: four turns. */
void
world_settle(struct world *w)
{
	for (int quiet = 0; quiet < 6; quiet++) {
		int asks = w->asks;

		turn(w);
		if ((!store_is_idle(w->smtpd.store) && w->queue != NULL) ||
		    asks != w->asks)
			quiet = 0;
	}
}

void
world_connect(struct world *w, const char *kind, const char *ip)
{
	union sockaddr_any from = { .sa.sa_family = AF_UNIX };
	int fd[2];

	world_hang_up(w);
	if (ip != NULL && strchr(ip, ':') != NULL) {
		from.sa.sa_family = AF_INET6;
		inet_pton(AF_INET6, ip, &from.in6.sin6_addr);
	} else if (ip != NULL) {
		from.sa.sa_family = AF_INET;
		inet_pton(AF_INET, ip, &from.in.sin_addr);
	}
	w->listener =
	    (struct conf_listener){ .title = (char *)(uintptr_t) "test",
		    .Kind = (char *)(uintptr_t)kind };
	if (socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) < 0)
		fatal("no socketpair");
	w->client = fd[0];
	session_new(&w->smtpd, fd[1], &from, &w->listener);
	world_settle(w);
}

/* Reads while it writes, as a client that pipelines must. */
void
world_say(struct world *w, struct slice s)
{
	while (s.n != 0) {
		ssize_t n = send(w->client, s.p, s.n, MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			break;
		s = slice_sub(s, n < 0 ? 0 : (size_t)n, s.n);
		turn(w);
		if (n < 0 && w->smtpd.body_waiters != 0)
			break; /* it is not read until there is a file */
		if (n < 0 && LIST_EMPTY(&w->smtpd.sessions))
			break;
	}
	world_settle(w);
}

bool
world_hear(struct world *w, struct buf *b)
{
	char block[16384];
	ssize_t n;

	while ((n = recv(w->client, block, sizeof(block), 0)) > 0) {
		buf_add(b, block, (size_t)n);
		world_settle(w);
	}
	return n < 0 && errno == EAGAIN;
}

void
world_give_body(struct world *w)
{
	give_body(w);
	world_settle(w);
}

void
world_hang_up(struct world *w)
{
	if (w->client < 0)
		return;
	close(w->client);
	w->client = -1;
	world_settle(w);
}

struct slice
world_message(const struct world *w)
{
	struct record_head h;

	if (w->record.len < RECORD_HEAD ||
	    !record_head_get((unsigned char *)w->record.data, 1, &h))
		return SLICE("");
	return slice_sub(buf_slice(&w->record), RECORD_HEAD + h.envelope,
	    RECORD_HEAD + h.payload);
}

bool
world_envelope(const struct world *w, struct p_envelope *ret)
{
	struct rd r = rd_of(slice_sub(
	    buf_slice(&w->record), RECORD_HEAD, RECORD_HEAD + w->envelope));

	return get_p_envelope(&r, ret);
}
