/*
 * draw_late: how much came for minutes that were drawn already.
 *
 * Beside the files stands "counted": how many events their minutes had when
 * they were drawn.
 */
#ifndef DRAW_LATE_H
#define DRAW_LATE_H

#include "draw.h"

/* Before more is drawn into folder: sets late. */
void
draw_late_look(const char *store, const char *folder, struct draw_counts *);
/* After it was drawn to counts->last. */
void draw_late_note(
    const char *store, const char *folder, const struct draw_counts *);

#endif
