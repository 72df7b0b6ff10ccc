/*
 * linear: the grid as lines for screen readers and braille: no boxes, no
 * charts, one fact behind the other, and only lines that changed. Keys are
 * read without waiting for Enter when stdin is a terminal.
 */
#ifndef LINEAR_H
#define LINEAR_H

#include <stdio.h>
#include <termios.h>

#include "grid.h"

struct linear {
	FILE *to; /* borrowed */
	bool is_terminal;
	struct termios before;
	char **line; /* owned: as printed last */
	int n;
};

void linear_open(struct linear *, FILE *to);
void linear_close(struct linear *); /* the terminal is as it was */
void linear_show(struct linear *, const struct grid *);
/* As term_key(). */
int linear_key(struct linear *);
/* The grid's rows, ends of blanks cut, empty ones at its end left out. */
void grid_print(const struct grid *, FILE *);

#endif
