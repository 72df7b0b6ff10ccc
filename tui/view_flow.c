/*
 * view_flow: is mail taken and delivered, how fast, what waits, for whom and
 * for how long already, and why.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "say.h"

enum { CURSOR, NAME, TOTAL, AGE, STATE = AGE + SHAPE_AGES, N };

#define WIDE 110 /* further apart, names and numbers part for the eye */

static const struct column columns[N] = {
	[CURSOR] = { "", 1, 0, 0, false, 0 },
	[NAME] = { "DOMAIN (recipients)", 0, 19, 0, false, 0 },
	[TOTAL] = { "TOTAL", 9, 0, 0, true, 0 },
	[AGE] = { "<5m", 4, 0, 2, true, 0 },
	[AGE + 1] = { "10", 4, 0, 8, true, 0 },
	[AGE + 2] = { "20", 4, 0, 5, true, 0 },
	[AGE + 3] = { "40", 4, 0, 7, true, 0 },
	[AGE + 4] = { "80", 4, 0, 4, true, 0 },
	[AGE + 5] = { "160", 4, 0, 6, true, 0 },
	[AGE + 6] = { "320", 4, 0, 3, true, 0 },
	[AGE + 7] = { ">", 4, 0, 1, true, 0 },
	[STATE] = { "S", 1, 0, 0, false, 0 },
};

static void
draw_domain(const struct console *c, struct grid *g, int y, size_t row,
    const int width[])
{
	const struct shape *s = flow_shape(c);
	const struct shape_row *r = row == 0 ? &s->total : &s->row[row - 1];
	bool is_chosen = row == c->place[SCREEN_FLOW].row;
	const char *name = r->name == NULL ? "TOTAL"
	    : r->name[0] == '\0'	   ? "(all others)"
					   : r->name;
	char total[SAY_MAX], age[SHAPE_AGES][SAY_MAX];
	char state[2] = { shape_letter(r), '\0' };
	const char *text[N] = { is_chosen ? ">" : "", name, total };

	say_number(total, r->n);
	for (int i = 0; i < SHAPE_AGES; i++) {
		say_short(age[i], r->age[i]);
		text[AGE + i] = age[i];
	}
	text[STATE] = state;
	columns_row(g, y, is_chosen ? LOOK_CURSOR : LOOK_PLAIN, columns, N,
	    width, text);
}

static void
draw_shape(struct console *c, struct grid *g, int y, int n)
{
	int width[N];

	columns_fit(columns, N, g->cols < WIDE ? g->cols : WIDE, width);
	columns_title(g, y, columns, N, width);
	rows_draw(c, g, y + 1, n - 1, width, draw_domain, NULL);
}

enum { H_NAME, H_QUEUED, H_ACTIVE, H_STATE, H_TEXT, HOST_COLUMNS };

static const struct column host_columns[HOST_COLUMNS] = {
	[H_NAME] = { "DESTINATION", 0, 22, 0, false, 0 },
	[H_QUEUED] = { "QUEUED", 9, 0, 0, true, 0 },
	[H_ACTIVE] = { "ACTIVE", 7, 0, 2, true, 0 },
	[H_STATE] = { "STATE", 8, 0, 1, false, 0 },
	[H_TEXT] = { "LAST TROUBLE", 0, 14, 3, false, 0 },
};

/* The destinations with most, until there is a shape. */
static void
draw_hosts(const struct console *c, struct grid *g, int y, int n)
{
	const struct hosts *h = &c->model->hosts;
	int width[HOST_COLUMNS];

	columns_fit(host_columns, HOST_COLUMNS, g->cols, width);
	columns_title(g, y, host_columns, HOST_COLUMNS, width);
	if (h->n == 0)
		grid_put(g, y + 1, 0, g->cols, LOOK_QUIET,
		    c->model->has_hosts ? "none yet: nothing was sent anywhere"
					: "?");
	for (size_t i = 0; i < h->n && (int)i < n - 1; i++) {
		const struct host *x = &h->at[i];
		char queued[SAY_MAX], active[SAY_MAX];
		const char *text[] = { x->name, queued, active, x->state,
			x->text };

		say_number(queued, x->queued);
		say_number(active, x->active);
		columns_row(g, y + 1 + (int)i, LOOK_PLAIN, host_columns,
		    HOST_COLUMNS, width, text);
	}
}

static void
say_drain(const struct model *m, char ret[80])
{
	char t[SAY_MAX];
	int64_t v = 0;

	ret[0] = '\0';
	switch (model_drain(m, &v)) {
	case DRAIN_ENDS:
		say_span(t, v);
		snprintf(ret, 80, "drain at this rate %s  ", t);
		break;
	case DRAIN_GROWS:
		say_number(t, v);
		snprintf(ret, 80, "grows, %s a minute  ", t);
		break;
	case DRAIN_STILL:
		snprintf(ret, 80, "stands still  ");
		break;
	default:
		break;
	}
}

/* What waits: for how long at this rate, and by the state of where it goes. */
static void
draw_states(const struct console *c, struct pane *p)
{
	const struct model *m = c->model;
	char n[SAY_MAX], hosts[SAY_MAX], text[400] = "", drain[80];

	if (c->archive->at != 0)
		return;
	say_drain(m, drain);
	for (int i = 0; i < HOST_STATES && m->has_hosts; i++) {
		const struct host_sum *s = &m->hosts.sum[i];
		size_t at = strlen(text);

		if (s->state[0] == '\0' || s->queued == 0)
			continue;
		say_number(n, s->queued);
		say_number(hosts, s->hosts);
		snprintf(text + at, sizeof(text) - at, "  %s %s in %s",
		    s->state, n, hosts);
	}
	if (text[0] != '\0')
		pane_line(p, LOOK_PLAIN, "%smessages by destinations:%s", drain,
		    text);
	else if (drain[0] != '\0')
		pane_line(p, LOOK_PLAIN, "%s", drain);
}

/* The destination of the chosen domain, as the daemon sees it. */
static const struct host *
host_of(const struct console *c)
{
	const char *name = c->place[SCREEN_FLOW].name;
	char key[310];
	const struct host *h;

	if (c->archive->at != 0)
		return NULL;
	if (strcmp(name, "TOTAL") == 0 || name[0] == '\0')
		return c->model->hosts.n > 0 && c->model->hosts.at[0].fails
		    ? &c->model->hosts.at[0]
		    : NULL;
	snprintf(key, sizeof(key), "smtp:%s", name);
	h = model_host(c->model, key);
	return h;
}

static void
draw_why(const struct console *c, struct pane *p)
{
	const struct archive *a = c->archive;
	const struct host *h = host_of(c);
	char next[SAY_MAX];

	if (a->why_text[0] != '\0' && a->why_of > 0)
		pane_line(p, LOOK_WARN, "why  %s: %lld%% \"%s\"",
		    a->domain[0] ? a->domain : "all",
		    (long long)(a->why_n * 100 / a->why_of), a->why_text);
	else if (h != NULL && h->text[0] != '\0')
		pane_line(p, LOOK_WARN, "why  %s: \"%s\"", h->name, h->text);
	if (h == NULL)
		return;
	say_time(next, h->next, clock_wall(), c->is_utc);
	pane_line(p, LOOK_PLAIN,
	    "next %s: %s, %lld of %lld connections, next try %s", h->name,
	    h->state, (long long)h->active, (long long)h->window,
	    h->next ? next : "now");
}

enum { S_NAME, S_FIRST, STAGE_COLUMNS = S_FIRST + PAST_STAGES };

static const struct column stage_columns[STAGE_COLUMNS] = {
	[S_NAME] = { "15 min", 6, 0, 0, false, 0 },
	{ "recv", 7, 0, 5, true, 0 },
	{ "sync", 7, 0, 6, true, 0 },
	{ "queue", 7, 0, 1, true, 0 },
	{ "dns", 7, 0, 4, true, 0 },
	{ "conn", 7, 0, 2, true, 0 },
	{ "mail", 7, 0, 7, true, 0 },
	{ "data", 7, 0, 8, true, 0 },
	{ "end", 7, 0, 3, true, 0 },
	{ "total", 8, 0, 0, true, 0 },
};

static void
draw_stage_row(const struct console *c, struct pane *p, const char *name,
    bool is_p95, const int width[STAGE_COLUMNS])
{
	char value[PAST_STAGES][SAY_MAX];
	const char *text[STAGE_COLUMNS] = { name };

	if (p->y >= p->end)
		return;
	for (int i = 0; i < PAST_STAGES; i++) {
		const struct past_stage *s = &c->archive->stage[i];

		say_took(value[i], is_p95 ? s->p95 : s->p50);
		text[S_FIRST + i] = s->n != 0 ? value[i] : ".";
	}
	columns_row(p->g, p->y++, LOOK_PLAIN, stage_columns, STAGE_COLUMNS,
	    width, text);
}

static void
draw_stages(const struct console *c, struct pane *p)
{
	int width[STAGE_COLUMNS];

	if (c->archive->past == NULL || !c->archive->has_flow ||
	    p->end - p->y < 3)
		return;
	columns_fit(stage_columns, STAGE_COLUMNS, p->g->cols, width);
	columns_title(p->g, p->y++, stage_columns, STAGE_COLUMNS, width);
	draw_stage_row(c, p, "p50", false, width);
	draw_stage_row(c, p, "p95", true, width);
}

/* Two charts in a line. Without a store it is the seconds since the start. */
static void
draw_charts(const struct console *c, struct pane *p)
{
	static const char *const names[FLOWS] = { "in", "out", "def", "bnc" };
	const struct archive *a = c->archive;
	bool has_minutes = a->past != NULL && a->has_flow;
	int each = (p->g->cols - 9 - 2 * 5) / 2, most = MINUTES;

	each = each < most ? each : most;
	if (p->g->is_plain || each < 8 ||
	    (!has_minutes && c->model->samples == 0))
		return;
	for (int f = 0; f < FLOWS && p->y < p->end; f += 2, p->y++) {
		grid_put(p->g, p->y, 0, 8, LOOK_PLAIN,
		    f != 0	      ? ""
			: has_minutes ? "last 60m"
				      : "last 60s");
		for (int k = 0; k < 2; k++) {
			int x = 9 + k * (each + 5);

			grid_put(p->g, p->y, x, 4, LOOK_PLAIN, names[f + k]);
			if (has_minutes)
				say_chart(p->g, p->y, x + 4, each,
				    a->minute[f + k], MINUTES);
			else
				say_chart(p->g, p->y, x + 4, each,
				    c->model->rate[f + k], HISTORY);
		}
	}
}

static int
draw_sentence(const struct console *c, struct grid *g, int y)
{
	const struct model *m = c->model;
	struct mode mode = model_mode(m);

	if (c->archive->at != 0 || mode.level == LEVEL_UNKNOWN ||
	    (mode.level == LEVEL_OK && strchr(m->state, ';') == NULL))
		return y;
	grid_put(g, y, 0, g->cols, LOOK_WARN, m->state);
	return y + 1;
}

/* The heading of the names: what is counted, or how old that is. */
static void
draw_heading(const struct console *c, struct grid *g, int y)
{
	const struct shape *s = flow_shape(c);
	int64_t age = clock_wall() - s->t;
	char t[SAY_MAX], text[80];

	if (c->archive->at == 0 && age >= 5 * US_SEC) {
		say_span(t, age);
		snprintf(text, sizeof(text), "DOMAIN %s ago", t);
	} else if (s->is_of_messages) {
		snprintf(text, sizeof(text), "DOMAIN (messages)");
	} else {
		return;
	}
	grid_putf(g, y, columns[CURSOR].width + 1, columns[NAME].least,
	    LOOK_TITLE, "%-*s", columns[NAME].least, text);
}

void
flow_draw(struct console *c, struct grid *g, int y, int n)
{
	int end = y + n, most = c->is_bare ? 3 : 8;
	int below = n >= most + 8 ? most : n >= 9 ? n - 6 : 0;
	bool is_past = c->archive->at != 0;

	if (!is_past && console_is_stale(c)) {
		grid_put(g, y, 0, g->cols, LOOK_QUIET, "?");
		return;
	}
	y = draw_sentence(c, g, y);
	if (flow_shape(c)->t != 0) {
		draw_shape(c, g, y, end - below - y);
		draw_heading(c, g, y);
	} else if (is_past) {
		grid_put(g, y, 0, g->cols, LOOK_WARN,
		    c->archive->has_flow
			? "N/A: no snapshot within ten minutes before"
			: "being read...");
	} else {
		draw_hosts(c, g, y, end - below - y);
	}
	if (below != 0) {
		struct pane p = { g, end - below, end, false };

		draw_states(c, &p);
		draw_why(c, &p);
		if (!c->is_bare) {
			draw_stages(c, &p);
			draw_charts(c, &p);
		}
	}
}
