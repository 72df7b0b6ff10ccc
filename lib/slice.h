/*
 * slice: a borrowed run of bytes, never NUL-terminated by promise.
 *
 * Whoever makes a slice says in its own header how long the bytes live.
 * Comparisons of protocol words are ASCII-only and know no locale.
 */
#ifndef SLICE_H
#define SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *p; /* borrowed; may be NULL when n is 0 */
	size_t n;
};

#define SLICE(lit) ((struct slice){ (lit), sizeof(lit) - 1 })
/* For printf("%.*s", SLICE_ARG(s)). */
#define SLICE_ARG(s) (int)(s).n, (s).p ? (s).p : ""

struct slice slice_of(const char *cstr); /* NULL gives the empty slice */

static inline bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* From one position up to another; both are cut to what there is. */
static inline struct slice
slice_sub(struct slice s, size_t from, size_t to)
{
	if (to > s.n)
		to = s.n;
	if (from > to)
		from = to;
	return (struct slice){ s.p ? s.p + from : NULL, to - from };
}

bool slice_ieq(struct slice, struct slice); /* ASCII without case */
bool slice_istarts(struct slice, struct slice prefix);
bool slice_iends(struct slice, struct slice suffix);
/* Position of the byte, or s.n when it is not there. */
size_t slice_find(struct slice, char);
size_t slice_rfind(struct slice, char);
struct slice slice_trim(struct slice); /* blanks, CR and LF at both ends */
/* Cut the next piece up to sep off *rest; false when nothing is left. */
bool slice_next(struct slice *rest, char sep, struct slice *ret_piece);
char *slice_dup(struct slice); /* heap, NUL-terminated; NULL without memory */
/* Decimal, all of it; false on anything else or when it passes max. */
bool slice_u64(struct slice, uint64_t max, uint64_t *ret);
/* For hash tables; the case of ASCII letters does not count. Under a key that
 * each process draws: no stranger finds names that fall together. */
uint64_t slice_ihash(struct slice);
char ascii_lower(char);

#endif
