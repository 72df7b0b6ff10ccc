/*
 * term: a grid on a real terminal (ncursesw), and its keys. The only file
 * that knows either.
 */
#ifndef TERM_H
#define TERM_H

#include <stdbool.h>

#include "grid.h"
#include "options.h"

struct term;

/* NULL: this terminal cannot; why is said on stderr. */
struct term *term_open(bool has_mouse);
void term_close(struct term *); /* the screen as it was; NULL is fine */
void term_size(const struct term *, int *ret_rows, int *ret_cols);
bool term_has_colours(const struct term *);
/* From now on; without colours, and at first, it is mono. */
void term_theme(struct term *, enum theme);
/* One write; only what has changed. */
void term_show(struct term *, const struct grid *);
/* A code of keys.h, 0: the size changed, -1: none now, -2: it is gone. */
int term_key(struct term *);
void term_click(const struct term *, int *ret_y, int *ret_x); /* of K_CLICK */

#endif
