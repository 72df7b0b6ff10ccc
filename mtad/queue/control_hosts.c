/*
 * control_hosts: the operations on destinations and on delivery.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control_server.h"
#include "records.h"

static const char *
state_of(const struct dest *d)
{
	if (d->is_paused)
		return "paused";
	if (d->fails >= 3)
		return "down";
	if (d->fails != 0)
		return "backoff";
	return d->last_ok ? "up" : "unknown";
}

static void
put_dest(struct client *c, const struct dest *d)
{
	row_begin(c);
	row_cstr(c, "host", d->key);
	row_cstr(c, "state", state_of(d));
	row_time(c, "since", d->since);
	row_num(c, "queued", d->jobs);
	row_num(c, "ready", d->ready);
	row_num(c, "active", d->active);
	row_num(c, "window", d->window);
	row_num(c, "fails", d->fails);
	row_time(c, "last_try", d->last_try);
	row_time(c, "last_ok", d->last_ok);
	if (d->is_down)
		row_time(
		    c, "next", clock_wall() + d->down_until - clock_mono());
	if (d->last_text != NULL)
		row_cstr(c, "text", d->last_text);
	row_end(c);
}

void
control_changed_hosts(struct client *c)
{
	int64_t since = clock_wall() - 2 * US_SEC;
	size_t pos = 0;
	struct dest *d;

	while ((d = map_next(&c->q->sched.dests, &pos)) != NULL)
		if (d->last_try >= since && !control_is_full(c))
			put_dest(c, d);
}

static bool
wants(const struct dest *d, const char *text)
{
	return text == NULL || strcmp(text, "*") == 0 ||
	    strcasestr(d->key, text) != NULL;
}

static int64_t
order_of(const struct dest *d, const char *order)
{
	const char *colon = strchr(d->key, ':');

	if (strcmp(order, "name") == 0)
		return best_text(colon ? colon + 1 : d->key);
	if (strcmp(order, "active") == 0)
		return -(int64_t)d->active;
	if (strcmp(order, "fails") == 0)
		return -(int64_t)d->fails;
	if (strcmp(order, "tried") == 0)
		return -d->last_try;
	return -(int64_t)d->jobs;
}

/* Destinations in each state and what waits for them: of all, however few
 * of them have rows. */
struct host_sums {
	const char *state;
	uint64_t hosts, queued;
};

static void
add_sums(struct host_sums sums[5], const struct dest *d)
{
	for (int i = 0; i < 5; i++)
		if (strcmp(sums[i].state, state_of(d)) == 0) {
			sums[i].hosts++;
			sums[i].queued += d->jobs;
		}
}

static void
put_sums(struct client *c, const struct host_sums sums[5], size_t matched)
{
	row_begin(c);
	row_num(c, "matched", (int64_t)matched);
	row_num(c, "destinations", (int64_t)c->q->sched.dests.n);
	buf_adds(&c->out, ",\"states\":[");
	for (int i = 0; i < 5; i++) {
		if (i != 0)
			buf_addc(&c->out, ',');
		row_begin(c);
		row_cstr(c, "state", sums[i].state);
		row_num(c, "hosts", (int64_t)sums[i].hosts);
		row_num(c, "queued", (int64_t)sums[i].queued);
		buf_addc(&c->out, '}');
	}
	buf_adds(&c->out, "],\"done\":true");
	row_end(c);
}

/* The first ones in some order, out of fifty thousand in a few ms. */
static void
list_best(struct client *c, const char *text, const char *order, size_t limit)
{
	struct host_sums sums[5] = { { "up", 0, 0 }, { "backoff", 0, 0 },
		{ "down", 0, 0 }, { "paused", 0, 0 }, { "unknown", 0, 0 } };
	struct best b;
	struct dest *d;
	size_t pos = 0, matched = 0;

	if (best_init(&b, limit) < 0) {
		control_error(c, "no memory");
		return;
	}
	while ((d = map_next(&c->q->sched.dests, &pos)) != NULL) {
		add_sums(sums, d);
		if (!wants(d, text))
			continue;
		matched++;
		best_add(&b,
		    (struct best_row){
			.key = order_of(d, order), .of = { .ptr = d } });
	}
	best_sort(&b);
	for (size_t i = 0; i < b.n; i++)
		put_dest(c, b.row[i].of.ptr);
	best_release(&b);
	put_sums(c, sums, matched);
}

static void
op_hosts(struct client *c, json_t *j)
{
	const char *text = json_string_value(json_object_get(j, "host"));
	const char *order = json_string_value(json_object_get(j, "order"));
	json_int_t limit = json_integer_value(json_object_get(j, "limit"));
	size_t pos = 0;
	struct dest *d;

	if (limit > 0) {
		list_best(c, text, order ? order : "queued", (size_t)limit);
		return;
	}
	while ((d = map_next(&c->q->sched.dests, &pos)) != NULL)
		if (wants(d, text))
			put_dest(c, d);
	control_done(c);
}

/* The one that the text names: the key, or a domain or host in it. */
static bool
is_named(const struct dest *d, const char *text)
{
	struct slice key = slice_of(d->key), t = slice_of(text);
	size_t colon = slice_find(key, ':');

	return slice_ieq(key, t) ||
	    slice_ieq(slice_sub(key, colon + 1, key.n), t) ||
	    strcmp(text, "*") == 0;
}

static void
acted(void *arg, int error)
{
	struct client *c = arg;

	c->is_waiting = false;
	if (error != 0) {
		control_error(
		    c, "the journal cannot be written: %s", strerror(-error));
		return;
	}
	row_begin(c);
	row_num(c, "changed", (int64_t)c->changed);
	row_bool(c, "done", true);
	row_end(c);
}

static void
answer_when_durable(struct client *c)
{
	c->is_waiting = true;
	c->commit = (struct commit){ .done = acted, .arg = c };
	journal_on_commit(c->q->journal, &c->commit);
	queue_commit_now(c->q);
}

static void
say_host(struct client *c, const struct dest *d, enum event_type t)
{
	struct event e;

	event_init(&e, t);
	event_cstr(&e, F_HOST_NAME, d->key);
	queue_emit(c->q, &e);
}

static void
pause_one(struct client *c, struct dest *d, bool is_paused)
{
	struct buf *b;

	if (d->is_paused == is_paused)
		return;
	sched_pause(&c->q->sched, d, is_paused);
	b = journal_begin(c->q->journal, J_PAUSE);
	put_str(b, slice_of(d->key));
	put_u8(b, is_paused);
	journal_end(c->q->journal);
	say_host(c, d, is_paused ? EV_HOST_PAUSE : EV_HOST_RESUME);
	c->changed++;
}

static void
retry_one(struct client *c, struct dest *d)
{
	struct qrun run = { "op", d->key, 0 };

	d->fails = 0;
	qrun_start(c->q, &run);
	qrun_end(c->q, &run, sched_release_dest(&c->q->sched, d, true));
	for (int i = 0; i < PROC_MAX; i++)
		PROC_SEND(&c->q->proc->remote[i], host_close, HOST_CLOSE,
		    .domain = d->route.domain);
	c->changed++;
}

static void
forget_one(struct client *c, struct dest *d)
{
	if (!sched_forget(&c->q->sched, d))
		return;
	say_host(c, d, EV_HOST_FORGET);
	c->changed++;
}

enum host_act { HOST_RETRY, HOST_FORGET, HOST_PAUSE, HOST_RESUME };

static void
host_act(struct client *c, json_t *j, enum host_act act)
{
	static const char *const names[] = { "hosts.retry", "hosts.forget",
		"hosts.pause", "hosts.resume" };
	const char *text = json_string_value(json_object_get(j, "host"));
	size_t pos = 0;
	struct dest *d;

	c->changed = 0;
	c->act_number = 0;
	while (text && (d = map_next(&c->q->sched.dests, &pos)) != NULL) {
		if (!is_named(d, text))
			continue;
		if (act == HOST_RETRY)
			retry_one(c, d);
		else if (act == HOST_FORGET)
			forget_one(c, d);
		else
			pause_one(c, d, act == HOST_PAUSE);
	}
	control_audit(
	    c, names[act], text ? text : "", c->changed, c->changed, false);
	queue_schedule(c->q);
	if (c->changed == 0)
		control_error(c,
		    "no destination '%s' changed; see mtactl hosts list",
		    text ? text : "");
	else
		answer_when_durable(c);
}

static void
op_retry(struct client *c, json_t *j)
{
	host_act(c, j, HOST_RETRY);
}

static void
op_forget(struct client *c, json_t *j)
{
	host_act(c, j, HOST_FORGET);
}

static void
op_pause(struct client *c, json_t *j)
{
	host_act(c, j, HOST_PAUSE);
}

static void
op_resume(struct client *c, json_t *j)
{
	host_act(c, j, HOST_RESUME);
}

static void
set_delivery(struct client *c, json_t *j, bool is_held)
{
	const char *why = json_string_value(json_object_get(j, "why"));
	struct queue *q = c->q;
	struct buf *b = journal_begin(q->journal, J_DELIVERY);

	q->sched.is_held = is_held;
	queue_held_why(
	    q, is_held ? slice_of(why ? why : "by an operator") : SLICE(""));
	put_u8(b, is_held);
	put_str(b, slice_of(q->held_why));
	journal_end(q->journal);
	c->changed = 1;
	c->act_number = 0;
	control_audit(
	    c, is_held ? "delivery.hold" : "delivery.release", "", 1, 1, false);
	queue_schedule(q);
	answer_when_durable(c);
}

static void
op_delivery_hold(struct client *c, json_t *j)
{
	set_delivery(c, j, true);
}

static void
op_delivery_release(struct client *c, json_t *j)
{
	set_delivery(c, j, false);
}

static void
op_route(struct client *c, json_t *j)
{
	const char *text = json_string_value(json_object_get(j, "address"));
	struct slice addr = slice_of(text), domain;
	struct queue *q = c->q;
	struct route r;
	struct buf key;

	if (addr.n == 0) {
		control_error(c, "route takes an address");
		return;
	}
	domain = slice_sub(addr, slice_rfind(addr, '@') + 1, addr.n);
	route_find(q->proc->conf, domain, &r);
	buf_init(&key, 2048);
	route_key(&key, &r);
	row_begin(c);
	row_cstr(c, "address", text);
	row_str(c, "mailer", r.mailer);
	row_str(c, "destination", buf_slice(&key));
	row_str(c, "host", r.host);
	row_num(c, "port", r.kind < MAILER_LOCAL ? r.port : 0);
	row_end(c);
	buf_release(&key);
	if (r.kind != MAILER_SMTP || r.path.n != 0 ||
	    q->proc->remote[0].chan == NULL) {
		control_done(c);
		return;
	}
	PROC_SEND(&q->proc->remote[0], mx_ask, MX_ASK,
	    .key = control_new_key(c), .domain = domain, .host = r.host,
	    .port = r.port);
}

const struct control_op control_host_ops[] = {
	{ "hosts.list", false, op_hosts },
	{ "hosts.retry", true, op_retry },
	{ "hosts.forget", true, op_forget },
	{ "hosts.pause", true, op_pause },
	{ "hosts.resume", true, op_resume },
	{ "delivery.hold", true, op_delivery_hold },
	{ "delivery.release", true, op_delivery_release },
	{ "route", false, op_route },
	{ NULL, false, NULL },
};
