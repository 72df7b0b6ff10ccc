/*
 * view_help: the key table as it is.
 */
#include "console.h"

/* The digits of the screens that it is for; all: none. */
static const char *
where(unsigned screens, char ret[2 * SCREENS + 1])
{
	static const char digits[SCREENS] = { '1', '2', '3', '4', '6' };
	int n = 0;

	for (int s = 0; s < SCREENS && screens != (1u << SCREENS) - 1; s++)
		if (screens & 1u << s) {
			ret[n++] = digits[s];
			ret[n++] = ' ';
		}
	ret[n] = '\0';
	return ret;
}

void
help_draw(const struct console *c, struct grid *g, int y, int n)
{
	grid_put(g, y, 0, g->cols, LOOK_TITLE,
	    "KEY     SCREEN  WHAT IT DOES (Up, Down; any other key ends)");
	grid_row_look(g, y, 0, LOOK_TITLE);
	for (int i = 0; i < n - 1 && c->help_top + i < ACTIONS - 1; i++) {
		const struct key_row *r = &key_table[c->help_top + i];
		char screens[2 * SCREENS + 1];

		grid_put(g, y + 1 + i, 0, 8, LOOK_TAB, r->name);
		grid_put(
		    g, y + 1 + i, 9, 6, LOOK_PLAIN, where(r->screens, screens));
		grid_put(g, y + 1 + i, 16, g->cols - 16, LOOK_PLAIN, r->help);
	}
}
