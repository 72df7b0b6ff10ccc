/*
 * console_keys: where keys and clicks go: to the help, to what is being typed,
 * to an act, or to the table.
 */
#include <stdio.h>
#include <string.h>

#include "console.h"
#include "setup.h"

static void
help_key(struct console *c, int code)
{
	if (code == K_DOWN || code == K_PAGE_DOWN)
		c->help_top += code == K_DOWN ? 1 : c->page;
	else if (code == K_UP || code == K_PAGE_UP)
		c->help_top -= code == K_UP ? 1 : c->page;
	else
		c->is_help = false;
	if (c->help_top > ACTIONS - 2)
		c->help_top = ACTIONS - 2;
	if (c->help_top < 0)
		c->help_top = 0;
}

/* Nothing typed: the text of before. */
static void
search(struct console *c)
{
	if (c->prompt.text[0] != '\0')
		snprintf(c->search, sizeof(c->search), "%s", c->prompt.text);
	console_find(c, false);
}

/* False: leave. */
static bool
typed(struct console *c, int code)
{
	enum prompt_end end = prompt_key(&c->prompt, code);
	enum typing what = c->typing;

	if (end != PROMPT_GOES_ON)
		c->typing = TYPE_NOTHING;
	if (end != PROMPT_TAKEN)
		return true;
	if (what == TYPE_COMMAND)
		return console_command(c, c->prompt.text);
	if (what == TYPE_SEARCH)
		search(c);
	else if (what == TYPE_TRACE)
		console_trace(c, c->prompt.text);
	else
		console_filter(c, c->prompt.text);
	return true;
}

int
console_key(struct console *c, int code)
{
	enum action a;

	if (c->is_help) {
		help_key(c, code);
	} else if (c->is_setup) {
		setup_key(c, code);
	} else if (c->typing != TYPE_NOTHING) {
		if (!typed(c, code))
			return KEY_HANDLED | KEY_LEAVE;
	} else if (acts_is_modal(&c->acts)) {
		acts_key(&c->acts, c->model, c->asks, code);
	} else {
		a = key_action(code, c->screen);
		if (a == DO_NOTHING)
			return 0;
		if (a == DO_QUIT)
			return KEY_HANDLED | KEY_LEAVE;
		console_do(c, a);
	}
	return KEY_HANDLED | KEY_REDRAW;
}

static void
click_title(struct console *c, int x)
{
	const struct drawn *d = &c->drawn;

	for (int i = 0; i < 8; i++)
		if (d->sort_x[i] >= 0 && x >= d->sort_x[i] &&
		    x < d->sort_end[i]) {
			if (i == c->order[c->screen] &&
			    c->screen == SCREEN_MESSAGES)
				c->is_reverse = !c->is_reverse;
			console_order(c, i);
		}
}

/* A row that is chosen already is opened. */
static void
click_row(struct console *c, size_t row)
{
	struct place *p = &c->place[c->screen];

	if (row >= list_rows(c))
		return;
	if (row == p->row) {
		console_open(c);
		return;
	}
	p->row = row;
	console_moved(c);
}

int
console_click(struct console *c, int y, int x)
{
	const struct drawn *d = &c->drawn;
	struct place *p = &c->place[c->screen];

	if (c->is_help || c->is_setup || c->typing != TYPE_NOTHING ||
	    acts_is_modal(&c->acts))
		return 0;
	c->note[0] = c->acts.note[0] = '\0';
	if (y == d->tab_y) {
		for (int s = SCREENS - 1; s >= 0; s--)
			if (x >= d->tab_x[s]) {
				console_show(c, (enum tab)s);
				break;
			}
	} else if (y == d->title_y && d->title_y > 0) {
		click_title(c, x);
	} else if (y >= d->list_y && y < d->list_y + d->list_n) {
		click_row(c, p->top + (size_t)(y - d->list_y));
	} else {
		return 0;
	}
	return KEY_HANDLED | KEY_REDRAW;
}
