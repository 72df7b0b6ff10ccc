/*
 * draw_top: the destinations that most mail went to, as to-DOMAIN.rrd.
 *
 * They are those with the most recipients that came to an end in the last
 * seven days of what is drawn. A file has all hours that the store has of its
 * domain; that of a domain which is none of them any more goes. So the files
 * are made of the store alone, whenever they were begun.
 */
#ifndef DRAW_TOP_H
#define DRAW_TOP_H

#include <stdint.h>

#include "draw_to.h"

/* Hours that ended before end (microseconds). */
void draw_top(struct draw_to *, const char *store, int64_t end);

#endif
