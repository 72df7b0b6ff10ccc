#include "slice.h"

#include <stdlib.h>
#include <string.h>

#include "siphash.h"

char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

struct slice
slice_of(const char *s)
{
	return (struct slice){ s, s ? strlen(s) : 0 };
}

bool
slice_ieq(struct slice a, struct slice b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower(b.p[i]))
			return false;
	return true;
}

bool
slice_istarts(struct slice s, struct slice prefix)
{
	return s.n >= prefix.n && slice_ieq(slice_sub(s, 0, prefix.n), prefix);
}

bool
slice_iends(struct slice s, struct slice suffix)
{
	return s.n >= suffix.n &&
	    slice_ieq(slice_sub(s, s.n - suffix.n, s.n), suffix);
}

size_t
slice_find(struct slice s, char c)
{
	const char *p = s.n ? memchr(s.p, c, s.n) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

size_t
slice_rfind(struct slice s, char c)
{
	const char *p = s.n ? memrchr(s.p, c, s.n) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.n != 0 && is_blank(s.p[0]))
		s = slice_sub(s, 1, s.n);
	while (s.n != 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool
slice_next(struct slice *rest, char sep, struct slice *ret_piece)
{
	size_t at;

	if (rest->n == 0)
		return false;
	at = slice_find(*rest, sep);
	*ret_piece = slice_sub(*rest, 0, at);
	*rest = slice_sub(*rest, at + 1, rest->n);
	return true;
}

char *
slice_dup(struct slice s)
{
	char *p = malloc(s.n + 1);

	if (p == NULL)
		return NULL;
	if (s.n != 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

bool
slice_u64(struct slice s, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		unsigned d = (unsigned char)s.p[i] - (unsigned)'0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	if (v > max)
		return false;
	*ret = v;
	return true;
}

/* Drawn before main, so that no thread meets it half made. */
static struct siphash_key seed;

__attribute__((constructor)) static void
draw_seed(void)
{
	siphash_draw(&seed);
}

uint64_t
slice_ihash(struct slice s)
{
	return siphash_text(&seed, s.p, s.n);
}
