/*
 * setup: what can be changed while the console runs. It is kept for the
 * session alone: what is to stay are options, or MTATOP_THEME.
 */
#ifndef SETUP_H
#define SETUP_H

#include "view.h"

/* The menu in the last lines of y to y + n - 1, and in the footer. */
void setup_draw(const struct console *, struct grid *, int y, int n);
/* Changes something, or leaves the menu. */
void setup_key(struct console *, int code);
/* The next longer (1) or shorter (-1) time between frames. */
void setup_interval(struct console *, int up);

#endif
