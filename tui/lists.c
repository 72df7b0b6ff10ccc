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

static void
set_text(char **to, const char *text)
{
	if (*to != NULL && strcmp(*to, text) == 0)
		return;
	free(*to);
	*to = strdup(text);
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

static uint64_t
hash_host(const void *entry)
{
	return slice_ihash(slice_of(((const struct host *)entry)->name));
}

static bool
is_host(const void *entry, const void *key)
{
	return strcasecmp(((const struct host *)entry)->name, key) == 0;
}

void
hosts_init(struct hosts *h)
{
	*h = (struct hosts){ 0 };
	map_init(&h->by_name, hash_host, is_host);
}

void
hosts_clear(struct hosts *h)
{
	for (size_t i = 0; i < h->n; i++) {
		free(h->at[i]->name);
		free(h->at[i]->text);
		free(h->at[i]);
	}
	free(h->at);
	free(h->shown);
	map_release(&h->by_name);
	hosts_init(h);
}

static void
show_host(struct hosts *h, struct host *one)
{
	if (strcasestr(one->name, h->filter) != NULL &&
	    make_room((void **)&h->shown, h->shown_n, &h->shown_cap,
		sizeof(*h->shown)))
		h->shown[h->shown_n++] = one;
}

void
hosts_show(struct hosts *h, const char *filter)
{
	char text[sizeof(h->filter)];

	snprintf(text, sizeof(text), "%s", filter); /* may be h->filter */
	memcpy(h->filter, text, sizeof(text));
	h->shown_n = 0;
	for (size_t i = 0; i < h->n; i++)
		show_host(h, h->at[i]);
}

static struct host *
add_host(struct hosts *h, const char *name)
{
	struct host *one;

	if (!make_room((void **)&h->at, h->n, &h->cap, sizeof(*h->at)))
		return NULL;
	one = calloc(1, sizeof(*one));
	if (one == NULL)
		return NULL;
	one->name = strdup(name);
	if (one->name == NULL || map_add(&h->by_name, one) < 0) {
		free(one->name);
		free(one);
		return NULL;
	}
	h->at[h->n++] = one;
	show_host(h, one);
	return one;
}

void
hosts_put(struct hosts *h, const json_t *row)
{
	const char *name = row_text(row, "host");
	struct host *one =
	    map_find(&h->by_name, slice_ihash(slice_of(name)), name);

	if (*name == '\0')
		return;
	if (one == NULL)
		one = add_host(h, name);
	if (one == NULL)
		return;
	snprintf(one->state, sizeof(one->state), "%s", row_text(row, "state"));
	set_text(&one->text, row_text(row, "text"));
	one->since = row_wall(row, "since");
	one->last_try = row_wall(row, "last_try");
	one->last_ok = row_wall(row, "last_ok");
	one->next = row_wall(row, "next");
	one->queued = row_number(row, "queued");
	one->ready = row_number(row, "ready");
	one->active = row_number(row, "active");
	one->window = row_number(row, "window");
	one->fails = row_number(row, "fails");
}

static int
by_queued(const void *a, const void *b)
{
	const struct host *x = *(struct host *const *)a;
	const struct host *y = *(struct host *const *)b;

	if (x->queued != y->queued)
		return x->queued < y->queued ? 1 : -1;
	return strcmp(x->name, y->name);
}

void
hosts_sort(struct hosts *h)
{
	if (h->n > 1)
		qsort(h->at, h->n, sizeof(*h->at), by_queued);
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
