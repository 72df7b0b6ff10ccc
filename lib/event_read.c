#include "event_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "json_text.h"

/* Members of every line, beside the fields of event.def. */
enum common {
	C_V = FIELD_COUNT,
	C_EVENT,
	C_TIME,
	C_MONO,
	C_NODE,
	C_INSTANCE,
	C_BOOT,
	C_SEQ,
	C_PROG,
	C_PID,
	C_VIA,
	C_END
};

static const char *const commons[] = { "v", "event", "time", "mono_us", "node",
	"instance", "boot", "seq", "prog", "pid", "via" };

#define SLOTS 1024 /* a power of two, far above the number of names */

struct names {
	uint16_t slot[SLOTS]; /* index + 1; 0: free */
	struct slice text[SLOTS];
};

struct event_names {
	struct names field, event;
};

static unsigned
slot_of(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	unsigned h = (unsigned)s.n;

	if (s.n != 0)
		h = h * 37 + p[0] + p[s.n / 2] * 59u + p[s.n - 1] * 131u +
		    p[s.n * 3 / 4] * 263u + p[s.n / 4] * 521u;
	return (h * 2654435761u) >> 22;
}

static void
names_add(struct names *t, const char *text, unsigned value)
{
	struct slice s = slice_of(text);
	unsigned i = slot_of(s);

	while (t->slot[i] != 0)
		i = (i + 1) % SLOTS;
	t->slot[i] = (uint16_t)(value + 1);
	t->text[i] = s;
}

/* -1 when it is none of them. */
static int
names_find(const struct names *t, struct slice s)
{
	for (unsigned i = slot_of(s); t->slot[i] != 0; i = (i + 1) % SLOTS)
		if (t->text[i].n == s.n && memcmp(t->text[i].p, s.p, s.n) == 0)
			return t->slot[i] - 1;
	return -1;
}

struct event_names *
event_names_new(void)
{
	struct event_names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return NULL;
	for (unsigned f = 0; f < FIELD_COUNT; f++)
		names_add(&n->field, field_info((enum event_field)f)->name, f);
	for (unsigned c = C_V; c < C_END; c++)
		names_add(&n->field, commons[c - C_V], c);
	for (unsigned t = 0; t < EV_COUNT; t++)
		names_add(&n->event, event_info((enum event_type)t)->name, t);
	return n;
}

void
event_names_free(struct event_names *n)
{
	free(n);
}

size_t
event_json_start(struct slice line)
{
	static const char mark[] = "{\"v\":1,";
	const char *p = line.p;
	size_t n = line.n;

	if (n >= 7 && memcmp(p, mark, 7) == 0 &&
	    memmem(p + 1, n - 1, mark, 7) == NULL)
		return 0;
	for (size_t i = n; i >= 7; i--)
		if (p[i - 7] == '{' && memcmp(p + i - 7, mark, 7) == 0)
			return i - 7;
	return n;
}

/* One field's value into the event. Beyond the event's room: forgotten, as
 * no writer of ours has that many. */
static bool
set_str(struct event *e, enum event_field f, struct slice s)
{
	if (e->n < EVENT_FIELDS_MAX)
		event_str(e, f, s);
	return true;
}

static bool
set_num(struct event *e, enum event_field f, uint64_t v)
{
	if (e->n < EVENT_FIELDS_MAX)
		event_num(e, f, v);
	return true;
}

static bool
set_time(struct event *e, enum event_field f, struct slice s)
{
	int64_t us;

	return clock_read_rfc3339(s, &us) && set_num(e, f, (uint64_t)us);
}

static bool
json_field(struct json_text *t, struct event *e, enum event_field f)
{
	struct slice s;
	uint64_t v;

	switch (field_info(f)->kind) {
	case FK_STR:
		return json_text_str(t, &s) && set_str(e, f, s);
	case FK_JSON:
		return json_text_skip(t, &s) && set_str(e, f, s);
	case FK_NUM:
		return json_text_u64(t, &v) && set_num(e, f, v);
	case FK_BOOL:
		return json_text_bool(t, &v) && set_num(e, f, v);
	case FK_TIME:
		return json_text_str(t, &s) && set_time(e, f, s);
	}
	return false;
}

/* What one line gives, while it is read. */
struct reading {
	const struct event_names *names;
	struct event_origin *origin;
	struct event *event;
	struct slice type; /* the event's name */
	bool has_time;
};

static bool
json_common(struct json_text *t, struct reading *r, int which)
{
	struct event_origin *o = r->origin;
	struct slice s;
	uint64_t v;

	switch (which) {
	case C_V:
		return json_text_u64(t, &v) && v == 1;
	case C_EVENT:
		return json_text_str(t, &r->type);
	case C_TIME:
		return json_text_str(t, &s) &&
		    (r->has_time = clock_read_rfc3339(s, &o->time_us));
	case C_MONO:
		return json_text_u64(t, &o->mono_us);
	case C_NODE:
		return json_text_str(t, &o->node);
	case C_INSTANCE:
		return json_text_str(t, &o->instance);
	case C_BOOT:
		return json_text_str(t, &o->boot);
	case C_SEQ:
		return json_text_u64(t, &o->seq);
	case C_PROG:
		return json_text_str(t, &o->prog);
	case C_PID:
		return json_text_u64(t, &o->pid);
	default:
		return json_text_str(t, &o->via);
	}
}

static bool
json_member(struct json_text *t, struct reading *r)
{
	struct slice name, skipped;
	int which;

	if (!json_text_str(t, &name) || !json_text_take(t, ':'))
		return false;
	which = names_find(&r->names->field, name);
	if (which < 0)
		return json_text_skip(t, &skipped);
	if (which >= C_V)
		return json_common(t, r, which);
	return json_field(t, r->event, (enum event_field)which);
}

/* All of the line is read: is it an event, and which? */
static int
finish(struct reading *r)
{
	int type;

	if (!r->has_time || r->type.n == 0)
		return -EBADMSG;
	type = names_find(&r->names->event, r->type);
	if (type < 0) {
		r->event->n = 0;
		return -ENOENT;
	}
	r->event->type = (enum event_type)type;
	return 0;
}

int
event_read_json(const struct event_names *names, char *line, size_t n,
    struct event_origin *origin, struct event *e)
{
	struct reading r = { .names = names, .origin = origin, .event = e };
	struct json_text t = { line, line + n };

	*origin = (struct event_origin){ 0 };
	event_init(e, (enum event_type)0);
	if (!json_text_take(&t, '{'))
		return -EBADMSG;
	do {
		if (!json_member(&t, &r))
			return -EBADMSG;
	} while (json_text_take(&t, ','));
	if (!json_text_take(&t, '}') || t.p != t.end)
		return -EBADMSG;
	return finish(&r);
}

/* Up to the next blank, behind it. */
static bool
sd_word(struct json_text *t, struct slice *ret)
{
	char *end =
	    t->p < t->end ? memchr(t->p, ' ', (size_t)(t->end - t->p)) : NULL;

	if (end == NULL || end == t->p)
		return false;
	*ret = (struct slice){ t->p, (size_t)(end - t->p) };
	t->p = end + 1;
	if (slice_eq(*ret, SLICE("-")))
		*ret = (struct slice){ 0 };
	return true;
}

/* A PARAM-VALUE with its quotes (RFC 5424 section 6.3.3). */
static bool
sd_value(struct json_text *t, struct slice *ret)
{
	char *from, *to;

	if (!json_text_take(t, '"'))
		return false;
	for (from = to = t->p; t->p < t->end && *t->p != '"'; t->p++) {
		if (*t->p == '\\' && t->end - t->p > 1 &&
		    strchr("\"\\]", t->p[1]) != NULL && t->p[1] != '\0')
			t->p++;
		*to++ = *t->p;
	}
	*ret = (struct slice){ from, (size_t)(to - from) };
	return json_text_take(t, '"');
}

static bool
is_json(struct slice s)
{
	struct slice all;
	/* only looked at */
	struct json_text t = { (char *)(uintptr_t)s.p, NULL };

	t.end = t.p + s.n;
	return json_text_skip(&t, &all) && t.p == t.end;
}

static bool
sd_field(struct event *e, enum event_field f, struct slice s)
{
	uint64_t v;

	switch (field_info(f)->kind) {
	case FK_STR:
		return set_str(e, f, s);
	case FK_JSON:
		return is_json(s) && set_str(e, f, s);
	case FK_NUM:
	case FK_BOOL:
		return slice_u64(s, UINT64_MAX, &v) && set_num(e, f, v);
	case FK_TIME:
		return set_time(e, f, s);
	}
	return false;
}

static bool
sd_param(struct json_text *t, struct reading *r)
{
	char *eq = memchr(t->p, '=', (size_t)(t->end - t->p));
	struct slice name, value;
	int which;

	if (eq == NULL)
		return false;
	name = (struct slice){ t->p, (size_t)(eq - t->p) };
	t->p = eq + 1;
	if (!sd_value(t, &value))
		return false;
	which = names_find(&r->names->field, name);
	if (which == C_BOOT)
		r->origin->boot = value;
	else if (which == C_INSTANCE)
		r->origin->instance = value;
	else if (which == C_SEQ)
		return slice_u64(value, UINT64_MAX, &r->origin->seq);
	else if (which >= 0 && which < C_V)
		return sd_field(r->event, (enum event_field)which, value);
	return true;
}

/* <PRI>1 TIME HOST APP PROCID MSGID */
static bool
sd_header(struct json_text *t, struct reading *r)
{
	struct slice time, pid;
	uint64_t pri;

	if (!json_text_take(t, '<') || !json_text_u64(t, &pri) || pri > 191 ||
	    !json_text_word(t, ">1 ") || !sd_word(t, &time) ||
	    !sd_word(t, &r->origin->node) || !sd_word(t, &r->origin->prog) ||
	    !sd_word(t, &pid) || !sd_word(t, &r->type))
		return false;
	slice_u64(pid, UINT64_MAX, &r->origin->pid); /* a PROCID may be words */
	r->has_time = clock_read_rfc3339(time, &r->origin->time_us);
	return r->has_time;
}

int
event_read_sd(const struct event_names *names, char *line, size_t n,
    struct event_origin *origin, struct event *e)
{
	struct reading r = { .names = names, .origin = origin, .event = e };
	struct json_text t = { line, line + n };

	*origin = (struct event_origin){ 0 };
	event_init(e, (enum event_type)0);
	if (!sd_header(&t, &r) || !json_text_word(&t, "[mtaev@32473"))
		return -EBADMSG;
	while (json_text_take(&t, ' '))
		if (!sd_param(&t, &r))
			return -EBADMSG;
	if (!json_text_take(&t, ']'))
		return -EBADMSG;
	return finish(&r);
}
