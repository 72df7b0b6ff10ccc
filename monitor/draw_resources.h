/*
 * draw_resources: what mail had of its host, as resources.rrd.
 */
#ifndef DRAW_RESOURCES_H
#define DRAW_RESOURCES_H

#include <stdint.h>

#include "draw_to.h"

/* Minutes that ended before end (microseconds). */
void draw_resources(struct draw_to *, const char *store, int64_t end);

#endif
