/*
 * view_messages: the queue's messages, and all about the chosen one.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "lists.h"
#include "say.h"

#define DETAIL_LEAST 7 /* lines: up to the reply for the first recipient */
#define TRAIL_LEAST 3
#define TRAIL_MOST 1000
#define PANE_MOST 26 /* lines with the list's two; the list has the rest */

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

/* Not cut where there is another line: it is what the pane is for. */
static void
draw_why(struct pane *p, const json_t *r)
{
	bool is_wrapped = p->is_wrapped;

	p->is_wrapped = is_wrapped || p->end - p->y > 1;
	pane_line(p, LOOK_WARN, "WHY NOT NOW: %s", row_text(r, "why"));
	p->is_wrapped = is_wrapped;
	pane_line(p, LOOK_PLAIN, "   to change it: %s", row_text(r, "change"));
}

static void
draw_from(const struct console *c, struct pane *p)
{
	const json_t *row = c->model->detail.row;
	char when[SAY_MAX];

	say_time(when, row_wall(row, "received"), clock_wall(), c->is_utc);
	pane_line(p, LOOK_PLAIN,
	    "From <%s>  %lld bytes, received %s, %lld of %lld "
	    "recipients open",
	    row_text(row, "from"), (long long)row_number(row, "size"), when,
	    (long long)row_number(row, "open"),
	    (long long)row_number(row, "rcpt_count"));
}

/* The most telling first: there may be room for one line alone. */
static void
draw_detail(const struct console *c, struct pane *p)
{
	const struct detail *d = &c->model->detail;
	const json_t *rcpts = json_object_get(d->row, "rcpts");

	pane_title(p, d->id);
	if (d->error[0] != '\0')
		pane_line(p, LOOK_WARN, "%s", d->error);
	if (d->row == NULL)
		return;
	if (json_array_size(d->why) > 0)
		draw_why(p, json_array_get(d->why, 0));
	draw_from(c, p);
	if (json_array_size(rcpts) > 0)
		draw_recipient(c, p, json_array_get(rcpts, 0));
	for (size_t i = 1; i < json_array_size(d->why); i++)
		draw_why(p, json_array_get(d->why, i));
	for (size_t i = 1; i < json_array_size(rcpts); i++)
		draw_recipient(c, p, json_array_get(rcpts, i));
}

/* What the other side said before what is known from above. */
static void
draw_event(const struct console *c, struct pane *p, const struct log_row *r)
{
	const char *stat = strstr(r->text, ", stat=");
	char time[SAY_MAX];

	say_moment(time, r->t, clock_wall(), c->is_utc);
	if (stat == NULL)
		pane_line(
		    p, event_look(r), "%-12s %-12s %s", time, r->name, r->text);
	else
		pane_line(p, event_look(r), "%-12s %-12s %s  %.*s", time,
		    r->name, stat + strlen(", stat="), (int)(stat - r->text),
		    r->text);
}

/* Lines that the trail could have. */
static int
trail_lines(const struct console *c)
{
	const struct archive *a = c->archive;

	if (a->past == NULL)
		return 0;
	return a->trail.rows.n == 0	   ? 1
	    : a->trail.rows.n > TRAIL_MOST ? TRAIL_MOST
					   : (int)a->trail.rows.n;
}

/* The last n events, the newest last. */
static void
draw_trail(const struct console *c, struct pane *p, int n)
{
	const struct life *l = &c->archive->trail;

	p->is_wrapped = false;
	if (n > 0 && l->rows.n == 0)
		pane_line(p, LOOK_QUIET,
		    l->is_read ? "the store knows nothing of it"
			       : "its trail is being read...");
	for (size_t i = l->rows.n - (size_t)n; l->rows.n != 0 && i < l->rows.n;
	     i++)
		draw_event(c, p, &l->rows.at[i]);
}

/* What is known of it now, then its trail: some of it at least, but where
 * there is only room for the first. */
static void
draw_open(const struct console *c, struct pane *p)
{
	struct pane all = { p->g, p->g->rows, p->g->rows + TRAIL_MOST,
		c->is_wide };
	int room = p->end - p->y, end = p->end, trail = trail_lines(c), left;

	draw_detail(c, &all); /* where no grid is, to be counted */
	left = room - (all.y - p->g->rows);
	if (left < TRAIL_LEAST)
		left = room - DETAIL_LEAST < TRAIL_LEAST ? room - DETAIL_LEAST
							 : TRAIL_LEAST;
	if (trail > left)
		trail = left > 0 ? left : 0;
	p->end -= trail;
	draw_detail(c, p);
	p->end = end;
	draw_trail(c, p, trail);
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
		rows = n > 3 * PANE_MOST / 2 ? n - PANE_MOST
		    : n > 8		     ? n / 3
					     : 1;
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
		draw_open(c, &pane);
	else if (c->is_wide)
		draw_whole(c, &pane);
}
