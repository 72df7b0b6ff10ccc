/*
 * acts_draw: the menu, the question before an act, and how far it is.
 */
#include "acts.h"
#include "say.h"

/* Where there are fewer lines than acts: their names, side by side. */
static void
draw_names(const struct acts *a, struct grid *g, int y, int rows)
{
	int each = g->cols / 3, x = 0;

	for (const struct act *one = acts_menu(a);
	     one->op != NULL && one->key > 0 && rows > 0; one++) {
		grid_putf(g, y, 1 + x * each, each - 1, LOOK_TAB, "%c %s",
		    one->key, one->name);
		x = (x + 1) % 3;
		y += x == 0;
		rows -= x == 0;
	}
}

static void
draw_effects(const struct acts *a, struct grid *g, int y)
{
	for (const struct act *x = acts_menu(a); x->op != NULL && x->key > 0;
	     x++, y++) {
		grid_putf(g, y, 1, 12, LOOK_TAB, "%c  %s", x->key, x->name);
		grid_put(g, y, 14, g->cols - 14, LOOK_PLAIN, x->effect);
	}
}

static void
draw_menu(const struct acts *a, struct grid *g, int y, int rows)
{
	char what[700];
	int n = 0;

	acts_target(a, what, sizeof(what));
	grid_put(g, y, 0, 5, LOOK_TITLE, " ACT ");
	grid_put(g, y, 6, g->cols - 6, LOOK_PLAIN, what);
	while (acts_menu(a)[n].op != NULL && acts_menu(a)[n].key > 0)
		n++;
	if (rows - 1 < n)
		draw_names(a, g, y + 1, rows - 1);
	else
		draw_effects(a, g, y + 1);
	grid_put(g, g->rows - 1, 0, g->cols, LOOK_TITLE,
	    a->is_host
		? "a letter chooses  Tab one / tagged  Esc leaves"
		: "a letter chooses  Tab one / tagged / all  Esc leaves");
}

static void
draw_confirm(const struct acts *a, struct grid *g, int y, int rows)
{
	char what[700], n[SAY_MAX];
	int w;

	acts_target(a, what, sizeof(what));
	say_number(n, a->count);
	grid_putf(g, y, 0, g->cols, LOOK_WARN, "%s %s: %s %s%s", a->act->name,
	    what, n, a->is_host ? "destination" : "message",
	    a->count == 1 ? "" : "s");
	if (rows > 1)
		grid_put(g, y + 1, 0, g->cols, LOOK_PLAIN, a->act->effect);
	grid_row_look(g, g->rows - 1, 0, LOOK_TITLE);
	if (a->count > ACT_TYPE_ABOVE)
		w = grid_putf(g, g->rows - 1, 0, g->cols, LOOK_TITLE,
		    "type %lld to do it, Esc leaves: %s", (long long)a->count,
		    a->typed.text);
	else
		w = grid_put(g, g->rows - 1, 0, g->cols, LOOK_TITLE,
		    "do it? y yes, any other key leaves: ");
	g->cursor_y = g->rows - 1;
	g->cursor_x = w < g->cols ? w : g->cols - 1;
}

void
acts_draw(const struct acts *a, struct grid *g, int y, int rows)
{
	for (int i = 0; i < rows; i++)
		grid_putf(g, y + i, 0, g->cols, LOOK_PLAIN, "%*s", g->cols, "");
	grid_putf(g, g->rows - 1, 0, g->cols, LOOK_PLAIN, "%*s", g->cols, "");
	if (a->stage == ACT_MENU)
		draw_menu(a, g, y, rows);
	else if (a->stage == ACT_CONFIRM)
		draw_confirm(a, g, y, rows);
	else
		grid_putf(g, g->rows - 1, 0, g->cols, LOOK_TITLE,
		    "%s: counting how many that is; Esc leaves", a->act->name);
}

/* "delete [######        ] 12,300 of 48,000 changed  Esc stops it" */
void
acts_progress(
    const struct acts *a, const struct model *m, struct grid *g, int y)
{
	int64_t done = a->is_host ? (int64_t)a->next : m->result.matched;
	int width = g->cols > 70 ? 20 : 8, full;
	char n[SAY_MAX], all[SAY_MAX], bar[32];

	full = a->count > 0 && done < a->count ? (int)(done * width / a->count)
					       : width;
	for (int i = 0; i < width; i++)
		bar[i] = i < full ? '#' : ' ';
	bar[width] = '\0';
	say_number(n, done);
	say_number(all, a->count);
	grid_putf(g, y, 0, g->cols, LOOK_WARN, "%s [%s] %s of %s  %s",
	    a->act->name, bar, n, all,
	    a->is_stopping ? "being stopped" : "Esc stops it");
}
