/*
 * view_help: the key table as it is.
 */
#include "console.h"

static const char *
where(unsigned screens)
{
	if (screens == 1u << SCREEN_MESSAGES)
		return "2";
	return screens & 1u << SCREEN_FLOW ? "" : "2 3";
}

void
help_draw(const struct console *c, struct grid *g, int y, int n)
{
	grid_put(g, y, 0, g->cols, LOOK_TITLE,
	    "KEY     SCREEN  WHAT IT DOES (Up, Down; any other key ends)");
	grid_row_look(g, y, 0, LOOK_TITLE);
	for (int i = 0; i < n - 1 && c->help_top + i < ACTIONS - 1; i++) {
		const struct key_row *r = &key_table[c->help_top + i];

		grid_put(g, y + 1 + i, 0, 8, LOOK_TAB, r->name);
		grid_put(g, y + 1 + i, 9, 6, LOOK_PLAIN, where(r->screens));
		grid_put(g, y + 1 + i, 16, g->cols - 16, LOOK_PLAIN, r->help);
	}
}
