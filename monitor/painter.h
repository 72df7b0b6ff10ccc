/*
 * painter: `mtacollect rrd` each minute beside `mtacollect run`, in a process
 * of its own: a slow disk or a fault of the drawing library stops no intake.
 */
#ifndef PAINTER_H
#define PAINTER_H

#include <event2/event.h>

#include "command.h"

struct painter;

/* Options are borrowed. NULL without memory. */
struct painter *painter_new(struct event_base *, const struct options *);
void painter_free(struct painter *); /* ends what it started; NULL is fine */

#endif
