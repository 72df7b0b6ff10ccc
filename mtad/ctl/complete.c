/*
 * complete: cron writes "To: root". On this host that is enough; elsewhere it
 * means somebody else, so the field gets this host's name (RFC 6409 section
 * 8.3 lets a submission server do so).
 */
#include "sendmail.h"

/* One address of a list, while it is read. */
struct reading {
	struct buf *b;
	struct slice v;
	const char *host;
	size_t copied; /* of v, in b already */
	size_t end; /* behind the last byte that counts */
	int words; /* outside <> */
	bool in_word, has_at, has_angle, in_angle, has_text;
};

static void
insert(struct reading *r, size_t at)
{
	buf_add_slice(r->b, slice_sub(r->v, r->copied, at));
	buf_addf(r->b, "@%s", r->host);
	r->copied = at;
}

static void
next_address(struct reading *r)
{
	r->words = 0;
	r->in_word = r->has_at = r->has_angle = r->in_angle = false;
	r->has_text = false;
}

static void
end_address(struct reading *r)
{
	if (!r->has_angle && !r->has_at && r->words == 1)
		insert(r, r->end);
	next_address(r);
}

/* Behind a quoted string or a comment that begins at i. */
static size_t
skip(struct slice v, size_t i, char open, char close)
{
	int depth = 0;

	for (; i < v.n; i++) {
		if (v.p[i] == '\\')
			i++;
		else if (v.p[i] == close && (open != close || depth != 0)) {
			if (--depth == 0)
				return i + 1;
		} else if (v.p[i] == open) {
			depth++;
		}
	}
	return v.n;
}

static void
text(struct reading *r, size_t from, size_t to)
{
	if (!r->in_word && !r->in_angle)
		r->words++;
	r->in_word = true;
	r->has_text |= r->in_angle;
	r->end = to;
	for (size_t i = from; i < to && r->v.p[from] != '"'; i++)
		r->has_at |= r->v.p[i] == '@';
}

static void
open_angle(struct reading *r)
{
	r->has_angle = r->in_angle = true;
	r->has_at = r->has_text = false;
}

static void
close_angle(struct reading *r, size_t at)
{
	if (r->in_angle && r->has_text && !r->has_at)
		insert(r, at);
	r->in_angle = false;
}

/* One byte, comment or quoted string; returns where the next one begins. */
static size_t
step(struct reading *r, size_t i)
{
	size_t next;

	switch (r->v.p[i]) {
	case '"':
		next = skip(r->v, i, '"', '"');
		text(r, i, next);
		return next;
	case '(':
		return skip(r->v, i, '(', ')');
	case '<':
		open_angle(r);
		break;
	case '>':
		close_angle(r, i);
		break;
	case ':': /* a group's name, or a route */
		if (!r->in_angle)
			next_address(r);
		break;
	case ',':
	case ';':
		if (!r->in_angle)
			end_address(r);
		break;
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		r->in_word = false;
		break;
	default:
		text(r, i, i + 1);
	}
	return i + 1;
}

void
put_completed(
    struct buf *b, struct slice raw, struct slice value, const char *host)
{
	struct reading r = { .b = b, .v = value, .host = host };
	size_t before = (size_t)(value.p - raw.p);

	if (value.n == 0) {
		buf_add_slice(b, raw);
		return;
	}
	buf_add_slice(b, slice_sub(raw, 0, before));
	for (size_t i = 0; i < value.n;)
		i = step(&r, i);
	end_address(&r);
	buf_add_slice(b, slice_sub(value, r.copied, value.n));
	buf_add_slice(b, slice_sub(raw, before + value.n, raw.n));
}
