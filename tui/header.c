#include "header.h"

#include <stdio.h>

#include "clock.h"
#include "say.h"

#define USED_WARN 90 /* in the hundred, of the disk */
#define CHART_MOST 30 /* columns */
#define CHART_SAMPLES 60 /* of a second, in all columns */

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

/* Columns of a chart: in a usual terminal one for ten seconds. */
static int
chart_width(const struct grid *g)
{
	if (g->cols < 100)
		return g->cols < 80 ? 0 : 6;
	return g->cols < 80 + 2 * CHART_MOST ? (g->cols - 80) / 2 : CHART_MOST;
}

/* The last minute, behind its number. */
static void
chart_piece(struct line *l, const struct model *m, enum flow f)
{
	int n = chart_width(l->g), x = l->x - 1;
	double v[CHART_MOST];

	if (n == 0 || l->g->is_plain || x + n > l->g->cols)
		return;
	for (int i = 0; i < n; i++)
		v[i] = model_rate_of(m, f, CHART_SAMPLES * (n - i) / n,
		    CHART_SAMPLES * (n - i - 1) / n);
	say_chart(l->g, l->y, x, n, v, n);
	l->x = x + n + 2;
}

static void
draw_flow(const struct console *c, struct grid *g)
{
	const struct model *m = c->model;
	bool is_known = !console_is_stale(c);
	struct line l = { g, 1, 0 };
	char text[100], n[SAY_MAX], out[SAY_MAX];

	for (int f = 0; f < FLOWS; f++) {
		say_rate(n, model_rate(m, (enum flow)f, 5));
		snprintf(text, sizeof(text), "%s %s/s", flow_names[f],
		    is_known && m->samples > 0 ? n : "?");
		piece(&l, LOOK_PLAIN, text);
		if (is_known && (f == FLOW_IN || f == FLOW_OUT))
			chart_piece(&l, m, (enum flow)f);
	}
	say_number(n, (int64_t)m->counter[ST_CONN_IN_OPEN]);
	say_number(out, (int64_t)m->counter[ST_CONN_OUT_OPEN]);
	is_known = is_known && m->has_counters;
	snprintf(text, sizeof(text), "conns %s in %s out", is_known ? n : "?",
	    is_known ? out : "?");
	piece(&l, LOOK_PLAIN, text);
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
	snprintf(text, sizeof(text), "load %.2f", m->load);
	piece(l, LOOK_PLAIN, is_known ? text : "load ?");
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

int
header_draw(const struct console *c, struct grid *g, int64_t wall)
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
confession_draw(const struct console *c, struct grid *g, int64_t wall)
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
