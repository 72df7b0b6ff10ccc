#include "lists.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

const char *
row_text(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s ? s : "";
}

int64_t
row_number(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

int64_t
row_wall(const json_t *row, const char *name)
{
	int64_t t = 0;

	clock_read_rfc3339(slice_of(row_text(row, name)), &t);
	return t;
}

/* Room for one more; false without memory. */
static bool
make_room(void **at, size_t n, size_t *cap, size_t size)
{
	size_t more = *cap ? *cap * 2 : 64;
	void *p;

	if (n < *cap)
		return true;
	p = realloc(*at, more * size);
	if (p == NULL)
		return false;
	*at = p;
	*cap = more;
	return true;
}

void
hosts_clear(struct hosts *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->at[i].name);
		free(h->at[i].text);
	}
	free(h->at);
	*h = (struct hosts){ 0 };
}

void
hosts_put(struct hosts *h, const json_t *row)
{
	const char *name = row_text(row, "host");
	struct host *one;

	if (*name == '\0' ||
	    !make_room((void **)&h->at, h->n, &h->cap, sizeof(*h->at)))
		return;
	one = &h->at[h->n++];
	*one = (struct host){
		.name = strdup(name),
		.text = strdup(row_text(row, "text")),
		.since = row_wall(row, "since"),
		.last_try = row_wall(row, "last_try"),
		.last_ok = row_wall(row, "last_ok"),
		.next = row_wall(row, "next"),
		.queued = row_number(row, "queued"),
		.ready = row_number(row, "ready"),
		.active = row_number(row, "active"),
		.window = row_number(row, "window"),
		.fails = row_number(row, "fails"),
	};
	snprintf(one->state, sizeof(one->state), "%s", row_text(row, "state"));
	if (one->name == NULL || one->text == NULL) {
		free(one->name);
		free(one->text);
		h->n--;
	}
}

void
hosts_end(struct hosts *h, const json_t *last)
{
	const json_t *all = json_object_get(last, "states"), *row;
	size_t i;

	h->matched = row_number(last, "matched");
	h->all = row_number(last, "destinations");
	json_array_foreach(all, i, row) if (i < HOST_STATES)
	{
		snprintf(h->sum[i].state, sizeof(h->sum[i].state), "%s",
		    row_text(row, "state"));
		h->sum[i].hosts = row_number(row, "hosts");
		h->sum[i].queued = row_number(row, "queued");
	}
}

void
messages_clear(struct messages *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->at[i].from);
		free(l->at[i].to);
		free(l->at[i].text);
	}
	free(l->at);
	*l = (struct messages){ 0 };
}

/* The row shows the first recipient that has a reply, else the first. */
static const json_t *
telling_rcpt(const json_t *row)
{
	const json_t *all = json_object_get(row, "rcpts"), *r;
	size_t i;

	json_array_foreach(
	    all, i, r) if (*row_text(r, "text") != '\0') return r;
	return json_array_get(all, 0);
}

void
messages_put(struct messages *l, const json_t *row)
{
	const json_t *r = telling_rcpt(row);
	struct message *m;

	if (!make_room((void **)&l->at, l->n, &l->cap, sizeof(*l->at)))
		return;
	m = &l->at[l->n++];
	*m = (struct message){
		.from = strdup(row_text(row, "from")),
		.to = strdup(row_text(r, "to")),
		.text = strdup(row_text(r, "text")),
		.size = row_number(row, "size"),
		.open = row_number(row, "open"),
		.act = row_number(row, "act"),
		.received = row_wall(row, "received"),
		.until = row_wall(row, "until"),
		.tries = row_number(r, "tries"),
		.code = row_number(r, "code"),
		.next = row_wall(r, "next"),
	};
	snprintf(m->id, sizeof(m->id), "%s", row_text(row, "id"));
	snprintf(m->state, sizeof(m->state), "%s", row_text(row, "state"));
	snprintf(m->reason, sizeof(m->reason), "%s", row_text(r, "reason"));
}
