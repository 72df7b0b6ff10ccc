#include "delivery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "link.h"
#include "result.h"

/* Hosts that are talked to in one attempt; connections that fail are bounded
 * by Timeout.aconnect. */
#define SESSIONS_MAX 3

/* Servers' words are 2yz, 4yz or 5yz; another number is none of them. */
void
delivery_decide(
    struct delivery_rcpt *r, const char *command, const struct verdict *v)
{
	const struct verdict odd = VERDICT(451, "4.5.0", RC_PROTOCOL,
	    "The server gave an answer out of place");

	if (r->is_final)
		return;
	if (v->code / 100 != 2 && v->code / 100 != 4 && v->code / 100 != 5)
		v = &odd;
	r->is_final = !verdict_is_temp(v);
	r->has_word = true;
	r->command = command;
	saved_set(&r->verdict, v);
}

void
delivery_decide_all(
    struct delivery *d, const char *command, const struct verdict *v)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->rcpt[i].is_in_transaction && !d->rcpt[i].has_word)
			delivery_decide(&d->rcpt[i], command, v);
}

void
delivery_unknown(
    struct delivery *d, const char *command, const struct verdict *v)
{
	for (uint32_t i = 0; i < d->n; i++) {
		struct delivery_rcpt *r = &d->rcpt[i];

		if (!r->is_in_transaction || !r->is_accepted || r->has_word)
			continue;
		delivery_decide(r, command, v);
		r->is_final = true;
	}
}

static void
delivery_free(struct delivery *d)
{
	TAILQ_REMOVE(&d->remote->deliveries, d, all);
	for (uint32_t i = 0; i < d->n; i++)
		saved_release(&d->rcpt[i].verdict);
	if (d->asking != NULL)
		mx_cancel(d->asking);
	if (d->fd >= 0)
		close(d->fd);
	targets_unref(d->targets);
	saved_release(&d->last);
	free(d->remote_id);
	free(d->frame);
	free(d);
}

/* Tell the queue. Who has no word yet gets the last host's. */
static void
finish(struct delivery *d)
{
	struct verdict last = saved_get(&d->last);

	for (uint32_t i = 0; i < d->n; i++)
		if (d->rcpt[i].verdict.code == 0)
			delivery_decide(&d->rcpt[i], "conn", &last);
	if (d->is_reused)
		stat_add(d->remote->proc->slot, ST_CONN_OUT_REUSED, 1);
	result_send(d);
	delivery_free(d);
}

uint32_t
delivery_accepted(const struct delivery *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->n; i++)
		n += d->rcpt[i].is_accepted && d->rcpt[i].is_in_transaction;
	return n;
}

static bool
has_open(const struct delivery *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (!d->rcpt[i].is_final)
			return true;
	return false;
}

/* To d->targets->v[d->target]: over a connection that is open, or a new one. */
static void
start(struct delivery *d)
{
	struct remote *r = d->remote;
	struct link *l =
	    cache_find(&r->cache, d->job.mailer, &d->targets->v[d->target]);

	if (l != NULL)
		link_deliver(l, d);
	else
		link_open(r, d);
}

/* On to another address; of another host when this one has been talked to. */
static bool
advance(struct delivery *d, bool is_other_host)
{
	const struct target *old = &d->targets->v[d->target];

	if (d->remote->stop_at != 0)
		return false;
	for (int i = d->target + 1; i < d->targets->n; i++) {
		if (is_other_host &&
		    strcasecmp(d->targets->v[i].name, old->name) == 0)
			continue;
		d->target = i;
		return true;
	}
	return false;
}

static void
ask(struct delivery *, struct slice domain, struct slice host, uint16_t port);

/* FallbackMXhost: as sendmail has it, behind the last MX of a domain, and for
 * a domain whose names cannot be resolved now. */
static bool
fall_back(struct delivery *d)
{
	const struct conf *c = d->remote->proc->conf;

	if (c->FallbackMXhost[0] == '\0' || d->is_fallback ||
	    d->job.host.n != 0 || d->job.path.n != 0 ||
	    d->job.mailer != MAILER_SMTP || d->remote->stop_at != 0 ||
	    d->last.code / 100 != 4)
		return false;
	d->is_fallback = true;
	ask(d, SLICE(""), slice_of(c->FallbackMXhost), (uint16_t)c->SmtpPort);
	return true;
}

static void
got_targets(void *arg, struct targets *t)
{
	const struct verdict memory =
	    VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE, "Out of memory");
	struct delivery *d = arg;

	d->asking = NULL;
	d->dns_done = clock_mono();
	if (t != NULL && t->n != 0) {
		targets_unref(d->targets);
		d->targets = t;
		d->target = 0;
		start(d);
		return;
	}
	d->is_our_trouble = t == NULL;
	if (!d->is_fallback) /* the domain's own trouble is what is told */
		saved_set(&d->last, t != NULL ? &t->verdict : &memory);
	targets_unref(t);
	if (!fall_back(d))
		finish(d);
}

/* d may be gone when it returns. */
static void
ask(struct delivery *d, struct slice domain, struct slice host, uint16_t port)
{
	struct remote *r = d->remote;
	struct mx_lookup *l =
	    mx_lookup(r->resolver, r->self, domain, host, port, got_targets, d);

	if (l != NULL)
		d->asking = l;
}

void
delivery_begin(struct delivery *d)
{
	d->sessions++;
	for (uint32_t i = 0; i < d->n; i++) {
		struct delivery_rcpt *r = &d->rcpt[i];

		r->is_in_transaction = !r->is_final;
		r->is_accepted = r->has_word = false;
	}
}

/* The host takes a few recipients at a time (RFC 5321 section 4.5.3.1.10):
 * those who were too many come next, as long as each turn delivers some. */
static bool
has_more_turns(const struct delivery *d)
{
	bool has_delivered = false, has_waiting = false;

	for (uint32_t i = 0; i < d->n; i++) {
		const struct delivery_rcpt *r = &d->rcpt[i];

		if (!r->is_in_transaction)
			continue;
		has_delivered |= r->is_final && r->verdict.code / 100 == 2;
		has_waiting |= !r->is_final && r->verdict.code == 452 &&
		    strcmp(r->command, "rcpt") == 0;
	}
	return has_delivered && has_waiting && d->remote->stop_at == 0;
}

void
delivery_over(struct delivery *d)
{
	if (has_more_turns(d)) {
		d->sessions--; /* the same host's */
		start(d);
	} else if (has_open(d) && d->sessions < SESSIONS_MAX &&
	    advance(d, true)) {
		start(d);
	} else {
		finish(d);
	}
}

void
delivery_no_session(struct delivery *d, const struct verdict *v, bool is_ours)
{
	int64_t most = d->remote->proc->conf->TimeoutAconnect;

	saved_set(&d->last, v);
	d->is_our_trouble = is_ours;
	if (clock_mono() - d->dns_done < most && advance(d, false))
		start(d);
	else if (d->sessions != 0 || !fall_back(d))
		finish(d);
}

void
delivery_again(struct delivery *d)
{
	d->has_retried = true;
	d->sessions--;
	for (uint32_t i = 0; i < d->n; i++)
		if (!d->rcpt[i].is_final) /* it starts from nothing */
			d->rcpt[i].verdict.code = 0;
	link_open(d->remote, d);
}

void
delivery_drop(struct delivery *d, const struct verdict *v)
{
	if (d->link != NULL)
		link_drop_delivery(d->link);
	for (uint32_t i = 0; i < d->n; i++)
		delivery_decide(&d->rcpt[i], "conn", v);
	d->is_our_trouble = true;
	finish(d);
}

static bool
is_too_long(const struct delivery *d, int64_t now)
{
	int64_t most = d->remote->proc->conf->TimeoutDelivery;

	return now - d->started > most + (int64_t)(d->size / 4096) * US_SEC;
}

static void
expire(struct delivery *d)
{
	const struct verdict v = VERDICT(451, "4.4.2", RC_CONN_TIMEOUT,
	    "The attempt took longer than Timeout.delivery");
	const struct verdict unknown = VERDICT(451, "4.4.2", RC_CONN_TIMEOUT,
	    "No answer within Timeout.delivery after the whole message was "
	    "sent: it may arrive twice");

	if (d->link != NULL && link_is_past_dot(d->link)) {
		delivery_unknown(d, "dot", &unknown);
		delivery_drop(d, &unknown);
	} else {
		delivery_drop(d, &v);
	}
}

void
deliveries_expire(struct remote *r)
{
	int64_t now = clock_mono();
	struct delivery *d, *next;

	for (d = TAILQ_FIRST(&r->deliveries); d != NULL; d = next) {
		next = TAILQ_NEXT(d, all);
		if (is_too_long(d, now))
			expire(d);
	}
}

static bool
take_rcpts(struct delivery *d, uint32_t n)
{
	struct rd r = rd_of(d->job.rcpts);
	struct p_job_rcpt one;

	while (d->n < n && get_p_job_rcpt(&r, &one))
		d->rcpt[d->n++] = (struct delivery_rcpt){ .index = one.index,
			.addr = one.addr,
			.orcpt = one.orcpt,
			.notify = one.notify };
	return d->n == n;
}

/* Their number; 0: none, or malformed. */
static uint32_t
count_rcpts(struct slice rcpts)
{
	struct rd r = rd_of(rcpts);
	struct p_job_rcpt one;
	uint32_t n = 0;

	while (!rd_end(&r)) {
		if (!get_p_job_rcpt(&r, &one))
			return 0;
		n++;
	}
	return n;
}

static struct delivery *
delivery_new(struct remote *r, struct slice payload)
{
	struct delivery *d;
	struct p_job job;
	uint32_t n;

	if (!get_p_job(payload, &job) || job.mailer > MAILER_LMTP ||
	    (n = count_rcpts(job.rcpts)) == 0)
		return NULL;
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
	return d;
}

/* A Unix socket is one target, and needs no names. */
static void
use_path(struct delivery *d)
{
	const struct verdict bad = VERDICT(451, "4.3.5", RC_LOCAL_RESOURCE,
	    "The path of the mailer's socket is too long");
	struct targets *t = targets_new(1);

	if (t != NULL && target_unix(&t->v[0], d->job.path)) {
		snprintf(t->v[0].name, sizeof(t->v[0].name), "%.*s",
		    SLICE_ARG(d->job.path));
		t->n = 1;
		got_targets(d, t);
		return;
	}
	targets_unref(t);
	d->is_our_trouble = true;
	saved_set(&d->last, &bad);
	finish(d);
}

bool
delivery_take(struct remote *r, struct slice payload, int fd)
{
	struct delivery *d = delivery_new(r, payload);

	if (d == NULL) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	d->fd = fd;
	d->size = fd < 0 ? d->job.body.n : d->job.size;
	d->started = clock_mono();
	if (d->job.path.n != 0)
		use_path(d);
	else
		ask(d, d->job.domain, d->job.host, d->job.port);
	return true;
}

void
delivery_say_holding(const struct delivery *d)
{
	struct buf b;

	buf_init(&b, 1 << 20);
	for (uint32_t i = 0; i < d->n; i++)
		put_u32(&b, d->rcpt[i].index);
	PROC_SEND(&d->remote->proc->queue, holding, HOLDING, .id = d->job.id,
	    .job = d->job.job, .rcpts = buf_slice(&b));
	buf_release(&b);
}
