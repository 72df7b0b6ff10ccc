#include "reply.h"

#include <string.h>

#include "classify.h"

void
server_reply_init(struct server_reply *r)
{
	r->code = 0;
	r->n = r->bytes = r->line_bytes = r->line_n = 0;
	r->has_line = false;
	r->text[0] = '\0';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
add_text(struct server_reply *r, struct slice s)
{
	if (r->n != 0 && r->n < REPLY_TEXT_MAX)
		r->text[r->n++] = ' ';
	for (size_t i = 0; i < s.n && r->n < REPLY_TEXT_MAX; i++) {
		unsigned char c = (unsigned char)s.p[i];

		r->text[r->n++] = c < 0x20 || c == 0x7f ? ' ' : (char)c;
	}
	r->text[r->n] = '\0';
}

/* A line is whole: three digits, then blank (last), hyphen, or nothing. */
static enum reply_state
take_line(struct server_reply *r, reply_line_fn *each, void *arg)
{
	struct slice s = { r->line, r->line_n }, enhanced;
	bool is_last;
	int code;

	r->line_n = r->line_bytes = 0;
	if (s.n != 0 && s.p[s.n - 1] == '\r')
		s.n--;
	if (s.n < 3 || !is_digit(s.p[0]) || !is_digit(s.p[1]) ||
	    !is_digit(s.p[2]))
		return REPLY_BAD;
	code = (s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + (s.p[2] - '0');
	if (code < 200 || code > 599 || (r->has_line && r->code != code))
		return REPLY_BAD;
	is_last = s.n == 3 || s.p[3] == ' ';
	if (!is_last && s.p[3] != '-')
		return REPLY_BAD;
	s = slice_sub(s, 4, s.n);
	if (each != NULL)
		each(arg, s);
	if (r->has_line) /* the same enhanced code stands before each line */
		verdict_cut_enhanced(code, &s, &enhanced);
	r->code = code;
	r->has_line = true;
	add_text(r, s);
	return is_last ? REPLY_WHOLE : REPLY_MORE;
}

/* Keeps the beginning of a line, counts all of it. */
static void
add_line(struct server_reply *r, struct slice s)
{
	size_t room = sizeof(r->line) - r->line_n;
	size_t n = s.n < room ? s.n : room;

	memcpy(r->line + r->line_n, s.p, n);
	r->line_n += n;
	r->line_bytes += s.n;
	r->bytes += s.n + 1;
}

enum reply_state
server_reply_feed(struct server_reply *r, struct slice in, size_t *ret_used,
    reply_line_fn *each, void *arg)
{
	size_t used = 0;

	*ret_used = in.n;
	while (used < in.n) {
		struct slice rest = slice_sub(in, used, in.n);
		size_t nl = slice_find(rest, '\n');
		enum reply_state st;

		add_line(r, slice_sub(rest, 0, nl));
		if (r->bytes > REPLY_BYTES_MAX ||
		    r->line_bytes > REPLY_LINE_MAX)
			return REPLY_BAD;
		if (nl == rest.n)
			return REPLY_MORE;
		used += nl + 1;
		st = take_line(r, each, arg);
		if (st != REPLY_MORE) {
			*ret_used = used;
			return st;
		}
	}
	return REPLY_MORE;
}

struct verdict
server_reply_verdict(const struct server_reply *r)
{
	struct verdict v = { .code = r->code,
		.enhanced = { "", 0 },
		.text = { r->text, r->n } };

	verdict_cut_enhanced(r->code, &v.text, &v.enhanced);
	v.reason = classify(r->code, v.enhanced, v.text);
	return v;
}
