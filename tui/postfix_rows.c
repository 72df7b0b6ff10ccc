#include "postfix_rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "lists.h"
#include "request.h"
#include "words.h"

struct mail {
	json_t *row; /* owned: as queue.list has it */
	char *domain; /* owned: of the first recipient */
	const char *text; /* in the row: its first reply */
	int64_t t, size;
	bool is_deferred;
};

struct site {
	const char *domain; /* of a mail */
	const char *text;
	int64_t queued, active;
};

struct postfix_rows {
	int64_t wall;
	struct mail *mail; /* owned; oldest first when it has ended */
	size_t n, cap, seen;
	int64_t bytes, recipients, active;
	struct site *site; /* owned; most first */
	size_t sites;
};

struct postfix_rows *
postfix_rows_new(int64_t wall)
{
	struct postfix_rows *r = calloc(1, sizeof(*r));

	if (r != NULL)
		r->wall = wall;
	return r;
}

void
postfix_rows_free(struct postfix_rows *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n; i++) {
		json_decref(r->mail[i].row);
		free(r->mail[i].domain);
	}
	free(r->mail);
	free(r->site);
	free(r);
}

static void
set_time(json_t *j, const char *name, int64_t wall)
{
	struct buf b;

	buf_init(&b, 100);
	clock_rfc3339(&b, wall);
	json_object_set_new(j, name, json_string(b.data));
	buf_release(&b);
}

static const char *
state_of(const char *queue)
{
	static const char *const states[][2] = { { "active", "active" },
		{ "deferred", "deferred" }, { "hold", "held" },
		{ "corrupt", "damaged" } };

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i][0], queue) == 0)
			return states[i][1];
	return "new";
}

/* "host a.test[192.0.2.1] said: 450 4.2.0 words (in reply to ...)" */
static int
code_of(const char *text)
{
	const char *said = strstr(text, "said: ");
	int code = said ? atoi(said + 6) : 0;

	return code >= 200 && code < 600 ? code : 0;
}

static json_t *
make_rcpts(const json_t *from)
{
	json_t *all = json_array(), *one;
	size_t i;

	json_array_foreach(json_object_get(from, "recipients"), i, one)
	{
		const char *text = row_text(one, "delay_reason");
		json_t *r = json_pack("{s:s}", "to", row_text(one, "address"));

		json_object_set_new(
		    r, "state", json_string(*text ? "deferred" : "open"));
		if (*text != '\0')
			json_object_set_new(r, "text", json_string(text));
		if (code_of(text) != 0)
			json_object_set_new(
			    r, "code", json_integer(code_of(text)));
		json_array_append_new(all, r);
	}
	return all;
}

static bool
make_room(struct postfix_rows *r)
{
	size_t cap = r->cap ? r->cap * 2 : 256;
	struct mail *v;

	if (r->n < r->cap)
		return true;
	v = realloc(r->mail, cap * sizeof(*v));
	if (v == NULL)
		return false;
	r->mail = v;
	r->cap = cap;
	return true;
}

static void
keep(struct postfix_rows *r, const json_t *from)
{
	json_t *rcpts = make_rcpts(from);
	const json_t *first = json_array_get(rcpts, 0);
	const char *to = row_text(first, "to"), *at = strrchr(to, '@');
	const char *state = state_of(row_text(from, "queue_name"));
	struct mail *m = &r->mail[r->n];

	*m = (struct mail){ .domain = strdup(at ? at + 1 : to),
		.text = row_text(first, "text"),
		.t = row_number(from, "arrival_time") * US_SEC,
		.size = row_number(from, "message_size"),
		.is_deferred = strcmp(state, "deferred") == 0 };
	for (char *d = m->domain; d != NULL && *d != '\0'; d++)
		*d = ascii_lower(*d);
	m->row = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:o}", "id",
	    row_text(from, "queue_id"), "state", state, "from",
	    row_text(from, "sender"), "size", (json_int_t)m->size, "open",
	    (json_int_t)json_array_size(rcpts), "rcpt_count",
	    (json_int_t)json_array_size(rcpts), "rcpts", rcpts);
	if (m->row == NULL || m->domain == NULL) {
		json_decref(m->row);
		free(m->domain);
		return;
	}
	set_time(m->row, "received", m->t);
	r->n++;
	r->recipients += (int64_t)json_array_size(rcpts);
	r->bytes += m->size;
	r->active += strcmp(state, "active") == 0;
}

bool
postfix_rows_take(struct postfix_rows *r, struct slice line)
{
	json_t *from = json_loadb(line.p, line.n, 0, NULL);
	bool is_row = json_is_string(json_object_get(from, "queue_id"));

	if (is_row) {
		r->seen++;
		if (r->n < POSTFIX_ROWS_MAX && make_room(r))
			keep(r, from);
	}
	json_decref(from);
	return is_row;
}

static int
by_time(const void *a, const void *b)
{
	const struct mail *x = a, *y = b;

	return x->t < y->t ? -1 : x->t > y->t;
}

static int
by_domain(const void *a, const void *b)
{
	const struct mail *const *x = a, *const *y = b;

	return strcasecmp((*x)->domain, (*y)->domain);
}

static int
most_first(const void *a, const void *b)
{
	const struct site *x = a, *y = b;

	if (x->queued != y->queued)
		return x->queued > y->queued ? -1 : 1;
	return strcmp(x->domain, y->domain);
}

static void
make_sites(struct postfix_rows *r)
{
	const struct mail **v = calloc(r->n + 1, sizeof(*v));
	struct site *s = NULL;

	r->site = calloc(r->n + 1, sizeof(*r->site));
	for (size_t i = 0; v != NULL && i < r->n; i++)
		v[i] = &r->mail[i];
	if (v != NULL && r->n > 1)
		qsort(v, r->n, sizeof(*v), by_domain);
	for (size_t i = 0; v && r->site && i < r->n; i++) {
		if (s == NULL || strcasecmp(s->domain, v[i]->domain) != 0) {
			s = &r->site[r->sites++];
			*s =
			    (struct site){ .domain = v[i]->domain, .text = "" };
		}
		s->queued++;
		s->active +=
		    strcmp(row_text(v[i]->row, "state"), "active") == 0;
		if (v[i]->text[0] != '\0')
			s->text = v[i]->text;
	}
	free(v);
	if (r->sites > 1)
		qsort(r->site, r->sites, sizeof(*r->site), most_first);
}

void
postfix_rows_end(struct postfix_rows *r)
{
	if (r->n > 1)
		qsort(r->mail, r->n, sizeof(*r->mail), by_time);
	make_sites(r);
}

static void
answer_status(const struct postfix_rows *r, struct model *m)
{
	char host[256] = "";
	json_t *j;

	gethostname(host, sizeof(host) - 1);
	j = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I}", "state",
	    "Postfix, as postqueue -j tells its queue", "host", host, "version",
	    "", "messages", (json_int_t)r->seen, "recipients",
	    (json_int_t)r->recipients, "bytes", (json_int_t)r->bytes, "active",
	    (json_int_t)r->active, "destinations", (json_int_t)r->sites);
	if (r->n != 0)
		set_time(j, "oldest", r->mail[0].t);
	model_row(m, ASK_STATUS, j);
	json_decref(j);
}

static struct slice
mail_text(const void *row, const char *name)
{
	const struct mail *x = row;
	const json_t *first =
	    json_array_get(json_object_get(x->row, "rcpts"), 0);

	if (strcmp(name, "to") == 0)
		return slice_of(row_text(first, "to"));
	if (strcmp(name, "reason") == 0)
		return slice_of(row_text(first, "text"));
	if (strcmp(name, "host") == 0)
		return slice_of(x->domain);
	return slice_of(row_text(x->row, name));
}

static int64_t
mail_number(const void *row, const char *name)
{
	const struct mail *x = row;

	return strcmp(name, "age") == 0 ? clock_wall() - x->t : x->size;
}

/* A word without a name may be in the id, the sender or a recipient. */
static bool
matches(const struct words *w, const struct mail *x)
{
	static const char *const any[] = { "id", "from", "to" };
	struct words one = { .n = 1 };

	for (int i = 0; i < w->n; i++) {
		bool is_it = false;

		one.word[0] = w->word[i];
		for (int k = 0; k < 3 && w->word[i].name[0] == '\0'; k++) {
			memcpy(one.word[0].name, any[k], strlen(any[k]) + 1);
			is_it |= words_match(&one, x, mail_text, mail_number);
		}
		if (w->word[i].name[0] != '\0')
			is_it = words_match(&one, x, mail_text, mail_number);
		if (!is_it)
			return false;
	}
	return true;
}

static json_t *
answer_list(
    const struct postfix_rows *r, struct model *m, const json_t *request)
{
	size_t limit = (size_t)row_number(request, "limit"), told = 0;
	bool is_reverse = json_is_true(json_object_get(request, "reverse"));
	struct words w;
	char why[200];

	if (!words_read(&w, row_text(request, "filter"),
		" from to state reason age size id host ", why))
		return json_pack("{s:s}", "error", why);
	for (size_t i = 0; i < r->n && told < limit; i++) {
		const struct mail *x = &r->mail[is_reverse ? r->n - 1 - i : i];

		if (!matches(&w, x))
			continue;
		model_row(m, ASK_LIST, x->row);
		told++;
	}
	return json_pack("{s:I, s:I}", "matched", (json_int_t)told, "in_queue",
	    (json_int_t)r->seen);
}

static json_t *
answer_hosts(
    const struct postfix_rows *r, struct model *m, const json_t *request)
{
	const char *part = row_text(request, "host");
	size_t limit = (size_t)row_number(request, "limit"), matched = 0;

	for (size_t i = 0; i < r->sites; i++) {
		const struct site *s = &r->site[i];
		json_t *j;

		if (strcmp(part, "*") != 0 &&
		    strcasestr(s->domain, part) == NULL)
			continue;
		if (matched++ >= limit)
			continue;
		j = json_pack("{s:s, s:s, s:I, s:I, s:s}", "host", s->domain,
		    "state", "unknown", "queued", (json_int_t)s->queued,
		    "active", (json_int_t)s->active, "text", s->text);
		model_row(m, ASK_HOSTS, j);
		json_decref(j);
	}
	return json_pack("{s:I, s:I}", "matched", (json_int_t)matched,
	    "destinations", (json_int_t)r->sites);
}

static int
bucket_of(int64_t age)
{
	int b = 0;

	for (int64_t most = 5 * US_MIN; b < SHAPE_AGES - 1 && age > most;
	     most *= 2)
		b++;
	return b;
}

/* A cell a message: the shape adds them up. */
static void
answer_shape(const struct postfix_rows *r, struct model *m)
{
	json_t *cells = json_array(), *row;

	for (size_t i = 0; i < r->n; i++)
		json_array_append_new(cells,
		    json_pack("{s:s, s:s, s:i, s:i}", "queue",
			row_text(r->mail[i].row, "state"), "domain",
			r->mail[i].domain, "bucket",
			bucket_of(r->wall - r->mail[i].t), "count", 1));
	row = json_pack("{s:o}", "cells", cells);
	set_time(row, "time", r->wall);
	model_row(m, ASK_SHAPE, row);
	json_decref(row);
}

static json_t *
answer_detail(
    const struct postfix_rows *r, struct model *m, const json_t *request)
{
	const char *id = row_text(request, "id");

	for (size_t i = 0; i < r->n; i++)
		if (strcmp(row_text(r->mail[i].row, "id"), id) == 0) {
			model_row(m, ASK_DETAIL, r->mail[i].row);
			return json_object();
		}
	return json_pack("{s:s}", "error", "it is not in the queue any more");
}

json_t *
postfix_rows_answer(const struct postfix_rows *r, struct model *m,
    enum ask kind, const json_t *request)
{
	switch (kind) {
	case ASK_STATUS:
		answer_status(r, m);
		return json_object();
	case ASK_LIST:
		return answer_list(r, m, request);
	case ASK_HOSTS:
		return answer_hosts(r, m, request);
	case ASK_SHAPE:
		answer_shape(r, m);
		return json_object();
	case ASK_DETAIL:
		return answer_detail(r, m, request);
	default:
		return json_pack("{s:s}", "error", "this is no mtad");
	}
}
