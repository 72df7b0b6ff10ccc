#include "header.h"

#include <string.h>

/* Length of the line at the start of s, its end included. */
static size_t
line_len(struct slice s)
{
	size_t nl = slice_find(s, '\n');

	return nl < s.n ? nl + 1 : s.n;
}

static bool
is_empty_line(struct slice s)
{
	return (s.n >= 1 && s.p[0] == '\n') ||
	    (s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n');
}

bool
header_next(struct slice *rest, struct header_field *ret)
{
	struct slice s = *rest;
	size_t n, colon;

	if (s.n == 0 || is_empty_line(s))
		return false;
	n = line_len(s);
	colon = slice_find(slice_sub(s, 0, n), ':');
	if (colon == n || colon == 0)
		return false;
	for (size_t i = 0; i < colon; i++)
		if ((unsigned char)s.p[i] <= 0x20 && s.p[i] != ' ' &&
		    s.p[i] != '\t')
			return false;
	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n += line_len(slice_sub(s, n, s.n));
	ret->raw = slice_sub(s, 0, n);
	ret->name = slice_trim(slice_sub(s, 0, colon));
	ret->value = slice_trim(slice_sub(s, colon + 1, n));
	*rest = slice_sub(s, n, s.n);
	return true;
}

bool
header_find(struct slice message, struct slice name, struct header_field *ret)
{
	while (header_next(&message, ret))
		if (slice_ieq(ret->name, name))
			return true;
	return false;
}

size_t
header_size(struct slice message)
{
	struct slice rest = message;
	struct header_field f;

	while (header_next(&rest, &f))
		continue;
	return message.n - rest.n;
}

#define TOKEN_MAX 1000

/* What is gathered of one address of a list. */
struct address {
	char text[TOKEN_MAX]; /* outside <> */
	char angle[TOKEN_MAX];
	size_t n, angle_n;
	bool has_angle, is_in_angle, is_too_long;
};

static void
add(struct address *a, char c)
{
	size_t *n = a->is_in_angle ? &a->angle_n : &a->n;
	char *to = a->is_in_angle ? a->angle : a->text;

	if (*n == TOKEN_MAX)
		a->is_too_long = true;
	else
		to[(*n)++] = c;
}

static void
report(struct address *a, void (*each)(void *, struct slice), void *arg)
{
	struct slice s = a->has_angle ? (struct slice){ a->angle, a->angle_n }
				      : (struct slice){ a->text, a->n };

	s = slice_trim(s);
	if (s.n != 0 && !a->is_too_long)
		each(arg, s);
	*a = (struct address){ .n = 0 };
}

/* From the start of a comment to its end; nested ones do not recurse. False:
 * it has none. */
static bool
skip_comment(struct slice v, size_t *i)
{
	int depth = 0;

	for (; *i < v.n; ++*i) {
		if (v.p[*i] == '\\')
			++*i;
		else if (v.p[*i] == '(')
			depth++;
		else if (v.p[*i] == ')' && --depth == 0)
			return true;
	}
	return false;
}

bool
header_addresses(struct slice v, void (*each)(void *, struct slice), void *arg)
{
	struct address a = { .n = 0 };
	bool in_quotes = false, in_literal = false, in_comment = false;
	bool is_whole;

	for (size_t i = 0; i < v.n; i++) {
		char c = v.p[i];

		if (in_quotes) {
			add(&a, c);
			if (c == '\\' && i + 1 < v.n)
				add(&a, v.p[++i]);
			else if (c == '"')
				in_quotes = false;
			continue;
		}
		if (in_literal && c != '\r' && c != '\n') {
			add(&a, c); /* its colons and commas are its own */
			in_literal = c != ']';
			continue;
		}
		switch (c) {
		case '"':
			in_quotes = true;
			add(&a, c);
			break;
		case '[':
			in_literal = true;
			add(&a, c);
			break;
		case '(':
			in_comment = !skip_comment(v, &i);
			break;
		case '<':
			a.has_angle = a.is_in_angle = true;
			a.angle_n = 0;
			break;
		case '>':
			a.is_in_angle = false;
			break;
		case ':': /* the name of a group, or a route inside <> */
			if (a.is_in_angle)
				a.angle_n = 0;
			else
				a = (struct address){ .n = 0 };
			break;
		case ',':
		case ';':
			if (a.is_in_angle)
				add(&a, c);
			else
				report(&a, each, arg);
			break;
		case ' ':
		case '\t':
		case '\r':
		case '\n':
			if (!a.is_in_angle)
				add(&a, ' ');
			break;
		default:
			add(&a, c);
		}
	}
	is_whole = !in_quotes && !in_literal && !in_comment && !a.is_in_angle;
	report(&a, each, arg);
	return is_whole;
}
