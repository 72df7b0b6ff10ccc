/*
 * console_do: what each key of the table does.
 */
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "setup.h"

#define STEP US_MIN

static void
open_filter_of(struct console *c, const char *word, const char *name)
{
	char filter[310];

	if (name[0] == '\0')
		return;
	snprintf(filter, sizeof(filter), "%s%s", word, name);
	console_show(c, SCREEN_MESSAGES);
	console_filter(c, filter);
}

static void
start_typing(struct console *c, enum typing what, const char *text)
{
	c->typing = what;
	snprintf(c->prompt.text, sizeof(c->prompt.text), "%s", text);
}

void
console_open(struct console *c)
{
	const char *name = c->place[c->screen].name;
	const struct log_row *r = list_event(c, c->place[c->screen].row);

	switch (c->screen) {
	case SCREEN_FLOW:
		if (strcmp(name, "TOTAL") == 0)
			console_show(c, SCREEN_MESSAGES);
		else
			open_filter_of(c, "to:@", name);
		break;
	case SCREEN_HOSTS:
		open_filter_of(c, "host:", name);
		break;
	case SCREEN_MESSAGES:
		c->is_open = !c->is_open;
		model_detail(c->model, name);
		console_ask_now(c, ASK_DETAIL);
		break;
	case SCREEN_LOG:
		console_trace(c, r ? r->id : "");
		break;
	default:
		start_typing(c, TYPE_TRACE, "");
	}
}

static void
back(struct console *c)
{
	if (c->acts.stage == ACT_RUNNING)
		acts_cancel(&c->acts, c->model, c->asks);
	else if (c->screen == SCREEN_MESSAGES && c->is_open)
		c->is_open = false;
	else if (c->screen == SCREEN_HOSTS && c->is_tree)
		c->is_tree = false;
	else if (c->is_wide)
		c->is_wide = false;
	else if (c->tags[c->screen].n != 0)
		tags_clear(&c->tags[c->screen]);
	else if (c->filter[c->screen][0] != '\0')
		console_filter(c, "");
	else if (c->archive->at != 0)
		console_at(c, INT64_MAX);
}

static const struct message *
chosen_message(const struct console *c)
{
	const struct messages *l = &c->model->list;
	const struct place *p = &c->place[SCREEN_MESSAGES];

	return p->row < l->n ? &l->at[p->row] : NULL;
}

static void
open_act(struct console *c, enum action a)
{
	const struct message *msg = chosen_message(c);
	bool is_host = c->screen == SCREEN_HOSTS;
	struct act_target target = { is_host, c->place[c->screen].name,
		c->filter[c->screen], &c->tags[c->screen],
		is_host || !msg ? 0 : msg->act };
	const char *op = NULL;

	if (!console_may_act(c))
		return;
	if (list_rows(c) == 0) {
		console_note(c, "there is nothing chosen");
		return;
	}
	if (a == DO_RETRY)
		op = is_host ? "hosts.retry" : "queue.retry";
	else if (a == DO_HOLD)
		op = msg && strcmp(msg->state, "held") == 0 ? "queue.release"
							    : "queue.hold";
	acts_open(&c->acts, &target, op);
}

void
console_moved(struct console *c)
{
	struct place *p = &c->place[c->screen];
	size_t n = list_rows(c);

	console_place_row(c, p->row);
	if (c->screen == SCREEN_HOSTS || c->screen == SCREEN_MESSAGES)
		if (p->row + (size_t)c->page > n / 2 && n >= 200)
			console_ask_now(c,
			    c->screen == SCREEN_HOSTS ? ASK_HOSTS : ASK_LIST);
	if (c->screen == SCREEN_MESSAGES && c->is_open) {
		model_detail(c->model, p->name);
		console_ask_now(c, ASK_DETAIL);
	}
}

static void
tag(struct console *c, enum action a)
{
	struct tags *t = &c->tags[c->screen];
	struct place *p = &c->place[c->screen];

	if (a == DO_UNTAG) {
		tags_clear(t);
	} else if (a == DO_TAG_ALL) {
		for (size_t i = 0; i < list_rows(c); i++)
			tags_add(t, list_name(c, i));
	} else if (list_rows(c) != 0) {
		tags_toggle(t, p->name);
		place_move(p, DO_DOWN, list_rows(c), c->page);
		console_moved(c);
	}
	console_note(c, "%zu tagged", t->n);
}

static void
pin(struct console *c)
{
	const char *name = c->place[c->screen].name;
	char *p = c->pin[c->screen];

	if (name[0] == '\0')
		console_note(c, "there is nothing chosen");
	else
		snprintf(p, sizeof(c->pin[0]), "%s",
		    strcmp(p, name) == 0 ? "" : name);
}

/* What would steer the place that it is pasted to is not copied. */
static void
copy(struct console *c)
{
	const struct log_row *r = list_event(c, c->place[c->screen].row);
	const char *name = r ? r->id : c->place[c->screen].name;

	if (!c->may_copy)
		console_note(c, "copying is off: started without --copy");
	else if (name[0] == '\0')
		console_note(c,
		    r ? "that is about no message" : "there is nothing chosen");
	else if (!grid_shows_all(name) || strchr(name, ' ') != NULL)
		console_note(c, "not copied, no plain name: %s", name);
	else {
		snprintf(c->copy, sizeof(c->copy), "%s", name);
		console_note(c, "copied: %s", name);
	}
}

static void
step_at(struct console *c, bool is_back)
{
	int64_t at = c->archive->at ? c->archive->at : clock_wall();

	if (c->archive->at == 0 && !is_back)
		return;
	console_at(c, at + (is_back ? -STEP : STEP));
}

/* To the nearest event that changed something, or snapshot that differs. */
static void
change_at(struct console *c, bool is_back)
{
	struct archive *a = c->archive;
	int64_t at = a->at ? a->at : clock_wall(), to;

	if (a->past == NULL || (a->at == 0 && !is_back)) {
		console_note(
		    c, a->past ? "this is now" : "no past: %s", a->why);
		return;
	}
	if (past_change(a->past, at, is_back, &to))
		console_at(c, to);
	else if (is_back)
		console_note(c, "nothing changed before");
	else
		console_at(c, INT64_MAX);
}

static void
switch_screen(struct console *c, enum action a)
{
	switch (a) {
	case DO_FLOW:
	case DO_MESSAGES:
	case DO_HOSTS:
	case DO_TRACE:
	case DO_LOG:
		console_show(c, (enum tab)(a - DO_FLOW));
		break;
	default:
		console_show(c, (c->screen + 1) % SCREENS);
	}
}

static void
do_list(struct console *c, enum action a)
{
	switch (a) {
	case DO_SORT:
	case DO_UNSORT:
		console_order(c, c->order[c->screen] + (a == DO_SORT ? 1 : -1));
		break;
	case DO_INVERT:
		c->is_reverse = !c->is_reverse;
		console_order(c, c->order[c->screen]);
		break;
	case DO_TREE:
		c->is_tree = !c->is_tree;
		break;
	case DO_TAG:
	case DO_TAG_ALL:
	case DO_UNTAG:
		tag(c, a);
		break;
	case DO_WIDE:
		c->is_wide = !c->is_wide;
		break;
	case DO_COPY:
		copy(c);
		break;
	case DO_PIN:
		pin(c);
		break;
	case DO_LIFE:
		if (list_rows(c) == 0)
			console_note(c, "there is nothing chosen");
		else
			console_trace(c, c->place[c->screen].name);
		break;
	case DO_FIND_NEXT:
	case DO_FIND_BEFORE:
		console_find(c, a == DO_FIND_BEFORE);
		break;
	case DO_SAME_NEXT:
	case DO_SAME_BEFORE:
		console_find_same(c, a == DO_SAME_BEFORE);
		break;
	case DO_FAIL_NEXT:
	case DO_FAIL_BEFORE:
		console_find_trouble(c, a == DO_FAIL_BEFORE);
		break;
	default:
		place_move(&c->place[c->screen], a, list_rows(c), c->page);
		console_moved(c);
	}
}

void
console_do(struct console *c, enum action a)
{
	c->note[0] = c->acts.note[0] = '\0';
	console_follow(c); /* what is acted on is what the cursor shows */
	switch (a) {
	case DO_HELP:
		c->is_help = true;
		c->help_top = 0;
		break;
	case DO_SETUP:
		c->is_setup = true;
		break;
	case DO_OPEN:
		console_open(c);
		break;
	case DO_BACK:
		back(c);
		break;
	case DO_FIND:
		start_typing(c, TYPE_SEARCH, "");
		break;
	case DO_FILTER:
		start_typing(c, TYPE_FILTER, c->filter[c->screen]);
		break;
	case DO_COMMAND:
		start_typing(c, TYPE_COMMAND, "");
		break;
	case DO_HOLD:
	case DO_RETRY:
	case DO_ACT:
		open_act(c, a);
		break;
	case DO_AT_BACK:
	case DO_AT_ON:
		step_at(c, a == DO_AT_BACK);
		break;
	case DO_CHANGE_BACK:
	case DO_CHANGE_ON:
		change_at(c, a == DO_CHANGE_BACK);
		break;
	case DO_PAUSE:
		c->is_paused = !c->is_paused;
		break;
	case DO_ZONE:
		c->is_utc = !c->is_utc;
		break;
	case DO_METERS:
		c->is_bare = !c->is_bare;
		break;
	case DO_FASTER:
	case DO_SLOWER:
		setup_interval(c, a == DO_SLOWER ? 1 : -1);
		break;
	default:
		if (a <= DO_NEXT)
			switch_screen(c, a);
		else
			do_list(c, a);
	}
}
