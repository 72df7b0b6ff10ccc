/*
 * control_queue: the operations on messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control_server.h"

#define SLICE_MSGS 500
#define RCPTS_LISTED 20
#define FIRST_ROWS 20 /* leave at once: who asked sees something */

/* Others than admins see what they submitted. */
static bool
may_see(const struct client *c, const struct msg *m)
{
	return c->is_admin || (m->owner != MSG_NO_OWNER && m->owner == c->uid);
}

static const char *
rcpt_state_name(const struct rcpt *r)
{
	static const char *const names[RS_STATES] = { "open", "active",
		"failed", "delivered", "bounced", "deleted", "expanded" };

	return r->state == RS_OPEN && r->attempts != 0 ? "deferred"
						       : names[r->state];
}

static void
put_rcpt(struct client *c, const struct msg *m, uint32_t i)
{
	const struct rcpt *r = &m->rcpt[i];
	int64_t wait = (int64_t)r->next_try * US_SEC - clock_mono();

	row_begin(c);
	row_num(c, "n", i);
	row_cstr(c, "to", rcpt_addr(m, r));
	if (*rcpt_owner(m, r) != '\0')
		row_cstr(c, "owner", rcpt_owner(m, r));
	else if (*rcpt_path(m, r) != '\0')
		row_cstr(c, "path", rcpt_path(m, r));
	row_cstr(c, "state", rcpt_state_name(r));
	row_num(c, "tries", r->attempts);
	if (rcpt_is_open(r) && r->next_try != 0 && wait > 0)
		row_time(c, "next", clock_wall() + wait);
	row_reply(c, r);
	buf_addc(&c->out, '}');
}

/* is_whole: finished recipients too, and all of them. */
static void
put_msg(struct client *c, const struct msg *m, bool is_whole)
{
	uint32_t listed = 0;

	row_begin(c);
	row_id(c, m->id);
	row_cstr(c, "from", msg_sender(m));
	row_num(c, "size", (int64_t)m->size);
	row_time(c, "received", m->received);
	row_cstr(c, "state", msg_state(m));
	row_num(c, "open", m->open);
	row_num(c, "rcpt_count", m->rcpt_n);
	row_time(c, "until", m->until);
	if (m->act != 0)
		row_num(c, "act", m->act);
	buf_adds(&c->out, ",\"rcpts\":[");
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		if (!is_whole &&
		    (rcpt_is_finished(&m->rcpt[i]) || listed == RCPTS_LISTED))
			continue;
		if (listed++ != 0)
			buf_addc(&c->out, ',');
		put_rcpt(c, m, i);
	}
	buf_addc(&c->out, ']');
	row_end(c);
}

/* mailq's own lines, made here: a client that only prints is not slowed down
 * by reading a million objects. */
static void
put_text(struct client *c, const struct msg *m)
{
	static const struct {
		const char *state;
		char mark;
	} marks[] = { { "active", '*' }, { "held", '!' }, { "deleted", '-' },
		{ "bounced", 'X' }, { "damaged", '?' } };
	char id[MSGID_TEXT + 1], mark = ' ';
	struct buf b;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strcmp(marks[i].state, msg_state(m)) == 0)
			mark = marks[i].mark;
	buf_init(&b, 1 << 20);
	msgid_text(m->id, id);
	buf_addf(&b, "%s%c %8llu ", id, mark, (unsigned long long)m->size);
	clock_rfc5322(&b, m->received);
	buf_addf(&b, " <%s>\n", msg_sender(m));
	for (uint32_t i = 0, n = 0; i < m->rcpt_n; i++) {
		const struct rcpt *r = &m->rcpt[i];

		if (rcpt_is_finished(r))
			continue;
		if (n++ == RCPTS_LISTED) {
			buf_addf(&b, "%17s%u recipients in all\n", "", m->open);
			break;
		}
		if (r->text != NULL)
			buf_addf(&b, "%17s(%u %s)\n", "", r->code, r->text->s);
		buf_addf(&b, "%17s<%s>\n", "", rcpt_addr(m, r));
	}
	row_begin(c);
	row_str(c, "text", buf_slice(&b));
	row_end(c);
	buf_release(&b);
}

static bool
next_match(struct client *c, int *left, struct msg **ret)
{
	int64_t now = clock_wall();

	while ((*left)-- > 0) {
		struct msg *m = walk_next(&c->walk);

		if (m == NULL)
			return false;
		if (m->open == 0 || !may_see(c, m) ||
		    !filter_match(c->filter, m, now))
			continue;
		*ret = m;
		return true;
	}
	*ret = NULL; /* the slice is over, not the walk */
	return true;
}

static void
put_total(struct client *c)
{
	row_begin(c);
	row_num(c, "matched", (int64_t)c->matched);
	if (c->act_number != 0 || c->is_dry) {
		row_num(c, "changed", (int64_t)c->changed);
		row_bool(c, "dry", c->is_dry);
	}
	if (c->act_number != 0 && c->changed != 0)
		row_num(c, "undo", c->act_number);
	row_num(c, "in_queue", (int64_t)c->q->index.by_id.n);
	row_bool(c, "done", true);
	row_end(c);
}

static bool
list_step(struct client *c)
{
	bool is_first = c->matched == 0;
	int left = SLICE_MSGS * 20;
	struct msg *m;

	while (!control_is_full(c) && !(is_first && c->matched == FIRST_ROWS)) {
		if (c->matched >= c->limit || !next_match(c, &left, &m)) {
			put_total(c);
			return false;
		}
		if (m == NULL)
			return true;
		c->matched++;
		if (c->wants_text)
			put_text(c, m);
		else
			put_msg(c, m, false);
	}
	return true;
}

static bool
set_filter(struct client *c, json_t *j)
{
	const char *text = json_string_value(json_object_get(j, "filter"));
	char why[200];

	free(c->selector);
	c->selector = strdup(text ? text : "");
	c->filter = filter_new(slice_of(text), why);
	if (c->filter == NULL) {
		control_error(c, "%s", why);
		return false;
	}
	c->matched = c->changed = 0;
	c->act_number = 0;
	c->is_dry = false;
	return true;
}

/* One message named by its id needs no walk. */
static void
start_walk(struct client *c, bool (*step)(struct client *))
{
	struct msgid id;

	walk_start(&c->q->index, &c->walk);
	if (filter_only_id(c->filter, &id)) {
		c->walk.next = index_find(&c->q->index, id);
		c->limit = 1;
	}
	c->is_walking = true;
	c->step = step;
}

static void
op_list(struct client *c, json_t *j)
{
	const char *as = json_string_value(json_object_get(j, "as"));
	json_int_t limit = json_integer_value(json_object_get(j, "limit"));

	if (!set_filter(c, j))
		return;
	c->limit = limit > 0 ? (uint64_t)limit : UINT64_MAX;
	c->wants_text = as != NULL && strcmp(as, "mailq") == 0;
	start_walk(c, list_step);
}

struct msg *
control_msg(struct client *c, json_t *j)
{
	const char *id = json_string_value(json_object_get(j, "id"));
	struct msgid v;
	struct msg *m = NULL;

	if (id != NULL && msgid_parse(slice_of(id), &v))
		m = index_find(&c->q->index, v);
	if (m == NULL || !may_see(c, m)) {
		control_error(c, "%s is not in the queue", id ? id : "(no id)");
		return NULL;
	}
	return m;
}

static void
op_show(struct client *c, json_t *j)
{
	struct msg *m = control_msg(c, j);

	if (m == NULL)
		return;
	put_msg(c, m, true);
	control_done(c);
}

static void
why_row(struct client *c, const char *what, const char *change)
{
	row_begin(c);
	row_cstr(c, "why", what);
	row_cstr(c, "change", change);
	row_end(c);
}

static void
why_all(struct client *c, const struct msg *m)
{
	struct queue *q = c->q;
	char text[400];

	if (m->flags & MSG_DELETED)
		why_row(c, "an operator deleted it; it is in the grave",
		    "mtactl queue undo");
	if (m->flags & MSG_KILLED)
		why_row(c, "an operator returned it; its notice waits for undo",
		    "mtactl queue undo");
	if (m->flags & MSG_HELD)
		why_row(c, "it is held", "mtactl queue release");
	if (m->flags & MSG_DAMAGED)
		why_row(c, "its record on the disk does not read",
		    "mtactl queue check");
	if (q->sched.is_held) {
		snprintf(text, sizeof(text),
		    "delivery of everything is held: %s", q->held_why);
		why_row(c, text, "mtactl delivery release");
	}
	if (q->is_spool_bad)
		why_row(c, "the disk of the queue has failed",
		    "mend it, then restart mtad");
	if (journal_error(q->journal) != 0)
		why_row(c, "the journal cannot be written", "make room");
}

static void
why_job(struct client *c, const struct job *j)
{
	const struct dest *d = j->dest;
	char text[600], change[300];
	struct buf when;

	buf_init(&when, 100);
	snprintf(change, sizeof(change), "mtactl hosts retry %s", d->key);
	if (d->is_paused) {
		snprintf(
		    text, sizeof(text), "%s is paused by an operator", d->key);
		snprintf(
		    change, sizeof(change), "mtactl hosts resume %s", d->key);
	} else if (d->is_down || d->fails >= 3) {
		clock_rfc5322(&when,
		    clock_wall() +
			(d->down_until > clock_mono()
				? d->down_until - clock_mono()
				: 0));
		snprintf(text, sizeof(text),
		    "%s does not answer (%u failures, last: %s); tried again "
		    "at %s",
		    d->key, d->fails, d->last_text ? d->last_text : "-",
		    when.data);
	} else if (j->place == JOB_WAITING) {
		clock_rfc5322(
		    &when, clock_wall() + (int64_t)j->due.key - clock_mono());
		snprintf(text, sizeof(text),
		    "it was deferred; tried again at %s", when.data);
		snprintf(change, sizeof(change), "mtactl queue retry");
	} else if (d->active >= d->window) {
		snprintf(text, sizeof(text),
		    "%u attempts to %s are under way, which is its limit now; "
		    "%u wait",
		    d->active, d->key, d->ready);
	} else {
		snprintf(text, sizeof(text), "it is about to go to %s", d->key);
	}
	why_row(c, text, change);
	buf_release(&when);
}

static void
op_why(struct client *c, json_t *j)
{
	struct msg *m = control_msg(c, j);

	if (m == NULL)
		return;
	why_all(c, m);
	for (const struct job *job = m->jobs; job != NULL; job = job->next)
		why_job(c, job);
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_ACTIVE) {
			why_row(c, "an attempt is under way", "wait");
			break;
		}
	put_msg(c, m, false);
	control_done(c);
}

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
		put_total(c);
}

static bool
act_step(struct client *c)
{
	int left = SLICE_MSGS;
	struct msg *m;

	while (c->matched < c->limit) {
		if (!next_match(c, &left, &m))
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
		put_total(c);
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

	if (!set_filter(c, j))
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
	if (act == ACT_RETRY && !c->is_dry) {
		c->run = (struct qrun){ "op", c->selector, 0 };
		qrun_start(c->q, &c->run);
	}
	start_walk(c, act_step);
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

const struct control_op control_queue_ops[] = {
	{ "queue.list", false, op_list },
	{ "queue.show", false, op_show },
	{ "queue.why", false, op_why },
	{ "queue.hold", true, op_hold },
	{ "queue.release", true, op_release },
	{ "queue.retry", true, op_retry },
	{ "queue.delete", true, op_delete },
	{ "queue.bounce", true, op_bounce },
	{ "queue.undo", true, op_undo },
	{ NULL, false, NULL },
};
