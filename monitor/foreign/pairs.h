/*
 * pairs: the "name=value" lists that mailers log, by a table of names.
 *
 * A value goes to the next separator; one in <> or "" goes to the closing
 * sign before a separator or the end. Pure.
 */
#ifndef PAIRS_H
#define PAIRS_H

#include <stdbool.h>

#include "slice.h"

/*
 * Reads pairs until the list ends or is none any more; where it stopped is
 * what *rest is then. ret[i] is the first value of names[i], without its <>
 * or quotes, or has p NULL when there is none. Other names are skipped. The
 * last row of names may end the list: with is_last_rest its value is all
 * that is left. False: there was no pair at all.
 */
bool pairs_read(struct slice *rest, struct slice separator,
    const struct slice *names, size_t n, bool is_last_rest, struct slice *ret);

#endif
