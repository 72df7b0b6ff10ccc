/*
 * view_lists: what the rows of each screen are, for moving about in them.
 */
#include <stdio.h>
#include <string.h>

#include "console.h"

const char *const message_orders[] = { "oldest", "size", "tries", "next",
	"from", NULL };
const char *const host_orders[] = { "queued", "active", "fails", "tried",
	"name", NULL };

const char *const *
console_orders(const struct console *c)
{
	static const char *const none[] = { NULL };

	return c->screen == SCREEN_MESSAGES ? message_orders
	    : c->screen == SCREEN_HOSTS	    ? host_orders
					    : none;
}

const struct shape *
flow_shape(const struct console *c)
{
	return c->archive->at ? &c->archive->shape : &c->model->shape;
}

size_t
list_rows(const struct console *c)
{
	const struct shape *s = flow_shape(c);

	switch (c->screen) {
	case SCREEN_MESSAGES:
		return c->model->list.n;
	case SCREEN_HOSTS:
		return c->model->hosts.n;
	case SCREEN_TRACE:
		return c->archive->trace.rows.n;
	case SCREEN_LOG:
		return archive_log_rows(c->archive);
	default:
		return s->t != 0 ? s->rows + 1 : 0;
	}
}

const struct log_row *
list_event(const struct console *c, size_t row)
{
	if (c->screen == SCREEN_LOG)
		return archive_log(c->archive, row);
	if (c->screen == SCREEN_TRACE && row < c->archive->trace.rows.n)
		return &c->archive->trace.rows.at[row];
	return NULL;
}

const char *
list_name(const struct console *c, size_t row)
{
	if (row >= list_rows(c))
		return "";
	switch (c->screen) {
	case SCREEN_MESSAGES:
		return c->model->list.at[row].id;
	case SCREEN_HOSTS:
		return c->model->hosts.at[row].name;
	case SCREEN_FLOW:
		return row == 0 ? "TOTAL" : flow_shape(c)->row[row - 1].name;
	default:
		return list_event(c, row)->key;
	}
}

bool
list_is_trouble(const struct console *c, size_t row)
{
	const struct log_row *r = list_event(c, row);
	const struct shape *s = flow_shape(c);

	if (row >= list_rows(c))
		return false;
	switch (c->screen) {
	case SCREEN_MESSAGES:
		return c->model->list.at[row].code >= 400;
	case SCREEN_HOSTS:
		return c->model->hosts.at[row].fails != 0;
	case SCREEN_FLOW:
		return row > 0 &&
		    strchr("DX", shape_letter(&s->row[row - 1])) != NULL;
	default:
		return r != NULL && log_row_is_trouble(r);
	}
}
