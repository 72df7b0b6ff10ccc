/*
 * mtad-local: deliveries on this host.
 *
 * The master has root to become the recipient, and does nothing else with
 * it: it forks an agent for each account, hands it that account's letters,
 * and reports. It does not deliver as root. It has no sandbox filter, as what
 * its agents start (delivery programs) would have it too.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "agent.h"
#include "clock.h"
#include "log.h"
#include "map.h"
#include "proc.h"

#define AGENTS_MAX 64
#define AGENT_IDLE (10 * US_SEC)
#define SELF "" /* the agent of who started us, without root */

struct agent_peer {
	LIST_ENTRY(agent_peer) link;
	struct local *l; /* borrowed */
	char *user;
	struct chan *chan;
	pid_t pid;
	unsigned busy;
	int64_t last_used; /* mono */
};

/* One job of the queue: several recipients, one result. */
struct delivery {
	LIST_ENTRY(delivery) link;
	struct local *l; /* borrowed */
	char *frame; /* owned: job's strings */
	struct p_job job;
	int fd;
	uint32_t n, left, forwards;
	int64_t started;
	struct buf rcpts; /* of the result */
};

/* One recipient of it. */
struct piece {
	uint64_t tag;
	struct delivery *d;
	uint32_t index; /* in the message */
	struct agent_peer *agent;
};

/* What the queue has not made durable yet: the frame, as it was sent. */
struct kept {
	uint64_t serial;
	uint16_t type;
	size_t n;
	char bytes[];
};

struct local {
	struct proc *proc;
	LIST_HEAD(, agent_peer) agents;
	LIST_HEAD(, delivery) deliveries;
	struct map pieces, kept;
	uint64_t next_tag, next_serial;
	int agents_n;
	struct event *second;
};

static uint64_t
mix(uint64_t v)
{
	return v * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static uint64_t
hash_piece(const void *entry)
{
	return mix(((const struct piece *)entry)->tag);
}

static bool
is_piece(const void *entry, const void *key)
{
	return ((const struct piece *)entry)->tag == *(const uint64_t *)key;
}

static uint64_t
hash_kept(const void *entry)
{
	return mix(((const struct kept *)entry)->serial);
}

static bool
is_kept(const void *entry, const void *key)
{
	return ((const struct kept *)entry)->serial == *(const uint64_t *)key;
}

static void
send_kept(struct local *l, const struct kept *k)
{
	struct peer *q = &l->proc->queue;

	if (q->chan == NULL)
		return;
	buf_add(chan_begin(q->chan, k->type), k->bytes, k->n);
	chan_end(q->chan, -1);
}

static void
keep(struct local *l, uint16_t type, uint64_t serial, const struct buf *b)
{
	struct kept *k = b->bad ? NULL : malloc(sizeof(*k) + b->len);

	if (k == NULL)
		return;
	k->serial = serial;
	k->type = type;
	k->n = b->len;
	memcpy(k->bytes, b->data, b->len);
	if (map_add(&l->kept, k) < 0) {
		free(k);
		return;
	}
	send_kept(l, k);
}

static void
send_result(struct delivery *d)
{
	struct local *l = d->l;
	int64_t us = clock_mono() - d->started;
	struct p_result m = { .id = d->job.id,
		.job = d->job.job,
		.serial = l->next_serial++,
		.final_us = (uint32_t)us,
		.rcpts = buf_slice(&d->rcpts) };
	struct buf b;

	buf_init(&b, CHAN_FRAME_MAX);
	put_p_result(&b, &m);
	keep(l, P_RESULT, m.serial, &b);
	buf_release(&b);
}

static void
delivery_free(struct delivery *d)
{
	LIST_REMOVE(d, link);
	if (d->fd >= 0)
		close(d->fd);
	buf_release(&d->rcpts);
	free(d->frame);
	free(d);
}

static void
piece_over(struct delivery *d)
{
	if (--d->left != 0)
		return;
	if (d->rcpts.len != 0)
		send_result(d);
	delivery_free(d);
}

static void
decide(struct delivery *d, uint32_t index, const struct result *r)
{
	struct verdict v = { .code = r->code,
		.reason = r->reason,
		.enhanced = slice_of(r->enhanced),
		.text = slice_of(r->text) };
	struct p_result_rcpt one = { .index = index,
		.command = SLICE("local") };
	struct buf b;

	buf_init(&b, 4096);
	put_verdict(&b, &v);
	one.verdict = buf_slice(&b);
	put_p_result_rcpt(&d->rcpts, &one);
	buf_release(&b);
}

static void
send_forward(struct delivery *d, uint32_t index, const struct agent_answer *a)
{
	struct local *l = d->l;
	struct p_forward m = { .id = d->job.id,
		.job = d->job.job,
		.serial = l->next_serial++,
		.rcpt = index,
		.keeps = a->keeps,
		.targets = a->targets };
	struct buf b;

	buf_init(&b, CHAN_FRAME_MAX);
	put_p_forward(&b, &m);
	keep(l, P_FORWARD, m.serial, &b);
	buf_release(&b);
}

static struct piece *
take_piece(struct local *l, uint64_t tag)
{
	struct piece *p = map_find(&l->pieces, mix(tag), &tag);

	if (p != NULL)
		map_del(&l->pieces, p);
	return p;
}

static int
agent_frame(
    void *arg, struct chan *c, uint16_t type, struct slice payload, int fd)
{
	struct agent_peer *ap = arg;
	struct agent_answer a;
	struct piece *p;

	(void)c;
	if (fd >= 0 || type != AGENT_ANSWER || !get_agent_answer(payload, &a)) {
		if (fd >= 0)
			close(fd);
		return -EPROTO;
	}
	p = take_piece(ap->l, a.tag);
	if (p == NULL || p->agent != ap)
		return -EPROTO;
	ap->busy--;
	ap->last_used = clock_mono();
	if (a.is_forward)
		send_forward(p->d, p->index, &a);
	else
		decide(p->d, p->index, &a.result);
	piece_over(p->d);
	free(p);
	return 0;
}

/* Its letters: not now. It may have delivered some of them. */
static void
agent_lost(struct agent_peer *ap)
{
	struct result r;
	size_t pos = 0;
	struct piece *p;

	result_set(&r, 451, "4.3.0", RC_LOCAL_RESOURCE,
	    "The delivery process of %s ended", ap->user);
	while ((p = map_next(&ap->l->pieces, &pos)) != NULL) {
		if (p->agent != ap)
			continue;
		map_del(&ap->l->pieces, p);
		decide(p->d, p->index, &r);
		piece_over(p->d);
		free(p);
	}
}

static void
agent_gone(void *arg, struct chan *c)
{
	struct agent_peer *ap = arg;

	LIST_REMOVE(ap, link);
	ap->l->agents_n--;
	agent_lost(ap);
	chan_free(c);
	free(ap->user);
	free(ap);
}

static const struct chan_ops agent_ops = { agent_frame, agent_gone };

static struct agent_peer *
agent_new(struct local *l, const char *user)
{
	struct agent_peer *ap = calloc(1, sizeof(*ap));
	int sv[2];

	if (ap == NULL || l->agents_n >= AGENTS_MAX ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0) {
		free(ap);
		return NULL;
	}
	ap->l = l;
	ap->user = strdup(user);
	ap->pid = fork();
	if (ap->pid == 0)
		agent_run(sv[1], user, l->proc->conf, l->proc->is_root);
	close(sv[1]);
	ap->chan = ap->pid > 0 && ap->user
	    ? chan_new(l->proc->base, sv[0], &agent_ops, ap)
	    : NULL;
	if (ap->chan == NULL) {
		if (ap->pid <= 0)
			close(sv[0]);
		free(ap->user);
		free(ap);
		return NULL;
	}
	LIST_INSERT_HEAD(&l->agents, ap, link);
	l->agents_n++;
	return ap;
}

static void
agent_end(struct agent_peer *ap)
{
	struct chan *c = ap->chan;

	agent_gone(ap, c);
}

static struct agent_peer *
find_agent(struct local *l, const char *user)
{
	struct agent_peer *ap, *oldest = NULL;

	LIST_FOREACH (ap, &l->agents, link) {
		if (strcmp(ap->user, user) == 0)
			return ap;
		if (ap->busy == 0 &&
		    (oldest == NULL || ap->last_used < oldest->last_used))
			oldest = ap;
	}
	if (l->agents_n >= AGENTS_MAX && oldest != NULL)
		agent_end(oldest);
	return agent_new(l, user);
}

static void
refuse(struct delivery *d, uint32_t index, const char *why)
{
	struct result r;

	result_set(&r, 451, "4.3.0", RC_LOCAL_RESOURCE, "%s", why);
	decide(d, index, &r);
	piece_over(d);
}

static void
hand(struct delivery *d, const struct p_job_rcpt *r)
{
	struct local *l = d->l;
	struct piece *p = malloc(sizeof(*p));
	char *user = slice_dup(l->proc->is_root ? r->user : SLICE(SELF));
	struct agent_peer *ap;
	struct agent_job j = { .kind = r->kind,
		.sender = d->job.sender,
		.rcpt = r->addr,
		.path = r->path,
		.head = d->job.body,
		.rest = d->job.size - d->job.body.n };

	if (p == NULL || user == NULL ||
	    (l->proc->is_root && user[0] == '\0') ||
	    (ap = find_agent(l, user)) == NULL) {
		free(p);
		free(user);
		refuse(d, r->index, "No delivery process could be started");
		return;
	}
	free(user);
	*p = (struct piece){ ++l->next_tag, d, r->index, ap };
	if (map_add(&l->pieces, p) < 0) {
		free(p);
		refuse(d, r->index, "Out of memory");
		return;
	}
	j.tag = p->tag;
	if (d->fd < 0)
		j.rest = 0;
	ap->busy++;
	put_agent_job(chan_begin(ap->chan, AGENT_JOB), &j);
	chan_end(ap->chan, d->fd < 0 ? -1 : dup(d->fd));
}

static bool
got_job(struct local *l, struct slice payload, int fd)
{
	struct delivery *d = calloc(1, sizeof(*d));
	struct p_job_rcpt r;
	struct rd rd;

	if (d == NULL)
		return false;
	d->l = l;
	d->fd = fd;
	d->started = clock_mono();
	buf_init(&d->rcpts, CHAN_FRAME_MAX / 2);
	LIST_INSERT_HEAD(&l->deliveries, d, link);
	d->frame = slice_dup(payload);
	if (d->frame == NULL ||
	    !get_p_job((struct slice){ d->frame, payload.n }, &d->job) ||
	    d->job.size < d->job.body.n) {
		delivery_free(d);
		return false;
	}
	for (rd = rd_of(d->job.rcpts); !rd_end(&rd) && get_p_job_rcpt(&rd, &r);)
		d->n++;
	d->left = d->n + 1; /* one for this function */
	for (rd = rd_of(d->job.rcpts); !rd_end(&rd) && get_p_job_rcpt(&rd, &r);)
		hand(d, &r);
	piece_over(d);
	return true;
}

static bool
got_ack(struct local *l, struct slice payload)
{
	struct p_result_ack m;
	struct kept *k;

	if (!get_p_result_ack(payload, &m))
		return false;
	k = map_find(&l->kept, mix(m.serial), &m.serial);
	if (k != NULL) {
		map_del(&l->kept, k);
		free(k);
	}
	return true;
}

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct local *l = p->ctx;

	(void)peer;
	switch (type) {
	case P_JOB:
		return got_job(l, payload, fd);
	case P_RESULT_ACK:
		return got_ack(l, payload);
	default:
		return false;
	}
}

static void
say_holding(struct local *l, const struct delivery *d)
{
	struct rd rd = rd_of(d->job.rcpts);
	struct p_job_rcpt r;
	struct buf b;

	buf_init(&b, 1 << 20);
	while (!rd_end(&rd) && get_p_job_rcpt(&rd, &r))
		put_u32(&b, r.index);
	PROC_SEND(&l->proc->queue, holding, HOLDING, .id = d->job.id,
	    .job = d->job.job, .rcpts = buf_slice(&b));
	buf_release(&b);
}

static void
peer_up(struct proc *p, struct peer *peer)
{
	struct local *l = p->ctx;
	struct delivery *d;
	size_t pos = 0;
	struct kept *k;

	if (peer->role != R_QUEUE)
		return;
	LIST_FOREACH (d, &l->deliveries, link)
		say_holding(l, d);
	while ((k = map_next(&l->kept, &pos)) != NULL)
		send_kept(l, k);
	PROC_SEND(peer, holding_end, HOLDING_END, .unused = 0);
}

static void
on_second(int fd, short what, void *arg)
{
	struct local *l = arg;
	int64_t old = clock_mono() - AGENT_IDLE;
	struct agent_peer *ap, *next;

	(void)fd;
	(void)what;
	for (ap = LIST_FIRST(&l->agents); ap != NULL; ap = next) {
		next = LIST_NEXT(ap, link);
		if (ap->busy == 0 && ap->last_used < old)
			agent_end(ap);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static int
warm(struct proc *p)
{
	struct local *l = p->ctx;

	tzset();
	l->proc = p;
	LIST_INIT(&l->agents);
	LIST_INIT(&l->deliveries);
	map_init(&l->pieces, hash_piece, is_piece);
	map_init(&l->kept, hash_kept, is_kept);
	l->next_serial = 1;
	return 0;
}

static int
sandbox(struct proc *p)
{
	(void)p;
	return 0;
}

static void
start(struct proc *p)
{
	struct local *l = p->ctx;
	struct timeval second = { 1, 0 };

	l->second = event_new(p->base, -1, EV_PERSIST, on_second, l);
	if (l->second == NULL || event_add(l->second, &second) < 0)
		fatal("no memory");
}

/* A new configuration: agents have the old one, new ones are started. */
static void
reload(struct proc *p, const struct conf *old)
{
	struct local *l = p->ctx;
	struct agent_peer *ap, *next;

	(void)old;
	for (ap = LIST_FIRST(&l->agents); ap != NULL; ap = next) {
		next = LIST_NEXT(ap, link);
		if (ap->busy == 0)
			agent_end(ap);
	}
}

static void
turn(struct proc *p)
{
	struct local *l = p->ctx;
	struct agent_peer *ap;

	LIST_FOREACH (ap, &l->agents, link)
		chan_flush(ap->chan);
	if (p->is_stopping && LIST_EMPTY(&l->deliveries) && l->kept.n == 0)
		proc_exit(p, "stop");
}

/* Deliveries under way end by themselves; turn() sees the last one. */
static void
stop(struct proc *p)
{
	(void)p;
}

static const struct proc_ops ops = {
	.role = R_LOCAL,
	.warm = warm,
	.sandbox = sandbox,
	.start = start,
	.frame = frame,
	.peer_up = peer_up,
	.reload = reload,
	.stop = stop,
	.turn = turn,
};

int
main(int argc, char **argv)
{
	static struct local l;

	return proc_main(&ops, argc, argv, &l);
}
