#include "reply.h"

#include <string.h>

void
server_reply_init(struct server_reply *r)
{
	memset(r, 0, sizeof(*r));
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
	struct slice s = { r->line, r->line_n };
	int code;
	bool is_last;

	if (s.n != 0 && s.p[s.n - 1] == '\r')
		s.n--;
	r->line_n = 0;
	if (s.n < 3 || !is_digit(s.p[0]) || !is_digit(s.p[1]) ||
	    !is_digit(s.p[2]))
		return REPLY_BAD;
	code = (s.p[0] - '0') * 100 + (s.p[1] - '0') * 10 + (s.p[2] - '0');
	if (code < 200 || code > 599 || (r->code != 0 && r->code != code))
		return REPLY_BAD;
	r->code = code;
	is_last = s.n == 3 || s.p[3] == ' ';
	if (!is_last && s.p[3] != '-')
		return REPLY_BAD;
	s = slice_sub(s, 4, s.n);
	if (each != NULL)
		each(arg, s);
	add_text(r, s);
	return is_last ? REPLY_WHOLE : REPLY_MORE;
}

enum reply_state
server_reply_feed_lines(struct server_reply *r, struct slice in,
    size_t *ret_used, reply_line_fn *each, void *arg)
{
	size_t used = 0;

	while (used < in.n) {
		struct slice rest = slice_sub(in, used, in.n);
		size_t nl = slice_find(rest, '\n');
		size_t room = sizeof(r->line) - r->line_n;
		size_t n = nl < room ? nl : room;
		enum reply_state st;

		memcpy(r->line + r->line_n, rest.p, n);
		r->line_n += n;
		used += nl + (nl < rest.n);
		r->bytes += nl;
		*ret_used = used;
		if (r->bytes > REPLY_BYTES_MAX)
			return REPLY_BAD;
		if (nl == rest.n)
			return REPLY_MORE;
		st = take_line(r, each, arg);
		if (st != REPLY_MORE)
			return st;
	}
	*ret_used = used;
	return REPLY_MORE;
}

enum reply_state
server_reply_feed(struct server_reply *r, struct slice in, size_t *ret_used)
{
	return server_reply_feed_lines(r, in, ret_used, NULL, NULL);
}

/*
 * "2.0.0 Ok: queued as 4XYZ", "ok 1234 qp 99", "2.0.0 49abc123 Message
 * accepted", "OK id=1abcDE-0001-2F". The word behind one of the usual words,
 * else the first word that has a digit and at least six characters.
 */
struct slice
reply_remote_id(struct slice text)
{
	static const char *const before[] = { "as", "id", "ok" };
	struct slice one, id = { "", 0 };
	bool is_next = false;

	while (slice_next(&text, ' ', &one)) {
		bool has_digit = false;

		if (slice_istarts(one, SLICE("id=")))
			return slice_sub(one, 3, one.n);
		for (size_t i = 0; i < one.n; i++)
			has_digit |= is_digit(one.p[i]);
		if (is_next && has_digit && one.n >= 4)
			return one;
		is_next = false;
		for (size_t i = 0; i < 3; i++)
			is_next |= slice_ieq(one, slice_of(before[i]));
		if (id.n == 0 && has_digit && one.n >= 6 &&
		    slice_find(one, '.') == one.n)
			id = one;
	}
	return id;
}
