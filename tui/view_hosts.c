/*
 * view_hosts: destinations, their state and what they said last; behind the
 * chosen one, when the tree is open, its hosts and addresses as the store
 * knows them.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "say.h"

enum { CURSOR, STATE, NAME, ACTIVE, QUEUED, FAILS, OK, NEXT, LAST, N };

static const struct column columns[N] = {
	[CURSOR] = { "", 2, 0, 0, false, 0 },
	[STATE] = { "ST", 2, 0, 0, false, 0 },
	[NAME] = { "DESTINATION", 0, 28, 0, false, 5 },
	[ACTIVE] = { "ACTIVE", 7, 0, 2, true, 2 },
	[QUEUED] = { "QUEUED", 8, 0, 0, true, 1 },
	[FAILS] = { "FAILS", 5, 0, 6, true, 3 },
	[OK] = { "LAST OK", 7, 0, 4, true, 4 },
	[NEXT] = { "NEXT", 9, 0, 1, true, 0 },
	[LAST] = { "LAST TROUBLE", 0, 12, 7, false, 0 },
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

static void
draw_host(const struct console *c, struct grid *g, int y, size_t row,
    const int width[])
{
	const struct host *h = &c->model->hosts.at[row];
	bool is_chosen = row == c->place[SCREEN_HOSTS].row;
	char active[2 * SAY_MAX], queued[SAY_MAX], fails[SAY_MAX];
	char ok[SAY_MAX] = "never", next[SAY_MAX];
	int64_t wall = clock_wall();
	const char mark[3] = { is_chosen ? '>' : ' ',
		tags_has(&c->tags[SCREEN_HOSTS], h->name) ? '*' : '\0' };
	const char *text[N] = { mark, letter(h->state), h->name, active, queued,
		fails, ok, next, h->text };

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

/* What stands before a line of the tree. */
static const char *
branch(const struct grid *g, bool is_last)
{
	if (g->is_ascii)
		return is_last ? "`-" : "|-";
	return is_last ? "└─" : "├─";
}

static const char *
trunk(const struct grid *g, bool is_last)
{
	if (is_last)
		return "  ";
	return g->is_ascii ? "| " : "│ ";
}

/* before: the trunk of the host that the address is one of; "" when the host
 * has no line of its own. */
static void
draw_address(
    struct pane *p, const struct past_host *h, const char *before, bool is_last)
{
	char last[SAY_MAX], rtt[SAY_MAX] = "-";
	bool is_alone = before[0] == '\0';

	say_span(last, clock_wall() - h->last);
	if (h->conn_us != 0)
		say_took(rtt, (uint64_t)h->conn_us);
	pane_line(p, LOOK_PLAIN,
	    "  %s%s %s%s[%s]  ok %lld def %lld bnc %lld  rtt %s  %s ago  %s",
	    before, branch(p->g, is_last), is_alone ? h->name : "",
	    is_alone ? " " : "", h->ip, (long long)h->ok,
	    (long long)h->deferred, (long long)h->failed, rtt, last,
	    h->outcome);
	if (h->text[0] != '\0')
		pane_line(p, LOOK_WARN, "  %s%s   %.0d%s%s", before,
		    trunk(p->g, is_last), h->code, h->code ? " " : "", h->text);
}

/* How many of the addresses from i on are of the same host. */
static int
same_host(const struct archive *a, int i)
{
	int n = 1;

	while (i + n < a->hosts &&
	    strcmp(a->host[i].name, a->host[i + n].name) == 0)
		n++;
	return n;
}

static void
draw_hosts(struct pane *p, const struct archive *a)
{
	int n;

	for (int i = 0; i < a->hosts; i += n) {
		bool is_last;

		n = same_host(a, i);
		is_last = i + n >= a->hosts;
		if (n == 1) {
			draw_address(p, &a->host[i], "", is_last);
			continue;
		}
		pane_line(p, LOOK_PLAIN, "  %s %s", branch(p->g, is_last),
		    a->host[i].name);
		for (int k = 0; k < n; k++)
			draw_address(p, &a->host[i + k], trunk(p->g, is_last),
			    k + 1 == n);
	}
}

/* What hangs below the destination; lines used. */
static int
draw_tree(const struct console *c, struct grid *g, int y, int end)
{
	const struct archive *a = c->archive;
	struct pane p = { g, y, end, c->is_wide };

	if (a->past == NULL)
		pane_line(&p, LOOK_QUIET, "  N/A: no store: %s", a->why);
	else if (!a->has_hosts)
		pane_line(&p, LOOK_QUIET, "  being read...");
	else if (a->hosts == 0)
		pane_line(&p, LOOK_QUIET,
		    "  no host of it among the last 20,000 events");
	else
		draw_hosts(&p, a);
	return p.y - y;
}

static void
draw_pane(const struct console *c, struct pane *p)
{
	size_t row = c->place[SCREEN_HOSTS].row;
	const struct host *h;
	char since[SAY_MAX], last[SAY_MAX];
	int64_t wall = clock_wall();

	if (row >= c->model->hosts.n)
		return;
	h = &c->model->hosts.at[row];
	pane_title(p, h->name);
	say_time(since, h->since, wall, c->is_utc);
	say_time(last, h->last_try, wall, c->is_utc);
	pane_line(p, LOOK_PLAIN,
	    "%s since %s, last try %s, %lld failures in a row, %lld of %lld "
	    "ready",
	    h->state, since, last, (long long)h->fails, (long long)h->ready,
	    (long long)h->queued);
	pane_line(
	    p, LOOK_PLAIN, "last trouble: %s", h->text[0] ? h->text : "none");
}

static void
draw_banner(const struct console *c, struct grid *g, int y)
{
	const struct hosts *h = &c->model->hosts;
	const char *filter = c->filter[SCREEN_HOSTS];
	char shown[SAY_MAX], total[SAY_MAX], tagged[SAY_MAX + 10] = "";
	int x = 0;

	say_number(shown, filter[0] ? h->matched : (int64_t)h->n);
	say_number(total, h->all);
	if (c->tags[SCREEN_HOSTS].n != 0)
		snprintf(tagged, sizeof(tagged), "  tagged %zu",
		    c->tags[SCREEN_HOSTS].n);
	if (!c->model->has_hosts) {
		grid_put(g, y, 0, g->cols, LOOK_QUIET, "being read...");
		return;
	}
	if (console_is_stale(c))
		x = grid_put(g, y, 0, g->cols, LOOK_BAD, "OLD:") + 1;
	if (filter[0] != '\0')
		grid_putf(g, y, x, g->cols - x, LOOK_TAB,
		    "FILTER %s  %s of %s match%s  Esc clears", filter, shown,
		    total, tagged);
	else
		grid_putf(g, y, x, g->cols - x, LOOK_PLAIN,
		    "%s of %s destinations shown, by %s%s", shown, total,
		    host_orders[c->order[SCREEN_HOSTS]], tagged);
}

void
hosts_draw(struct console *c, struct grid *g, int y, int n)
{
	int width[N], rows = n >= 9 ? n - 5 : n - 2;

	if (c->is_wide)
		rows = n - 2 - pane_lines(c, g, n - 2, draw_pane);
	draw_banner(c, g, y);
	columns_fit(columns, N, g->cols, width);
	columns_sorted(c, g, y + 1, columns, N, width);
	rows_draw(
	    c, g, y + 2, rows, width, draw_host, c->is_tree ? draw_tree : NULL);
	if (rows != n - 2)
		draw_pane(
		    c, &(struct pane){ g, y + 2 + rows, y + n, c->is_wide });
}
