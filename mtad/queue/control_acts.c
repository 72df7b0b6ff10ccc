/*
 * control_acts: what is done to messages, slice by slice.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "control_server.h"

#define SLICE_MSGS 500
#define PROGRESS_EACH (US_SEC / 4)

static const char *const act_names[] = { [ACT_HOLD] = "hold",
	[ACT_RELEASE] = "release",
	[ACT_RETRY] = "retry",
	[ACT_DELETE] = "delete",
	[ACT_BOUNCE] = "bounce",
	[ACT_UNDO] = "undo" };

static void
acts_durable(void *arg, int error)
{
	struct client *c = arg;

	c->is_waiting = false;
	if (error != 0)
		control_error(
		    c, "the journal cannot be written: %s", strerror(-error));
	else
		control_put_total(c);
}

/* How far an act has come, for who asked to be told. */
static void
tell_progress(struct client *c)
{
	int64_t now = clock_mono();

	if (c->progress == 0 || now < c->progress || control_is_full(c))
		return;
	c->progress = now + PROGRESS_EACH;
	row_begin(c);
	row_num(c, "matched", (int64_t)c->matched);
	row_num(c, "changed", (int64_t)c->changed);
	row_num(c, "looked", (int64_t)c->looked);
	row_num(c, "in_queue", (int64_t)c->q->index.by_id.n);
	if (c->act_number != 0)
		row_num(c, "undo", c->act_number);
	row_end(c);
}

static bool
act_step(struct client *c)
{
	int left = SLICE_MSGS;
	struct msg *m;

	tell_progress(c);
	while (c->matched < c->limit) {
		if (!control_next_match(c, &left, &m))
			break;
		if (m == NULL)
			return true;
		if (c->act == ACT_UNDO && m->act != c->act_number)
			continue;
		c->matched++;
		if (!c->is_dry && act_on(c->q, m, c->act, c->act_number))
			c->changed++;
	}
	control_audit(c, act_names[c->act], c->selector, c->matched, c->changed,
	    c->is_dry);
	if (c->act == ACT_RETRY && !c->is_dry)
		qrun_end(c->q, &c->run, c->changed);
	if (c->is_dry) {
		control_put_total(c);
		return false;
	}
	c->is_waiting = true;
	c->commit = (struct commit){ .done = acts_durable, .arg = c };
	journal_on_commit(c->q->journal, &c->commit);
	queue_commit_now(c->q);
	return false;
}

static void
start_act(struct client *c, json_t *j, enum act act)
{
	const char *why = json_string_value(json_object_get(j, "why"));

	if (!control_set_filter(c, j))
		return;
	free(c->why);
	c->why = why ? strdup(why) : NULL;
	c->act = act;
	c->limit = UINT64_MAX;
	c->is_dry = json_is_true(json_object_get(j, "dry"));
	if (act == ACT_UNDO)
		c->act_number =
		    (uint32_t)json_integer_value(json_object_get(j, "undo"));
	else if (!c->is_dry)
		c->act_number = ++c->q->next_act;
	if (json_is_true(json_object_get(j, "progress")))
		c->progress = clock_mono(); /* its number at once */
	if (act == ACT_RETRY && !c->is_dry) {
		c->run = (struct qrun){ "op", c->selector, 0 };
		qrun_start(c->q, &c->run);
	}
	control_start_walk(c, act_step);
}

static void
op_hold(struct client *c, json_t *j)
{
	start_act(c, j, ACT_HOLD);
}

static void
op_release(struct client *c, json_t *j)
{
	start_act(c, j, ACT_RELEASE);
}

static void
op_retry(struct client *c, json_t *j)
{
	start_act(c, j, ACT_RETRY);
}

static void
op_delete(struct client *c, json_t *j)
{
	start_act(c, j, ACT_DELETE);
}

static void
op_bounce(struct client *c, json_t *j)
{
	start_act(c, j, ACT_BOUNCE);
}

static void
op_undo(struct client *c, json_t *j)
{
	start_act(c, j, ACT_UNDO);
}

/* What is done stays done, and can be undone; its client gets the totals. */
static void
op_stop(struct client *c, json_t *j)
{
	json_int_t act = json_integer_value(json_object_get(j, "undo"));
	struct client *other = control_find_act(c, (uint32_t)act);

	if (other == NULL) {
		control_error(c, "act %lld is over", (long long)act);
		return;
	}
	other->limit = other->matched;
	control_done(c);
}

const struct control_op control_act_ops[] = {
	{ "queue.hold", true, op_hold },
	{ "queue.release", true, op_release },
	{ "queue.retry", true, op_retry },
	{ "queue.delete", true, op_delete },
	{ "queue.bounce", true, op_bounce },
	{ "queue.undo", true, op_undo },
	{ "queue.stop", true, op_stop },
	{ NULL, false, NULL },
};
