#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "lists.h"

#define DRAIN_SPAN                                                             \
	(61 * US_SEC) /* signs of life are not quite a second apart */

void
model_init(struct model *m)
{
	*m = (struct model){ .load = -1 };
	snprintf(m->trouble, sizeof(m->trouble), "not connected yet");
}

static void
forget_detail(struct detail *d)
{
	json_decref(d->row);
	json_decref(d->why);
	json_decref(d->next_why);
	*d = (struct detail){ 0 };
}

void
model_release(struct model *m)
{
	hosts_clear(&m->hosts);
	hosts_clear(&m->next_hosts);
	messages_clear(&m->list);
	messages_clear(&m->next_list);
	shape_release(&m->shape);
	forget_detail(&m->detail);
	free(m->state);
	free(m->node);
	free(m->version);
}

/* Numbers of before are not shown as those of now: all is asked again. */
void
model_connected(struct model *m, const char *why)
{
	m->is_connected = why == NULL;
	snprintf(m->trouble, sizeof(m->trouble), "%s", why ? why : "");
	if (why == NULL)
		return;
	m->has_status = false;
	m->depths = 0;
}

static void
add_depth(struct model *m, int64_t now)
{
	struct depth *newest = &m->depth[DEPTHS - 1];

	if (m->depths > 0 && now - newest->at < US_SEC)
		return;
	memmove(m->depth, m->depth + 1, sizeof(m->depth) - sizeof(*newest));
	*newest = (struct depth){ now, m->recipients };
	if (m->depths < DEPTHS)
		m->depths++;
}

void
model_heard(struct model *m, int64_t now)
{
	m->heard = now;
	if (m->has_status)
		add_depth(m, now);
}

void
model_load(struct model *m, double load)
{
	m->load = load;
}

static void
add_rates(struct model *m, const uint64_t c[ST_COUNT], double seconds)
{
	static const enum stat_id of[FLOWS] = { [FLOW_IN] = ST_MSG_IN,
		[FLOW_OUT] = ST_RCPT_OK,
		[FLOW_DEFER] = ST_RCPT_DEFER,
		[FLOW_FAIL] = ST_RCPT_FAIL };

	for (int f = 0; f < FLOWS; f++) {
		double *r = m->rate[f];
		uint64_t was = m->counter[of[f]], is = c[of[f]];

		memmove(r, r + 1, sizeof(m->rate[f]) - sizeof(*r));
		/* counters begin anew when mtad does */
		r[HISTORY - 1] = is >= was ? (double)(is - was) / seconds : 0;
	}
	if (m->samples < HISTORY)
		m->samples++;
}

void
model_sample(struct model *m, const uint64_t counter[ST_COUNT], int64_t now)
{
	double seconds = (double)(now - m->sampled) / (double)US_SEC;

	if (m->has_counters && seconds > 0)
		add_rates(m, counter, seconds);
	memcpy(m->counter, counter, sizeof(m->counter));
	m->has_counters = true;
	m->sampled = now;
}

void
model_begin(struct model *m, enum ask kind)
{
	if (kind == ASK_HOSTS)
		hosts_clear(&m->next_hosts);
	if (kind == ASK_LIST) {
		messages_clear(&m->next_list);
		if (!m->has_list)
			messages_clear(&m->list);
	}
	if (kind == ASK_ACT)
		m->result.looked = m->result.undo = 0;
	if (kind == ASK_DETAIL) {
		json_decref(m->detail.next_why);
		m->detail.next_why = json_array();
		memcpy(m->detail.asked, m->detail.id, sizeof(m->detail.id));
	}
}

void
model_forget_list(struct model *m)
{
	messages_clear(&m->list);
	messages_clear(&m->next_list);
	m->has_list = false;
	m->list_error[0] = '\0';
}

void
model_forget_hosts(struct model *m)
{
	hosts_clear(&m->hosts);
	hosts_clear(&m->next_hosts);
	m->has_hosts = false;
}

static void
replace_text(char **to, const char *text)
{
	free(*to);
	*to = strdup(text);
}

static void
take_status(struct model *m, const json_t *row)
{
	replace_text(&m->state, row_text(row, "state"));
	replace_text(&m->node, row_text(row, "host"));
	replace_text(&m->version, row_text(row, "version"));
	m->started = row_wall(row, "started");
	m->oldest = row_wall(row, "oldest");
	m->messages = row_number(row, "messages");
	m->recipients = row_number(row, "recipients");
	m->bytes = row_number(row, "bytes");
	m->active = row_number(row, "active");
	m->destinations = row_number(row, "destinations");
	m->disk_free = row_number(row, "disk_free");
	m->disk_size = row_number(row, "disk_size");
	m->inodes_free = row_number(row, "inodes_free");
	m->inodes = row_number(row, "inodes");
	/* counters are sent to administrators alone */
	m->is_admin = json_object_get(row, "msg_in") != NULL;
	m->has_status = m->state && m->node && m->version;
}

static void
take_detail(struct detail *d, const json_t *row)
{
	if (strcmp(d->asked, d->id) != 0)
		return; /* another one was chosen meanwhile */
	if (json_object_get(row, "why") != NULL) {
		if (json_array_size(d->next_why) < 100)
			json_array_append(d->next_why, (json_t *)row);
	} else if (strcmp(row_text(row, "id"), d->id) == 0) {
		json_decref(d->row);
		d->row = json_incref((json_t *)row);
	}
}

void
model_row(struct model *m, enum ask kind, const json_t *row)
{
	switch (kind) {
	case ASK_STATUS:
		take_status(m, row);
		break;
	case ASK_HOSTS:
		hosts_put(&m->next_hosts, row);
		break;
	case ASK_LIST:
		/* the first list is shown while it comes */
		messages_put(m->has_list ? &m->next_list : &m->list, row);
		break;
	case ASK_DETAIL:
		take_detail(&m->detail, row);
		break;
	case ASK_SHAPE:
		shape_read(&m->shape, json_object_get(row, "cells"),
		    row_wall(row, "time"));
		break;
	case ASK_ACT:
		m->result.matched = row_number(row, "matched");
		m->result.changed = row_number(row, "changed");
		m->result.looked = row_number(row, "looked");
		m->result.in_queue = row_number(row, "in_queue");
		m->result.undo = row_number(row, "undo");
		break;
	default:
		break;
	}
}

static void
end_hosts(struct model *m, const json_t *last)
{
	hosts_clear(&m->hosts);
	m->hosts = m->next_hosts;
	m->next_hosts = (struct hosts){ 0 };
	hosts_end(&m->hosts, last);
	m->has_hosts = true;
}

static void
end_list(struct model *m, const json_t *last)
{
	if (m->has_list) {
		messages_clear(&m->list);
		m->list = m->next_list;
		m->next_list = (struct messages){ 0 };
	}
	m->list.matched = row_number(last, "matched");
	m->list.in_queue = row_number(last, "in_queue");
	m->has_list = true;
	snprintf(m->list_error, sizeof(m->list_error), "%s",
	    row_text(last, "error"));
}

static void
end_detail(struct detail *d, const char *error)
{
	if (strcmp(d->asked, d->id) != 0)
		return;
	json_decref(d->why);
	d->why = d->next_why;
	d->next_why = NULL;
	snprintf(d->error, sizeof(d->error), "%s", error);
}

void
model_end(struct model *m, enum ask kind, const json_t *last, int64_t took)
{
	const char *error =
	    last ? row_text(last, "error") : "the daemon went away";

	m->took[kind] = took;
	m->ended[kind]++;
	if (kind == ASK_HOSTS && *error == '\0')
		end_hosts(m, last);
	if (kind == ASK_SHAPE)
		m->has_shape = true;
	if (kind == ASK_LIST && last != NULL)
		end_list(m, last);
	if (kind == ASK_DETAIL)
		end_detail(&m->detail, error);
	if (kind != ASK_ACT)
		return;
	m->result.serial++;
	snprintf(m->result.error, sizeof(m->result.error), "%s", error);
	m->result.matched = row_number(last, "matched");
	m->result.changed = row_number(last, "changed");
	m->result.undo = row_number(last, "undo");
}

void
model_detail(struct model *m, const char *id)
{
	if (strcmp(m->detail.id, id) == 0)
		return;
	forget_detail(&m->detail);
	snprintf(m->detail.id, sizeof(m->detail.id), "%s", id);
}

/* The daemon says it as a sentence; its beginning is the mode. */
struct mode
model_mode(const struct model *m)
{
	static const struct {
		const char *begins;
		struct mode mode;
	} modes[] = {
		{ "taking and delivering", { "NORMAL", LEVEL_OK } },
		{ "delivery is held", { "HELD", LEVEL_WARN } },
		{ "nothing expires", { "CLOCK?", LEVEL_WARN } },
		{ "waiting for", { "WAITING", LEVEL_WARN } },
		{ "not delivering", { "STUCK", LEVEL_BAD } },
		{ "refusing", { "REFUSING", LEVEL_BAD } },
		{ "neither", { "FAILED", LEVEL_BAD } },
		{ "Postfix", { "POSTFIX", LEVEL_OK } },
	};

	if (!m->is_connected || !m->has_status)
		return (struct mode){ "?", LEVEL_UNKNOWN };
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (strncmp(m->state, modes[i].begins,
			strlen(modes[i].begins)) == 0)
			return modes[i].mode;
	return (struct mode){ "SEE BELOW", LEVEL_WARN };
}

double
model_rate_of(const struct model *m, enum flow f, int from, int to)
{
	double sum = 0;

	if (from > m->samples)
		from = m->samples;
	for (int i = to; i < from; i++)
		sum += m->rate[f][HISTORY - 1 - i];
	return from > to ? sum / (from - to) : -1;
}

double
model_rate(const struct model *m, enum flow f, int n)
{
	double mean = model_rate_of(m, f, n, 0);

	return mean < 0 ? 0 : mean;
}

/* What comes in and what goes out is what the difference is made of, also
 * what was expanded, expired or deleted. */
enum drain
model_drain(const struct model *m, int64_t *ret)
{
	const struct depth *newest = &m->depth[DEPTHS - 1], *old = newest;
	int64_t span, gone;

	for (int i = 1; i < m->depths; i++)
		if (newest->at - newest[-i].at <= DRAIN_SPAN)
			old = newest - i;
	span = newest->at - old->at;
	gone = old->n - newest->n;
	if (span < DRAIN_SPAN / 2 || newest->n == 0)
		return DRAIN_UNKNOWN;
	if (gone > 0)
		*ret =
		    (int64_t)((double)span * (double)newest->n / (double)gone);
	else
		*ret = -gone * US_MIN / span;
	return gone > 0 ? DRAIN_ENDS : gone < 0 ? DRAIN_GROWS : DRAIN_STILL;
}

/* Rounded up, as df does. */
static int
used(int64_t free, int64_t all)
{
	if (all <= 0 || all > INT64_MAX / 200)
		return -1;
	if (free < 0 || free > all)
		return free < 0 ? 100 : 0;
	return (int)(((all - free) * 100 + all - 1) / all);
}

int
model_disk(const struct model *m)
{
	return used(m->disk_free, m->disk_size);
}

int
model_inodes(const struct model *m)
{
	return used(m->inodes_free, m->inodes);
}

int64_t
model_age(const struct model *m, int64_t now)
{
	return m->heard != 0 ? now - m->heard : INT64_MAX;
}

const struct host *
model_host(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->hosts.n; i++)
		if (strcasecmp(m->hosts.at[i].name, name) == 0)
			return &m->hosts.at[i];
	return NULL;
}
