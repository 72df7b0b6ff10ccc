/*
 * mtad-remote: the client side of SMTP and LMTP, and the names of hosts.
 *
 * Gives up: every file and path (the resolver is warm), every call that opens
 * one. What it sends, it was handed.
 */
#include "remote.h"

#include <arpa/inet.h>
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "priv.h"

#define STOP_WAIT (5 * US_SEC)

/* A result that the queue has not made durable yet. */
struct kept {
	uint64_t serial;
	size_t n;
	char bytes[];
};

static uint64_t
hash_kept(const void *entry)
{
	return ((const struct kept *)entry)->serial *
	    UINT64_C(0x9e3779b97f4a7c15) >>
	    20;
}

static bool
is_kept(const void *entry, const void *key)
{
	return ((const struct kept *)entry)->serial == *(const uint64_t *)key;
}

void
delivery_decide(
    struct delivery_rcpt *r, const char *command, const struct verdict *v)
{
	size_t n = v->enhanced.n < sizeof(r->enhanced) ? v->enhanced.n : 0;

	if (r->result == RR_DECIDED)
		return;
	r->result = RR_DECIDED;
	r->command = command;
	r->code = (uint16_t)v->code;
	r->reason = (uint8_t)v->reason;
	if (n != 0)
		memcpy(r->enhanced, v->enhanced.p, n);
	r->enhanced[n] = '\0';
	r->text = slice_dup(v->text);
}

void
delivery_decide_all(
    struct delivery *d, const char *command, const struct verdict *v)
{
	for (uint32_t i = 0; i < d->n; i++)
		delivery_decide(&d->rcpt[i], command, v);
}

static void
put_results(struct buf *b, const struct delivery *d)
{
	struct buf verdict;

	buf_init(&verdict, 8192);
	for (uint32_t i = 0; i < d->n; i++) {
		const struct delivery_rcpt *r = &d->rcpt[i];
		struct verdict v = { .code = r->code,
			.reason = (enum reason)r->reason,
			.enhanced = slice_of(r->enhanced),
			.text = slice_of(r->text ? r->text : "") };
		struct p_result_rcpt one = { .index = r->index,
			.command = slice_of(r->command ? r->command : "") };

		buf_clear(&verdict);
		put_verdict(&verdict, &v);
		one.verdict = buf_slice(&verdict);
		put_p_result_rcpt(b, &one);
	}
	buf_release(&verdict);
}

static uint32_t
span(int64_t from, int64_t to)
{
	int64_t us = from && to > from ? to - from : 0;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static void
put_host(const struct delivery *d, struct p_result *m, char ip[64])
{
	const struct target *t;

	ip[0] = '\0';
	if (d->targets.n == 0 || d->target >= d->targets.n)
		return;
	t = &d->targets.v[d->target];
	m->host_name = slice_of(t->name);
	if (t->addr.sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &t->addr.in.sin_addr, ip, 64);
		m->host_port = ntohs(t->addr.in.sin_port);
	} else if (t->addr.sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &t->addr.in6.sin6_addr, ip, 64);
		m->host_port = ntohs(t->addr.in6.sin6_port);
	}
	m->host_ip = slice_of(ip);
}

static void
delivery_free(struct delivery *d)
{
	TAILQ_REMOVE(&d->remote->deliveries, d, all);
	for (uint32_t i = 0; i < d->n; i++)
		free(d->rcpt[i].text);
	if (d->fd >= 0)
		close(d->fd);
	free(d->remote_id);
	free(d->frame);
	free(d);
}

static void
send_kept(struct remote *r, const struct kept *k)
{
	struct peer *q = &r->proc->queue;

	if (q->chan == NULL)
		return;
	buf_add(chan_begin(q->chan, P_RESULT), k->bytes, k->n);
	chan_end(q->chan, -1);
}

/* Kept until the queue says that it is durable. */
static void
keep(struct remote *r, uint64_t serial, const struct buf *b)
{
	struct kept *k = malloc(sizeof(*k) + b->len);

	if (k == NULL || b->bad) {
		free(k);
		return;
	}
	k->serial = serial;
	k->n = b->len;
	memcpy(k->bytes, b->data, b->len);
	if (map_add(&r->results, k) < 0) {
		free(k);
		return;
	}
	send_kept(r, k);
}

static void
send_result(struct delivery *d, bool has_conn_failed, const char *session)
{
	struct remote *r = d->remote;
	struct buf rcpts, frame;
	struct p_result m = { .id = d->job.id,
		.job = d->job.job,
		.serial = r->next_serial++,
		.has_conn_failed = has_conn_failed,
		.is_reused = d->is_reused,
		.remote_id = slice_of(d->remote_id),
		.dns_us = span(d->started, d->dns_done),
		.conn_us = d->is_reused ? 0 : span(d->dns_done, d->conn_done),
		.envelope_us = span(d->conn_done, d->envelope_done),
		.data_us = span(d->envelope_done, d->data_done),
		.final_us = span(d->data_done, clock_mono()),
		.session = slice_of(session) };
	char ip[64];

	buf_init(&rcpts, CHAN_FRAME_MAX / 2);
	buf_init(&frame, CHAN_FRAME_MAX);
	put_host(d, &m, ip);
	put_results(&rcpts, d);
	m.rcpts = buf_slice(&rcpts);
	put_p_result(&frame, &m);
	keep(r, m.serial, &frame);
	buf_release(&frame);
	buf_release(&rcpts);
}

void
delivery_over(struct delivery *d)
{
	if (d->is_reused)
		stat_add(d->remote->proc->slot, ST_CONN_OUT_REUSED, 1);
	send_result(d, false, d->session);
	delivery_free(d);
}

static void
give_up(struct delivery *d)
{
	bool is_perm = d->last.code / 100 == 5;

	delivery_decide_all(d, "conn", &d->last);
	send_result(d, !is_perm, "");
	delivery_free(d);
}

static void
keep_last(struct delivery *d, const struct verdict *v)
{
	d->last.code = v->code;
	d->last.reason = v->reason;
	snprintf(
	    d->last_text, sizeof(d->last_text), "%.*s", SLICE_ARG(v->text));
	snprintf(d->last_enhanced, sizeof(d->last_enhanced), "%.*s",
	    SLICE_ARG(v->enhanced));
	d->last.text = slice_of(d->last_text);
	d->last.enhanced = slice_of(d->last_enhanced);
}

void
delivery_failed(
    struct delivery *d, const struct verdict *v, bool is_silent_retry)
{
	struct remote *r = d->remote;

	if (is_silent_retry && !d->has_retried) {
		d->has_retried = true; /* an old connection had been closed */
		d->dns_done = clock_mono();
		link_open(r, d);
		return;
	}
	keep_last(d, v);
	if (d->target + 1 < d->targets.n &&
	    clock_mono() - d->started < r->proc->conf->TimeoutAconnect) {
		d->target++;
		link_open(r, d);
		return;
	}
	give_up(d);
}

/* What a connection may be used again for. */
static void
put_key(struct buf *b, const struct delivery *d)
{
	const struct target *t = &d->targets.v[d->target];
	char ip[64] = "";

	if (t->addr.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &t->addr.in.sin_addr, ip, sizeof(ip));
	else if (t->addr.sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &t->addr.in6.sin6_addr, ip, sizeof(ip));
	buf_add_u64(b, d->job.mailer);
	buf_addc(b, '/');
	buf_adds(b, ip);
	buf_addc(b, '/');
	buf_add_u64(b, d->job.port);
	buf_add_slice(b, d->job.path);
}

static struct link *
find_idle(struct remote *r, const char *key)
{
	struct link *l;

	/* the one used last: its server is least likely to have closed it */
	TAILQ_FOREACH_REVERSE(l, &r->idle, link_list, idle)
	if (strcmp(l->key, key) == 0)
		return l;
	return NULL;
}

static void
start_delivery(struct delivery *d)
{
	struct remote *r = d->remote;
	struct link *l;
	struct buf key;

	d->dns_done = clock_mono();
	buf_init(&key, 1024);
	put_key(&key, d);
	l = find_idle(r, key.data);
	buf_release(&key);
	if (l != NULL)
		link_deliver(l, d);
	else
		link_open(r, d);
}

char *
delivery_key(const struct delivery *d)
{
	struct buf key;

	buf_init(&key, 1024);
	put_key(&key, d);
	return buf_take(&key);
}

void
remote_link_idle(struct remote *r, struct link *l)
{
	const struct conf *c = r->proc->conf;

	l->state = L_IDLE;
	l->last_used = clock_mono();
	TAILQ_INSERT_TAIL(&r->idle, l, idle);
	r->idle_n++;
	if (r->stop_at != 0 || c->ConnectionCacheSize == 0 ||
	    l->messages >= (uint32_t)c->MaxMessagesPerConnection ||
	    l->key == NULL) {
		link_quit(l);
		return;
	}
	if (r->idle_n > c->ConnectionCacheSize)
		link_quit(TAILQ_FIRST(&r->idle));
}

static void
got_targets(void *arg, const struct targets *t)
{
	struct delivery *d = arg;

	d->targets = *t;
	d->dns_done = clock_mono();
	if (t->n == 0) {
		keep_last(d, &t->verdict);
		give_up(d);
		return;
	}
	start_delivery(d);
}

static bool
take_rcpts(struct delivery *d, uint32_t max)
{
	struct rd r = rd_of(d->job.rcpts);
	struct p_job_rcpt one;

	while (!rd_end(&r) && d->n < max) {
		if (!get_p_job_rcpt(&r, &one))
			return false;
		d->rcpt[d->n++] = (struct delivery_rcpt){ .index = one.index,
			.addr = one.addr,
			.orcpt = one.orcpt,
			.notify = one.notify };
	}
	return rd_end(&r) && d->n != 0;
}

static uint32_t
count_rcpts(struct slice rcpts)
{
	struct rd r = rd_of(rcpts);
	struct p_job_rcpt one;
	uint32_t n = 0;

	while (!rd_end(&r) && get_p_job_rcpt(&r, &one))
		n++;
	return n;
}

static struct delivery *
delivery_new(struct remote *r, struct slice payload, int fd)
{
	struct p_job job;
	struct delivery *d;
	uint32_t n;

	if (!get_p_job(payload, &job) || job.mailer > MAILER_LMTP)
		return NULL;
	n = count_rcpts(job.rcpts);
	d = calloc(1, sizeof(*d) + n * sizeof(d->rcpt[0]));
	if (d == NULL)
		return NULL;
	d->remote = r;
	d->fd = -1;
	TAILQ_INSERT_TAIL(&r->deliveries, d, all);
	d->frame = slice_dup(payload);
	if (d->frame == NULL ||
	    !get_p_job((struct slice){ d->frame, payload.n }, &d->job) ||
	    !take_rcpts(d, n)) {
		delivery_free(d);
		return NULL;
	}
	d->fd = fd;
	d->started = clock_mono();
	return d;
}

static bool
got_job(struct remote *r, struct slice payload, int fd)
{
	struct delivery *d = delivery_new(r, payload, fd);

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	if (d->job.path.n != 0) { /* a Unix socket: one target, no names */
		d->targets.n = 1;
		snprintf(d->targets.v[0].name, sizeof(d->targets.v[0].name),
		    "%.*s", SLICE_ARG(d->job.path));
		start_delivery(d);
		return true;
	}
	resolver_mx(r->resolver, d->job.domain, d->job.host, d->job.port,
	    got_targets, d);
	return true;
}

static bool
got_ack(struct remote *r, struct slice payload)
{
	struct p_result_ack m;
	struct kept probe, *k;

	if (!get_p_result_ack(payload, &m))
		return false;
	probe.serial = m.serial;
	k = map_find(&r->results, hash_kept(&probe), &m.serial);
	if (k != NULL) {
		map_del(&r->results, k);
		free(k);
	}
	return true;
}

struct asked {
	struct remote *r;
	struct peer *peer;
	uint64_t key;
};

static void
got_name(void *arg, enum proto_fcrdns result, struct slice name)
{
	struct asked *a = arg;

	PROC_SEND(a->peer, name_answer, NAME_ANSWER, .key = a->key,
	    .result = (uint8_t)result, .name = name);
	free(a);
}

static struct asked *
asked_new(struct remote *r, struct peer *peer, uint64_t key)
{
	struct asked *a = malloc(sizeof(*a));

	if (a != NULL)
		*a = (struct asked){ r, peer, key };
	return a;
}

static bool
name_ask(struct remote *r, struct peer *peer, struct slice payload)
{
	struct p_name_ask m;
	struct asked *a;

	if (!get_p_name_ask(payload, &m) || m.ip.n > 60)
		return false;
	a = asked_new(r, peer, m.key);
	if (a != NULL)
		resolver_name(r->resolver, m.ip, got_name, a);
	return true;
}

static void
got_mx(void *arg, const struct targets *t)
{
	struct asked *a = arg;
	struct verdict v = t->verdict;
	struct buf lines, verdict;
	char ip[64];

	buf_init(&lines, 65536);
	buf_init(&verdict, 4096);
	if (t->n != 0)
		v = VERDICT(250, "2.0.0", RC_NONE, "resolved");
	for (int i = 0; i < t->n; i++) {
		const struct target *one = &t->v[i];

		if (one->addr.sa.sa_family == AF_INET)
			inet_ntop(
			    AF_INET, &one->addr.in.sin_addr, ip, sizeof(ip));
		else
			inet_ntop(
			    AF_INET6, &one->addr.in6.sin6_addr, ip, sizeof(ip));
		buf_addf(&lines, "  %u %s [%s]\n", one->pref, one->name, ip);
	}
	put_verdict(&verdict, &v);
	PROC_SEND(a->peer, mx_answer, MX_ANSWER, .key = a->key,
	    .verdict = buf_slice(&verdict), .lines = buf_slice(&lines));
	buf_release(&lines);
	buf_release(&verdict);
	free(a);
}

static bool
mx_ask(struct remote *r, struct peer *peer, struct slice payload)
{
	struct p_mx_ask m;
	struct asked *a;

	if (!get_p_mx_ask(payload, &m))
		return false;
	a = asked_new(r, peer, m.key);
	if (a != NULL)
		resolver_mx(r->resolver, m.domain, m.host, m.port, got_mx, a);
	return true;
}

static bool
host_close(struct remote *r, struct slice payload)
{
	struct p_host_close m;
	struct link *l;

	if (!get_p_host_close(payload, &m))
		return false;
	while ((l = TAILQ_FIRST(&r->idle)) != NULL)
		link_quit(l);
	return true;
}

static const struct timeval *
common(struct proc *p, int64_t us)
{
	struct timeval tv = { us / US_SEC, us % US_SEC };

	return event_base_init_common_timeout(p->base, &tv);
}

static void
set_timeouts(struct remote *r)
{
	const struct conf *c = r->proc->conf;

	r->t_connect = common(r->proc, c->TimeoutConnect);
	r->t_initial = common(r->proc, c->TimeoutGreeting);
	r->t_helo = common(r->proc, c->TimeoutHelo);
	r->t_mail = common(r->proc, c->TimeoutMail);
	r->t_rcpt = common(r->proc, c->TimeoutRcpt);
	r->t_datainit = common(r->proc, c->TimeoutDatainit);
	r->t_block = common(r->proc, c->TimeoutDatablock);
	r->t_final = common(r->proc, c->TimeoutDatafinal);
	r->t_quit = common(r->proc, c->TimeoutQuit);
}

static int
warm(struct proc *p)
{
	struct remote *r = p->ctx;

	tzset();
	r->proc = p;
	TAILQ_INIT(&r->deliveries);
	TAILQ_INIT(&r->idle);
	map_init(&r->results, hash_kept, is_kept);
	set_timeouts(r);
	if (getrandom(&r->next_id, sizeof(r->next_id), 0) < 0)
		r->next_id = (uint64_t)clock_wall();
	r->next_id &= ~UINT64_C(0xffffffff);
	r->next_serial = 1;
	r->resolver = resolver_new(p);
	return r->resolver ? 0 : -ENOMEM;
}

static int
sandbox(struct proc *p)
{
	static const int calls[] = { SCMP_SYS(socket), SCMP_SYS(connect),
		SCMP_SYS(bind), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
		SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(pread64),
		SCMP_SYS(fcntl), SCMP_SYS(ioctl), SCMP_SYS(shutdown), -1 };
	int rc = priv_drop(p->conf->RemoteUser, "");

	return rc < 0 ? rc : priv_filter(calls);
}

static void
on_second(int fd, short what, void *arg)
{
	struct remote *r = arg;
	int64_t old = clock_mono() - r->proc->conf->ConnectionCacheTimeout;
	struct link *l;

	(void)fd;
	(void)what;
	while ((l = TAILQ_FIRST(&r->idle)) != NULL && l->last_used < old)
		link_quit(l);
}

static void
start(struct proc *p)
{
	struct remote *r = p->ctx;
	struct timeval second = { 1, 0 };

	r->second = event_new(p->base, -1, EV_PERSIST, on_second, r);
	if (r->second == NULL || event_add(r->second, &second) < 0)
		fatal("no memory");
}

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct remote *r = p->ctx;

	switch (type) {
	case P_JOB:
		return got_job(r, payload, fd);
	case P_RESULT_ACK:
		return got_ack(r, payload);
	case P_NAME_ASK:
		return name_ask(r, peer, payload);
	case P_MX_ASK:
		return mx_ask(r, peer, payload);
	case P_HOST_CLOSE:
		return host_close(r, payload);
	default:
		return false;
	}
}

static void
say_holding(struct remote *r, const struct delivery *d)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (uint32_t i = 0; i < d->n; i++)
		put_u32(&b, d->rcpt[i].index);
	PROC_SEND(&r->proc->queue, holding, HOLDING, .id = d->job.id,
	    .job = d->job.job, .rcpts = buf_slice(&b));
	buf_release(&b);
}

/* A queue: it may be a new one, which knows nothing of what is in our hands
 * (SPOOL.md, journal). */
static void
peer_up(struct proc *p, struct peer *peer)
{
	struct remote *r = p->ctx;
	struct delivery *d;
	size_t pos = 0;
	struct kept *k;

	if (peer->role != R_QUEUE)
		return;
	TAILQ_FOREACH (d, &r->deliveries, all)
		say_holding(r, d);
	while ((k = map_next(&r->results, &pos)) != NULL)
		send_kept(r, k);
	PROC_SEND(peer, holding_end, HOLDING_END, .unused = 0);
}

static void
drop_all(struct remote *r)
{
	const struct verdict v = VERDICT(
	    451, "4.3.2", RC_LOCAL_RESOURCE, "The mail server is stopping");
	struct delivery *d, *next;

	for (d = TAILQ_FIRST(&r->deliveries); d != NULL; d = next) {
		next = TAILQ_NEXT(d, all);
		if (d->link != NULL && d->link->state == L_DOT &&
		    clock_mono() < r->stop_at)
			continue; /* the server has it all: wait for its word */
		if (d->link != NULL)
			link_drop_delivery(d->link);
		else if (d->targets.n == 0)
			continue; /* its name is being asked for */
		delivery_decide_all(d, "conn", &v);
		delivery_over(d);
	}
}

static void
turn(struct proc *p)
{
	struct remote *r = p->ctx;
	bool is_only_asking = true;
	struct delivery *d;

	if (r->stop_at == 0)
		return;
	if (clock_mono() >= r->stop_at)
		drop_all(r);
	TAILQ_FOREACH (d, &r->deliveries, all)
		is_only_asking &= d->link == NULL;
	if (is_only_asking &&
	    (r->results.n == 0 || clock_mono() >= r->stop_at + US_SEC))
		proc_exit(p, "stop");
}

static void
stop(struct proc *p)
{
	struct remote *r = p->ctx;
	struct link *l;

	r->stop_at = clock_mono() + STOP_WAIT;
	while ((l = TAILQ_FIRST(&r->idle)) != NULL)
		link_quit(l);
	drop_all(r);
}

static void
reload(struct proc *p, const struct conf *old)
{
	(void)old;
	set_timeouts(p->ctx);
}

static const struct proc_ops ops = {
	.role = R_REMOTE,
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
	static struct remote r;

	return proc_main(&ops, argc, argv, &r);
}
