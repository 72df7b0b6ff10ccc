#include "acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "request.h"
#include "say.h"

#define TYPE_ABOVE 100 /* more at once need the number typed */

static const struct act message_acts[] = {
	{ 'r', "queue.retry", "try now",
	    "Their next attempt is made now, whatever their schedule says." },
	{ 'h', "queue.hold", "hold",
	    "They stay and are not tried until released. Can be undone." },
	{ 'l', "queue.release", "release",
	    "Their hold ends and they are tried again." },
	{ 'd', "queue.delete", "delete",
	    "Nobody is told: NO notice is sent. Undo within GraveTime." },
	{ 'b', "queue.bounce", "bounce",
	    "They go back: their senders get a notice. Undo within UndoTime." },
	{ 'u', "queue.undo", "undo",
	    "The hold, deletion or bounce with this number is taken back." },
	{ 0, NULL, NULL, NULL },
};

static const struct act host_acts[] = {
	{ 'r', "hosts.retry", "try now",
	    "Its failures are forgotten; what waits for it is tried now." },
	{ 'p', "hosts.pause", "pause",
	    "Nothing is sent there until it is resumed, over restarts." },
	{ 's', "hosts.resume", "resume", "A pause ends; its mail goes on." },
	{ 0, NULL, NULL, NULL },
};

static const struct act *
menu(const struct acts *a)
{
	return a->is_host ? host_acts : message_acts;
}

static bool
is_undo(const struct acts *a)
{
	return strcmp(a->act->op, "queue.undo") == 0;
}

/* The words for what is acted on. */
static void
say_target(const struct acts *a, char *ret, size_t size)
{
	if (a->act != NULL && is_undo(a))
		snprintf(ret, size, "act %lld", (long long)a->number);
	else if (!a->is_all)
		snprintf(ret, size, "%s", a->target);
	else if (a->filter[0] != '\0')
		snprintf(ret, size, "all that match %s", a->filter);
	else
		snprintf(ret, size, "all messages of the queue");
}

static json_t *
make_request(const struct acts *a, bool is_dry)
{
	char id[320];
	json_t *j;

	if (a->is_host)
		return request_new(a->act->op, "host", a->target);
	snprintf(id, sizeof(id), "id:%s", a->target);
	if (is_undo(a)) {
		j = request_new(a->act->op, NULL, NULL);
		json_object_set_new(j, "undo", json_integer(a->number));
	} else {
		j = request_new(
		    a->act->op, "filter", a->is_all ? a->filter : id);
	}
	if (is_dry)
		json_object_set_new(j, "dry", json_true());
	return j;
}

static void
ask(struct acts *a, const struct model *m, struct asks *asks, bool is_dry)
{
	a->is_asked = true;
	a->serial = m->result.serial;
	a->stage = is_dry ? ACT_COUNTING : ACT_RUNNING;
	asks_put(asks, ASK_ACT, make_request(a, is_dry));
}

/* A destination is one; of messages the daemon knows how many. */
static void
choose(struct acts *a)
{
	a->typed.text[0] = '\0';
	a->is_asked = false;
	a->count = 1;
	if (is_undo(a) && a->number == 0) {
		snprintf(a->note, sizeof(a->note),
		    "nothing to undo: no act from here, none on this message");
		a->stage = ACT_NONE;
		return;
	}
	a->stage = a->is_host ? ACT_CONFIRM : ACT_COUNTING;
}

void
acts_open(struct acts *a, bool is_host, const char *target, const char *filter,
    int64_t under_act, const char *op)
{
	a->is_host = is_host;
	a->is_all = false;
	snprintf(a->target, sizeof(a->target), "%s", target);
	snprintf(a->filter, sizeof(a->filter), "%s", filter);
	a->number = under_act != 0 ? under_act : a->last_undo;
	a->note[0] = '\0';
	a->act = NULL;
	a->stage = ACT_MENU;
	for (const struct act *x = menu(a); op && x->op != NULL; x++)
		if (strcmp(x->op, op) == 0) {
			a->act = x;
			choose(a);
		}
}

static bool
is_agreed(const struct acts *a)
{
	if (a->count > TYPE_ABOVE)
		return atoll(a->typed.text) == a->count;
	return a->typed.text[0] == 'y' || a->typed.text[0] == 'Y';
}

static void
confirm_key(struct acts *a, const struct model *m, struct asks *asks, int code)
{
	enum prompt_end end = prompt_key(&a->typed, code);

	/* a letter is enough where no number is asked for */
	if (a->count <= TYPE_ABOVE && a->typed.text[0] != '\0')
		end = PROMPT_TAKEN;
	if (end == PROMPT_GOES_ON)
		return;
	if (end == PROMPT_TAKEN && is_agreed(a)) {
		ask(a, m, asks, false);
		return;
	}
	a->stage = ACT_NONE;
	snprintf(a->note, sizeof(a->note), "nothing was changed");
}

static void
menu_key(struct acts *a, int code)
{
	if (code == K_TAB && !a->is_host)
		a->is_all = !a->is_all;
	for (const struct act *x = menu(a); x->op != NULL; x++)
		if (x->key == code) {
			a->act = x;
			choose(a);
			return;
		}
}

void
acts_cancel(struct acts *a, struct asks *asks)
{
	if (a->stage == ACT_COUNTING)
		asks->stop |= 1u << ASK_ACT;
	if (a->stage == ACT_RUNNING)
		return; /* it is the daemon's; its answer is waited for */
	a->stage = ACT_NONE;
	snprintf(a->note, sizeof(a->note), "nothing was changed");
}

void
acts_key(struct acts *a, const struct model *m, struct asks *asks, int code)
{
	if (code == K_ESC)
		acts_cancel(a, asks);
	else if (a->stage == ACT_MENU)
		menu_key(a, code);
	else if (a->stage == ACT_CONFIRM)
		confirm_key(a, m, asks, code);
}

static void
tell_result(struct acts *a, const struct result *r)
{
	const char *what = a->is_host ? "destination" : "message";

	if (r->error[0] != '\0') {
		snprintf(
		    a->note, sizeof(a->note), "%s: %s", a->act->name, r->error);
		return;
	}
	snprintf(a->note, sizeof(a->note), "%s: %lld %s%s changed",
	    a->act->name, (long long)r->changed, what,
	    r->changed == 1 ? "" : "s");
	if (r->undo == 0)
		return;
	a->last_undo = r->undo;
	snprintf(a->note + strlen(a->note), sizeof(a->note) - strlen(a->note),
	    " (act %lld; F9 u takes it back)", (long long)r->undo);
}

bool
acts_turn(struct acts *a, const struct model *m, struct asks *asks)
{
	if (a->stage == ACT_COUNTING && !a->is_asked)
		ask(a, m, asks, true);
	if ((a->stage != ACT_COUNTING && a->stage != ACT_RUNNING) ||
	    a->serial == m->result.serial || asks->request[ASK_ACT] != NULL)
		return false;
	if (a->stage == ACT_RUNNING) {
		tell_result(a, &m->result);
		a->stage = ACT_NONE;
		return true;
	}
	a->count = m->result.matched;
	a->stage = ACT_CONFIRM;
	if (m->result.error[0] != '\0' || a->count == 0) {
		snprintf(a->note, sizeof(a->note), "%s: %s", a->act->name,
		    a->count == 0 && m->result.error[0] == '\0'
			? "no message matches, nothing was changed"
			: m->result.error);
		a->stage = ACT_NONE;
	}
	return false;
}

static void
draw_menu(const struct acts *a, struct grid *g, int y, int rows)
{
	char what[700];
	int at = y;

	say_target(a, what, sizeof(what));
	grid_put(g, at, 0, 5, LOOK_TITLE, " ACT ");
	at++;
	grid_put(g, y, 6, g->cols - 6, LOOK_PLAIN, what);
	for (const struct act *x = menu(a); x->op && at < y + rows; x++, at++) {
		grid_putf(g, at, 1, 12, LOOK_TAB, "%c  %s", x->key, x->name);
		grid_put(g, at, 14, g->cols - 14, LOOK_PLAIN, x->effect);
	}
	grid_put(g, g->rows - 1, 0, g->cols, LOOK_TITLE,
	    a->is_host ? "a letter chooses  Esc leaves"
		       : "a letter chooses  Tab one / all  Esc leaves");
}

static void
draw_confirm(const struct acts *a, struct grid *g, int y, int rows)
{
	char what[700], n[SAY_MAX];
	int w;

	say_target(a, what, sizeof(what));
	say_number(n, a->count);
	grid_putf(g, y, 0, g->cols, LOOK_WARN, "%s %s: %s %s%s", a->act->name,
	    what, n, a->is_host ? "destination" : "message",
	    a->count == 1 ? "" : "s");
	if (rows > 1)
		grid_put(g, y + 1, 0, g->cols, LOOK_PLAIN, a->act->effect);
	grid_row_look(g, g->rows - 1, 0, LOOK_TITLE);
	if (a->count > TYPE_ABOVE)
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
		grid_putf(g, g->rows - 1, 0, g->cols, LOOK_TITLE, "%s: %s",
		    a->act->name,
		    a->stage == ACT_COUNTING
			? "counting how many that is; Esc leaves"
			: "under way");
}
