/*
 * view_rows: a list in the lines that it has, and the pinned row above it.
 */
#include <string.h>

#include "view.h"

static void
mark(struct grid *g, int y)
{
	const struct cell *c = grid_at(g, y, 0);

	if (c != NULL)
		grid_put(g, y, 0, 1, (enum look)c->look, "=");
}

static bool
is_pinned(const struct console *c, size_t row)
{
	return strcmp(list_name(c, row), c->pin[c->screen]) == 0;
}

/* With its mark; lines that it took: one or none. */
static int
draw_pin(const struct console *c, struct grid *g, int y, const int width[],
    row_draw *draw)
{
	size_t n = list_rows(c), row = 0;

	if (c->pin[c->screen][0] == '\0')
		return 0;
	while (row < n && !is_pinned(c, row))
		row++;
	if (row < n)
		draw(c, g, y, row, width);
	else
		grid_putf(g, y, 2, g->cols, LOOK_QUIET,
		    "%s is not among these rows",
		    c->screen == SCREEN_TRACE || c->screen == SCREEN_LOG
			? "the pinned event"
			: c->pin[c->screen]);
	mark(g, y);
	return 1;
}

void
rows_draw(struct console *c, struct grid *g, int y, int n, const int width[],
    row_draw *draw, row_below *below)
{
	struct place *p = &c->place[c->screen];
	size_t all = list_rows(c);
	int pinned = n > 1 ? draw_pin(c, g, y, width, draw) : 0, end = y + n;

	y += pinned;
	n -= pinned;
	/* what hangs there needs room */
	c->page = below && n > 4 ? n / 2 : n;
	place_clip(p, all, c->page);
	c->drawn.list_y = y;
	c->drawn.list_n = below ? (int)(p->row - p->top) + 1 : n;
	for (size_t row = p->top; y < end && row < all; row++, y++) {
		draw(c, g, y, row, width);
		if (row == p->row)
			g->cursor_y = y;
		else if (pinned && is_pinned(c, row))
			mark(g, y);
		if (row == p->row && below != NULL)
			y += below(c, g, y + 1, end);
	}
}
