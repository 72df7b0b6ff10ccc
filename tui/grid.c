#include "grid.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "visible.h"

#include "visible.h"

#define ROWS_MAX 500
#define COLS_MAX 1000

/* One thing to draw: a character, or an escape in its place. */
struct glyph {
	char text[14];
	int width; /* 0: a mark on the one before */
};

int
grid_init(struct grid *g, int rows, int cols)
{
	*g = (struct grid){ 0 };
	return grid_resize(g, rows, cols);
}

int
grid_resize(struct grid *g, int rows, int cols)
{
	struct cell *c;

	rows = rows < 1 ? 1 : rows > ROWS_MAX ? ROWS_MAX : rows;
	cols = cols < 1 ? 1 : cols > COLS_MAX ? COLS_MAX : cols;
	c = calloc((size_t)rows * (size_t)cols, sizeof(*c));
	if (c == NULL)
		return -ENOMEM;
	free(g->cell);
	g->cell = c;
	g->rows = rows;
	g->cols = cols;
	grid_clear(g);
	return 0;
}

void
grid_release(struct grid *g)
{
	free(g->cell);
	g->cell = NULL;
	g->rows = g->cols = 0;
}

void
grid_clear(struct grid *g)
{
	static const struct cell blank = { " ", 1, LOOK_PLAIN };

	for (int i = 0; i < g->rows * g->cols; i++)
		g->cell[i] = blank;
	g->cursor_y = g->rows - 1;
	g->cursor_x = 0;
}

const struct cell *
grid_at(const struct grid *g, int y, int x)
{
	if (y < 0 || x < 0 || y >= g->rows || x >= g->cols)
		return NULL;
	return &g->cell[y * g->cols + x];
}

/* The next glyph of s; the bytes that it took. */
static size_t
next_glyph(const struct grid *g, const char *s, struct glyph *ret)
{
	struct visible v;
	size_t n = visible_next((struct slice){ s, strnlen(s, 4) }, &v);

	if (v.c < 0x80) { /* ASCII, or an escape */
		ret->width = (int)strlen(v.text);
		memcpy(ret->text, v.text, sizeof(v.text));
		return n;
	}
	memcpy(ret->text, v.text, sizeof(v.text));
	ret->width = g->is_ascii ? -1 : wcwidth((wchar_t)v.c);
	if (ret->width < 0)
		*ret = (struct glyph){ "?", 1 };
	return n;
}

int
grid_width(const struct grid *g, const char *text)
{
	struct glyph u;
	int n = 0;

	while (*text != '\0') {
		text += next_glyph(g, text, &u);
		n += u.width;
	}
	return n;
}

bool
grid_shows_all(const char *text)
{
	const struct grid any = { 0 };
	struct glyph u;

	while (*text != '\0') {
		size_t n = next_glyph(&any, text, &u);

		if (strncmp(u.text, text, n) != 0 || u.text[n] != '\0')
			return false;
		text += n;
	}
	return true;
}

/* A half of a wide character that is overwritten leaves a blank. */
static void
split(struct grid *g, int y, int x)
{
	struct cell *c = &g->cell[y * g->cols + x];

	if (c->width == 0 && x > 0)
		memcpy(c[-1].text, " ", 2), c[-1].width = 1;
	if (c->width == 2 && x + 1 < g->cols)
		memcpy(c[1].text, " ", 2), c[1].width = 1;
}

static void
set(struct grid *g, int y, int x, enum look look, const char *text, int width)
{
	struct cell *c = &g->cell[y * g->cols + x];

	split(g, y, x);
	if (width == 2)
		split(g, y, x + 1);
	snprintf(c->text, sizeof(c->text), "%s", text);
	c->width = (uint8_t)width;
	c->look = (uint8_t)look;
	if (width == 2)
		c[1] = (struct cell){ "", 0, (uint8_t)look };
}

/* A mark goes onto the character before it while that has room. */
static void
add_mark(struct grid *g, int y, int x, const char *text)
{
	struct cell *c = &g->cell[y * g->cols + x];
	size_t n;

	if (c->width == 0 && x > 0)
		c--;
	n = strlen(c->text);
	if (n + strlen(text) < sizeof(c->text))
		memcpy(c->text + n, text, strlen(text) + 1);
}

static void
put_glyph(struct grid *g, int y, int x, enum look look, const struct glyph *u)
{
	if (u->width <= 2) {
		set(g, y, x, look, u->text, u->width);
		return;
	}
	for (int i = 0; i < u->width; i++) {
		char one[2] = { u->text[i], '\0' };

		set(g, y, x + i, look, one, 1);
	}
}

int
grid_put(
    struct grid *g, int y, int x, int width, enum look look, const char *text)
{
	int at = 0, last = 0;
	bool is_cut;
	struct glyph u;

	if (y < 0 || y >= g->rows || x < 0 || x >= g->cols || width <= 0)
		return 0;
	if (width > g->cols - x)
		width = g->cols - x;
	is_cut = grid_width(g, text) > width;
	while (*text != '\0') {
		text += next_glyph(g, text, &u);
		if (at + u.width > width - is_cut)
			break;
		if (u.width == 0) {
			if (at > 0)
				add_mark(g, y, x + last, u.text);
			continue;
		}
		last = at;
		put_glyph(g, y, x + at, look, &u);
		at += u.width;
	}
	if (is_cut)
		set(g, y, x + at++, look, g->is_ascii ? "~" : "…", 1);
	return at;
}

int
grid_putf(struct grid *g, int y, int x, int width, enum look look,
    const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return grid_put(g, y, x, width, look, text);
}

void
grid_right(
    struct grid *g, int y, int x, int width, enum look look, const char *text)
{
	int n = grid_width(g, text);

	if (n < width)
		x += width - n;
	grid_put(g, y, x, n > width ? n : width, look, text);
}

void
grid_row_look(struct grid *g, int y, int x, enum look look)
{
	for (; y >= 0 && y < g->rows && x < g->cols; x++)
		g->cell[y * g->cols + x].look = (uint8_t)look;
}

void
grid_text(const struct grid *g, int y, struct buf *b)
{
	size_t start = b->len;

	for (int x = 0; x < g->cols; x++)
		buf_adds(b, grid_at(g, y, x)->text);
	while (b->len > start && b->data[b->len - 1] == ' ')
		b->data[--b->len] = '\0';
}
