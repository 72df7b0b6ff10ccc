/*
 * grid: the screen as rows of cells, before any terminal sees it.
 *
 * All text comes through grid_put(), which shows whatever could steer a
 * terminal (controls, C1, marks that turn the direction of writing, bytes
 * that are not UTF-8) as \xNN or \uNNNN; so a grid holds only what prints.
 * A wide character that does not fit whole is not drawn in half. Without
 * UTF-8 each character outside ASCII is one '?'.
 *
 * Ownership: the grid owns its cells. Positions outside are clipped.
 */
#ifndef GRID_H
#define GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

/* What a piece of text is; the terminal layer says how that looks. */
enum look {
	LOOK_PLAIN,
	LOOK_TITLE, /* reversed: rows of headings, the footer's words */
	LOOK_TAB, /* the screen that is shown */
	LOOK_CURSOR, /* the chosen row */
	LOOK_GOOD,
	LOOK_WARN,
	LOOK_BAD,
	LOOK_QUIET,
	LOOKS
};

struct cell {
	char text[14]; /* UTF-8: a character and up to two marks on it */
	uint8_t width; /* 1, 2, or 0: right half of the one before */
	uint8_t look;
};

struct grid {
	int rows, cols;
	int cursor_y, cursor_x; /* where the terminal's cursor rests */
	bool is_ascii;
	bool is_plain; /* no bars, no charts: for batch and screen readers */
	struct cell *cell; /* rows * cols */
};

/* At most 500 x 1000 cells; 0 or -ENOMEM (then the old size stays). */
int grid_init(struct grid *, int rows, int cols);
int grid_resize(struct grid *, int rows, int cols);
void grid_release(struct grid *);
void grid_clear(struct grid *);

const struct cell *grid_at(const struct grid *, int y, int x);
/* Text in at most width columns (a cut is marked); columns used. */
int
grid_put(struct grid *, int y, int x, int width, enum look, const char *text);
int grid_putf(struct grid *, int y, int x, int width, enum look,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
/* Against the right end; the left is never cut, as numbers are not. */
void
grid_right(struct grid *, int y, int x, int width, enum look, const char *text);
/* The look of a whole row, from x to the end. */
void grid_row_look(struct grid *, int y, int x, enum look);
/* One row as text, blanks at its end left out. */
void grid_text(const struct grid *, int y, struct buf *);
/* Has it only what is shown as itself, where there is UTF-8? */
bool grid_shows_all(const char *text);
/* Columns that the text takes when nothing is cut. */
int grid_width(const struct grid *, const char *text);

#endif
