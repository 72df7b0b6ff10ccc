#include "visible.h"

#include <stdio.h>
#include <string.h>

/* Length of a well-formed UTF-8 character, with its value; 0: it is none. */
static size_t
decode(struct slice s, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s.p;
	size_t n = *p < 0x80 ? 1
	    : *p >= 0xf0     ? 4
	    : *p >= 0xe0     ? 3
	    : *p >= 0xc0     ? 2
			     : 0;
	uint32_t v;

	if (n == 0 || n > s.n || *p > 0xf4)
		return 0;
	v = n == 1 ? *p : *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (p[i] & 0x3f);
	}
	if (v < least[n] || v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	*ret = v;
	return n;
}

/* Marks that have no width and change what stands around them. */
static bool
is_steering(uint32_t v)
{
	return (v >= 0x200b && v <= 0x200f) || (v >= 0x2028 && v <= 0x202e) ||
	    (v >= 0x2060 && v <= 0x206f) || v == 0xfeff || v == 0x061c ||
	    v == 0x00ad || v >= 0xe0000;
}

static size_t
escape_byte(char c, struct visible *ret)
{
	ret->c = 0;
	snprintf(ret->text, sizeof(ret->text), "\\x%02x", (unsigned char)c);
	return 1;
}

size_t
visible_next(struct slice s, struct visible *ret)
{
	uint32_t v = 0;
	size_t n = decode(s, &v);

	if (n == 0 || v < 0x20 || v == 0x7f)
		return escape_byte(*s.p, ret);
	if ((v >= 0x80 && v < 0xa0) || is_steering(v)) {
		ret->c = 0;
		snprintf(ret->text, sizeof(ret->text), "\\u%04x", (unsigned)v);
		return n;
	}
	ret->c = v;
	memcpy(ret->text, s.p, n);
	ret->text[n] = '\0';
	return n;
}

void
visible_put(struct buf *b, struct slice s, bool is_ascii)
{
	struct visible v;

	for (size_t n; s.n != 0; s = slice_sub(s, n, s.n)) {
		n = is_ascii && (*s.p & 0x80) != 0 ? escape_byte(*s.p, &v)
						   : visible_next(s, &v);
		buf_adds(b, v.text);
	}
}
