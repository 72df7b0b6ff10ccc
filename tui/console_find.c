/*
 * console_find: to another row of the list: one that has a text, one that is
 * about the same message, one that tells of trouble. Only rows that are
 * loaded are looked at.
 */
#include <stdio.h>
#include <string.h>

#include "console.h"

typedef bool row_test(const struct console *, size_t row, const void *arg);

static bool
has_any(const char *const text[], size_t n, const char *part)
{
	for (size_t i = 0; i < n; i++)
		if (text[i] != NULL && strcasestr(text[i], part) != NULL)
			return true;
	return false;
}

static bool
message_has(const struct message *m, const char *part)
{
	const char *const text[] = { m->id, m->from, m->to, m->text, m->state,
		m->reason };

	return has_any(text, sizeof(text) / sizeof(text[0]), part);
}

static bool
host_has(const struct host *h, const char *part)
{
	const char *const text[] = { h->name, h->text, h->state };

	return has_any(text, sizeof(text) / sizeof(text[0]), part);
}

static bool
event_has(const struct log_row *r, const char *part)
{
	const char *const text[] = { r->name, r->id, r->text, r->stages };

	return has_any(text, sizeof(text) / sizeof(text[0]), part);
}

static bool
has_text(const struct console *c, size_t row, const void *arg)
{
	switch (c->screen) {
	case SCREEN_MESSAGES:
		return message_has(&c->model->list.at[row], arg);
	case SCREEN_HOSTS:
		return host_has(&c->model->hosts.at[row], arg);
	case SCREEN_FLOW:
		return strcasestr(list_name(c, row), arg) != NULL;
	default:
		return event_has(list_event(c, row), arg);
	}
}

static bool
is_trouble(const struct console *c, size_t row, const void *arg)
{
	(void)arg;
	return list_is_trouble(c, row);
}

static bool
is_same(const struct console *c, size_t row, const void *arg)
{
	const struct log_row *r = list_event(c, row);

	return r != NULL && strcmp(r->id, arg) == 0;
}

static void
go_to(struct console *c, size_t row)
{
	c->place[c->screen].row = row;
	console_moved(c);
}

/* The next row, or the one before, for which it holds. */
static void
jump(struct console *c, bool is_back, row_test *is_it, const void *arg)
{
	size_t n = list_rows(c), row = c->place[c->screen].row;

	for (;;) {
		if (is_back ? row == 0 : row + 1 >= n)
			break;
		row += is_back ? (size_t)-1 : 1;
		if (is_it(c, row, arg)) {
			go_to(c, row);
			return;
		}
	}
	console_note(c, is_back ? "none before" : "none behind");
}

/* Round the end of the list, up to the chosen row itself. */
void
console_find(struct console *c, bool is_back)
{
	size_t n = list_rows(c), from = c->place[c->screen].row;

	if (c->search[0] == '\0') {
		console_note(c, "no text is searched for: F3 or / types one");
		return;
	}
	for (size_t i = 1; i <= n; i++) {
		size_t row = (from + (is_back ? n - i : i)) % n;

		if (!has_text(c, row, c->search))
			continue;
		if (row == from)
			console_note(c, "only here: %s", c->search);
		else if ((row < from) != is_back)
			console_note(c,
			    is_back ? "on from the end"
				    : "on from the beginning");
		go_to(c, row);
		return;
	}
	console_note(c, "not found: %s", c->search);
}

void
console_find_trouble(struct console *c, bool is_back)
{
	jump(c, is_back, is_trouble, NULL);
}

void
console_find_same(struct console *c, bool is_back)
{
	const struct log_row *r = list_event(c, c->place[c->screen].row);
	char id[sizeof(r->id)];

	if (r == NULL || r->id[0] == '\0') {
		console_note(c, "that is about no message");
		return;
	}
	snprintf(id, sizeof(id), "%s", r->id);
	jump(c, is_back, is_same, id);
}
