#include "setup.h"

#include <stdio.h>

#include "clock.h"
#include "console.h"

static void
say_theme(const struct console *c, char *ret, size_t n)
{
	snprintf(ret, n, "%s%s", theme_names[c->theme],
	    c->has_colours ? "" : "; this terminal has no colours");
}

static void
say_interval(const struct console *c, char *ret, size_t n)
{
	snprintf(ret, n, "each %g s", (double)c->interval / (double)US_SEC);
}

static void
say_zone(const struct console *c, char *ret, size_t n)
{
	snprintf(ret, n, "%s", c->is_utc ? "UTC" : "local");
}

static void
say_meters(const struct console *c, char *ret, size_t n)
{
	snprintf(ret, n, "%s", c->is_bare ? "hidden" : "shown");
}

/* But for the theme the keys are those that do it on every screen. */
static const struct {
	const char *key, *name;
	void (*say)(const struct console *, char *ret, size_t n);
} rows[] = {
	{ "t", "theme", say_theme },
	{ "+ -", "refresh", say_interval },
	{ "z", "times", say_zone },
	{ "#", "meters", say_meters },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

void
setup_draw(const struct console *c, struct grid *g, int y, int n)
{
	int lines = n < ROWS + 1 ? n : ROWS + 1, last = g->rows - 1;
	char value[80];

	y += n - lines;
	for (int i = 0; i < lines; i++)
		grid_putf(g, y + i, 0, g->cols, LOOK_PLAIN, "%*s", g->cols, "");
	grid_put(g, y, 0, 7, LOOK_TITLE, " SETUP ");
	grid_put(g, y, 8, g->cols - 8, LOOK_PLAIN, "for this session");
	for (int i = 0; i < lines - 1; i++) {
		rows[i].say(c, value, sizeof(value));
		grid_put(g, y + 1 + i, 1, 3, LOOK_TAB, rows[i].key);
		grid_put(g, y + 1 + i, 6, 8, LOOK_PLAIN, rows[i].name);
		grid_put(g, y + 1 + i, 15, g->cols - 15, LOOK_PLAIN, value);
	}
	grid_putf(g, last, 0, g->cols, LOOK_TITLE, "%-*s", g->cols,
	    "a key changes it; any other leaves");
	g->cursor_y = y;
	g->cursor_x = 0;
}

void
setup_key(struct console *c, int code)
{
	enum action a = key_action(code, c->screen);

	if (code == 't')
		c->theme = (c->theme + 1) % THEMES;
	else if (a == DO_FASTER || a == DO_SLOWER || a == DO_ZONE ||
	    a == DO_METERS)
		console_do(c, a);
	else
		c->is_setup = false;
	c->note[0] = '\0'; /* the menu says it */
}

void
setup_interval(struct console *c, int up)
{
	static const int64_t steps[] = { US_SEC / 10, US_SEC / 5, US_SEC / 2,
		US_SEC, 2 * US_SEC, 5 * US_SEC, 10 * US_SEC, 30 * US_SEC,
		60 * US_SEC };
	int i = 0, n = sizeof(steps) / sizeof(steps[0]);

	while (i < n - 1 && steps[i] < c->interval)
		i++;
	i += up;
	i = i < 0 ? 0 : i >= n ? n - 1 : i;
	c->interval = steps[i];
	console_note(
	    c, "refresh each %g s", (double)c->interval / (double)US_SEC);
}
