#include "acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "request.h"

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
	{ 'f', "hosts.forget", "forget",
	    "Its failures are forgotten; its mail goes at its own times." },
	{ 'p', "hosts.pause", "pause",
	    "Nothing is sent there until it is resumed, over restarts." },
	{ 's', "hosts.resume", "resume", "A pause ends; its mail goes on." },
	/* typed only */
	{ -1, "delivery.hold", "hold delivery",
	    "Mail is taken and none is delivered, over restarts." },
	{ -1, "delivery.release", "release delivery",
	    "All that waits is delivered again." },
	{ 0, NULL, NULL, NULL },
};

const struct act *
acts_menu(const struct acts *a)
{
	return a->is_host ? host_acts : message_acts;
}

static bool
is_undo(const struct acts *a)
{
	return strcmp(a->act->op, "queue.undo") == 0;
}

bool
acts_is_modal(const struct acts *a)
{
	return a->stage != ACT_NONE && a->stage != ACT_RUNNING;
}

void
acts_target(const struct acts *a, char *ret, size_t size)
{
	if (a->act != NULL && is_undo(a))
		snprintf(ret, size, "act %lld", (long long)a->number);
	else if (a->reach == REACH_ONE)
		snprintf(ret, size, "%s", a->target);
	else if (a->reach == REACH_TAGGED)
		snprintf(ret, size, "the %zu tagged", a->tags.n);
	else if (a->filter[0] != '\0')
		snprintf(ret, size, "all that match %s", a->filter);
	else
		snprintf(ret, size, "all messages of the queue");
}

/* id:A,B,C */
static json_t *
tagged(const struct tags *t)
{
	struct buf b;
	json_t *j;

	buf_init(&b, 1 << 18);
	buf_adds(&b, "id:");
	for (size_t i = 0; i < t->n; i++)
		buf_addf(&b, "%s%s", i > 0 ? "," : "", t->name[i]);
	j = json_string(b.data);
	buf_release(&b);
	return j;
}

static json_t *
make_request(const struct acts *a, bool is_dry)
{
	char id[320];
	json_t *j;

	if (a->act->key < 0)
		return request_new(a->act->op, "why", a->target);
	if (a->is_host)
		return request_new(a->act->op, "host",
		    a->reach == REACH_TAGGED ? a->tags.name[a->next]
					     : a->target);
	j = request_new(a->act->op, NULL, NULL);
	snprintf(id, sizeof(id), "id:%s", a->target);
	if (is_undo(a))
		json_object_set_new(j, "undo", json_integer(a->number));
	else if (a->reach == REACH_TAGGED)
		json_object_set_new(j, "filter", tagged(&a->tags));
	else
		json_object_set_new(j, "filter",
		    json_string(a->reach == REACH_ALL ? a->filter : id));
	json_object_set_new(j, is_dry ? "dry" : "progress", json_true());
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

/* Destinations are counted here; of messages the daemon knows how many. */
static void
choose(struct acts *a)
{
	a->typed.text[0] = '\0';
	a->is_asked = a->is_stopping = a->is_stop_sent = false;
	a->next = 0;
	a->changed = 0;
	a->count = a->reach == REACH_TAGGED ? (int64_t)a->tags.n : 1;
	if (is_undo(a) && a->number == 0) {
		snprintf(a->note, sizeof(a->note),
		    "nothing to undo: no act from here, none on this message");
		a->stage = ACT_NONE;
		return;
	}
	a->stage = a->is_host ? ACT_CONFIRM : ACT_COUNTING;
}

static bool
choose_named(struct acts *a, const char *op)
{
	for (const struct act *x = acts_menu(a); op && x->op != NULL; x++)
		if (strcmp(x->op, op) == 0) {
			a->act = x;
			choose(a);
			return true;
		}
	return false;
}

static bool
is_busy(struct acts *a)
{
	if (a->stage == ACT_RUNNING)
		snprintf(a->note, sizeof(a->note),
		    "an act is under way; Esc stops it");
	return a->stage == ACT_RUNNING;
}

void
acts_open(struct acts *a, const struct act_target *t, const char *op)
{
	if (is_busy(a))
		return;
	a->is_host = t->is_host;
	a->reach = t->tags->n != 0 ? REACH_TAGGED : REACH_ONE;
	snprintf(a->target, sizeof(a->target), "%s", t->name);
	snprintf(a->filter, sizeof(a->filter), "%s", t->filter);
	tags_clear(&a->tags);
	for (size_t i = 0; i < t->tags->n; i++)
		tags_add(&a->tags, t->tags->name[i]);
	a->number = t->under_act != 0 ? t->under_act : a->last_undo;
	a->note[0] = '\0';
	a->act = NULL;
	a->stage = ACT_MENU;
	choose_named(a, op);
}

bool
acts_command(struct acts *a, bool is_host, const char *op, const char *what)
{
	if (is_busy(a))
		return true;
	a->is_host = is_host;
	a->reach = is_host ? REACH_ONE : REACH_ALL;
	snprintf(a->target, sizeof(a->target), "%s", what);
	snprintf(a->filter, sizeof(a->filter), "%s", what);
	a->number = atoll(what);
	a->note[0] = '\0';
	return choose_named(a, op);
}

static bool
is_agreed(const struct acts *a)
{
	if (a->count > ACT_TYPE_ABOVE)
		return atoll(a->typed.text) == a->count;
	return a->typed.text[0] == 'y' || a->typed.text[0] == 'Y';
}

static void
confirm_key(struct acts *a, const struct model *m, struct asks *asks, int code)
{
	enum prompt_end end = prompt_key(&a->typed, code);

	/* a letter is enough where no number is asked for */
	if (a->count <= ACT_TYPE_ABOVE && a->typed.text[0] != '\0')
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

/* One, tagged, all: as far as there are such. */
static void
change_reach(struct acts *a)
{
	do
		a->reach = (a->reach + 1) % REACHES;
	while ((a->reach == REACH_TAGGED && a->tags.n == 0) ||
	    (a->reach == REACH_ALL && a->is_host));
}

static void
menu_key(struct acts *a, int code)
{
	if (code == K_TAB)
		change_reach(a);
	for (const struct act *x = acts_menu(a); x->op != NULL; x++)
		if (x->key == code) {
			a->act = x;
			choose(a);
			return;
		}
}

/* Its number comes with the first word of how far it is. */
static void
send_stop(struct acts *a, const struct model *m, struct asks *asks)
{
	json_t *stop;

	if (a->is_host || a->is_stop_sent || m->result.undo == 0)
		return;
	a->is_stop_sent = true;
	stop = request_new("queue.stop", NULL, NULL);
	json_object_set_new(stop, "undo", json_integer(m->result.undo));
	asks_put(asks, ASK_STOP, stop);
}

void
acts_cancel(struct acts *a, const struct model *m, struct asks *asks)
{
	if (a->stage == ACT_RUNNING) {
		a->is_stopping = true;
		send_stop(a, m, asks);
		return;
	}
	if (a->stage == ACT_COUNTING)
		asks->stop |= 1u << ASK_ACT;
	a->stage = ACT_NONE;
	snprintf(a->note, sizeof(a->note), "nothing was changed");
}

void
acts_key(struct acts *a, const struct model *m, struct asks *asks, int code)
{
	if (code == K_ESC)
		acts_cancel(a, m, asks);
	else if (a->stage == ACT_MENU)
		menu_key(a, code);
	else if (a->stage == ACT_CONFIRM)
		confirm_key(a, m, asks, code);
}

static void
tell_result(struct acts *a, const struct result *r)
{
	const char *what = a->is_host ? "destination" : "message";

	if (r->error[0] != '\0' && a->changed == 0) {
		snprintf(
		    a->note, sizeof(a->note), "%s: %s", a->act->name, r->error);
		return;
	}
	snprintf(a->note, sizeof(a->note), "%s%s: %lld %s%s changed",
	    a->act->name, a->is_stopping ? ", stopped" : "",
	    (long long)a->changed, what, a->changed == 1 ? "" : "s");
	if (r->undo == 0 || a->is_host)
		return;
	a->last_undo = r->undo;
	snprintf(a->note + strlen(a->note), sizeof(a->note) - strlen(a->note),
	    " (act %lld; F9 u takes it back)", (long long)r->undo);
}

/* Of several destinations the next; false: that was the last. */
static bool
go_on(struct acts *a, const struct model *m, struct asks *asks)
{
	if (!a->is_host || a->reach != REACH_TAGGED || a->is_stopping ||
	    ++a->next >= a->tags.n)
		return false;
	ask(a, m, asks, false);
	return true;
}

static bool
end_count(struct acts *a, const struct result *r)
{
	a->count = r->matched;
	a->stage = ACT_CONFIRM;
	if (r->error[0] == '\0' && a->count != 0)
		return false;
	snprintf(a->note, sizeof(a->note), "%s: %s", a->act->name,
	    r->error[0] == '\0' ? "no message matches, nothing was changed"
				: r->error);
	a->stage = ACT_NONE;
	return false;
}

bool
acts_turn(struct acts *a, const struct model *m, struct asks *asks)
{
	if (a->stage == ACT_COUNTING && !a->is_asked)
		ask(a, m, asks, true);
	if (a->stage == ACT_RUNNING && a->is_stopping)
		send_stop(a, m, asks);
	if ((a->stage != ACT_COUNTING && a->stage != ACT_RUNNING) ||
	    a->serial == m->result.serial || asks->request[ASK_ACT] != NULL)
		return false;
	if (a->stage == ACT_COUNTING)
		return end_count(a, &m->result);
	a->changed += m->result.changed;
	if (go_on(a, m, asks))
		return false;
	tell_result(a, &m->result);
	a->stage = ACT_NONE;
	return true;
}
