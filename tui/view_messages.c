/*
 * view_messages: the queue's messages, and all about the chosen one.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "lists.h"
#include "say.h"

enum { CURSOR, STATE, ID, AGE, SIZE, TRIES, NEXT, FROM, TO, OPEN, LAST, N };

static const struct column columns[N] = {
	[CURSOR] = { "", 2, 0, 0, false, 0 },
	[STATE] = { "S", 1, 0, 0, false, 0 },
	[ID] = { "ID", 14, 0, 0, false, 0 },
	[AGE] = { "AGE", 6, 0, 0, true, 1 },
	[SIZE] = { "SIZE", 5, 0, 5, true, 2 },
	[TRIES] = { "TRY", 3, 0, 4, true, 3 },
	[NEXT] = { "NEXT", 9, 0, 3, true, 4 },
	[FROM] = { "FROM", 0, 10, 2, false, 5 },
	[TO] = { "TO", 0, 10, 0, false, 0 },
	[OPEN] = { "+N", 3, 0, 6, true, 0 },
	[LAST] = { "REPLY", 0, 12, 7, false, 0 },
};

/* A letter, as colour is never the only carrier. */
static const struct {
	const char *state, *letter;
	enum look look;
} states[] = {
	{ "new", "N", LOOK_PLAIN },
	{ "active", "A", LOOK_GOOD },
	{ "deferred", "D", LOOK_WARN },
	{ "held", "H", LOOK_WARN },
	{ "deleted", "X", LOOK_QUIET },
	{ "bounced", "B", LOOK_QUIET },
	{ "damaged", "!", LOOK_BAD },
};

static const char *
letter(const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0)
			return states[i].letter;
	return "?";
}

static void
draw_message(const struct console *c, struct grid *g, int y, size_t row,
    const int width[])
{
	const struct message *m = &c->model->list.at[row];
	bool is_chosen = row == c->place[SCREEN_MESSAGES].row;
	char age[SAY_MAX], size[SAY_MAX], tries[SAY_MAX], next[SAY_MAX];
	char more[SAY_MAX], last[300];
	int64_t wall = clock_wall();
	const char mark[3] = { is_chosen ? '>' : ' ',
		tags_has(&c->tags[SCREEN_MESSAGES], m->id) ? '*' : '\0' };
	const char *text[N] = { mark, letter(m->state), m->id, age, size, tries,
		next, *m->from ? m->from : "<>", m->to, more, last };

	say_span(age, wall - m->received);
	say_bytes(size, m->size);
	say_number(tries, m->tries);
	if (strcmp(m->state, "held") == 0)
		snprintf(next, sizeof(next), "held");
	else
		say_time(next, m->until ? m->until : m->next, wall, c->is_utc);
	snprintf(more, sizeof(more), m->open > 1 ? "+%lld" : "",
	    (long long)m->open - 1);
	snprintf(last, sizeof(last), m->code ? "%lld %s" : "%.0lld%s",
	    (long long)m->code, m->text);
	columns_row(g, y, is_chosen ? LOOK_CURSOR : LOOK_PLAIN, columns, N,
	    width, text);
}

/* How many, in which order: "200 of 1,000,000 shown, by size". */
static void
draw_count(const struct console *c, struct grid *g, int y, int x)
{
	const struct messages *l = &c->model->list;
	const char *filter = c->filter[SCREEN_MESSAGES];
	int order = c->order[SCREEN_MESSAGES];
	char shown[SAY_MAX], all[SAY_MAX], tagged[SAY_MAX + 10] = "";
	char by[40];

	say_number(shown, (int64_t)l->n);
	say_number(all, l->in_queue);
	if (c->tags[SCREEN_MESSAGES].n != 0)
		snprintf(tagged, sizeof(tagged), "  tagged %zu",
		    c->tags[SCREEN_MESSAGES].n);
	if (order == 0)
		snprintf(by, sizeof(by), "%s first",
		    c->is_reverse ? "newest" : "oldest");
	else
		snprintf(by, sizeof(by), "by %s%s", message_orders[order],
		    c->is_reverse ? " reversed" : "");
	grid_putf(g, y, x, g->cols - x, LOOK_PLAIN, "%s of %s shown, %s%s%s",
	    shown, all, by, tagged, filter[0] ? "  Esc clears" : "");
}

static void
draw_banner(const struct console *c, struct grid *g, int y)
{
	const char *filter = c->filter[SCREEN_MESSAGES];
	int x = 0;

	if (console_is_stale(c))
		x = grid_put(g, y, 0, g->cols, LOOK_BAD, "OLD:") + 1;
	if (filter[0] != '\0') {
		x += grid_put(g, y, x, g->cols, LOOK_TAB, "FILTER") + 1;
		x += grid_putf(
		    g, y, x, g->cols - x - 22, LOOK_PLAIN, "%s  ", filter);
	}
	if (c->model->list_error[0] != '\0')
		grid_put(g, y, x, g->cols - x, LOOK_BAD, c->model->list_error);
	else if (!c->model->has_list)
		grid_put(g, y, x, g->cols - x, LOOK_QUIET, "being read...");
	else
		draw_count(c, g, y, x);
}

static void
draw_recipient(const struct console *c, struct pane *p, const json_t *r)
{
	char next[SAY_MAX];
	int64_t at = row_wall(r, "next");

	say_time(next, at, clock_wall(), c->is_utc);
	pane_line(p, LOOK_PLAIN, "To <%s>%s%s  %s, tried %lld%s%s",
	    row_text(r, "to"), *row_text(r, "path") ? " " : "",
	    row_text(r, "path"), row_text(r, "state"),
	    (long long)row_number(r, "tries"), at ? ", next " : "",
	    at ? next : "");
	if (*row_text(r, "text") != '\0')
		pane_line(p, LOOK_PLAIN, "   %lld %s",
		    (long long)row_number(r, "code"), row_text(r, "text"));
}

static void
draw_detail(const struct console *c, struct pane *p)
{
	const struct detail *d = &c->model->detail;
	json_t *r;
	size_t i;
	char when[SAY_MAX];

	pane_title(p, d->id);
	if (d->error[0] != '\0')
		pane_line(p, LOOK_WARN, "%s", d->error);
	if (d->row == NULL)
		return;
	say_time(when, row_wall(d->row, "received"), clock_wall(), c->is_utc);
	pane_line(p, LOOK_PLAIN,
	    "From <%s>  %lld bytes, received %s, %lld of %lld "
	    "recipients open",
	    row_text(d->row, "from"), (long long)row_number(d->row, "size"),
	    when, (long long)row_number(d->row, "open"),
	    (long long)row_number(d->row, "rcpt_count"));
	json_array_foreach(d->why, i, r)
	{
		pane_line(p, LOOK_WARN, "WHY NOT NOW: %s", row_text(r, "why"));
		pane_line(p, LOOK_PLAIN, "   to change it: %s",
		    row_text(r, "change"));
	}
	json_array_foreach(json_object_get(d->row, "rcpts"), i, r)
	    draw_recipient(c, p, r);
}

/* What the list has of the chosen one. */
static void
draw_whole(const struct console *c, struct pane *p)
{
	const struct messages *l = &c->model->list;
	size_t row = c->place[SCREEN_MESSAGES].row;
	const struct message *m;

	if (row >= l->n)
		return;
	m = &l->at[row];
	pane_title(p, m->id);
	if (m->text[0] != '\0')
		pane_line(p, LOOK_WARN, m->code ? "%lld %s" : "%.0lld%s",
		    (long long)m->code, m->text);
	pane_line(p, LOOK_PLAIN, "From <%s>", m->from);
	pane_line(p, LOOK_PLAIN,
	    m->open > 1 ? "To <%s> and %lld more" : "To <%s>", m->to,
	    (long long)m->open - 1);
}

void
messages_draw(struct console *c, struct grid *g, int y, int n)
{
	const struct messages *l = &c->model->list;
	bool is_open = c->is_open && c->model->detail.id[0] != '\0';
	int width[N], rows = n - 2;
	struct pane pane;

	if (is_open)
		rows = n > 8 ? n / 2 - 1 : 1;
	else if (c->is_wide)
		rows -= pane_lines(c, g, n - 2, draw_whole);
	draw_banner(c, g, y);
	columns_fit(columns, N, g->cols, width);
	columns_sorted(c, g, y + 1, columns, N, width);
	rows_draw(c, g, y + 2, rows, width, draw_message, NULL);
	if (l->n == 0 && c->model->has_list)
		grid_put(g, c->drawn.list_y, 0, g->cols, LOOK_QUIET,
		    c->filter[SCREEN_MESSAGES][0] ? "no message matches"
						  : "the queue is empty");
	pane = (struct pane){ g, y + 2 + rows, y + n, c->is_wide };
	if (is_open)
		draw_detail(c, &pane);
	else if (c->is_wide)
		draw_whole(c, &pane);
}
