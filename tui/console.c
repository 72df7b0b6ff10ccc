#include "console.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "request.h"

#define WINDOW_LEAST 200 /* rows asked for at least */
#define WINDOW_MOST 5000
#define FLOW_HOSTS 60
#define BUSY_SHARE 40 /* an answer's time is at most a 40th of all time */

void
console_init(
    struct console *c, struct model *m, struct asks *a, struct archive *archive)
{
	*c = (struct console){
		.model = m, .asks = a, .archive = archive, .interval = US_SEC
	};
	c->page = 20;
}

void
console_release(struct console *c)
{
	tags_clear(&c->acts.tags);
	for (int s = 0; s < SCREENS; s++)
		tags_clear(&c->tags[s]);
}

void
console_note(struct console *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->note, sizeof(c->note), fmt, ap);
	va_end(ap);
}

int64_t
console_stale_after(const struct console *c)
{
	return 3 * (c->interval > US_SEC ? c->interval : US_SEC);
}

bool
console_is_stale(const struct console *c)
{
	return !c->model->is_connected ||
	    model_age(c->model, c->now) > console_stale_after(c);
}

/* A pause is for lists that are there; the first one comes. */
static bool
stands_still(const struct console *c, enum ask kind)
{
	const struct model *m = c->model;
	const bool is_there[ASKS] = { [ASK_LIST] = m->has_list,
		[ASK_HOSTS] = m->has_hosts,
		[ASK_SHAPE] = m->has_shape,
		[ASK_DETAIL] = m->detail.row != NULL };

	return c->is_paused && is_there[kind];
}

/* What is asked how often, when the screen wants it at all. */
static int64_t
wanted(const struct console *c, enum ask kind)
{
	bool is_live = !stands_still(c, kind) && c->archive->at == 0;
	bool is_list = c->screen == SCREEN_MESSAGES && is_live;

	switch (kind) {
	case ASK_STATUS:
		return c->interval > US_SEC ? c->interval : US_SEC;
	case ASK_LIST:
		return is_list ? 2 * US_SEC : 0;
	case ASK_DETAIL:
		return is_list && c->is_open && c->model->detail.id[0]
		    ? 2 * US_SEC
		    : 0;
	case ASK_SHAPE:
		return c->screen == SCREEN_FLOW && is_live &&
			(c->model->is_admin || c->model->is_postfix)
		    ? 4 * US_SEC
		    : 0;
	case ASK_HOSTS:
		if (!is_live)
			return 0;
		return c->screen == SCREEN_HOSTS ? 2 * US_SEC
		    : c->screen == SCREEN_FLOW	 ? 5 * US_SEC
						 : 0;
	default:
		return 0;
	}
}

/* As many rows as were looked at, and some more. */
static json_int_t
window(const struct console *c, enum tab screen)
{
	size_t n = (c->place[screen].row + (size_t)c->page) * 2;

	return (json_int_t)(n < WINDOW_LEAST ? WINDOW_LEAST
		: n > WINDOW_MOST	     ? WINDOW_MOST
					     : n);
}

static json_t *
make_list(const struct console *c)
{
	json_t *j =
	    request_new("queue.list", "filter", c->filter[SCREEN_MESSAGES]);

	json_object_set_new(
	    j, "limit", json_integer(window(c, SCREEN_MESSAGES)));
	json_object_set_new(
	    j, "order", json_string(message_orders[c->order[SCREEN_MESSAGES]]));
	if (c->is_reverse)
		json_object_set_new(j, "reverse", json_true());
	return j;
}

static json_t *
make_hosts(const struct console *c)
{
	bool is_flow = c->screen == SCREEN_FLOW;
	json_t *j = request_new(
	    "hosts.list", "host", is_flow ? "*" : c->filter[SCREEN_HOSTS]);

	json_object_set_new(j, "limit",
	    json_integer(is_flow ? FLOW_HOSTS : window(c, SCREEN_HOSTS)));
	json_object_set_new(j, "order",
	    json_string(
		is_flow ? "queued" : host_orders[c->order[SCREEN_HOSTS]]));
	return j;
}

static json_t *
make(const struct console *c, enum ask kind)
{
	switch (kind) {
	case ASK_LIST:
		return make_list(c);
	case ASK_DETAIL:
		return request_new("queue.why", "id", c->model->detail.id);
	case ASK_HOSTS:
		return make_hosts(c);
	case ASK_SHAPE:
		return request_new("queue.shape", NULL, NULL);
	default:
		return request_new("status", NULL, NULL);
	}
}

static void
ask_when_due(struct console *c, enum ask kind)
{
	const struct model *m = c->model;
	int64_t each = wanted(c, kind);

	if (c->ended[kind] != m->ended[kind]) {
		int64_t rest = m->took[kind] * BUSY_SHARE;

		c->ended[kind] = m->ended[kind];
		c->due[kind] = c->now + (each > rest ? each : rest);
	}
	if (each == 0 || c->now < c->due[kind] ||
	    c->asks->request[kind] != NULL)
		return;
	asks_put(c->asks, kind, make(c, kind));
	c->due[kind] = INT64_MAX; /* until its answer has ended */
}

void
console_ask_now(struct console *c, enum ask kind)
{
	/* also while the answer to an older question is on its way */
	if (c->asks->request[kind] == NULL)
		c->due[kind] = 0;
}

void
console_place_row(struct console *c, size_t row)
{
	struct place *p = &c->place[c->screen];

	p->row = row;
	place_clip(p, list_rows(c), c->page);
	snprintf(p->name, sizeof(p->name), "%s", list_name(c, p->row));
}

/* The row of the place's name may have moved: near, or it is gone. */
void
console_follow(struct console *c)
{
	struct place *p = &c->place[c->screen];
	size_t n = list_rows(c);
	/* who looks at the newest event goes on doing so */
	bool is_top = c->screen == SCREEN_LOG && p->row == 0;

	if (!is_top && p->name[0] != '\0' &&
	    strcmp(list_name(c, p->row), p->name) != 0)
		for (size_t i = 0; i < n; i++)
			if (strcmp(list_name(c, i), p->name) == 0) {
				p->top += i - p->row;
				p->row = i;
				if (p->top > n)
					p->top = 0;
				break;
			}
	console_place_row(c, p->row);
	if (c->screen == SCREEN_MESSAGES && c->is_open)
		model_detail(c->model, p->name);
}

/* What the store is to be asked for. */
static void
tell_archive(struct console *c)
{
	struct archive *a = c->archive;
	const char *name = c->place[c->screen].name;

	a->wants_log = c->screen == SCREEN_LOG && !c->is_paused;
	a->wants_flow = c->screen == SCREEN_FLOW && !c->is_paused;
	a->wanted = (c->place[SCREEN_LOG].row + (size_t)c->page) * 2;
	if (a->wanted < WINDOW_LEAST)
		a->wanted = WINDOW_LEAST;
	if (c->screen == SCREEN_FLOW)
		archive_set_domain(a, strcmp(name, "TOTAL") == 0 ? "" : name);
	archive_set_trail(a,
	    c->screen == SCREEN_MESSAGES && c->is_open ? c->model->detail.id
						       : "");
	archive_set_destination(
	    a, c->screen == SCREEN_HOSTS && c->is_tree ? name : "");
}

bool
console_turn(struct console *c, int64_t now)
{
	unsigned before = c->log_version, after = c->archive->version;
	bool is_new;

	c->now = now;
	for (int k = 0; k < ASKS; k++) {
		before += c->ended[k];
		after += c->model->ended[k];
	}
	is_new = before != after;
	c->log_version = c->archive->version;
	if (is_new)
		console_follow(c);
	if (acts_turn(&c->acts, c->model, c->asks)) {
		memset(c->due, 0, sizeof(c->due));
		memcpy(c->ended, c->model->ended, sizeof(c->ended));
	}
	if (c->model->is_connected)
		for (int k = 0; k < ASKS; k++)
			if (k != ASK_ACT && k != ASK_STOP)
				ask_when_due(c, (enum ask)k);
	c->ended[ASK_ACT] = c->model->ended[ASK_ACT];
	c->ended[ASK_STOP] = c->model->ended[ASK_STOP];
	tell_archive(c);
	return is_new;
}

/* The list is another one from now on. */
static void
forget_list(struct console *c)
{
	enum ask kind = c->screen == SCREEN_HOSTS ? ASK_HOSTS : ASK_LIST;

	if (c->screen != SCREEN_HOSTS && c->screen != SCREEN_MESSAGES)
		return;
	c->asks->stop |= 1u << kind;
	asks_put(c->asks, kind, NULL);
	if (kind == ASK_HOSTS)
		model_forget_hosts(c->model);
	else
		model_forget_list(c->model);
	console_ask_now(c, kind);
}

void
console_filter(struct console *c, const char *text)
{
	char *f = c->filter[c->screen];

	snprintf(f, sizeof(c->filter[0]), "%s", text);
	c->place[c->screen] = (struct place){ 0 };
	tags_clear(&c->tags[c->screen]);
	if (c->screen == SCREEN_LOG)
		archive_set_filter(c->archive, text);
	forget_list(c);
}

void
console_order(struct console *c, int order)
{
	const char *const *names = console_orders(c);
	int n = 0;

	while (names[n] != NULL)
		n++;
	if (n == 0)
		return;
	c->order[c->screen] = (order + n) % n;
	c->place[c->screen] = (struct place){ 0 };
	forget_list(c);
	console_note(c, "order: %s%s", names[c->order[c->screen]],
	    c->screen == SCREEN_MESSAGES && c->is_reverse ? ", reversed" : "");
}

/* Hosts and Flow ask the same with other words. */
void
console_show(struct console *c, enum tab s)
{
	enum tab before = c->screen;

	c->screen = s;
	if (s != before && (s == SCREEN_HOSTS || before == SCREEN_HOSTS)) {
		c->asks->stop |= 1u << ASK_HOSTS;
		asks_put(c->asks, ASK_HOSTS, NULL);
		model_forget_hosts(c->model);
	}
	console_ask_now(c, ASK_LIST);
	console_ask_now(c, ASK_HOSTS);
	console_ask_now(c, ASK_SHAPE);
	console_follow(c);
}

void
console_at(struct console *c, int64_t wall)
{
	if (c->archive->past == NULL) {
		console_note(c, "no past: %s", c->archive->why);
		return;
	}
	if (wall >= clock_wall())
		wall = 0;
	archive_set_at(c->archive, wall);
	c->place[SCREEN_LOG] = c->place[SCREEN_TRACE] = (struct place){ 0 };
	memset(c->due, 0, sizeof(c->due));
	memcpy(c->ended, c->model->ended, sizeof(c->ended));
}

void
console_trace(struct console *c, const char *id)
{
	if (id[0] == '\0') {
		console_note(c, "that is about no message");
		return;
	}
	archive_set_trace(c->archive, id);
	c->place[SCREEN_TRACE] = (struct place){ 0 };
	c->pin[SCREEN_TRACE][0] = '\0';
	console_show(c, SCREEN_TRACE);
	if (c->archive->past == NULL)
		console_note(c, "no store: %s", c->archive->why);
}

bool
console_may_act(struct console *c)
{
	if (c->archive->at != 0)
		console_note(c, "the past cannot be changed; Esc returns");
	else if (c->is_readonly)
		console_note(c, "read-only: started so");
	else if (c->model->is_postfix)
		console_note(c, "read-only: this queue is Postfix's");
	else if (!c->model->is_admin)
		console_note(c, "read-only: root and the admin group may act");
	else
		return true;
	return false;
}

bool
console_is_ready(const struct console *c)
{
	const struct model *m = c->model;
	const struct archive *a = c->archive;
	bool has_past = a->past == NULL || (a->has_flow && a->has_confession);

	if (c->screen == SCREEN_LOG)
		return a->past == NULL || (a->is_begun && !archive_reads_on(a));
	if (c->screen == SCREEN_TRACE)
		return a->past == NULL || a->trace.id[0] == '\0' ||
		    a->trace.is_read;
	if (a->at != 0)
		return c->screen != SCREEN_FLOW || has_past;
	if (!m->is_connected || !m->has_status || m->heard == 0)
		return false;
	if (c->screen == SCREEN_MESSAGES)
		return m->has_list;
	return m->has_hosts &&
	    (c->screen == SCREEN_HOSTS ||
		((m->samples > 0 || m->is_postfix) &&
		    (m->has_shape || !m->is_admin) && has_past));
}
