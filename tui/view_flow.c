/*
 * view_flow: is mail taken and delivered, how fast, what waits and for whom.
 */
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "say.h"

enum { CHART, NAME, NOW, MINUTE, TOTAL, RATE_COLUMNS };

static const struct column rate_columns[RATE_COLUMNS] = {
	[CHART] = { "LAST MINUTES", 0, 6, 3, false },
	[NAME] = { "PER SECOND", 10, 0, 0, false },
	[NOW] = { "5 s", 8, 0, 0, true },
	[MINUTE] = { "60 s", 8, 0, 1, true },
	[TOTAL] = { "SINCE START", 14, 0, 2, true },
};

static bool
is_known(const struct console *c)
{
	return c->model->is_connected && c->model->heard != 0;
}

static int
draw_sentence(const struct console *c, struct grid *g, int y)
{
	const struct model *m = c->model;
	struct mode mode = model_mode(m);

	if (mode.level == LEVEL_UNKNOWN ||
	    (mode.level == LEVEL_OK && strchr(m->state, ';') == NULL))
		return y;
	grid_put(g, y, 0, g->cols, LOOK_WARN, m->state);
	return y + 1;
}

static int
draw_rates(const struct console *c, struct grid *g, int y, int end)
{
	static const char *const names[FLOWS] = { "in", "delivered", "deferred",
		"failed" };
	static const enum stat_id total[FLOWS] = { ST_MSG_IN, ST_RCPT_OK,
		ST_RCPT_DEFER, ST_RCPT_FAIL };
	const struct model *m = c->model;
	int width[RATE_COLUMNS];
	bool known = is_known(c) && m->samples > 0;

	columns_fit(rate_columns, RATE_COLUMNS, g->cols, width);
	columns_title(g, y++, rate_columns, RATE_COLUMNS, width);
	for (int f = 0; f < FLOWS && y < end; f++, y++) {
		char now[SAY_MAX], minute[SAY_MAX], sum[SAY_MAX];
		const char *text[] = { "", names[f], known ? now : "?",
			known ? minute : "?", known ? sum : "?" };

		say_rate(now, model_rate(m, (enum flow)f, 5));
		say_rate(minute, model_rate(m, (enum flow)f, 60));
		say_number(sum, (int64_t)m->counter[total[f]]);
		columns_row(
		    g, y, LOOK_PLAIN, rate_columns, RATE_COLUMNS, width, text);
		if (known && width[CHART] > 0)
			say_chart(g, y, 0,
			    width[CHART] < HISTORY ? width[CHART] : HISTORY,
			    m->rate[f], HISTORY);
	}
	return y;
}

static int64_t
queued_at(const struct hosts *h, const char *state)
{
	int64_t sum = 0;

	for (size_t i = 0; i < h->n; i++)
		if (strcmp(h->at[i]->state, state) == 0)
			sum += h->at[i]->queued;
	return sum;
}

/* What waits, by the state of where it goes to. */
static int
draw_states(const struct console *c, struct grid *g, int y, int end)
{
	static const char *const states[] = { "up", "backoff", "down", "paused",
		"unknown" };
	const struct model *m = c->model;
	char n[SAY_MAX];
	int x = 0;

	if (y + 1 >= end)
		return y;
	grid_put(g, y, 0, g->cols, LOOK_TITLE,
	    "QUEUED RECIPIENTS BY STATE OF THEIR DESTINATION");
	grid_row_look(g, y++, 0, LOOK_TITLE);
	if (!is_known(c) || !m->has_hosts) {
		grid_put(g, y, 0, g->cols, LOOK_QUIET, "?");
		return y + 1;
	}
	say_number(n, m->active);
	x += grid_putf(g, y, x, g->cols, LOOK_PLAIN, "under way %s", n) + 3;
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		say_number(n, queued_at(&m->hosts, states[i]));
		x += grid_putf(g, y, x, g->cols - x, LOOK_PLAIN, "%s %s",
			 states[i], n) +
		    3;
	}
	return y + 1;
}

enum { H_NAME, H_QUEUED, H_ACTIVE, H_STATE, H_TEXT, HOST_COLUMNS };

static const struct column host_columns[HOST_COLUMNS] = {
	[H_NAME] = { "DESTINATION", 0, 22, 0, false },
	[H_QUEUED] = { "QUEUED", 9, 0, 0, true },
	[H_ACTIVE] = { "ACTIVE", 7, 0, 2, true },
	[H_STATE] = { "STATE", 8, 0, 1, false },
	[H_TEXT] = { "LAST TROUBLE", 0, 14, 3, false },
};

static void
draw_hosts(const struct console *c, struct grid *g, int y, int end)
{
	const struct hosts *h = &c->model->hosts;
	int width[HOST_COLUMNS];

	if (y + 1 >= end)
		return;
	columns_fit(host_columns, HOST_COLUMNS, g->cols, width);
	columns_title(g, y++, host_columns, HOST_COLUMNS, width);
	if (!is_known(c) || h->n == 0)
		grid_put(g, y, 0, g->cols, LOOK_QUIET,
		    !is_known(c) || !c->model->has_hosts
			? "?"
			: "none yet: nothing was sent anywhere");
	for (size_t i = 0; is_known(c) && i < h->n && y < end; i++, y++) {
		const struct host *x = h->at[i];
		char queued[SAY_MAX], active[SAY_MAX];
		const char *text[] = { x->name, queued, active, x->state,
			x->text ? x->text : "" };

		say_number(queued, x->queued);
		say_number(active, x->active);
		columns_row(
		    g, y, LOOK_PLAIN, host_columns, HOST_COLUMNS, width, text);
	}
}

void
flow_draw(struct console *c, struct grid *g, int y, int n)
{
	int end = y + n;

	y = draw_sentence(c, g, y);
	y = draw_rates(c, g, y, end);
	y = draw_states(c, g, y, end);
	draw_hosts(c, g, y, end);
}
