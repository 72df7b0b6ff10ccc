/*
 * draw_layout: what is in each round robin file, and how long.
 */
#ifndef DRAW_LAYOUT_H
#define DRAW_LAYOUT_H

#include "clock.h"
#include "rrd_file.h"

#define LAYOUT_SOURCES 32 /* of a file, at most */
#define LAYOUT_PERCENTILES 3
#define LAYOUT_SLOT (5 * US_MIN) /* step of the stages */

extern const struct rrd_layout layout_stages, layout_queue, layout_top,
    layout_resources;
extern const unsigned layout_permille[LAYOUT_PERCENTILES];

/* Of all mailers together, or of one. */
const struct rrd_layout *layout_flow(int is_all);
/* The first of a stage's values; -1: no such stage. */
int layout_stage(const char *name);
size_t layout_stage_values(void);

#endif
