/*
 * view: what the screens share. A screen draws into rows y to y + n - 1 of
 * the grid and answers an action with flags; neither knows a terminal.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>

#include "acts.h"
#include "grid.h"
#include "keys.h"
#include "model.h"
#include "prompt.h"

enum { KEY_HANDLED = 1, KEY_REDRAW = 2, KEY_LEAVE = 4 };

/* A place in a list that stays on its row when the list changes. */
struct place {
	size_t row, top;
	char name[300]; /* id or destination of the row */
};

struct console {
	struct model *model; /* borrowed */
	struct asks *asks; /* borrowed */
	enum tab screen;
	struct place place[SCREENS];
	char filter[SCREENS][256];
	int page; /* rows of the list when it was drawn last */
	bool is_open; /* the pane of the chosen message */
	bool is_help, is_paused, is_utc, is_readonly;
	bool is_typing;
	struct prompt prompt;
	struct acts acts;
	char note[300];
	int64_t interval; /* microseconds between frames */
	int64_t due[ASKS]; /* monotonic: when to ask next */
	unsigned ended[ASKS]; /* answers that due has been set for */
	int help_top;
};

/* One row of the body at a time; rows that do not fit are not drawn. */
struct column {
	const char *title;
	int width; /* 0: what is left, shared by all such */
	int least; /* of a width of 0 */
	int drop; /* the higher, the sooner it goes when it is narrow; 0 stays */
	bool is_right;
};

/* Widths for g's columns; -1: dropped. One blank stands between two. */
void columns_fit(const struct column *, int n, int cols, int ret_width[]);
void columns_title(
    struct grid *, int y, const struct column *, int n, const int width[]);
void columns_row(struct grid *, int y, enum look, const struct column *, int n,
    const int width[], const char *const text[]);

/* Row of the list with the place's name, searched near where it was. */
void place_move(struct place *, enum action, size_t n, int page);
void place_clip(struct place *, size_t n, int page);

void flow_draw(struct console *, struct grid *, int y, int n);
void messages_draw(struct console *, struct grid *, int y, int n);
void hosts_draw(struct console *, struct grid *, int y, int n);
void help_draw(const struct console *, struct grid *, int y, int n);

/* Lists as they are moved in; the name of the chosen row goes to place. */
size_t list_rows(const struct console *);
const char *list_name(const struct console *, size_t row);

#endif
