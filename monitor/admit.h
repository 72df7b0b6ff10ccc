/*
 * admit: is what a line says of its time and its numbers to be believed?
 */
#ifndef ADMIT_H
#define ADMIT_H

#include "guests.h"
#include "heard.h"
#include "store.h"

/* All that mail can have, and all that fits into sums; no line has more. */
bool admit_numbers(const struct heard *);
/* Of a peer: is it of a day near now, at most keep ago? Nobody who makes dates
 * up, or whose clock is wrong, makes days that are gone or not there yet, nor
 * has old ones opened for each of its lines. */
bool admit_time(const struct heard *, const struct store *, struct guest *,
    int64_t now, int64_t keep);

#endif
