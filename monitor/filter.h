/*
 * filter: which keys may be in a table.
 *
 * Most keys that come are new, and to look for what is not there costs as
 * much as to find what is. A bit for each key, by its hash: when it is not
 * set the key was never added; when it is set it may have been.
 */
#ifndef FILTER_H
#define FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct filter;

/* bits: their number as a power of two, 6 to 32. NULL without memory; then,
 * and for any NULL, every key may be there. */
struct filter *filter_new(unsigned bits);
void filter_free(struct filter *);
void filter_add(struct filter *, uint64_t hash);
bool filter_may_have(const struct filter *, uint64_t hash);

#endif
