#include "json_text.h"

#include <string.h>

#define DEPTH_MAX 32 /* of values that are skipped */

static int
hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = ascii_lower(p[i]);

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else
			return -1;
	}
	return v;
}

static char *
put_utf8(char *to, unsigned c)
{
	if (c < 0x80) {
		*to++ = (char)c;
		return to;
	}
	if (c < 0x800) {
		*to++ = (char)(0xc0 | c >> 6);
	} else if (c < 0x10000) {
		*to++ = (char)(0xe0 | c >> 12);
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	} else {
		*to++ = (char)(0xf0 | c >> 18);
		*to++ = (char)(0x80 | (c >> 12 & 0x3f));
		*to++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*to++ = (char)(0x80 | (c & 0x3f));
	return to;
}

/* \uXXXX, or two of them for one character; t->p stands behind the u. */
static char *
unescape_u(struct json_text *t, char *to)
{
	int c, low;

	if (t->end - t->p < 4 || (c = hex4(t->p)) < 0)
		return NULL;
	t->p += 4;
	if (c >= 0xd800 && c <= 0xdbff && t->end - t->p >= 6 &&
	    t->p[0] == '\\' && t->p[1] == 'u' &&
	    (low = hex4(t->p + 2)) >= 0xdc00 && low <= 0xdfff) {
		t->p += 6;
		return put_utf8(to,
		    (unsigned)(0x10000 + ((c - 0xd800) << 10) + low - 0xdc00));
	}
	if (c >= 0xd800 && c <= 0xdfff)
		c = 0xfffd; /* half a pair is no character */
	return put_utf8(to, (unsigned)c);
}

/* Behind a backslash; NULL when it is none of JSON's escapes. */
static char *
unescape(struct json_text *t, char *to)
{
	static const char from[] = "\"\\/bfnrt", value[] = "\"\\/\b\f\n\r\t";
	const char *which;

	if (t->p == t->end || *t->p == '\0')
		return NULL;
	if (*t->p == 'u') {
		t->p++;
		return unescape_u(t, to);
	}
	which = strchr(from, *t->p);
	if (which == NULL)
		return NULL;
	t->p++;
	*to++ = value[which - from];
	return to;
}

bool
json_text_str(struct json_text *t, struct slice *ret)
{
	char *from, *to;

	if (!json_text_take(t, '"'))
		return false;
	from = t->p;
	while (t->p < t->end && *t->p != '"' && *t->p != '\\' &&
	    (unsigned char)*t->p >= 0x20)
		t->p++;
	for (to = t->p; t->p < t->end && *t->p != '"';) {
		if ((unsigned char)*t->p < 0x20)
			return false;
		if (*t->p != '\\') {
			*to++ = *t->p++;
			continue;
		}
		t->p++;
		to = unescape(t, to);
		if (to == NULL)
			return false;
	}
	*ret = (struct slice){ from, (size_t)(to - from) };
	return json_text_take(t, '"');
}

bool
json_text_word(struct json_text *t, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(t->end - t->p) < n || memcmp(t->p, word, n) != 0)
		return false;
	t->p += n;
	return true;
}

/* Behind a string that stays as it is. */
static bool
skip_string(struct json_text *t)
{
	char scratch[4]; /* as many bytes as an escape gives */

	if (!json_text_take(t, '"'))
		return false;
	while (t->p < t->end && *t->p != '"') {
		if ((unsigned char)*t->p < 0x20)
			return false;
		if (*t->p++ == '\\' && unescape(t, scratch) == NULL)
			return false;
	}
	return json_text_take(t, '"');
}

static bool
skip_digits(struct json_text *t)
{
	char *from = t->p;

	while (t->p < t->end && *t->p >= '0' && *t->p <= '9')
		t->p++;
	return t->p != from;
}

static bool
skip_number(struct json_text *t)
{
	json_text_take(t, '-');
	if (!json_text_take(t, '0') && !skip_digits(t))
		return false;
	if (json_text_take(t, '.') && !skip_digits(t))
		return false;
	if (!json_text_take(t, 'e') && !json_text_take(t, 'E'))
		return true;
	if (!json_text_take(t, '+'))
		json_text_take(t, '-');
	return skip_digits(t);
}

static bool skip_value(struct json_text *, int depth);

/* From behind its bracket to behind the other one. */
static bool
skip_members(struct json_text *t, char close, int depth)
{
	if (json_text_take(t, close))
		return true;
	do {
		if (close == '}' &&
		    (!skip_string(t) || !json_text_take(t, ':')))
			return false;
		if (!skip_value(t, depth))
			return false;
	} while (json_text_take(t, ','));
	return json_text_take(t, close);
}

/* Any value, by the letter of RFC 8259: what is kept as it is must be read
 * by others. */
static bool
skip_value(struct json_text *t, int depth)
{
	if (depth == DEPTH_MAX || t->p == t->end)
		return false;
	if (json_text_take(t, '{'))
		return skip_members(t, '}', depth + 1);
	if (json_text_take(t, '['))
		return skip_members(t, ']', depth + 1);
	if (*t->p == '"')
		return skip_string(t);
	return json_text_word(t, "true") || json_text_word(t, "false") ||
	    json_text_word(t, "null") || skip_number(t);
}

bool
json_text_skip(struct json_text *t, struct slice *ret)
{
	char *from = t->p;

	if (!skip_value(t, 0))
		return false;
	*ret = (struct slice){ from, (size_t)(t->p - from) };
	return true;
}

bool
json_text_u64(struct json_text *t, uint64_t *ret)
{
	char *from = t->p;
	uint64_t v = 0;

	while (t->p < t->end && *t->p >= '0' && *t->p <= '9') {
		if (v > (UINT64_MAX - 9) / 10)
			return false;
		v = v * 10 + (uint64_t)(*t->p++ - '0');
	}
	*ret = v;
	return t->p != from;
}

bool
json_text_bool(struct json_text *t, uint64_t *ret)
{
	*ret = json_text_word(t, "true");
	return *ret || json_text_word(t, "false");
}
