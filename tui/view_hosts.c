/*
 * view_hosts: destinations, their state and what they said last.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "say.h"

enum { CURSOR, STATE, NAME, ACTIVE, QUEUED, FAILS, OK, NEXT, LAST, N };

static const struct column columns[N] = {
	[CURSOR] = { "", 1, 0, 0, false },
	[STATE] = { "ST", 2, 0, 0, false },
	[NAME] = { "DESTINATION", 0, 22, 0, false },
	[ACTIVE] = { "ACTIVE", 7, 0, 2, true },
	[QUEUED] = { "QUEUED", 8, 0, 0, true },
	[FAILS] = { "FAILS", 5, 0, 6, true },
	[OK] = { "LAST OK", 7, 0, 4, true },
	[NEXT] = { "NEXT", 9, 0, 1, true },
	[LAST] = { "LAST TROUBLE", 0, 12, 5, false },
};

static const char *
letter(const char *state)
{
	static const char *const letters[][2] = { { "up", "U" },
		{ "backoff", "B" }, { "down", "D" }, { "paused", "P" },
		{ "unknown", "?" } };

	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (strcmp(letters[i][0], state) == 0)
			return letters[i][1];
	return "?";
}

size_t
list_rows(const struct console *c)
{
	return c->screen == SCREEN_MESSAGES ? c->model->list.n
					    : c->model->hosts.shown_n;
}

const char *
list_name(const struct console *c, size_t row)
{
	if (row >= list_rows(c))
		return "";
	return c->screen == SCREEN_MESSAGES ? c->model->list.at[row].id
					    : c->model->hosts.shown[row]->name;
}

static void
draw_host(const struct console *c, struct grid *g, int y, const struct host *h,
    bool is_chosen, const int width[N])
{
	char active[2 * SAY_MAX], queued[SAY_MAX], fails[SAY_MAX];
	char ok[SAY_MAX] = "never", next[SAY_MAX];
	int64_t wall = clock_wall();
	const char *text[N] = { is_chosen ? ">" : "", letter(h->state), h->name,
		active, queued, fails, ok, next, h->text ? h->text : "" };

	snprintf(active, sizeof(active), "%lld/%lld", (long long)h->active,
	    (long long)h->window);
	say_number(queued, h->queued);
	say_number(fails, h->fails);
	if (h->last_ok != 0)
		say_span(ok, wall - h->last_ok);
	say_time(next, h->next, wall, c->is_utc);
	columns_row(g, y, is_chosen ? LOOK_CURSOR : LOOK_PLAIN, columns, N,
	    width, text);
}

static void
draw_pane(const struct console *c, struct grid *g, int y, const struct host *h)
{
	char since[SAY_MAX], last[SAY_MAX];
	int64_t wall = clock_wall();

	grid_putf(g, y, 0, g->cols, LOOK_TITLE, " %s ", h->name);
	grid_row_look(g, y, 0, LOOK_TITLE);
	say_time(since, h->since, wall, c->is_utc);
	say_time(last, h->last_try, wall, c->is_utc);
	grid_putf(g, y + 1, 0, g->cols, LOOK_PLAIN,
	    "%s since %s, last try %s, %lld failures in a row, %lld of %lld "
	    "ready",
	    h->state, since, last, (long long)h->fails, (long long)h->ready,
	    (long long)h->queued);
	grid_putf(g, y + 2, 0, g->cols, LOOK_PLAIN, "last trouble: %s",
	    h->text && *h->text ? h->text : "none");
}

void
hosts_draw(struct console *c, struct grid *g, int y, int n)
{
	struct place *p = &c->place[SCREEN_HOSTS];
	const char *filter = c->filter[SCREEN_HOSTS];
	struct host *const *at = c->model->hosts.shown;
	size_t all = list_rows(c);
	char shown[SAY_MAX], total[SAY_MAX];
	int width[N], rows = n >= 9 ? n - 5 : n - 2;

	c->page = rows;
	place_clip(p, all, rows);
	say_number(shown, (int64_t)all);
	say_number(total, (int64_t)c->model->hosts.n);
	if (!c->model->has_hosts)
		grid_put(g, y, 0, g->cols, LOOK_QUIET, "being read...");
	else if (filter[0] != '\0')
		grid_putf(g, y, 0, g->cols, LOOK_TAB,
		    "FILTER %s  %s of %s shown  Esc clears", filter, shown,
		    total);
	else
		grid_putf(g, y, 0, g->cols, LOOK_PLAIN,
		    "%s destinations, most queued first", total);
	columns_fit(columns, N, g->cols, width);
	columns_title(g, y + 1, columns, N, width);
	for (int i = 0; i < rows && p->top + (size_t)i < all; i++) {
		size_t row = p->top + (size_t)i;

		draw_host(c, g, y + 2 + i, at[row], row == p->row, width);
		if (row == p->row)
			g->cursor_y = y + 2 + i;
	}
	if (rows != n - 2 && all != 0)
		draw_pane(c, g, y + 2 + rows, at[p->row]);
}
