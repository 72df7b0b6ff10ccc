/*
 * view: what the screens share. A screen draws into rows y to y + n - 1 of
 * the grid and answers an action with flags; neither knows a terminal.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>

#include "acts.h"
#include "archive.h"
#include "grid.h"
#include "keys.h"
#include "model.h"
#include "options.h"
#include "prompt.h"
#include "tags.h"

enum { KEY_HANDLED = 1, KEY_REDRAW = 2, KEY_LEAVE = 4 };

/* A place in a list that stays on its row when the list changes. */
struct place {
	size_t row, top;
	char name[300]; /* id or destination of the row */
};

enum typing {
	TYPE_NOTHING,
	TYPE_SEARCH,
	TYPE_FILTER,
	TYPE_COMMAND,
	TYPE_TRACE
};

/* Where the screen was drawn last: for the mouse. */
struct drawn {
	int list_y, list_n; /* rows of the list */
	int title_y; /* its headings; 0: none */
	int sort_x[8]; /* where the heading of each order begins; -1: dropped */
	int sort_end[8];
	int tab_y, tab_x[SCREENS];
};

struct console {
	struct model *model; /* borrowed */
	struct asks *asks; /* borrowed */
	struct archive *archive; /* borrowed */
	enum tab screen;
	struct place place[SCREENS];
	char filter[SCREENS][256];
	char search[256]; /* on all screens */
	struct tags tags[SCREENS];
	char pin[SCREENS][300]; /* name of the row above the list; "" none */
	int order[SCREENS];
	int page; /* rows of the list when it was drawn last */
	bool is_reverse; /* of Messages */
	bool is_open; /* the pane of the chosen message */
	bool is_wide; /* the chosen row in full below its list */
	bool is_tree; /* hosts behind the chosen destination */
	bool is_help, is_setup, is_paused, is_utc, is_readonly;
	bool is_bare; /* no meters, no charts: room for the lists */
	enum theme theme;
	bool has_colours; /* the terminal has them */
	bool may_copy;
	char copy[300]; /* for the clipboard; whoever takes it empties it */
	enum typing typing;
	struct prompt prompt;
	struct acts acts;
	char note[300];
	int64_t interval; /* microseconds between frames */
	int64_t now; /* monotonic, of this turn */
	int64_t due[ASKS]; /* monotonic: when to ask next */
	unsigned ended[ASKS]; /* answers that due has been set for */
	unsigned log_version;
	int help_top;
	struct drawn drawn;
};

/* The names of a screen's orders as the daemon knows them; NULL ends. */
extern const char *const message_orders[], *const host_orders[];
const char *const *console_orders(const struct console *);
bool console_is_stale(const struct console *);

/* One row of the body at a time; rows that do not fit are not drawn. */
struct column {
	const char *title;
	int width; /* 0: what is left, shared by all such */
	int least; /* of a width of 0 */
	int drop; /* the higher, the sooner it goes when it is narrow; 0 stays */
	bool is_right;
	int order; /* the rows can be in the order of it: 1 and up; 0 no */
};

/* Widths for g's columns; -1: dropped. One blank stands between two. */
void columns_fit(const struct column *, int n, int cols, int ret_width[]);
void columns_title(
    struct grid *, int y, const struct column *, int n, const int width[]);
/* The same, with a mark at the order that the rows have. */
void columns_sorted(struct console *, struct grid *, int y,
    const struct column *, int n, const int width[]);
void columns_row(struct grid *, int y, enum look, const struct column *, int n,
    const int width[], const char *const text[]);

/* Row of the list with the place's name, searched near where it was. */
void place_move(struct place *, enum action, size_t n, int page);
void place_clip(struct place *, size_t n, int page);

/* Draws a row of the list at line y. */
typedef void row_draw(const struct console *, struct grid *, int y, size_t row,
    const int width[]);
/* Draws what hangs below the chosen row, in lines y to end; lines used. */
typedef int row_below(const struct console *, struct grid *, int y, int end);
/* The list in n lines from y on, below the pinned row; the terminal's cursor
 * rests on the chosen one. The last may be NULL. */
void rows_draw(struct console *, struct grid *, int y, int n, const int width[],
    row_draw *, row_below *);

void flow_draw(struct console *, struct grid *, int y, int n);
void messages_draw(struct console *, struct grid *, int y, int n);
void hosts_draw(struct console *, struct grid *, int y, int n);
void trace_draw(struct console *, struct grid *, int y, int n);
void log_draw(struct console *, struct grid *, int y, int n);
void help_draw(const struct console *, struct grid *, int y, int n);

/* Lines drawn from the top line on while there is room. */
struct pane {
	struct grid *g;
	int y, end;
	bool is_wrapped; /* no line is cut: it goes on below */
};
typedef void pane_draw(const struct console *, struct pane *);
void pane_title(struct pane *, const char *text);
void pane_line(struct pane *, enum look, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Over as many lines as it takes. */
void pane_wrap(struct pane *, enum look, const char *text);
/* Lines that it takes wrapped; below a list it leaves room for half of n lines,
 * or for one. */
int pane_lines(const struct console *, struct grid *, int n, pane_draw *);

/* Lists as they are moved in; the name of the chosen row goes to place. */
size_t list_rows(const struct console *);
/* A text of the console's or the model's, good until the list changes. */
const char *list_name(const struct console *, size_t row);
/* Of a row of Trace or Log; NULL: it is none. */
const struct log_row *list_event(const struct console *, size_t row);
enum look event_look(const struct log_row *);
/* The shape that Flow shows. */
const struct shape *flow_shape(const struct console *);
/* Is something wrong with the row? */
bool list_is_trouble(const struct console *, size_t row);

#endif
