/*
 * frame: a whole screen: the header, the tabs, the body, the line that
 * confesses, and the keys.
 */
#include <string.h>

#include "console.h"
#include "header.h"
#include "setup.h"

static void
draw_tabs(struct console *c, struct grid *g, int y)
{
	static const char *const names[SCREENS] = { "1 Flow", "2 Messages",
		"3 Hosts", "4 Trace", "6 Log" };
	static const char *const chosen[SCREENS] = { "1 FLOW", "2 MESSAGES",
		"3 HOSTS", "4 TRACE", "6 LOG" };
	int x = 1, gap = g->cols < 60 ? 1 : 2;

	if (g->cols < 44)
		x = 0;
	c->drawn.tab_y = y;
	for (int s = 0; s < SCREENS; s++) {
		bool is_it = c->screen == (enum tab)s;
		const char *text = is_it ? chosen[s] : names[s];

		c->drawn.tab_x[s] = x;
		x += grid_put(g, y, x, g->cols, is_it ? LOOK_TAB : LOOK_PLAIN,
			 text) +
		    gap;
	}
	if (c->is_paused)
		grid_put(g, y, x, g->cols, LOOK_BAD, "PAUSED (p)");
}

static void
draw_prompt(const struct console *c, struct grid *g)
{
	static const char *const names[] = { [TYPE_SEARCH] = "search:",
		[TYPE_FILTER] = "filter:",
		[TYPE_COMMAND] = ":",
		[TYPE_TRACE] = "queue id or <message id>:" };
	int y = g->rows - 1, x, room, skip;
	const char *text = c->prompt.text;

	x = grid_put(g, y, 0, g->cols, LOOK_TAB, names[c->typing]) + 1;
	/* of a long line the end is what is typed at */
	room = g->cols - x - 1;
	for (skip = grid_width(g, text) - room; skip > 0 && *text != '\0';
	     skip--) {
		text++;
		while ((*text & 0xc0) == 0x80)
			text++;
	}
	x += grid_put(g, y, x, g->cols - x, LOOK_PLAIN, text);
	g->cursor_y = y;
	g->cursor_x = x < g->cols ? x : g->cols - 1;
}

static void
draw_footer(const struct console *c, struct grid *g)
{
	int y = g->rows - 1, x = 0, quit = ACTIONS - 2, room;

	if (c->typing != TYPE_NOTHING) {
		draw_prompt(c, g);
		return;
	}
	/* the way out has its place before the others get theirs */
	room = g->cols - (int)strlen(key_table[quit].label);
	for (int i = 0; i < ACTIONS - 1; i++) {
		const struct key_row *r = &key_table[i];
		int w = (int)strlen(r->label);

		if (w == 0 || !(r->screens & 1u << c->screen) ||
		    (i != quit && x + w + 1 > room))
			continue;
		grid_put(g, y, x, w, LOOK_TITLE, r->label);
		x += w + 1;
	}
}

/* What a key did, over the last row of the body. */
static void
draw_note(const struct console *c, struct grid *g)
{
	const char *note = c->acts.note[0] ? c->acts.note : c->note;
	int y = g->rows - 3;

	if (c->acts.stage != ACT_RUNNING && note[0] == '\0')
		return;
	grid_putf(g, y, 0, g->cols, LOOK_PLAIN, "%*s", g->cols, "");
	if (c->acts.stage == ACT_RUNNING)
		acts_progress(&c->acts, c->model, g, y);
	else
		grid_put(g, y, 0, g->cols, LOOK_WARN, note);
}

/* Messages and Hosts are of now alone. */
static void
draw_none(struct grid *g, int y)
{
	grid_put(g, y, 0, g->cols, LOOK_WARN,
	    "N/A: of the past the store knows Flow, Trace and Log");
}

static void
draw_body(struct console *c, struct grid *g, int y, int rows)
{
	static void (*const views[SCREENS])(
	    struct console *, struct grid *, int, int) = {
		[SCREEN_FLOW] = flow_draw,
		[SCREEN_MESSAGES] = messages_draw,
		[SCREEN_HOSTS] = hosts_draw,
		[SCREEN_TRACE] = trace_draw,
		[SCREEN_LOG] = log_draw,
	};
	bool is_now = c->screen == SCREEN_MESSAGES || c->screen == SCREEN_HOSTS;

	c->drawn.title_y = c->drawn.list_n = 0;
	if (c->is_help)
		help_draw(c, g, y, rows);
	else if (is_now && c->archive->at != 0)
		draw_none(g, y);
	else
		views[c->screen](c, g, y, rows);
}

void
console_draw(struct console *c, struct grid *g, int64_t now, int64_t wall)
{
	int y, rows;

	c->now = now;
	grid_clear(g);
	if (g->rows < CONSOLE_ROWS_MIN || g->cols < CONSOLE_COLS_MIN) {
		grid_putf(g, 0, 0, g->cols, LOOK_WARN,
		    "mtatop needs %dx%d, this is %dx%d", CONSOLE_COLS_MIN,
		    CONSOLE_ROWS_MIN, g->cols, g->rows);
		return;
	}
	y = header_draw(c, g, wall);
	draw_tabs(c, g, y++);
	rows = g->rows - 2 - y;
	confession_draw(c, g, wall);
	draw_footer(c, g);
	draw_body(c, g, y, rows);
	draw_note(c, g);
	if (c->is_setup)
		setup_draw(c, g, y, rows);
	if (acts_is_modal(&c->acts)) {
		int n = rows < 7 ? rows : 7;

		acts_draw(&c->acts, g, y + rows - n, n);
	}
}
