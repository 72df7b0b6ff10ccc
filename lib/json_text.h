/*
 * json_text: one JSON value after the other out of a line, in place.
 *
 * For lines that come a hundred thousand a second, where a tree of each would
 * be made to be thrown away. Strings are unescaped where they stand (what is
 * unescaped is never longer), so the line is the caller's to spoil. By the
 * letter of RFC 8259; false means that the text is none, and where the cursor
 * then stands means nothing. Strings are borrowed from the line.
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

struct json_text {
	char *p, *end;
};

/* This very byte, and behind it. */
static inline bool
json_text_take(struct json_text *t, char c)
{
	if (t->p == t->end || *t->p != c)
		return false;
	t->p++;
	return true;
}

bool
json_text_word(struct json_text *, const char *word); /* the same of several */
/* From its first quote. Half a surrogate pair becomes U+FFFD. */
bool json_text_str(struct json_text *, struct slice *ret);
/* Digits alone; false beyond 64 bits, nearly. */
bool json_text_u64(struct json_text *, uint64_t *ret);
bool json_text_bool(struct json_text *, uint64_t *ret); /* 0 or 1 */
/* Any value, as it stands there. Not deeper than 32. */
bool json_text_skip(struct json_text *, struct slice *ret);

#endif
