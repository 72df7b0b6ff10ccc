/*
 * frame: what stands around every screen: three lines of header that cannot
 * lie, the tabs, the line that confesses, and the keys.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "say.h"
#include "setup.h"

#define USED_WARN 90 /* in the hundred, of the disk */

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

/* The moment that is shown, and that it is not now. */
static void
draw_past(const struct console *c, struct grid *g, int64_t wall)
{
	struct line l = { g, 0, 0 };
	char text[100], t[SAY_MAX];
	int64_t at = c->archive->at;

	grid_row_look(g, 0, 0, LOOK_BAD);
	say_stamp(t, at, c->is_utc);
	snprintf(text, sizeof(text), "PAST %s%s", t, c->is_utc ? " UTC" : "");
	piece(&l, LOOK_BAD, text);
	say_span(t, wall - at);
	snprintf(text, sizeof(text), "%s ago", t);
	piece(&l, LOOK_BAD, text);
	piece(&l, LOOK_BAD, "Esc returns");
	piece(&l, LOOK_BAD, "[ ] step  { } change");
	if (c->model->node != NULL)
		piece(&l, LOOK_BAD, c->model->node);
}

static void
draw_state(const struct console *c, struct grid *g, int64_t wall)
{
	const struct model *m = c->model;
	struct line l = { g, 0, 0 };
	struct mode mode = model_mode(m);
	bool is_stale = console_is_stale(c);
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
	snprintf(text, sizeof(text), "mode %s", is_stale ? "?" : mode.word);
	piece(&l, mode.level == LEVEL_OK ? LOOK_GOOD : LOOK_BAD, text);
	if (m->heard == 0)
		snprintf(t, sizeof(t), "none");
	else
		say_span(t, model_age(m, c->now));
	snprintf(text, sizeof(text), "%s %s",
	    is_stale && m->heard != 0 ? "STALE" : "data", t);
	piece(&l, is_stale ? LOOK_BAD : LOOK_PLAIN, text);
	if (m->has_status && (!m->is_admin || c->is_readonly))
		piece(&l, LOOK_WARN, g->cols < 60 ? "R/O" : "READ-ONLY");
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

static const char *const flow_names[FLOWS] = { "In", "Out", "Deferred",
	"Bounced" };

/* Of the minute that is shown. */
static void
draw_past_flow(const struct console *c, struct grid *g)
{
	const struct archive *a = c->archive;
	struct line l = { g, 1, 0 };
	char text[80], n[SAY_MAX];

	for (int f = 0; f < FLOWS; f++) {
		double v = a->minute[f][MINUTES - 1];

		say_number(n, (int64_t)v);
		snprintf(text, sizeof(text), "%s %s/min", flow_names[f],
		    a->has_flow && v >= 0 ? n : "?");
		piece(&l, LOOK_PLAIN, text);
	}
}

static void
draw_past_queue(const struct console *c, struct grid *g)
{
	const struct archive *a = c->archive;
	struct line l = { g, 2, 0 };
	bool is_known = a->shape.t != 0;
	char text[80], t[SAY_MAX] = "?";

	number_piece(&l, is_known, "Queue %s", a->messages);
	if (is_known && a->oldest != 0)
		say_span(t, a->at - a->oldest);
	snprintf(text, sizeof(text), "oldest %s", t);
	piece(&l, LOOK_PLAIN, text);
	if (is_known) {
		say_span(t, a->at - a->shape.t);
		snprintf(text, sizeof(text), "snapshot %s older", t);
		piece(&l, LOOK_PLAIN, text);
	}
}

static void
draw_flow(const struct console *c, struct grid *g)
{
	const struct model *m = c->model;
	bool is_known = !console_is_stale(c);
	struct line l = { g, 1, 0 };
	char text[80], n[SAY_MAX];

	for (int f = 0; f < FLOWS; f++) {
		say_rate(n, model_rate(m, (enum flow)f, 5));
		snprintf(text, sizeof(text), "%s %s/s", flow_names[f],
		    is_known && m->samples > 0 ? n : "?");
		piece(&l, LOOK_PLAIN, text);
	}
	number_piece(&l, is_known && m->has_counters, "Connections in %s",
	    (int64_t)m->counter[ST_CONN_IN_OPEN]);
	number_piece(&l, is_known && m->has_counters, "out %s",
	    (int64_t)m->counter[ST_CONN_OUT_OPEN]);
}

/* "disk 41%"; what is almost full is seen. */
static void
used_piece(struct line *l, bool is_known, const char *name, int used)
{
	char text[40];

	if (used < 0)
		return;
	if (is_known)
		snprintf(text, sizeof(text), "%s %d%%", name, used);
	else
		snprintf(text, sizeof(text), "%s ?", name);
	piece(l, is_known && used > USED_WARN ? LOOK_WARN : LOOK_PLAIN, text);
}

/* It changes each second: that is no news to a reader. */
static void
load_piece(struct line *l, const struct model *m, bool is_known)
{
	char text[40];

	if (m->load < 0 || l->g->is_plain)
		return;
	snprintf(
	    text, sizeof(text), is_known ? "load %.2f" : "load ?", m->load);
	piece(l, LOOK_PLAIN, text);
}

static void
draw_queue(const struct console *c, struct grid *g, int64_t wall)
{
	const struct model *m = c->model;
	bool is_known = !console_is_stale(c) && m->has_status;
	struct line l = { g, 2, 0 };
	char text[80], t[SAY_MAX];

	number_piece(&l, is_known, "Queue %s", m->messages);
	say_span(t, wall - m->oldest);
	snprintf(text, sizeof(text), "oldest %s",
	    !is_known		 ? "?"
		: m->oldest == 0 ? "-"
				 : t);
	piece(&l, LOOK_PLAIN, text);
	used_piece(&l, is_known, "disk", model_disk(m));
	number_piece(&l, is_known, "recipients %s", m->recipients);
	used_piece(&l, is_known, "inodes", model_inodes(m));
	load_piece(&l, m, is_known);
	number_piece(&l, is_known, "under way %s", m->active);
	say_bytes(t, m->bytes);
	snprintf(text, sizeof(text), "bytes %s", is_known ? t : "?");
	piece(&l, LOOK_PLAIN, text);
}

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

/* What went wrong without a word elsewhere. */
static void
draw_confession(const struct console *c, struct grid *g, int64_t wall)
{
	const struct model *m = c->model;
	const struct archive *a = c->archive;
	const struct past_confession *p = &a->confession;
	bool is_known = m->has_counters && !console_is_stale(c);
	bool has_store = a->past != NULL && a->has_confession;
	struct line l = { g, g->rows - 2, 0 };
	enum look look = has_store && (p->missing != 0 || p->lost != 0)
	    ? LOOK_WARN
	    : LOOK_PLAIN;
	char text[100], t[SAY_MAX];

	if (has_store) {
		snprintf(text, sizeof(text),
		    "gaps %llu  unparsed %llu  dropped %llu",
		    (unsigned long long)p->gaps,
		    (unsigned long long)p->unparsed,
		    (unsigned long long)(p->missing + p->lost));
		piece(&l, look, text);
		say_span(t, wall - p->newest);
		snprintf(text, sizeof(text), "store %s", p->newest ? t : "?");
		if (wall - p->newest > 3 * US_MIN)
			piece(&l, LOOK_WARN, text);
	} else {
		piece(&l, LOOK_QUIET, "gaps, unparsed, dropped N/A: no store");
	}
	if (m->is_postfix)
		return;
	number_piece(&l, is_known, "lost events %s",
	    (int64_t)m->counter[ST_EVENTS_LOST]);
	number_piece(&l, is_known, "failed syncs %s",
	    (int64_t)m->counter[ST_SYNC_FAILS]);
	number_piece(
	    &l, is_known, "refused calls %s", (int64_t)m->counter[ST_DENIED]);
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

/* Of the first line, which says whether the rest can be believed, nothing can
 * be hidden. Lines used. */
static int
draw_header(const struct console *c, struct grid *g, int64_t wall)
{
	bool is_past = c->archive->at != 0;

	if (is_past)
		draw_past(c, g, wall);
	else
		draw_state(c, g, wall);
	if (c->is_bare)
		return 1;
	if (is_past) {
		draw_past_flow(c, g);
		draw_past_queue(c, g);
	} else {
		draw_flow(c, g);
		draw_queue(c, g, wall);
	}
	return 3;
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
	y = draw_header(c, g, wall);
	draw_tabs(c, g, y++);
	rows = g->rows - 2 - y;
	draw_confession(c, g, wall);
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
