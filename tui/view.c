#include "view.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int
total(const struct column *c, int n, const int width[])
{
	int sum = 0;

	for (int i = 0; i < n; i++)
		if (width[i] >= 0)
			sum += (width[i] ? width[i] : c[i].least) + 1;
	return sum - 1;
}

/* The most dispensable column that is still there; -1: all that stay. */
static int
next_to_drop(const struct column *c, int n, const int width[])
{
	int which = -1;

	for (int i = 0; i < n; i++)
		if (width[i] >= 0 && c[i].drop > 0 &&
		    (which < 0 || c[i].drop > c[which].drop))
			which = i;
	return which;
}

void
columns_fit(const struct column *c, int n, int cols, int ret_width[])
{
	int which, over, open = 0;

	for (int i = 0; i < n; i++)
		ret_width[i] = c[i].width;
	while (total(c, n, ret_width) > cols &&
	    (which = next_to_drop(c, n, ret_width)) >= 0)
		ret_width[which] = -1;
	over = cols - total(c, n, ret_width);
	for (int i = 0; i < n; i++)
		open += ret_width[i] == 0;
	for (int i = 0; i < n; i++)
		if (ret_width[i] == 0) {
			int more = over / open--;

			ret_width[i] = c[i].least + (over > 0 ? more : 0);
			over -= more;
		}
}

void
columns_row(struct grid *g, int y, enum look look, const struct column *c,
    int n, const int width[], const char *const text[])
{
	int x = 0;

	for (int i = 0; i < n; i++) {
		if (width[i] < 0)
			continue;
		if (c[i].is_right)
			grid_right(g, y, x, width[i], look, text[i]);
		else
			grid_put(g, y, x, width[i], look, text[i]);
		x += width[i] + 1;
	}
	if (look != LOOK_PLAIN)
		grid_row_look(g, y, 0, look);
}

void
columns_title(
    struct grid *g, int y, const struct column *c, int n, const int width[])
{
	const char *text[16] = { NULL };

	for (int i = 0; i < n && i < 16; i++)
		text[i] = c[i].title;
	columns_row(g, y, LOOK_TITLE, c, n, width, text);
}

/* Beside the title, on the side that is free. */
static void
put_mark(struct grid *g, int y, int x, const struct column *c, int width,
    bool is_reverse)
{
	int n = (int)strlen(c->title);
	int at = c->is_right ? width - n - 1 : n;

	if (at >= 0 && at < width)
		grid_put(g, y, x + at, 1, LOOK_TITLE, is_reverse ? "v" : "^");
}

void
columns_sorted(struct console *c, struct grid *g, int y,
    const struct column *col, int n, const int width[])
{
	struct drawn *d = &c->drawn;
	int x = 0;

	columns_title(g, y, col, n, width);
	d->title_y = y;
	for (int i = 0; i < 8; i++)
		d->sort_x[i] = -1;
	for (int i = 0; i < n; i++) {
		int order = col[i].order - 1;

		if (width[i] < 0)
			continue;
		if (order >= 0) {
			d->sort_x[order] = x;
			d->sort_end[order] = x + width[i];
		}
		if (order >= 0 && order == c->order[c->screen])
			put_mark(g, y, x, &col[i], width[i], c->is_reverse);
		x += width[i] + 1;
	}
}

void
pane_line(struct pane *p, enum look look, const char *fmt, ...)
{
	char text[4096];
	va_list ap;

	if (p->y >= p->end)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (p->is_wrapped)
		pane_wrap(p, look, text);
	else
		grid_put(p->g, p->y++, 0, p->g->cols, look, text);
}

void
pane_title(struct pane *p, const char *text)
{
	/* a line that is the only one is not for the title */
	if (p->y + 1 >= p->end)
		return;
	grid_putf(p->g, p->y, 0, p->g->cols, LOOK_TITLE, " %s ", text);
	grid_row_look(p->g, p->y++, 0, LOOK_TITLE);
}

#define LINE_BYTES 4096

/* Bytes of text that fit into so many columns, at least one character. Words
 * stay whole where they are not longer than a quarter of the line. */
static size_t
fitting(const struct grid *g, const char *text, int cols)
{
	char one[8];
	size_t n = 0, word = 0; /* word: behind the last blank */
	int w = 0;

	while (text[n] != '\0') {
		size_t len = 1;

		while ((text[n + len] & 0xc0) == 0x80 && len < 4)
			len++;
		snprintf(one, sizeof(one), "%.*s", (int)len, text + n);
		w += grid_width(g, one);
		if ((w > cols && n > 0) || n + len >= LINE_BYTES)
			break;
		n += len;
		if (one[0] == ' ')
			word = n;
	}
	return text[n] != '\0' && word > n - n / 4 ? word : n;
}

void
pane_wrap(struct pane *p, enum look look, const char *text)
{
	char part[LINE_BYTES];

	while (*text != '\0' && p->y < p->end) {
		size_t n = fitting(p->g, text, p->g->cols);

		snprintf(part, sizeof(part), "%.*s", (int)n, text);
		grid_put(p->g, p->y++, 0, p->g->cols, look, part);
		text += n;
	}
}

/* It is drawn where no grid is, and counted. */
int
pane_lines(const struct console *c, struct grid *g, int n, pane_draw *draw)
{
	int most = n / 2 > 3 ? n / 2 : n - 1;
	struct pane p = { g, g->rows, g->rows + most, true };

	draw(c, &p);
	return p.y - g->rows;
}

void
place_move(struct place *p, enum action a, size_t n, int page)
{
	size_t step = page > 1 ? (size_t)page - 1 : 1;

	if (a == DO_UP)
		p->row -= p->row > 0;
	else if (a == DO_DOWN)
		p->row++;
	else if (a == DO_PAGE_UP)
		p->row -= p->row > step ? step : p->row;
	else if (a == DO_PAGE_DOWN)
		p->row += step;
	else if (a == DO_TOP)
		p->row = 0;
	else if (a == DO_BOTTOM)
		p->row = n;
	place_clip(p, n, page);
}

void
place_clip(struct place *p, size_t n, int page)
{
	size_t rows = page > 0 ? (size_t)page : 1;

	if (p->row >= n)
		p->row = n > 0 ? n - 1 : 0;
	if (p->top > p->row)
		p->top = p->row;
	if (p->row >= p->top + rows)
		p->top = p->row - rows + 1;
}
