/*
 * classify: the reason class of a reply, from its enhanced code (RFC 3463
 * and the registry of RFC 5248), else from its words, else from its code.
 * Pure.
 */
#ifndef CLASSIFY_H
#define CLASSIFY_H

#include <stddef.h>

#include "event.h"
#include "slice.h"

enum reason classify(int code, struct slice enhanced, struct slice text);

/* Words in lower case, and what they mean; of several, the first row counts. */
struct phrase {
	const char *words;
	enum reason reason;
};

#define PHRASES_MAX 64 /* rows of one table */

/* One pass over the text; RC_NONE: it holds none of them. */
enum reason
phrase_reason(const struct phrase *, size_t rows, struct slice text);

#endif
