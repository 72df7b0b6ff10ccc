#include "script.h"

#include <string.h>

#include "clock.h"
#include "say.h"

#define FULL_ABOVE 95 /* in the hundred: the check warns */

static void
put_time(json_t *j, const char *name, int64_t wall)
{
	struct buf b;

	if (wall == 0)
		return;
	buf_init(&b, 100);
	clock_rfc3339(&b, wall);
	json_object_set_new(j, name, json_string(b.data));
	buf_release(&b);
}

static json_t *
json_counters(const struct model *m)
{
	json_t *j = json_object();

	for (int i = 0; i < ST_COUNT; i++)
		json_object_set_new(j, stat_name((enum stat_id)i),
		    json_integer((json_int_t)m->counter[i]));
	return j;
}

static json_t *
json_rates(const struct model *m)
{
	static const char *const names[FLOWS] = { "msg_in", "rcpt_ok",
		"rcpt_defer", "rcpt_fail" };
	json_t *j = json_object();

	for (int f = 0; f < FLOWS; f++)
		json_object_set_new(
		    j, names[f], json_real(model_rate(m, (enum flow)f, 5)));
	return j;
}

static json_t *
json_hosts(const struct model *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->hosts.n; i++) {
		const struct host *h = &m->hosts.at[i];
		json_t *j = json_pack(
		    "{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:s}", "host", h->name,
		    "state", h->state, "queued", (json_int_t)h->queued, "ready",
		    (json_int_t)h->ready, "active", (json_int_t)h->active,
		    "window", (json_int_t)h->window, "fails",
		    (json_int_t)h->fails, "text", h->text);

		put_time(j, "last_ok", h->last_ok);
		put_time(j, "next", h->next);
		json_array_append_new(all, j);
	}
	return all;
}

static json_t *
json_messages(const struct model *m)
{
	json_t *all = json_array();

	for (size_t i = 0; i < m->list.n; i++) {
		const struct message *x = &m->list.at[i];
		json_t *j = json_pack(
		    "{s:s, s:s, s:I, s:s, s:I, s:s, s:I, s:I, s:s}", "id",
		    x->id, "state", x->state, "size", (json_int_t)x->size,
		    "from", x->from, "open", (json_int_t)x->open, "to", x->to,
		    "tries", (json_int_t)x->tries, "code", (json_int_t)x->code,
		    "text", x->text);

		put_time(j, "received", x->received);
		put_time(j, "next", x->next);
		json_array_append_new(all, j);
	}
	return all;
}

/* In the words of queue.shape, domain by domain. */
static json_t *
json_shape(const struct shape *s)
{
	json_t *all = json_array();

	for (size_t i = 0; i < s->rows; i++) {
		json_t *ages = json_array();

		for (int a = 0; a < SHAPE_AGES; a++)
			json_array_append_new(
			    ages, json_integer(s->row[i].age[a]));
		json_array_append_new(all,
		    json_pack("{s:s, s:I, s:I, s:o}", "domain", s->row[i].name,
			"count", (json_int_t)s->row[i].messages, "rcpt_count",
			(json_int_t)s->row[i].n, "ages", ages));
	}
	return all;
}

static json_t *
json_events(const struct console *c)
{
	json_t *all = json_array();
	const struct log_row *r;

	for (size_t i = 0; (r = list_event(c, i)) != NULL; i++) {
		json_t *j = json_pack("{s:s, s:i, s:s}", "event", r->name,
		    "severity", r->severity, "text", r->text);

		put_time(j, "time", r->t);
		if (r->id[0] != '\0')
			json_object_set_new(j, "msg.id", json_string(r->id));
		json_array_append_new(all, j);
	}
	return all;
}

/* What the store confesses; absent without one. */
static void
put_completeness(json_t *j, const struct archive *a)
{
	const struct past_confession *p = &a->confession;

	if (a->past != NULL && a->has_confession)
		json_object_set_new(j, "completeness",
		    json_pack("{s:I, s:I, s:I, s:I}", "gaps",
			(json_int_t)p->gaps, "missing", (json_int_t)p->missing,
			"unparsed", (json_int_t)p->unparsed, "lost",
			(json_int_t)p->lost));
}

static void
put_disk(json_t *j, const struct model *m)
{
	if (m->disk_size > 0) {
		json_object_set_new(j, "disk_free", json_integer(m->disk_free));
		json_object_set_new(j, "disk_size", json_integer(m->disk_size));
	}
	if (m->inodes > 0) {
		json_object_set_new(
		    j, "inodes_free", json_integer(m->inodes_free));
		json_object_set_new(j, "inodes", json_integer(m->inodes));
	}
	if (m->load >= 0)
		json_object_set_new(j, "load", json_real(m->load));
}

void
script_json(const struct console *c, FILE *to, int64_t now, int64_t wall)
{
	const struct model *m = c->model;
	json_t *j = json_pack("{s:i, s:b, s:s}", "v", 1, "connected",
	    m->is_connected, "mode", model_mode(m).word);

	put_time(j, "time", wall);
	if (m->heard != 0)
		json_object_set_new(
		    j, "age_us", json_integer(model_age(m, now)));
	if (!m->is_connected)
		json_object_set_new(j, "error", json_string(m->trouble));
	if (m->has_status) {
		json_object_set_new(j, "host", json_string(m->node));
		json_object_set_new(j, "state", json_string(m->state));
		json_object_set_new(j, "messages", json_integer(m->messages));
		json_object_set_new(
		    j, "recipients", json_integer(m->recipients));
		json_object_set_new(j, "bytes", json_integer(m->bytes));
		put_time(j, "oldest", m->oldest);
		put_disk(j, m);
	}
	if (m->is_connected && m->has_counters) {
		json_object_set_new(j, "counters", json_counters(m));
		json_object_set_new(j, "rates", json_rates(m));
	}
	if (m->is_connected && c->screen == SCREEN_HOSTS)
		json_object_set_new(j, "hosts", json_hosts(m));
	if (flow_shape(c)->t != 0 && c->screen == SCREEN_FLOW) {
		json_object_set_new(j, "shape", json_shape(flow_shape(c)));
		put_time(j, "shape_time", flow_shape(c)->t);
	}
	if (c->archive->at != 0)
		put_time(j, "at", c->archive->at);
	if (c->screen == SCREEN_LOG || c->screen == SCREEN_TRACE)
		json_object_set_new(j, "events", json_events(c));
	put_completeness(j, c->archive);
	if (m->is_connected && c->screen == SCREEN_MESSAGES)
		json_object_set_new(j, "queue", json_messages(m));
	json_dumpf(j, to, JSON_COMPACT);
	fputc('\n', to);
	json_decref(j);
}

/* What is wrong beside the daemon's own word, each with "; " before it. */
static void
check_rest(const struct model *m, struct buf *b)
{
	const struct {
		const char *what;
		int used;
	} full[] = { { "disk", model_disk(m) }, { "inodes", model_inodes(m) } };

	if (m->has_counters &&
	    (m->counter[ST_EVENTS_LOST] != 0 || m->counter[ST_SYNC_FAILS] != 0))
		buf_addf(b, "; lost events %llu, failed syncs %llu",
		    (unsigned long long)m->counter[ST_EVENTS_LOST],
		    (unsigned long long)m->counter[ST_SYNC_FAILS]);
	for (int i = 0; i < 2; i++)
		if (full[i].used > FULL_ABOVE)
			buf_addf(b, "; %s of the queue %d%% used", full[i].what,
			    full[i].used);
}

int
script_check(const struct model *m, FILE *to, int64_t wall)
{
	static const char *const words[] = { "OK", "WARNING", "CRITICAL",
		"UNKNOWN" };
	struct mode mode = model_mode(m);
	char n[SAY_MAX], old[SAY_MAX] = "-";
	struct buf rest;

	if (mode.level == LEVEL_UNKNOWN) {
		fprintf(to, "UNKNOWN: no mtad answers: %s\n", m->trouble);
		return mode.level;
	}
	buf_init(&rest, 4096);
	check_rest(m, &rest);
	if (mode.level == LEVEL_OK && rest.len != 0)
		mode.level = LEVEL_WARN;
	say_number(n, m->messages);
	if (m->oldest != 0)
		say_span(old, wall - m->oldest);
	fprintf(to, "%s: %s; queue %s, oldest %s%s\n", words[mode.level],
	    m->state, n, old, rest.data);
	buf_release(&rest);
	return mode.level;
}
