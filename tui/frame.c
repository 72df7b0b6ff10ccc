/*
 * frame: what stands around every screen: three lines of header that cannot
 * lie, the tabs, the line that confesses, and the keys.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "say.h"

/* Pieces of a line, the most telling first: those that fit are shown. */
struct line {
	struct grid *g;
	int y, x;
};

static void
piece(struct line *l, enum look look, const char *text)
{
	int w = grid_width(l->g, text);

	if (l->x != 0 && l->x + w > l->g->cols) {
		l->x = l->g->cols; /* nor what comes behind it */
		return;
	}
	l->x += grid_put(l->g, l->y, l->x, w, look, text) + 2;
}

static bool
is_stale(const struct console *c, int64_t now)
{
	return !c->model->is_connected ||
	    model_age(c->model, now) > console_stale_after(c);
}

static void
draw_state(const struct console *c, struct grid *g, int64_t now, int64_t wall)
{
	const struct model *m = c->model;
	struct line l = { g, 0, 0 };
	struct mode mode = model_mode(m);
	char text[400], t[SAY_MAX];

	if (!m->is_connected) {
		snprintf(text, sizeof(text), "NO DAEMON, trying again: %s",
		    m->trouble);
		grid_put(g, 0, 0, g->cols, LOOK_BAD, text);
		grid_row_look(g, 0, 0, LOOK_BAD);
		return;
	}
	if (m->node != NULL)
		l.x = grid_put(g, 0, 0, g->cols / 3, LOOK_PLAIN, m->node) + 2;
	snprintf(
	    text, sizeof(text), "mode %s", is_stale(c, now) ? "?" : mode.word);
	piece(&l, mode.level == LEVEL_OK ? LOOK_GOOD : LOOK_BAD, text);
	if (m->heard == 0)
		snprintf(t, sizeof(t), "none");
	else
		say_span(t, model_age(m, now));
	snprintf(text, sizeof(text), "%s %s",
	    is_stale(c, now) && m->heard != 0 ? "STALE" : "data", t);
	piece(&l, is_stale(c, now) ? LOOK_BAD : LOOK_PLAIN, text);
	if (g->is_plain)
		return; /* what changes each second is not news to a reader */
	if (m->started != 0) {
		say_span(t, wall - m->started);
		snprintf(text, sizeof(text), "up %s", t);
		piece(&l, LOOK_PLAIN, text);
	}
	say_time(t, wall, wall, c->is_utc);
	snprintf(text, sizeof(text), "%s%s", t, c->is_utc ? " UTC" : "");
	piece(&l, LOOK_PLAIN, text);
}

static void
number_piece(struct line *l, bool is_known, const char *fmt, int64_t v)
{
	char text[100], n[SAY_MAX];

	say_number(n, v);
	snprintf(text, sizeof(text), fmt, is_known ? n : "?");
	piece(l, LOOK_PLAIN, text);
}

static void
draw_flow(const struct console *c, struct grid *g, bool is_known)
{
	static const char *const names[FLOWS] = { "In", "Out", "Deferred",
		"Bounced" };
	const struct model *m = c->model;
	struct line l = { g, 1, 0 };
	char text[80], n[SAY_MAX];

	for (int f = 0; f < FLOWS; f++) {
		say_rate(n, model_rate(m, (enum flow)f, 5));
		snprintf(text, sizeof(text), "%s %s/s", names[f],
		    is_known && m->samples > 0 ? n : "?");
		piece(&l, LOOK_PLAIN, text);
	}
	number_piece(&l, is_known && m->has_counters, "Connections in %s",
	    (int64_t)m->counter[ST_CONN_IN_OPEN]);
	number_piece(&l, is_known && m->has_counters, "out %s",
	    (int64_t)m->counter[ST_CONN_OUT_OPEN]);
}

static void
draw_queue(const struct console *c, struct grid *g, bool is_known, int64_t wall)
{
	const struct model *m = c->model;
	struct line l = { g, 2, 0 };
	char text[80], t[SAY_MAX];

	is_known &= m->has_status;
	number_piece(&l, is_known, "Queue %s", m->messages);
	say_span(t, wall - m->oldest);
	snprintf(text, sizeof(text), "oldest %s",
	    !is_known		 ? "?"
		: m->oldest == 0 ? "-"
				 : t);
	piece(&l, LOOK_PLAIN, text);
	number_piece(&l, is_known, "recipients %s", m->recipients);
	say_bytes(t, m->bytes);
	snprintf(text, sizeof(text), "bytes %s", is_known ? t : "?");
	piece(&l, LOOK_PLAIN, text);
	number_piece(&l, is_known, "under way %s", m->active);
}

static void
draw_tabs(const struct console *c, struct grid *g)
{
	static const char *const names[SCREENS] = { "1 Flow", "2 Messages",
		"3 Hosts" };
	static const char *const chosen[SCREENS] = { "1 FLOW", "2 MESSAGES",
		"3 HOSTS" };
	int x = 1;

	for (int s = 0; s < SCREENS; s++) {
		bool is_it = c->screen == (enum tab)s;

		x += grid_put(g, 3, x, g->cols, is_it ? LOOK_TAB : LOOK_PLAIN,
			 is_it ? chosen[s] : names[s]) +
		    2;
	}
	if (c->is_paused)
		grid_put(g, 3, x, g->cols, LOOK_BAD, "PAUSED (p)");
}

/* What went wrong without a word elsewhere; and what a key just did. */
static void
draw_confession(const struct console *c, struct grid *g, bool is_known)
{
	const struct model *m = c->model;
	int y = g->rows - 2;
	const char *note = c->acts.note[0] ? c->acts.note : c->note;
	struct line l = { g, y, 0 };

	if (note[0] != '\0') {
		grid_put(g, y, 0, g->cols, LOOK_WARN, note);
		return;
	}
	is_known &= m->has_counters;
	number_piece(&l, is_known, "lost events %s",
	    (int64_t)m->counter[ST_EVENTS_LOST]);
	number_piece(&l, is_known, "failed syncs %s",
	    (int64_t)m->counter[ST_SYNC_FAILS]);
	number_piece(
	    &l, is_known, "refused calls %s", (int64_t)m->counter[ST_DENIED]);
	if (m->has_status && (!m->is_admin || c->is_readonly))
		piece(&l, LOOK_WARN, "read-only");
}

static void
draw_footer(const struct console *c, struct grid *g)
{
	int y = g->rows - 1, x = 0, quit = ACTIONS - 2, room;

	if (c->is_typing) {
		x = grid_put(g, y, 0, g->cols, LOOK_TAB, "filter:");
		x += 1;
		x += grid_put(g, y, x, g->cols - x, LOOK_PLAIN, c->prompt.text);
		g->cursor_y = y;
		g->cursor_x = x < g->cols ? x : g->cols - 1;
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

void
console_draw(struct console *c, struct grid *g, int64_t now, int64_t wall)
{
	static void (*const views[SCREENS])(
	    struct console *, struct grid *, int, int) = {
		[SCREEN_FLOW] = flow_draw,
		[SCREEN_MESSAGES] = messages_draw,
		[SCREEN_HOSTS] = hosts_draw,
	};
	bool is_known = !is_stale(c, now);
	int rows = g->rows - 6;

	grid_clear(g);
	if (g->rows < CONSOLE_ROWS_MIN || g->cols < CONSOLE_COLS_MIN) {
		grid_putf(g, 0, 0, g->cols, LOOK_WARN,
		    "mtatop needs %dx%d, this is %dx%d", CONSOLE_COLS_MIN,
		    CONSOLE_ROWS_MIN, g->cols, g->rows);
		return;
	}
	draw_state(c, g, now, wall);
	draw_flow(c, g, is_known);
	draw_queue(c, g, is_known, wall);
	draw_tabs(c, g);
	draw_confession(c, g, is_known);
	draw_footer(c, g);
	if (c->is_help)
		help_draw(c, g, 4, rows);
	else
		views[c->screen](c, g, 4, rows);
	if (c->acts.stage != ACT_NONE) {
		int n = rows < 7 ? rows : 7;

		acts_draw(&c->acts, g, 4 + rows - n, n);
	}
}
