/*
 * header: the lines around a screen that cannot lie: how the daemon is and how
 * old that is, what flows, what waits; and what went wrong without a word
 * elsewhere.
 */
#ifndef HEADER_H
#define HEADER_H

#include "view.h"

/* Of the first line, which says whether the rest can be believed, nothing can
 * be hidden. Lines used. */
int header_draw(const struct console *, struct grid *, int64_t wall);
/* One line above the keys. */
void confession_draw(const struct console *, struct grid *, int64_t wall);

#endif
