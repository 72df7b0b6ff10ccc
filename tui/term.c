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
	enum theme theme; /* THEME_MONO: no colours */
	bool
	    has_started; /* colours, which mono does not ask the terminal for */
	int click_y, click_x;
	int misses; /* reads in a row that gave nothing */
	struct buf run; /* cells of one look */
};

struct colours {
	short fg, bg;
	chtype more;
};

#define D (-1)
#define BLACK COLOR_BLACK
#define RED COLOR_RED
#define GREEN COLOR_GREEN
#define YELLOW COLOR_YELLOW
#define BLUE COLOR_BLUE
#define CYAN COLOR_CYAN
#define WHITE COLOR_WHITE

/* Without colours there is one column, with them one for each other theme. */
static const struct {
	chtype mono;
	struct colours theme[THEMES - 1];
} looks[LOOKS] = {
#define LOOK(look, mono, f1, b1, m1, f2, b2, m2, f3, b3, m3)                   \
	[LOOK_##look] = { mono,                                                \
		{ { f1, b1, m1 }, { f2, b2, m2 }, { f3, b3, m3 } } },
#include "theme.def"
};

/* What terminals send that say they are another (within tmux, over ssh). */
static void
know_other_sequences(void)
{
	static const struct {
		const char *sequence;
		int key;
	} others[] = {
		{ "\033[A", KEY_UP },
		{ "\033OA", KEY_UP },
		{ "\033[B", KEY_DOWN },
		{ "\033OB", KEY_DOWN },
		{ "\033[1~", KEY_HOME },
		{ "\033[H", KEY_HOME },
		{ "\033OH", KEY_HOME },
		{ "\033[4~", KEY_END },
		{ "\033[F", KEY_END },
		{ "\033OF", KEY_END },
		{ "\033[5~", KEY_PPAGE },
		{ "\033[6~", KEY_NPAGE },
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (key_defined(others[i].sequence) == 0)
			define_key(others[i].sequence, others[i].key);
}

static void
set_up(bool has_mouse)
{
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	know_other_sequences();
	if (has_mouse) {
		mousemask(
		    BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
		mouseinterval(0);
	}
}

bool
term_has_colours(const struct term *t)
{
	(void)t;
	return has_colors();
}

void
term_theme(struct term *t, enum theme theme)
{
	if (theme == t->theme)
		return;
	if (theme != THEME_MONO && !t->has_started)
		t->has_started = has_colors() && start_color() == OK &&
		    use_default_colors() == OK;
	t->theme = t->has_started ? theme : THEME_MONO;
	for (short i = 0; t->theme != THEME_MONO && i < LOOKS; i++) {
		const struct colours *c = &looks[i].theme[t->theme];

		init_pair((short)(i + 1), c->fg, c->bg);
	}
}

struct term *
term_open(bool has_mouse)
{
	struct term *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->theme = THEME_MONO;
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
	set_up(has_mouse);
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
	if (t->theme == THEME_MONO)
		return looks[look].mono;
	return looks[look].theme[t->theme].more | (chtype)COLOR_PAIR(look + 1);
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

/* The wheel moves the cursor, the button clicks. */
static int
mouse(struct term *t)
{
	MEVENT e;

	if (getmouse(&e) != OK)
		return 1;
	t->click_y = e.y;
	t->click_x = e.x;
	if (e.bstate & BUTTON4_PRESSED)
		return K_UP;
	return e.bstate & BUTTON5_PRESSED ? K_DOWN : K_CLICK;
}

void
term_click(const struct term *t, int *ret_y, int *ret_x)
{
	*ret_y = t->click_y;
	*ret_x = t->click_x;
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
		return c == KEY_MOUSE ? mouse(t) : translate(c);
	if (c == '\n' || c == '\r')
		return K_ENTER;
	return c == 8 ? K_BACKSPACE : (int)c;
}
