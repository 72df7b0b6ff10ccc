/*
 * control_queue: what is asked about messages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control_server.h"

#define LOOKED_A_TURN 10000
#define LOOKED_FOR_USER 1000 /* many of them make a turn */
#define RCPTS_A_LOOK 64 /* so many are the work of one more */
#define JOBS_TOLD 100
#define FIRST_ROWS 20 /* leave at once: who asked sees something */

/* Others than admins see what they submitted. */
static bool
may_see(const struct client *c, const struct msg *m)
{
	return c->is_admin || (m->owner != MSG_NO_OWNER && m->owner == c->uid);
}

bool
control_next_match(struct client *c, int *left, struct msg **ret)
{
	int64_t now = clock_wall();

	while ((*left)-- > 0) {
		struct msg *m = walk_next(&c->walk);

		if (m == NULL)
			return false;
		c->looked++;
		if (m->open == 0 || !may_see(c, m))
			continue;
		*left -= (int)(m->rcpt_n / RCPTS_A_LOOK);
		if (!filter_match(c->filter, m, now))
			continue;
		*ret = m;
		return true;
	}
	*ret = NULL; /* the slice is over, not the walk */
	return true;
}

void
control_put_total(struct client *c)
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

static int
looked_a_turn(const struct client *c)
{
	return c->is_admin ? LOOKED_A_TURN : LOOKED_FOR_USER;
}

static bool
list_step(struct client *c)
{
	bool is_first = c->matched == 0;
	int left = looked_a_turn(c);
	struct msg *m;

	while (!control_is_full(c) && !(is_first && c->matched == FIRST_ROWS)) {
		if (c->matched >= c->limit ||
		    !control_next_match(c, &left, &m)) {
			control_put_total(c);
			return false;
		}
		if (m == NULL)
			return true;
		c->matched++;
		if (c->wants_text)
			row_msg_text(c, m);
		else
			row_msg(c, m);
	}
	return true;
}

/* What a list can be in the order of; the smallest comes first. */
static int64_t
by_arrival(const struct msg *m)
{
	return m->received;
}

static int64_t
by_size(const struct msg *m)
{
	return -(int64_t)m->size;
}

/* Of open recipients; none: behind all others. */
static int64_t
by_next(const struct msg *m)
{
	int64_t least = INT64_MAX;

	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (rcpt_is_open(&m->rcpt[i]) && m->rcpt[i].next_try < least)
			least = m->rcpt[i].next_try;
	return least;
}

static int64_t
by_tries(const struct msg *m)
{
	int64_t most = 0;

	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (rcpt_is_open(&m->rcpt[i]) && m->rcpt[i].attempts > most)
			most = m->rcpt[i].attempts;
	return -most;
}

static int64_t
by_sender(const struct msg *m)
{
	return best_text(msg_sender(m));
}

static bool
set_order(struct client *c, json_t *j)
{
	static const struct {
		const char *name;
		int64_t (*order)(const struct msg *);
	} orders[] = { { "oldest", by_arrival }, { "size", by_size },
		{ "next", by_next }, { "tries", by_tries },
		{ "from", by_sender } };
	const char *name = json_string_value(json_object_get(j, "order"));
	size_t max = c->limit < BEST_MAX ? (size_t)c->limit : BEST_MAX;

	best_release(&c->best);
	c->is_reverse = json_is_true(json_object_get(j, "reverse"));
	c->order = name == NULL && c->is_reverse ? by_arrival : NULL;
	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++)
		if (name != NULL && strcmp(orders[i].name, name) == 0)
			c->order = orders[i].order;
	if (c->order == NULL && name != NULL) {
		control_error(c, "there is no order '%s'", name);
		return false;
	}
	if (c->order == by_arrival && !c->is_reverse)
		c->order = NULL; /* that is how they come */
	if (c->order != NULL && best_init(&c->best, max) < 0) {
		control_error(c, "no memory");
		return false;
	}
	return true;
}

/* Those of the rows that are still in the queue. */
static bool
best_step(struct client *c)
{
	while (c->best_next < c->best.n && !control_is_full(c)) {
		struct msg *m =
		    index_find(&c->q->index, c->best.row[c->best_next++].of.id);

		if (m != NULL)
			row_msg(c, m);
	}
	if (c->best_next < c->best.n)
		return true;
	best_release(&c->best);
	control_put_total(c);
	return false;
}

/* All are looked at before the first row leaves. */
static bool
order_step(struct client *c)
{
	int left = looked_a_turn(c);
	struct msg *m;

	for (;;) {
		if (!control_next_match(c, &left, &m)) {
			best_sort(&c->best);
			c->best_next = 0;
			c->step = best_step;
			return true;
		}
		if (m == NULL)
			return true;
		c->matched++;
		best_add(&c->best,
		    (struct best_row){
			.key = c->is_reverse ? -c->order(m) : c->order(m),
			.of = { .id = m->id } });
	}
}

bool
control_set_filter(struct client *c, json_t *j)
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
	c->looked = c->matched = c->changed = 0;
	c->progress = 0;
	c->act_number = 0;
	c->is_dry = false;
	return true;
}

/* One message named by its id needs no walk. */
void
control_start_walk(struct client *c, bool (*step)(struct client *))
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

	if (!control_set_filter(c, j))
		return;
	c->limit = limit > 0 ? (uint64_t)limit : UINT64_MAX;
	c->wants_text = as != NULL && strcmp(as, "mailq") == 0;
	if (!set_order(c, j))
		return;
	control_start_walk(c, c->order ? order_step : list_step);
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

/* All recipients, finished ones too, as the client reads them; those that are
 * left when the message leaves meanwhile are finished. */
static bool
show_step(struct client *c)
{
	const struct msg *m = index_find(&c->q->index, c->shown);
	uint32_t n = m != NULL ? m->rcpt_n : 0;

	while (c->shown_next < n && !control_is_full(c)) {
		if (c->shown_next != 0)
			buf_addc(&c->out, ',');
		row_msg_rcpt(c, m, c->shown_next++);
	}
	if (c->shown_next < n)
		return true;
	buf_addc(&c->out, ']');
	row_end(c);
	control_done(c);
	return false;
}

static void
op_show(struct client *c, json_t *j)
{
	struct msg *m = control_msg(c, j);

	if (m == NULL)
		return;
	row_msg_begin(c, m);
	c->shown = m->id;
	c->shown_next = 0;
	c->step = show_step;
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
	if (m->flags & MSG_ASIDE)
		why_row(c,
		    "it is set aside: a process ended twice while it had it",
		    "mtactl queue export it, then mtactl queue release");
	else if (m->flags & MSG_HELD)
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
	const struct job *job;
	struct msg *m = control_msg(c, j);
	unsigned told = 0;
	char text[60];

	if (m == NULL)
		return;
	why_all(c, m);
	LIST_FOREACH (job, &m->jobs, of_msg)
		if (told++ < JOBS_TOLD)
			why_job(c, job);
	if (told > JOBS_TOLD) {
		snprintf(text, sizeof(text), "and %u more destinations",
		    told - JOBS_TOLD);
		why_row(c, text, "mtactl queue show");
	}
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_ACTIVE) {
			why_row(c, "an attempt is under way", "wait");
			break;
		}
	row_msg(c, m);
	control_done(c);
}

static void
op_shape(struct client *c, json_t *j)
{
	(void)j;
	snapshot_put(c->q, &c->out);
	control_done(c);
}

const struct control_op control_queue_ops[] = {
	{ "queue.list", false, op_list },
	{ "queue.show", false, op_show },
	{ "queue.why", false, op_why },
	{ "queue.shape", true, op_shape },
	{ NULL, false, NULL },
};
