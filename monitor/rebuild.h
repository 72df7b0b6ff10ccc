/*
 * rebuild: everything that was derived from a day's events, anew.
 *
 * Each event is recalled as the line that it was and heard again into a new
 * file, which then takes the old one's place; what is no event (numbers
 * seen, places, lines that nobody understood) is carried over. A day whose
 * events are gone (lean.h) has nothing that it could be made of.
 */
#ifndef REBUILD_H
#define REBUILD_H

#include <stdint.h>

#include "reasons.h"

/*
 * One segment file; nobody else may write to it. 1 and the number of its
 * events, 0: it is lean, or negative errno and why; then the old file is as it
 * was.
 */
int rebuild_day(const char *path, int day, struct reasons *,
    uint64_t *ret_events, char ret_why[256]);

#endif
