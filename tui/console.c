#include "console.h"

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "request.h"
#include "say.h"

#define WINDOW_LEAST 200 /* messages asked for at least */
#define WINDOW_MOST 5000
#define BUSY_SHARE 20 /* an answer's time is at most a 20th of all time */

void
console_init(struct console *c, struct model *m, struct asks *a)
{
	*c = (struct console){ .model = m, .asks = a, .interval = US_SEC };
	c->page = 20;
}

int64_t
console_stale_after(const struct console *c)
{
	return 3 * (c->interval > US_SEC ? c->interval : US_SEC);
}

/* What is asked how often, when the screen wants it at all. */
static int64_t
wanted(const struct console *c, enum ask kind)
{
	bool is_list = c->screen == SCREEN_MESSAGES && !c->is_paused;

	switch (kind) {
	case ASK_STATUS:
		return c->interval > US_SEC ? c->interval : US_SEC;
	case ASK_LIST:
		return is_list ? 2 * US_SEC : 0;
	case ASK_DETAIL:
		return is_list && c->is_open && c->model->detail.id[0]
		    ? 2 * US_SEC
		    : 0;
	case ASK_HOSTS:
		return c->screen != SCREEN_MESSAGES && !c->is_paused
		    ? 5 * US_SEC
		    : 0;
	default:
		return 0;
	}
}

static json_t *
make(const struct console *c, enum ask kind)
{
	size_t limit = (c->place[SCREEN_MESSAGES].row + (size_t)c->page) * 2;
	json_t *j;

	switch (kind) {
	case ASK_LIST:
		limit = limit < WINDOW_LEAST ? WINDOW_LEAST
		    : limit > WINDOW_MOST    ? WINDOW_MOST
					     : limit;
		j = request_new(
		    "queue.list", "filter", c->filter[SCREEN_MESSAGES]);
		json_object_set_new(
		    j, "limit", json_integer((json_int_t)limit));
		return j;
	case ASK_DETAIL:
		return request_new("queue.why", "id", c->model->detail.id);
	case ASK_HOSTS:
		return request_new("hosts.list", NULL, NULL);
	default:
		return request_new("status", NULL, NULL);
	}
}

static void
ask_when_due(struct console *c, enum ask kind, int64_t now)
{
	const struct model *m = c->model;
	int64_t each = wanted(c, kind);

	if (c->ended[kind] != m->ended[kind]) {
		int64_t rest = m->took[kind] * BUSY_SHARE;

		c->ended[kind] = m->ended[kind];
		c->due[kind] = now + (each > rest ? each : rest);
	}
	if (each == 0 || now < c->due[kind] || c->asks->request[kind] != NULL)
		return;
	asks_put(c->asks, kind, make(c, kind));
	c->due[kind] = INT64_MAX; /* until its answer has ended */
}

/* The row of the place's name may have moved: near, or it is gone. */
static void
follow(struct console *c)
{
	struct place *p = &c->place[c->screen];
	size_t n = list_rows(c);

	if (p->name[0] != '\0' &&
	    !(p->row < n && strcmp(list_name(c, p->row), p->name) == 0))
		for (size_t i = 0; i < n; i++)
			if (strcmp(list_name(c, i), p->name) == 0) {
				p->top += i - p->row;
				p->row = i;
				if (p->top > n)
					p->top = 0;
				break;
			}
	place_clip(p, n, c->page);
	snprintf(
	    p->name, sizeof(p->name), "%s", n > 0 ? list_name(c, p->row) : "");
	if (c->screen == SCREEN_MESSAGES && c->is_open)
		model_detail(c->model, p->name);
}

bool
console_turn(struct console *c, int64_t now)
{
	unsigned before = 0, after = 0;
	bool is_new;

	for (int k = 0; k < ASKS; k++) {
		before += c->ended[k];
		after += c->model->ended[k];
	}
	is_new = before != after;
	if (is_new && c->screen != SCREEN_FLOW)
		follow(c);
	if (acts_turn(&c->acts, c->model, c->asks)) {
		memset(c->due, 0, sizeof(c->due));
		memcpy(c->ended, c->model->ended, sizeof(c->ended));
	}
	if (c->model->is_connected)
		for (int k = 0; k < ASKS; k++)
			if (k != ASK_ACT)
				ask_when_due(c, (enum ask)k, now);
	c->ended[ASK_ACT] = c->model->ended[ASK_ACT];
	return is_new;
}

static void
ask_now(struct console *c, enum ask kind)
{
	if (c->asks->request[kind] == NULL)
		c->due[kind] = 0;
}

static void
set_filter(struct console *c, const char *text)
{
	char *f = c->filter[c->screen];

	snprintf(f, sizeof(c->filter[0]), "%s", text);
	c->place[c->screen] = (struct place){ 0 };
	if (c->screen == SCREEN_HOSTS)
		model_filter_hosts(c->model, text);
	if (c->screen == SCREEN_MESSAGES) {
		c->asks->stop |= 1u << ASK_LIST;
		asks_put(c->asks, ASK_LIST, NULL);
		model_forget_list(c->model);
		ask_now(c, ASK_LIST);
	}
}

static void
show(struct console *c, enum tab s)
{
	c->screen = s;
	ask_now(c, ASK_LIST);
	ask_now(c, ASK_HOSTS);
}

static void
open_row(struct console *c)
{
	char filter[310];

	if (c->screen == SCREEN_HOSTS) {
		if (c->place[SCREEN_HOSTS].name[0] == '\0')
			return;
		snprintf(filter, sizeof(filter), "host:%s",
		    c->place[SCREEN_HOSTS].name);
		show(c, SCREEN_MESSAGES);
		set_filter(c, filter);
		return;
	}
	c->is_open = !c->is_open;
	model_detail(c->model, c->place[SCREEN_MESSAGES].name);
	ask_now(c, ASK_DETAIL);
}

static void
back(struct console *c)
{
	if (c->screen == SCREEN_MESSAGES && c->is_open)
		c->is_open = false;
	else if (c->filter[c->screen][0] != '\0')
		set_filter(c, "");
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
	const char *op = NULL;

	if (c->is_readonly || !c->model->is_admin) {
		snprintf(c->note, sizeof(c->note), "read-only: %s",
		    c->is_readonly ? "started so"
				   : "root and the admin group may act");
		return;
	}
	if (list_rows(c) == 0) {
		snprintf(c->note, sizeof(c->note), "there is nothing chosen");
		return;
	}
	if (a == DO_RETRY)
		op = is_host ? "hosts.retry" : "queue.retry";
	else if (a == DO_HOLD)
		op = msg && strcmp(msg->state, "held") == 0 ? "queue.release"
							    : "queue.hold";
	acts_open(&c->acts, is_host, c->place[c->screen].name,
	    c->filter[c->screen], is_host || !msg ? 0 : msg->act, op);
}

static void
change_interval(struct console *c, int up)
{
	static const int64_t steps[] = { US_SEC / 10, US_SEC / 5, US_SEC / 2,
		US_SEC, 2 * US_SEC, 5 * US_SEC, 10 * US_SEC, 30 * US_SEC,
		60 * US_SEC };
	int i = 0, n = sizeof(steps) / sizeof(steps[0]);

	while (i < n - 1 && steps[i] < c->interval)
		i++;
	i += up;
	i = i < 0 ? 0 : i >= n ? n - 1 : i;
	c->interval = steps[i];
	snprintf(c->note, sizeof(c->note), "refresh each %g s",
	    (double)c->interval / (double)US_SEC);
}

static void
move(struct console *c, enum action a)
{
	struct place *p = &c->place[c->screen];
	size_t n = list_rows(c);

	place_move(p, a, n, c->page);
	snprintf(
	    p->name, sizeof(p->name), "%s", n > 0 ? list_name(c, p->row) : "");
	if (c->screen != SCREEN_MESSAGES)
		return;
	if (p->row + (size_t)c->page > n / 2 && n >= WINDOW_LEAST)
		ask_now(c, ASK_LIST);
	if (c->is_open) {
		model_detail(c->model, p->name);
		ask_now(c, ASK_DETAIL);
	}
}

static void
do_action(struct console *c, enum action a)
{
	c->note[0] = c->acts.note[0] = '\0';
	if (c->screen != SCREEN_FLOW)
		follow(c); /* what is acted on is what the cursor shows */
	switch (a) {
	case DO_HELP:
		c->is_help = true;
		c->help_top = 0;
		break;
	case DO_FLOW:
	case DO_MESSAGES:
	case DO_HOSTS:
		show(c, (enum tab)(a - DO_FLOW));
		break;
	case DO_NEXT:
		show(c, (c->screen + 1) % SCREENS);
		break;
	case DO_OPEN:
		open_row(c);
		break;
	case DO_BACK:
		back(c);
		break;
	case DO_FILTER:
		c->is_typing = true;
		snprintf(c->prompt.text, sizeof(c->prompt.text), "%s",
		    c->filter[c->screen]);
		break;
	case DO_HOLD:
	case DO_RETRY:
	case DO_ACT:
		open_act(c, a);
		break;
	case DO_PAUSE:
		c->is_paused = !c->is_paused;
		break;
	case DO_ZONE:
		c->is_utc = !c->is_utc;
		break;
	case DO_FASTER:
	case DO_SLOWER:
		change_interval(c, a == DO_SLOWER ? 1 : -1);
		break;
	default:
		move(c, a);
	}
}

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

static void
typed(struct console *c, int code)
{
	enum prompt_end end = prompt_key(&c->prompt, code);

	if (end != PROMPT_GOES_ON)
		c->is_typing = false;
	if (end == PROMPT_TAKEN)
		set_filter(c, c->prompt.text);
}

int
console_key(struct console *c, int code)
{
	enum action a;

	if (c->is_help) {
		help_key(c, code);
	} else if (c->is_typing) {
		typed(c, code);
	} else if (c->acts.stage != ACT_NONE) {
		acts_key(&c->acts, c->model, c->asks, code);
	} else {
		a = key_action(code, c->screen);
		if (a == DO_NOTHING)
			return 0;
		if (a == DO_QUIT)
			return KEY_HANDLED | KEY_LEAVE;
		do_action(c, a);
	}
	return KEY_HANDLED | KEY_REDRAW;
}

bool
console_is_ready(const struct console *c)
{
	const struct model *m = c->model;

	if (!m->is_connected || !m->has_status || m->heard == 0)
		return false;
	if (c->screen == SCREEN_MESSAGES)
		return m->has_list;
	return m->has_hosts && (c->screen == SCREEN_HOSTS || m->samples > 0);
}
