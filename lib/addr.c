#include "addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* RFC 5322 atext */
static bool
is_atext(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

static bool
is_alnum(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9');
}

bool
utf8_ok(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n;) {
		unsigned char c = p[i];
		size_t n = c < 0x80	     ? 1
		    : c >= 0xc2 && c < 0xe0  ? 2
		    : (c & 0xf0) == 0xe0     ? 3
		    : c >= 0xf0 && c <= 0xf4 ? 4
					     : 0;

		if (n == 0 || c == 0 || n > s.n - i)
			return false;
		for (size_t k = 1; k < n; k++)
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
		if ((c == 0xe0 && p[i + 1] < 0xa0) ||
		    (c == 0xed && p[i + 1] > 0x9f) ||
		    (c == 0xf0 && p[i + 1] < 0x90) ||
		    (c == 0xf4 && p[i + 1] > 0x8f))
			return false;
		i += n;
	}
	return true;
}

static bool
label_ok(struct slice l, bool is_utf8_ok)
{
	if (l.n == 0 || l.n > 63 || l.p[0] == '-' || l.p[l.n - 1] == '-')
		return false;
	for (size_t i = 0; i < l.n; i++) {
		unsigned char c = (unsigned char)l.p[i];

		/* underscores are no letters of RFC 5321 and are in use */
		if (!is_alnum(c) && c != '-' && c != '_' &&
		    !(c >= 0x80 && is_utf8_ok))
			return false;
	}
	return true;
}

bool
addr_domain_ok(struct slice d, bool is_utf8_ok)
{
	struct slice label;

	if (d.n == 0 || d.n > ADDR_DOMAIN_MAX)
		return false;
	if (d.p[d.n - 1] == '.')
		d.n--;
	if (d.n == 0)
		return false;
	while (slice_next(&d, '.', &label)) {
		if (!label_ok(label, is_utf8_ok))
			return false;
		if (d.n == 0 && d.p != NULL && d.p[-1] == '.')
			return false; /* ".." or a dot at the end again */
	}
	return true;
}

bool
addr_literal(struct slice d, char ret_ip[64])
{
	struct in6_addr a;
	char text[64];
	bool is_v6;
	if (d.n < 3 || d.n > 60 || d.p[0] != '[' || d.p[d.n - 1] != ']' ||
	    slice_find(d, '\0') != d.n)
		return false;
	d = slice_sub(d, 1, d.n - 1);
	is_v6 = slice_istarts(d, SLICE("IPv6:"));
	if (is_v6)
		d = slice_sub(d, 5, d.n);
	memcpy(text, d.p, d.n);
	text[d.n] = '\0';
	if (inet_pton(is_v6 ? AF_INET6 : AF_INET, text, &a) != 1)
		return false;
	memcpy(ret_ip, text, d.n + 1);
	return true;
}

/* "..." with \x: out comes what it means. Length used, 0: not one. */
static size_t
quoted(struct slice s, char *out, size_t *out_n)
{
	size_t i = 1;

	if (s.n < 2 || s.p[0] != '"')
		return 0;
	for (*out_n = 0; i < s.n && s.p[i] != '"'; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '\\' && ++i < s.n)
			c = (unsigned char)s.p[i];
		if (c < 0x20 || c == 0x7f || *out_n == ADDR_PATH_MAX)
			return 0;
		out[(*out_n)++] = (char)c;
	}
	return i < s.n ? i + 1 : 0;
}

/* Dot-string: atoms joined by single dots. Length used, 0: not one. */
static size_t
dot_string(struct slice s, bool is_utf8_ok)
{
	size_t i = 0;

	for (;;) {
		size_t from = i;

		while (i < s.n &&
		    (is_atext((unsigned char)s.p[i]) ||
			((s.p[i] & 0x80) && is_utf8_ok)))
			i++;
		if (i == from)
			return 0;
		if (i == s.n || s.p[i] != '.')
			return i;
		i++;
	}
}

static int
take_local(struct slice *s, unsigned flags, struct addr *a)
{
	size_t n = 0, used = quoted(*s, a->local, &n);

	if (used == 0) {
		used = n = dot_string(*s, flags & ADDR_UTF8_OK);
		if (n > ADDR_PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(a->local, s->p, n);
	}
	a->local[n] = '\0';
	if (used == 0)
		return -EINVAL;
	if (n > ADDR_LOCAL_MAX)
		return -ENAMETOOLONG;
	*s = slice_sub(*s, used, s->n);
	return 0;
}

static int
take_domain(struct slice *s, unsigned flags, struct addr *a)
{
	char ip[64];
	size_t n = 0;

	if (s->n != 0 && s->p[0] == '[') {
		n = slice_find(*s, ']') + 1;
		if (n > s->n || !addr_literal(slice_sub(*s, 0, n), ip))
			return -EINVAL;
	} else {
		while (n < s->n && s->p[n] != '>' && s->p[n] != ' ')
			n++;
		if (n > ADDR_DOMAIN_MAX + 1)
			return -ENAMETOOLONG;
		if (!addr_domain_ok(slice_sub(*s, 0, n), flags & ADDR_UTF8_OK))
			return -EINVAL;
	}
	memcpy(a->domain, s->p, n);
	*s = slice_sub(*s, n, s->n);
	if (a->domain[n - 1] == '.')
		n--;
	a->domain[n] = '\0';
	return 0;
}

static bool
has_high(const char *s)
{
	for (; *s != '\0'; s++)
		if (*s & 0x80)
			return true;
	return false;
}

static int
take_mailbox(struct slice *s, unsigned flags, struct addr *a)
{
	int rc = take_local(s, flags, a);

	if (rc < 0)
		return rc;
	if (s->n != 0 && s->p[0] == '@') {
		*s = slice_sub(*s, 1, s->n);
		rc = take_domain(s, flags, a);
	} else if (!(flags & ADDR_BARE_OK)) {
		rc = -EINVAL;
	}
	a->is_utf8 = has_high(a->local) || has_high(a->domain);
	if (rc == 0 && a->is_utf8 &&
	    (!(flags & ADDR_UTF8_OK) || !utf8_ok(slice_of(a->local)) ||
		!utf8_ok(slice_of(a->domain))))
		rc = -EILSEQ;
	return rc;
}

/* A-d-l ":" — checked, and dropped (RFC 5321 section 4.1.1.3). */
static int
skip_route(struct slice *s, unsigned flags, struct addr *a)
{
	struct slice route, hop;
	size_t colon;

	if (s->n == 0 || s->p[0] != '@')
		return 0;
	colon = slice_find(*s, ':');
	if (colon == s->n || s->p[colon - 1] == ',')
		return -EINVAL;
	route = slice_sub(*s, 0, colon);
	while (slice_next(&route, ',', &hop))
		if (hop.n < 2 || hop.p[0] != '@' ||
		    !addr_domain_ok(
			slice_sub(hop, 1, hop.n), flags & ADDR_UTF8_OK))
			return -EINVAL;
	a->had_route = true;
	*s = slice_sub(*s, colon + 1, s->n);
	return 0;
}

int
addr_parse_path(struct slice *line, unsigned flags, struct addr *a)
{
	struct slice s = *line;
	int rc;

	memset(a, 0, sizeof(*a));
	if (s.n == 0 || s.p[0] != '<')
		return -EINVAL;
	s = slice_sub(s, 1, s.n);
	if (s.n != 0 && s.p[0] == '>') {
		if (!(flags & ADDR_NULL_OK))
			return -EINVAL;
		a->is_null = true;
		*line = slice_sub(s, 1, s.n);
		return 0;
	}
	rc = skip_route(&s, flags, a);
	if (rc == 0)
		rc = take_mailbox(&s, flags, a);
	if (rc < 0)
		return rc;
	if (s.n == 0 || s.p[0] != '>')
		return -EINVAL;
	*line = slice_sub(s, 1, s.n);
	return 0;
}

int
addr_parse(struct slice s, unsigned flags, struct addr *a)
{
	int rc;

	memset(a, 0, sizeof(*a));
	if (s.n == 0 && (flags & ADDR_NULL_OK)) {
		a->is_null = true;
		return 0;
	}
	rc = take_mailbox(&s, flags, a);
	return rc < 0 ? rc : s.n != 0 ? -EINVAL : 0;
}

void
addr_put(struct buf *b, struct slice local, struct slice domain)
{
	if (dot_string(local, true) == local.n && local.n != 0) {
		buf_add_slice(b, local);
	} else {
		buf_addc(b, '"');
		for (size_t i = 0; i < local.n; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				buf_addc(b, '\\');
			buf_addc(b, local.p[i]);
		}
		buf_addc(b, '"');
	}
	if (domain.n != 0) {
		buf_addc(b, '@');
		buf_add_slice(b, domain);
	}
}

bool
addr_split(struct slice s, struct slice *ret_local, struct slice *ret_domain)
{
	size_t at = slice_rfind(s, '@');

	if (at == s.n || (s.p[s.n - 1] == '"'))
		return false;
	*ret_local = slice_sub(s, 0, at);
	*ret_domain = slice_sub(s, at + 1, s.n);
	return true;
}
