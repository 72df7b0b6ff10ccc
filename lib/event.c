#include "event.h"

#include <assert.h>
#include <string.h>

#include "clock.h"

static const struct field_info fields[FIELD_COUNT] = {
#define TEXT(s)                                                                \
	{                                                                      \
		s, sizeof(s) - 1                                               \
	}
#define FIELD(id, name, kind, doc)                                             \
	[F_##id] = { name, doc, FK_##kind, TEXT(",\"" name "\":"),             \
		TEXT(" " name "=\"") },
#include "event.def"
};

static const struct event_info events[EV_COUNT] = {
#define EVENT(id, name, severity, doc, sentence)                               \
	[EV_##id] = { name, doc, sentence, severity },
#include "event.def"
};

static const char *const reasons[RC_COUNT] = {
#define REASON(id, name, doc) [RC_##id] = name,
#include "event.def"
};

const struct field_info *
field_info(enum event_field f)
{
	return &fields[f];
}

const struct event_info *
event_info(enum event_type t)
{
	return &events[t];
}

const char *
reason_name(enum reason r)
{
	return (unsigned)r < RC_COUNT ? reasons[r] : reasons[RC_UNKNOWN];
}

enum reason
reason_parse(struct slice s)
{
	for (int r = 0; r < RC_COUNT; r++)
		if (slice_eq(s, slice_of(reasons[r])))
			return (enum reason)r;
	return RC_UNKNOWN;
}

void
event_init(struct event *e, enum event_type t)
{
	e->type = t;
	e->n = 0;
}

static struct event_value *
add(struct event *e, enum event_field f)
{
	assert(e->n < EVENT_FIELDS_MAX);
	e->value[e->n].field = f;
	return &e->value[e->n++];
}

void
event_str(struct event *e, enum event_field f, struct slice s)
{
	assert(fields[f].kind == FK_STR || fields[f].kind == FK_JSON);
	add(e, f)->v.str = s;
}

void
event_cstr(struct event *e, enum event_field f, const char *s)
{
	if (s != NULL)
		event_str(e, f, slice_of(s));
}

void
event_num(struct event *e, enum event_field f, uint64_t v)
{
	assert(fields[f].kind != FK_STR && fields[f].kind != FK_JSON);
	add(e, f)->v.num = v;
}

/* Length of the UTF-8 character at p, 0 when it is none (RFC 3629). */
static size_t
utf8_len(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char mask, lead, min1, max1;
		size_t len;
	} rows[] = {
		{ 0xe0, 0xc0, 0x80, 0xbf, 2 },
		{ 0xf0, 0xe0, 0x80, 0xbf, 3 },
		{ 0xf8, 0xf0, 0x80, 0xbf, 4 },
	};

	for (size_t i = 0; i < 3; i++) {
		size_t len = rows[i].len;

		if ((p[0] & rows[i].mask) != rows[i].lead)
			continue;
		if (n < len || p[0] < 0xc2 || p[0] > 0xf4)
			return 0;
		for (size_t k = 1; k < len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		if ((p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] > 0x9f) ||
		    (p[0] == 0xf0 && p[1] < 0x90) ||
		    (p[0] == 0xf4 && p[1] > 0x8f))
			return 0;
		return len;
	}
	return 0;
}

static void
json_escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	char u[] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };
	char two[] = { '\\', (char)c };

	switch (c) {
	case '"':
	case '\\':
		buf_add(b, two, 2);
		return;
	case '\n':
		buf_add(b, "\\n", 2);
		return;
	case '\t':
		buf_add(b, "\\t", 2);
		return;
	default:
		buf_add(b, u, sizeof(u));
	}
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

void
put_json(struct buf *b, struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0;

	buf_addc(b, '"');
	while (i < s.n) {
		size_t run = i;

		while (run < s.n && is_plain(p[run]))
			run++;
		buf_add(b, p + i, run - i);
		i = run;
		if (i == s.n)
			break;
		if (p[i] < 0x80) {
			json_escape(b, p[i++]);
			continue;
		}
		run = utf8_len(p + i, s.n - i);
		if (run == 0) {
			buf_add(b, "\xef\xbf\xbd", 3);
			i++;
			continue;
		}
		buf_add(b, p + i, run);
		i += run;
	}
	buf_addc(b, '"');
}

void
event_json(struct buf *b, const struct event *e)
{
	for (int i = 0; i < e->n; i++) {
		const struct event_value *v = &e->value[i];
		const struct field_info *f = &fields[v->field];

		buf_add_slice(b, f->json);
		switch (f->kind) {
		case FK_STR:
			put_json(b, v->v.str);
			break;
		case FK_JSON:
			buf_add_slice(b, v->v.str);
			break;
		case FK_NUM:
			buf_add_u64(b, v->v.num);
			break;
		case FK_BOOL:
			buf_adds(b, v->v.num ? "true" : "false");
			break;
		case FK_TIME:
			buf_addc(b, '"');
			clock_rfc3339(b, (int64_t)v->v.num);
			buf_addc(b, '"');
			break;
		}
	}
}

static void
plain_value(struct buf *b, const struct event_value *v)
{
	switch (fields[v->field].kind) {
	case FK_STR:
	case FK_JSON:
		buf_add_slice(b, v->v.str);
		break;
	case FK_NUM:
	case FK_BOOL:
		buf_add_u64(b, v->v.num);
		break;
	case FK_TIME:
		clock_rfc3339(b, (int64_t)v->v.num);
		break;
	}
}

static const struct event_value *
find(const struct event *e, struct slice name)
{
	for (int i = 0; i < e->n; i++) {
		const char *has = fields[e->value[i].field].name;

		if (strncmp(has, name.p, name.n) == 0 && has[name.n] == '\0')
			return &e->value[i];
	}
	return NULL;
}

/* Microseconds; people read hours, minutes and seconds, as from sendmail. */
static bool
is_span(const struct event_value *v)
{
	struct slice name = slice_of(fields[v->field].name);

	return name.n > 3 &&
	    slice_eq(slice_sub(name, name.n - 3, name.n), SLICE("_us"));
}

static void
put_span(struct buf *b, uint64_t us)
{
	uint64_t s = us / US_SEC;

	buf_addf(b, "%02u:%02u:%02u", (unsigned)(s / 3600),
	    (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

/* The value of the field named at "{"; behind its "}". */
static const char *
expand_field(struct buf *b, const struct event *e, const char *p, bool *has_all)
{
	const char *end = strchr(p, '}');
	const struct event_value *v =
	    find(e, (struct slice){ p + 1, (size_t)(end - p - 1) });

	if (v == NULL)
		*has_all = false;
	else if (is_span(v))
		put_span(b, v->v.num);
	else
		plain_value(b, v);
	return end + 1;
}

/* Expand up to the closing bracket or the end; false: a field was absent. */
static bool
expand(struct buf *b, const struct event *e, const char **pp)
{
	const char *p = *pp;
	bool has_all = true;

	while (*p != '\0' && *p != ']') {
		size_t mark = b->len, n = strcspn(p, "[]{");

		buf_add(b, p, n);
		p += n;
		if (*p == '{') {
			p = expand_field(b, e, p, &has_all);
		} else if (*p == '[' && p[1] == '{') {
			/* a literal bracket before an address */
			buf_addc(b, '[');
			p = expand_field(b, e, p + 1, &has_all);
			buf_addc(b, ']');
			p++;
		} else if (*p == '[') {
			mark += n;
			p++;
			if (!expand(b, e, &p))
				b->len = mark;
		}
	}
	*pp = *p == ']' ? p + 1 : p;
	return has_all;
}

void
event_sentence(struct buf *b, const struct event *e)
{
	const char *p = events[e->type].sentence;
	size_t from = b->len;

	expand(b, e, &p);
	if (b->bad)
		return;
	for (size_t i = from; i < b->len; i++)
		if ((unsigned char)b->data[i] < 0x20 || b->data[i] == 0x7f)
			b->data[i] = '?';
	b->data[b->len] = '\0';
}

/* A PARAM-VALUE (RFC 5424 section 6.3.3), control bytes as '?'. */
static void
put_sd(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		size_t run = i;

		while (run < s.n && (unsigned char)s.p[run] >= 0x20 &&
		    s.p[run] != '"' && s.p[run] != '\\' && s.p[run] != ']')
			run++;
		buf_add(b, s.p + i, run - i);
		i = run;
		if (i == s.n)
			return;
		if ((unsigned char)s.p[i] >= 0x20)
			buf_addc(b, '\\');
		buf_addc(b, (unsigned char)s.p[i] < 0x20 ? '?' : s.p[i]);
	}
}

void
event_sd(struct buf *b, const struct event *e)
{
	for (int i = 0; i < e->n; i++) {
		const struct field_info *f = &fields[e->value[i].field];

		buf_add_slice(b, f->sd);
		if (f->kind == FK_STR || f->kind == FK_JSON)
			put_sd(b, e->value[i].v.str);
		else
			plain_value(b, &e->value[i]);
		buf_addc(b, '"');
	}
}
