/*
 * draw_to: the folder that is drawn into, and what went wrong first.
 */
#ifndef DRAW_TO_H
#define DRAW_TO_H

#include <stdbool.h>

#include "rrd_file.h"

struct draw_to {
	char *folder; /* borrowed */
	char *why; /* borrowed, 256 bytes; "" until something went wrong */
	int rc;
};

/* True when it did not: rc is 0, or of a file that is just being made. */
bool draw_failed(struct draw_to *, int rc, const char *what);
/* "KIND.rrd" or, with a name, "KIND-NAME.rrd"; new ones have nothing before
 * start (seconds). NULL: it failed. */
struct rrd_file *draw_open(struct draw_to *, const char *kind, const char *name,
    const struct rrd_layout *, int64_t start);
/* The values of the step that ends at t, NULL: unknown; as is what lies
 * between the last step and this one. */
bool draw_put(struct draw_to *, struct rrd_file *, const struct rrd_layout *,
    int64_t t, const double *, size_t n);
void draw_close(struct draw_to *, struct rrd_file *); /* NULL is fine */

#endif
