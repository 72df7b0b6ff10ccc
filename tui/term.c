#include "term.h"

#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "keys.h"

struct term {
	SCREEN *screen;
	bool has_colour;
	int misses; /* reads in a row that gave nothing */
	struct buf run; /* cells of one look */
};

/* Colours that the colour-blind can tell apart: no red beside green. */
static const struct {
	chtype mono;
	short fg, bg; /* -1: the terminal's own */
	chtype more;
} looks[LOOKS] = {
	[LOOK_PLAIN] = { A_NORMAL, -1, -1, 0 },
	[LOOK_TITLE] = { A_REVERSE, -1, -1, A_REVERSE },
	[LOOK_TAB] = { A_BOLD, COLOR_CYAN, -1, A_BOLD },
	[LOOK_CURSOR] = { A_REVERSE, COLOR_BLACK, COLOR_CYAN, 0 },
	[LOOK_GOOD] = { A_NORMAL, COLOR_CYAN, -1, 0 },
	[LOOK_WARN] = { A_BOLD, COLOR_YELLOW, -1, A_BOLD },
	[LOOK_BAD] = { A_REVERSE | A_BOLD, COLOR_YELLOW, -1,
	    A_REVERSE | A_BOLD },
	[LOOK_QUIET] = { A_NORMAL, COLOR_BLUE, -1, 0 },
};

static void
set_up(struct term *t, bool is_mono)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	t->has_colour = !is_mono && has_colors() && start_color() == OK &&
	    use_default_colors() == OK;
	for (short i = 0; t->has_colour && i < LOOKS; i++)
		init_pair((short)(i + 1), looks[i].fg, looks[i].bg);
}

struct term *
term_open(bool is_mono)
{
	struct term *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	buf_init(&t->run, 1 << 20);
	t->screen = newterm(NULL, stdout, stdin);
	if (t->screen == NULL) {
		fprintf(stderr,
		    "mtatop: this terminal (TERM=%s) cannot; try -b or "
		    "--linear\n",
		    getenv("TERM") ? getenv("TERM") : "");
		buf_release(&t->run);
		free(t);
		return NULL;
	}
	set_up(t, is_mono);
	return t;
}

void
term_close(struct term *t)
{
	if (t == NULL)
		return;
	endwin();
	delscreen(t->screen);
	buf_release(&t->run);
	free(t);
}

void
term_size(const struct term *t, int *ret_rows, int *ret_cols)
{
	(void)t;
	getmaxyx(stdscr, *ret_rows, *ret_cols);
}

static chtype
attributes(const struct term *t, int look)
{
	if (!t->has_colour)
		return looks[look].mono;
	return looks[look].more | (chtype)COLOR_PAIR(look + 1);
}

/* Cells of one look go together. */
static void
show_row(struct term *t, const struct grid *g, int y)
{
	for (int x = 0; x < g->cols;) {
		int look = grid_at(g, y, x)->look, from = x;

		buf_clear(&t->run);
		for (; x < g->cols && grid_at(g, y, x)->look == look; x++)
			buf_adds(&t->run, grid_at(g, y, x)->text);
		attrset((int)attributes(t, look));
		mvaddstr(y, from, t->run.data);
	}
}

void
term_show(struct term *t, const struct grid *g)
{
	int rows, cols;

	term_size(t, &rows, &cols);
	erase();
	for (int y = 0; y < g->rows && y < rows; y++)
		show_row(t, g, y);
	move(g->cursor_y, g->cursor_x);
	refresh();
}

static int
translate(wint_t c)
{
	static const int special[][2] = { { KEY_UP, K_UP },
		{ KEY_DOWN, K_DOWN }, { KEY_PPAGE, K_PAGE_UP },
		{ KEY_NPAGE, K_PAGE_DOWN }, { KEY_HOME, K_HOME },
		{ KEY_END, K_END }, { KEY_ENTER, K_ENTER },
		{ KEY_BACKSPACE, K_BACKSPACE }, { KEY_RESIZE, 0 } };

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i][0] == (int)c)
			return special[i][1];
	if (c >= KEY_F(1) && c <= KEY_F(10))
		return K_F1 + (int)(c - KEY_F(1));
	return 1; /* a key without a meaning */
}

int
term_key(struct term *t)
{
	wint_t c = 0;
	int rc;

	errno = 0;
	rc = get_wch(&c);
	if (rc == ERR) {
		/* a terminal that went away is readable and gives nothing */
		t->misses++;
		return (errno == EIO || t->misses > 1000) ? -2 : -1;
	}
	t->misses = 0;
	if (rc == KEY_CODE_YES)
		return translate(c);
	if (c == '\n' || c == '\r')
		return K_ENTER;
	return c == 8 ? K_BACKSPACE : (int)c;
}
