/*
 * view_events: events of the store: Log, the newest first, and Trace, the
 * life of one message.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "say.h"

enum { CURSOR, TIME, SINCE, EVENT, ID, TEXT, STAGES, N };

/* A trace has the time since its row before; a log has the id. */
static const struct column trace_columns[N] = {
	[CURSOR] = { "", 1, 0, 0, false, 0 },
	[TIME] = { "TIME", 12, 0, 4, false, 0 },
	[SINCE] = { "AFTER", 7, 0, 2, true, 0 },
	[EVENT] = { "EVENT", 14, 0, 0, false, 0 },
	[ID] = { "ID", 14, 0, 5, false, 0 },
	[TEXT] = { "WHAT", 0, 34, 0, false, 0 },
	[STAGES] = { "STAGES", 0, 60, 6, false, 0 },
};

static const struct column log_columns[N] = {
	[CURSOR] = { "", 1, 0, 0, false, 0 },
	[TIME] = { "TIME", 12, 0, 3, false, 0 },
	[SINCE] = { "", 1, 0, 9, false, 0 },
	[EVENT] = { "EVENT", 14, 0, 0, false, 0 },
	[ID] = { "ID", 14, 0, 2, false, 0 },
	[TEXT] = { "WHAT", 0, 20, 0, false, 0 },
	[STAGES] = { "STAGES", 0, 70, 8, false, 0 },
};

static const struct column *
columns_of(const struct console *c)
{
	return c->screen == SCREEN_TRACE ? trace_columns : log_columns;
}

enum look
event_look(const struct log_row *r)
{
	if (r->severity <= 4)
		return LOOK_BAD;
	if (log_row_is_trouble(r))
		return LOOK_WARN;
	return r->severity >= 7 ? LOOK_QUIET : LOOK_PLAIN;
}

static void
draw_row(const struct console *c, struct grid *g, int y, size_t row,
    const int width[])
{
	const struct log_row *r = list_event(c, row);
	bool is_chosen = row == c->place[c->screen].row;
	int64_t at = c->archive->at;
	char time[SAY_MAX], since[SAY_MAX] = "", mark[3] = "";
	const char *text[N] = { mark, time, since, r->name, r->id, r->text,
		r->stages ? r->stages : "" };

	/* what is wrong is so without colours, too */
	mark[0] = is_chosen ? '>' : log_row_is_trouble(r) ? '!' : '\0';
	say_moment(time, r->t, at ? at : clock_wall(), c->is_utc);
	if (c->screen == SCREEN_TRACE && row > 0)
		say_took(since, (uint64_t)(r->t - list_event(c, row - 1)->t));
	columns_row(g, y, is_chosen ? LOOK_CURSOR : event_look(r),
	    columns_of(c), N, width, text);
}

/* All of the chosen row, whatever its length. */
static void
draw_whole(const struct console *c, struct pane *p)
{
	const struct log_row *r = list_event(c, c->place[c->screen].row);
	char time[SAY_MAX], title[100];

	if (r == NULL)
		return;
	say_stamp(time, r->t, c->is_utc);
	snprintf(title, sizeof(title), "%s  %s  %s", r->name, time, r->id);
	pane_title(p, title);
	pane_wrap(p, LOOK_PLAIN, r->text);
	if (r->stages != NULL)
		pane_wrap(p, LOOK_GOOD, r->stages);
}

static void
draw_list(struct console *c, struct grid *g, int y, int n)
{
	int width[N], below = n >= 14 ? 4 : 0, rows;

	if (c->is_wide)
		below = pane_lines(c, g, n - 1, draw_whole);
	rows = n - 1 - below;
	columns_fit(columns_of(c), N, g->cols, width);
	columns_title(g, y, columns_of(c), N, width);
	rows_draw(c, g, y + 1, rows, width, draw_row, NULL);
	if (below != 0)
		draw_whole(c, &(struct pane){ g, y + 1 + rows, y + n, true });
}

static bool
draw_no_store(const struct console *c, struct grid *g, int y)
{
	if (c->archive->past != NULL)
		return false;
	grid_putf(
	    g, y, 0, g->cols, LOOK_WARN, "N/A: no store: %s", c->archive->why);
	grid_put(g, y + 1, 0, g->cols, LOOK_PLAIN,
	    "mtacollect run keeps one; --store says where it is");
	return true;
}

void
trace_draw(struct console *c, struct grid *g, int y, int n)
{
	const struct archive *a = c->archive;
	const struct log_rows *l = &a->trace.rows;
	char took[SAY_MAX] = "0s";

	if (draw_no_store(c, g, y))
		return;
	if (a->trace.id[0] == '\0') {
		grid_put(g, y, 0, g->cols, LOOK_PLAIN,
		    "Enter: type a queue id or a <message id>; or o on a "
		    "message, Enter on an event");
		return;
	}
	if (!a->trace.is_read) {
		grid_put(g, y, 0, g->cols, LOOK_QUIET, "being read...");
		return;
	}
	if (l->n == 0) {
		grid_putf(g, y, 0, g->cols, LOOK_WARN,
		    "the store knows nothing of %s%s", a->trace.id,
		    a->at ? " up to then" : "");
		return;
	}
	say_took(took, (uint64_t)(l->at[l->n - 1].t - l->at[0].t));
	grid_putf(g, y, 0, g->cols, LOOK_PLAIN,
	    "%s: %zu events in %s  Enter types another", a->trace.id, l->n,
	    took);
	draw_list(c, g, y + 1, n - 1);
}

static void
draw_log_banner(const struct console *c, struct grid *g, int y)
{
	const struct archive *a = c->archive;
	char n[SAY_MAX], looked[SAY_MAX];
	int x = 0;

	say_number(n, (int64_t)archive_log_rows(a));
	say_number(looked, a->looked);
	if (a->filter[0] != '\0') {
		x = grid_put(g, y, 0, g->cols, LOOK_TAB, "FILTER") + 1;
		x += grid_putf(
		    g, y, x, g->cols - x - 30, LOOK_PLAIN, "%s  ", a->filter);
	}
	if (a->filter_error[0] != '\0')
		grid_put(g, y, x, g->cols - x, LOOK_BAD, a->filter_error);
	else if (a->filter[0] != '\0')
		grid_putf(g, y, x, g->cols - x, LOOK_PLAIN,
		    "%s of the last %s events%s", n, looked,
		    archive_reads_on(a) ? ", more are read" : "");
	else
		grid_putf(g, y, x, g->cols - x, LOOK_PLAIN,
		    "%s events, the newest first%s", n,
		    a->is_whole ? "" : "; further down more are read");
}

void
log_draw(struct console *c, struct grid *g, int y, int n)
{
	if (draw_no_store(c, g, y))
		return;
	draw_log_banner(c, g, y);
	draw_list(c, g, y + 1, n - 1);
}
