#include "ehlo.h"

#include <stddef.h>

static const struct {
	const char *word;
	size_t flag;
} offers[] = {
	{ "PIPELINING", offsetof(struct ehlo, has_pipelining) },
	{ "8BITMIME", offsetof(struct ehlo, has_8bit) },
	{ "SMTPUTF8", offsetof(struct ehlo, has_utf8) },
	{ "DSN", offsetof(struct ehlo, has_dsn) },
	{ "CHUNKING", offsetof(struct ehlo, has_chunking) },
	{ "SIZE", offsetof(struct ehlo, has_size) },
};

void
ehlo_line(struct ehlo *e, struct slice text)
{
	struct slice word = slice_sub(text, 0, slice_find(text, ' '));
	struct slice value = slice_trim(slice_sub(text, word.n, text.n));

	if (!e->had_first) {
		e->had_first = true;
		return;
	}
	word = slice_trim(word);
	for (size_t i = 0; i < sizeof(offers) / sizeof(offers[0]); i++)
		if (slice_ieq(word, slice_of(offers[i].word)))
			*(bool *)((char *)e + offers[i].flag) = true;
	if (slice_ieq(word, SLICE("SIZE")) &&
	    !slice_u64(value, UINT64_MAX, &e->max_size))
		e->max_size = 0;
}
