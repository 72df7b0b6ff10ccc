#include "reason.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "reason_date.h"

#define ADDRESS_MAX 320 /* longer is not taken for one */
#define ID_MIN 8

struct draft {
	char p[REASON_TEMPLATE_MAX];
	size_t n;
	/* what the text has anywhere: kinds that it cannot hold are not tried */
	bool has_digit, has_at, has_scheme, has_colon;
};

enum {
	BLANK = 1,
	DIGIT = 2,
	ALPHA = 4,
	JOIN = 8,
	LOCAL = 16,
	HEX = 32,
	CLOSE = 64
};

/* LOCAL: signs in the local part of an address (atext of RFC 5322);
 * HEX: whatever an IPv6 address is written with;
 * CLOSE: ends a URL */
static const unsigned char classes[256] = {
	[0 ... ' '] = BLANK,
	[0x7f] = BLANK,
	['0' ... '9'] = DIGIT | HEX,
	['a' ... 'f'] = ALPHA | HEX,
	['g' ... 'z'] = ALPHA,
	['A' ... 'F'] = ALPHA | HEX,
	['G' ... 'Z'] = ALPHA,
	[0x80 ... 0xff] = ALPHA,
	['-'] = JOIN | LOCAL,
	['.'] = JOIN | LOCAL | HEX,
	['_'] = JOIN | LOCAL,
	[':'] = HEX,
	['!'] = LOCAL,
	['#' ... '\''] = LOCAL,
	['*' ... '+'] = LOCAL,
	['/'] = LOCAL,
	['"'] = CLOSE,
	['('] = CLOSE,
	[')'] = CLOSE,
	['<'] = CLOSE,
	['>'] = CLOSE,
	['['] = CLOSE,
	[']'] = CLOSE,
	['='] = LOCAL,
	['?'] = LOCAL,
	['^'] = LOCAL,
	['`'] = LOCAL,
	['{' ... '~'] = LOCAL,
};

static bool
is(char c, int kinds)
{
	return (classes[(unsigned char)c] & kinds) != 0;
}

/* How many bytes from at on are of these kinds, up to max in all. */
static size_t
span(struct slice s, size_t at, size_t max, int kinds)
{
	if (max > s.n)
		max = s.n;
	while (at < max && is(s.p[at], kinds))
		at++;
	return at;
}

static void
put(struct draft *t, const char *p, size_t n)
{
	if (n > sizeof(t->p) - t->n)
		n = sizeof(t->p) - t->n;
	memcpy(t->p + t->n, p, n);
	t->n += n;
}

static void
put_text(struct draft *t, const char *s)
{
	put(t, s, strlen(s));
}

static void
put_lower(struct draft *t, struct slice s)
{
	size_t from = t->n;

	put(t, s.p, s.n);
	for (; from < t->n; from++)
		if (t->p[from] >= 'A' && t->p[from] <= 'Z')
			t->p[from] |= 0x20;
}

static bool
is_in(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static size_t
span_digits(struct slice s)
{
	return span(s, 0, s.n, DIGIT);
}

/*
 * Each take_ function looks at the beginning of s. It writes what it makes of
 * it and says how many bytes that were, or 0: not of this kind.
 */

/* A template stays what it is when it is read again. */
static bool
is_placeholder(struct slice inner)
{
	static const char *const names[] = { "addr", "ip", "id", "n", "path",
		"t", "*" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_eq(inner, slice_of(names[i])))
			return true;
	return false;
}

/* "<" anything but blanks ">" */
static size_t
take_quoted(struct slice s, struct draft *t)
{
	struct slice inner;
	size_t end = 1;

	if (s.p[0] != '<')
		return 0;
	while (end < s.n && end < ADDRESS_MAX && s.p[end] != '>' &&
	    !is(s.p[end], BLANK))
		end++;
	if (end >= s.n || s.p[end] != '>')
		return 0;
	inner = slice_sub(s, 1, end);
	if (memmem(inner.p, inner.n, "://", 3) != NULL)
		return 0;
	if (is_placeholder(inner))
		put(t, s.p, end + 1);
	else
		put_text(t, "<addr>");
	return end + 1;
}

/* scheme "://" host [ ":" port ] [ path ] */
static size_t
take_url(struct slice s, struct draft *t)
{
	size_t at, host, end;

	if (!t->has_scheme || !is(s.p[0], ALPHA))
		return 0;
	host = span(s, 0, 8, ALPHA) + 3;
	if (host >= s.n || memcmp(s.p + host - 3, "://", 3) != 0)
		return 0;
	at = end = span(s, host, s.n, ALPHA | DIGIT | JOIN);
	put_lower(t, slice_sub(s, host, end));
	while (at < s.n && !is(s.p[at], BLANK | CLOSE))
		at++;
	while (at > end && is_in(s.p[at - 1], ".,;:"))
		at--;
	if (at > end)
		put_text(t, "<path>");
	return at;
}

/* local@domain without quotes */
static size_t
take_address(struct slice s, struct draft *t)
{
	size_t at, domain;

	if (!t->has_at)
		return 0;
	at = span(s, 0, ADDRESS_MAX, ALPHA | DIGIT | LOCAL);
	if (at == 0 || at >= s.n || s.p[at] != '@')
		return 0;
	domain = at + 1;
	at = span(s, domain, ADDRESS_MAX, ALPHA | DIGIT | JOIN);
	while (at > domain && is(s.p[at - 1], JOIN))
		at--;
	if (at <= domain)
		return 0;
	put_text(t, "<addr>");
	return at;
}

static size_t
take_date(struct slice s, struct draft *t)
{
	size_t n = t->has_digit ? reason_date(s) : 0;

	if (n != 0)
		put_text(t, "<t>");
	return n;
}

static size_t
span_ip4(struct slice s)
{
	size_t at = 0;

	for (int group = 0; group < 4; group++) {
		size_t n = span_digits(slice_sub(s, at, s.n));

		if (n == 0 || n > 3)
			return 0;
		at += n;
		if (group == 3)
			break;
		if (at >= s.n || s.p[at] != '.')
			return 0;
		at++;
	}
	if (at < s.n && is(s.p[at], ALPHA))
		return 0;
	if (at + 1 < s.n && s.p[at] == '.' && is(s.p[at + 1], DIGIT))
		return 0;
	return at;
}

static size_t
span_ip6(struct slice s)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr in6;
	size_t at = span(s, 0, sizeof(text) - 1, HEX);

	while (at > 0 && s.p[at - 1] == '.')
		at--;
	if (at < 2)
		return 0;
	if (s.p[at - 1] == ':' && s.p[at - 2] != ':')
		at--;
	memcpy(text, s.p, at);
	text[at] = '\0';
	return inet_pton(AF_INET6, text, &in6) == 1 ? at : 0;
}

static size_t
take_ip(struct slice s, struct draft *t)
{
	size_t n = 0;

	if (is(s.p[0], DIGIT))
		n = span_ip4(s);
	if (n == 0 && t->has_colon && is(s.p[0], HEX))
		n = span_ip6(s);
	if (n != 0)
		put_text(t, "<ip>");
	return n;
}

/* word = piece *( 1*( "-" / "." / "_" ) piece ), pieces of letters, digits */
static size_t
span_word(struct slice s, int *ret_kinds, bool *ret_has_id)
{
	size_t at = 0, end = 0, piece = 0;
	int kinds = 0, all = 0;
	bool has_id = false;

	for (; at < s.n && is(s.p[at], ALPHA | DIGIT | JOIN); at++) {
		if (is(s.p[at], JOIN)) {
			kinds = 0;
			piece = at + 1;
			continue;
		}
		kinds |= classes[(unsigned char)s.p[at]] & (ALPHA | DIGIT);
		all |= kinds;
		end = at + 1;
		has_id |= kinds == (ALPHA | DIGIT) && end - piece >= ID_MIN;
	}
	*ret_kinds = all;
	*ret_has_id = has_id;
	return end;
}

/* 4.7.28: says what happened, and is no number (RFC 3463). */
static bool
is_enhanced(struct slice s)
{
	size_t subject, detail;

	if (s.n < 5 || !is_in(s.p[0], "245") || s.p[1] != '.')
		return false;
	subject = span_digits(slice_sub(s, 2, s.n));
	if (subject == 0 || subject > 3 || 3 + subject >= s.n ||
	    s.p[2 + subject] != '.')
		return false;
	detail = span_digits(slice_sub(s, 3 + subject, s.n));
	return detail > 0 && detail <= 3 && 3 + subject + detail == s.n;
}

static void
put_numbers(struct draft *t, struct slice s)
{
	while (s.n != 0) {
		size_t run = span(s, 0, s.n, ALPHA | JOIN);

		put_lower(t, slice_sub(s, 0, run));
		s = slice_sub(s, run, s.n);
		if (s.n == 0)
			return;
		put_text(t, "<n>");
		s = slice_sub(s, span_digits(s), s.n);
	}
}

static size_t
take_word(struct slice s, struct draft *t)
{
	bool has_id;
	int kinds;
	size_t n = span_word(s, &kinds, &has_id);
	struct slice word = slice_sub(s, 0, n);

	if (has_id)
		put_text(t, "<id>");
	else if ((kinds & DIGIT) == 0)
		put_lower(t, word);
	else if (is_enhanced(word))
		put(t, word.p, word.n);
	else
		put_numbers(t, word);
	return n;
}

static size_t
take_sign(struct slice s, struct draft *t)
{
	put(t, s.p, 1);
	return 1;
}

static size_t
take_blanks(struct slice s, struct draft *t)
{
	size_t n = span(s, 0, s.n, BLANK);

	if (n != 0 && t->n != 0)
		put_text(t, " ");
	return n;
}

typedef size_t take_fn(struct slice, struct draft *);

/* The first that takes something. */
static take_fn *const kinds[] = {
	take_blanks,
	take_quoted,
	take_url,
	take_address,
	take_date,
	take_ip,
	take_word,
	take_sign,
};

static bool
has_digit(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (is(s.p[i], DIGIT))
			return true;
	return false;
}

static void
make(struct slice text, struct draft *t)
{
	t->n = 0;
	t->has_at = slice_find(text, '@') < text.n;
	t->has_colon = slice_find(text, ':') < text.n;
	t->has_scheme =
	    t->has_colon && memmem(text.p, text.n, "://", 3) != NULL;
	t->has_digit = has_digit(text);
	while (text.n != 0 && t->n < sizeof(t->p)) {
		size_t n = 0;

		for (size_t k = 0; n == 0; k++)
			n = kinds[k](text, t);
		text = slice_sub(text, n, text.n);
	}
	while (t->n != 0 && t->p[t->n - 1] == ' ')
		t->n--;
}

void
reason_template(struct buf *out, struct slice text)
{
	struct draft t;

	make(text, &t);
	buf_add(out, t.p, t.n);
}

uint64_t reason_hash(struct slice template)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325); /* FNV-1a, then mixed */

	/* its own: a row of the catalog is known by it for years, and hashes
	 * of tables in memory are others at each start */
	for (size_t i = 0; i < template.n; i++)
		h = (h ^ (unsigned char)ascii_lower(template.p[i])) *
		    UINT64_C(0x100000001b3);
	h ^= h >> 32;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	h ^= h >> 29;

	return h != 0 ? h : 1;
}
