/*
 * draw_stages: how long each stage took, as percentiles.
 */
#ifndef DRAW_STAGES_H
#define DRAW_STAGES_H

#include "draw_to.h"
#include "series.h"

/* Of a day what lies between from and end, into the files of the mailers that
 * the day names; all are borrowed. 0 or negative errno. */
int draw_stages(struct draw_to *, struct rrd_file *const *files,
    struct series_day *, struct db *segment, int64_t from, int64_t end);
/* The day's hours, when its file is gone: each of their steps has the same
 * values. */
int draw_stages_gone(struct draw_to *, struct rrd_file *const *files,
    struct series_day *, struct db *catalog);

#endif
