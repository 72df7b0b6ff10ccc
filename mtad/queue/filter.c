#include "filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "sched.h"

#define TERMS_MAX 32

enum field {
	BY_FROM,
	BY_TO,
	BY_STATE,
	BY_REASON,
	BY_AGE,
	BY_SIZE,
	BY_TRY,
	BY_ID,
	BY_HOST,
	BY_ANY,
	FIELDS
};

struct term {
	enum field field;
	char op; /* ':' '~' '>' '<' */
	char *text; /* owned */
	int64_t number;
	struct msgid *id; /* owned: of id:, in order */
	size_t ids;
};

struct filter {
	int n;
	struct term term[TERMS_MAX];
};

static const struct {
	const char *name, *ops;
	enum conf_kind kind;
} fields[FIELDS] = {
	[BY_FROM] = { "from", ":", CONF_STR },
	[BY_TO] = { "to", ":", CONF_STR },
	[BY_STATE] = { "state", ":", CONF_STR },
	[BY_REASON] = { "reason", "~:", CONF_STR },
	[BY_AGE] = { "age", "><", CONF_TIME },
	[BY_SIZE] = { "size", "><", CONF_SIZE },
	[BY_TRY] = { "try", "><", CONF_INT },
	[BY_ID] = { "id", ":", CONF_STR },
	[BY_HOST] = { "host", ":", CONF_STR },
	[BY_ANY] = { "", "", CONF_STR },
};

static bool
read_number(struct term *t, char why[200])
{
	struct conf_opt o = { .name = fields[t->field].name,
		.kind = fields[t->field].kind,
		.max = INT64_MAX };
	const char *wrong = conf_set(&o, &t->number, t->text, why);

	if (wrong == NULL)
		return true;
	if (wrong != why)
		snprintf(why, 200, "%s takes %s", o.name, wrong);
	return false;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct msgid *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	if (x->seg != y->seg)
		return x->seg < y->seg ? -1 : 1;
	return x->rec < y->rec ? -1 : x->rec > y->rec;
}

/* One or several, with commas between them. */
static bool
read_ids(struct term *t, struct slice s)
{
	struct slice one;

	t->id = calloc(s.n / MSGID_TEXT + 1, sizeof(*t->id));
	while (t->id != NULL && slice_next(&s, ',', &one))
		if (msgid_parse(one, &t->id[t->ids]))
			t->ids++;
	if (t->ids > 1)
		qsort(t->id, t->ids, sizeof(*t->id), compare_ids);
	return t->id != NULL;
}

static bool
read_term(struct term *t, struct slice s, char why[200])
{
	size_t at = 0;

	while (at < s.n && s.p[at] >= 'a' && s.p[at] <= 'z')
		at++;
	*t = (struct term){ .field = BY_ANY, .op = ':' };
	if (at < s.n && strchr(":~><", s.p[at]) != NULL) {
		for (int f = 0; f < BY_ANY; f++)
			if (slice_eq(slice_sub(s, 0, at),
				slice_of(fields[f].name)) &&
			    strchr(fields[f].ops, s.p[at]) != NULL)
				t->field = (enum field)f;
		if (t->field == BY_ANY) {
			snprintf(why, 200,
			    "'%.*s': terms are from: to: state: reason~ age> "
			    "age< size> size< try> try< id: host:",
			    SLICE_ARG(s));
			return false;
		}
		t->op = s.p[at];
		s = slice_sub(s, at + 1, s.n);
	}
	if (s.n > 2 && s.p[0] == '"' && s.p[s.n - 1] == '"')
		s = slice_sub(s, 1, s.n - 1);
	t->text = slice_dup(s);
	if (t->text == NULL || (t->field == BY_ID && !read_ids(t, s)))
		return false;
	return fields[t->field].kind == CONF_STR || read_number(t, why);
}

struct filter *
filter_new(struct slice text, char why[200])
{
	struct filter *f = calloc(1, sizeof(*f));
	struct slice one;

	why[0] = '\0';
	while (f != NULL && slice_next(&text, ' ', &one)) {
		if (one.n == 0)
			continue;
		if (f->n == TERMS_MAX ||
		    !read_term(&f->term[f->n++], one, why)) {
			if (why[0] == '\0')
				snprintf(why, 200, "too many terms");
			filter_free(f);
			return NULL;
		}
	}
	return f;
}

void
filter_free(struct filter *f)
{
	if (f == NULL)
		return;
	for (int i = 0; i < f->n; i++) {
		free(f->term[i].text);
		free(f->term[i].id);
	}
	free(f);
}

const char *
msg_state(const struct msg *m)
{
	bool was_tried = false;

	if (m->flags & MSG_DELETED)
		return "deleted";
	if (m->flags & MSG_KILLED)
		return "bounced";
	if (m->flags & MSG_DAMAGED)
		return "damaged";
	if (m->flags & MSG_HELD)
		return "held";
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		if (m->rcpt[i].state == RS_ACTIVE)
			return "active";
		was_tried |= m->rcpt[i].attempts != 0;
	}
	return was_tried ? "deferred" : "new";
}

/* Any part without regard to case; "@d" only the end, "<>" only nobody. */
static bool
part(const char *text, const char *want)
{
	if (strcmp(want, "<>") == 0)
		return text[0] == '\0';
	if (want[0] == '@')
		return slice_iends(slice_of(text), slice_of(want));
	return strcasestr(text, want) != NULL;
}

static bool
any_rcpt(const struct msg *m, const struct term *t)
{
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		const struct rcpt *r = &m->rcpt[i];
		const char *text = t->field == BY_REASON
		    ? (r->text ? r->text->s : "")
		    : rcpt_addr(m, r);

		if (!rcpt_is_finished(r) && part(text, t->text))
			return true;
		if (t->field == BY_REASON && r->code != 0 &&
		    strtoul(t->text, NULL, 10) == r->code)
			return true;
	}
	return false;
}

static bool
has_host(const struct msg *m, const char *key)
{
	const struct job *j;

	LIST_FOREACH (j, &m->jobs, of_msg)
		if (part(j->dest->key, key))
			return true;
	return false;
}

static bool
compares(const struct term *t, int64_t v)
{
	return t->op == '>' ? v > t->number : v < t->number;
}

static int64_t
most_tries(const struct msg *m)
{
	int64_t n = 0;

	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].attempts > n)
			n = m->rcpt[i].attempts;
	return n;
}

static bool
is_id(const struct msg *m, const char *text)
{
	char id[MSGID_TEXT + 1];

	msgid_text(m->id, id);
	return strcmp(id, text) == 0;
}

static bool
holds(const struct term *t, const struct msg *m, int64_t wall)
{
	switch (t->field) {
	case BY_FROM:
		return part(msg_sender(m), t->text);
	case BY_TO:
	case BY_REASON:
		return any_rcpt(m, t);
	case BY_STATE:
		return strcmp(msg_state(m), t->text) == 0;
	case BY_AGE:
		return compares(t, wall - m->received);
	case BY_SIZE:
		return compares(t, (int64_t)m->size);
	case BY_TRY:
		return compares(t, most_tries(m));
	case BY_ID:
		return t->ids != 0 &&
		    bsearch(&m->id, t->id, t->ids, sizeof(m->id),
			compare_ids) != NULL;
	case BY_HOST:
		return has_host(m, t->text);
	default:
		return is_id(m, t->text) || part(msg_sender(m), t->text) ||
		    any_rcpt(m, t);
	}
}

bool
filter_match(const struct filter *f, const struct msg *m, int64_t wall)
{
	for (int i = 0; i < f->n; i++)
		if (!holds(&f->term[i], m, wall))
			return false;
	return true;
}

bool
filter_only_id(const struct filter *f, struct msgid *ret)
{
	const struct term *t = &f->term[0];

	if (f->n != 1)
		return false;
	if (t->field == BY_ID && t->ids == 1)
		*ret = t->id[0];
	return (t->field == BY_ID && t->ids == 1) ||
	    (t->field == BY_ANY && msgid_parse(slice_of(t->text), ret));
}
