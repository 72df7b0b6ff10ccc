/*
 * grave: what operators do to messages. A deleted message stays restorable
 * for GraveTime; the notice of a bounced one waits for UndoTime. Also what
 * grows too old, as both are walks over the queue by the clock.
 */
#include <stdlib.h>

#include "clock.h"
#include "queue.h"
#include "records.h"

#define SLICE_MSGS 20000 /* looked at in a second */

static const uint8_t out_of_schedule =
    MSG_HELD | MSG_DELETED | MSG_KILLED | MSG_ASIDE;

static void
put_flags(struct queue *q, const struct msg *m)
{
	struct buf *b = journal_begin(q->journal, J_FLAGS);

	put_msgid(b, m->id);
	put_u8(b, m->flags & (uint8_t)~MSG_NOTIFY);
	put_u64(b, (uint64_t)m->until);
	put_u32(b, m->act);
	journal_end(q->journal);
}

static void
say(struct queue *q, const struct msg *m, enum event_type t, const char *by,
    const char *why)
{
	char id[MSGID_TEXT + 1];
	struct event e;

	queue_event_msg(&e, t, m, id);
	event_cstr(&e, F_BY, by);
	event_cstr(&e, F_WHY, why);
	if (t == EV_MSG_HOLD && m->until != 0)
		event_num(&e, F_UNTIL, (uint64_t)m->until);
	queue_emit(q, &e);
}

static void
set_flags(
    struct queue *q, struct msg *m, uint8_t set, int64_t until, uint32_t number)
{
	q->suspects.aside -= (m->flags & MSG_ASIDE) != 0;
	q->suspects.aside += (set & MSG_ASIDE) != 0;
	if (set & MSG_ASIDE)
		q->suspects.last_aside = m->id;
	m->flags = (uint8_t)((m->flags & ~out_of_schedule) | set);
	m->until = until;
	m->act = number;
	put_flags(q, m);
	sched_remove(&q->sched, m);
	if (!(m->flags & out_of_schedule))
		requeue(q, m);
	queue_schedule(q);
}

static bool
release(struct queue *q, struct msg *m, uint32_t number, const char *why)
{
	if (!(m->flags & out_of_schedule))
		return false;
	set_flags(q, m, 0, 0, number);
	say(q, m, EV_MSG_RELEASE, "op", why);
	return true;
}

static bool
retry(struct queue *q, struct msg *m)
{
	if (m->flags & out_of_schedule || LIST_EMPTY(&m->jobs))
		return false;
	sched_release_msg(&q->sched, m);
	queue_schedule(q);
	return true;
}

bool
act_on(struct queue *q, struct msg *m, enum act act, uint32_t number)
{
	const struct conf *c = q->proc->conf;
	int64_t now = clock_wall();

	if (m->open == 0)
		return false;
	switch (act) {
	case ACT_HOLD:
		if (m->flags & out_of_schedule)
			return false;
		set_flags(q, m, MSG_HELD, 0, number);
		say(q, m, EV_MSG_HOLD, "op", "held");
		return true;
	case ACT_RELEASE:
		return (m->flags & MSG_HELD) &&
		    release(q, m, number, "released");
	case ACT_RETRY:
		return retry(q, m);
	case ACT_DELETE:
		if (m->flags & MSG_DELETED)
			return false;
		set_flags(q, m, MSG_DELETED, now + c->GraveTime, number);
		say(q, m, EV_MSG_HOLD, "op", "deleted");
		return true;
	case ACT_BOUNCE:
		if (m->flags & (MSG_DELETED | MSG_KILLED))
			return false;
		set_flags(q, m, MSG_KILLED, now + c->UndoTime, number);
		say(q, m, EV_MSG_HOLD, "op", "bounced, the notice waits");
		return true;
	case ACT_UNDO:
		return m->act == number && release(q, m, 0, "undone");
	}
	return false;
}

void
act_set_aside(struct queue *q, struct msg *m, const char *why)
{
	if (m->flags & out_of_schedule)
		return;
	set_flags(q, m, MSG_HELD | MSG_ASIDE, 0, 0);
	say(q, m, EV_MSG_HOLD, "mtad", why);
	queue_commit_soon(q);
}

static bool
is_busy(const struct msg *m)
{
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_ACTIVE)
			return true;
	return false;
}

/* The grave's time is over: gone, and no notice is sent. */
static void
bury(struct queue *q, struct msg *m)
{
	struct buf *b = journal_begin(q->journal, J_OUTCOME);
	const struct verdict v =
	    VERDICT(250, "2.0.0", RC_ADMIN, "Deleted by an operator");
	size_t at;
	uint32_t n = 0;

	put_msgid(b, m->id);
	at = b->len;
	put_u32(b, 0);
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		if (rcpt_is_finished(&m->rcpt[i]))
			continue;
		put_u32(b, i);
		put_u8(b, RS_DELETED);
		put_u8(b, 0);
		put_u16(b, m->rcpt[i].attempts);
		put_u64(b, 0);
		put_verdict(b, &v);
		outcome_say_discard(q, m, i, DELETED_WHY);
		outcome_finish_rcpt(q, m, i, RS_DELETED);
		stat_add(q->proc->slot, ST_RCPT_DELETED, 1);
		n++;
	}
	if (!b->bad)
		set_le32(b->data + at, n);
	journal_end(q->journal);
	msg_settle(q, m);
}

static void
bounce(struct queue *q, struct msg *m)
{
	const struct verdict v = VERDICT(
	    554, "5.7.0", RC_ADMIN, "Returned by the postmaster of this host");

	m->flags &= (uint8_t)~MSG_KILLED;
	m->until = 0;
	put_flags(q, m);
	m->pins++;
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_OPEN)
			outcome_decide(q, m, i, &v);
	msg_unpin(q, m);
}

void
grave_second(struct queue *q)
{
	int64_t now = clock_wall();
	struct msg *m;

	if (q->is_clock_bad)
		return;
	for (int n = 0; n < SLICE_MSGS; n++) {
		m = walk_next(&q->graves);
		if (m == NULL) { /* round again */
			walk_stop(&q->graves);
			walk_start(&q->index, &q->graves);
			return;
		}
		if (m->until == 0 || m->until > now || is_busy(m))
			continue;
		if (m->flags & MSG_DELETED)
			bury(q, m);
		else if (m->flags & MSG_KILLED)
			bounce(q, m);
	}
}

/* Was this recipient, or its destination, tried since this start? */
static bool
was_tried(const struct queue *q, const struct msg *m, uint32_t i)
{
	const struct job *j;

	if (m->rcpt[i].is_tried)
		return true;
	(void)q;
	LIST_FOREACH (j, &m->jobs, of_msg)
		for (uint32_t k = j->first; k != RCPT_NONE; k = m->rcpt[k].next)
			if (k == i)
				return j->dest->fails != 0 &&
				    j->dest->last_fail_mono != 0;
	return false;
}

static void
expire_one(struct queue *q, struct msg *m, uint32_t i)
{
	struct rcpt *r = &m->rcpt[i];
	struct slice text = rcpt_text(r);
	struct verdict v = { .code = r->code / 100 == 4 ? r->code : 451,
		.reason = RC_EXPIRED,
		.enhanced = rcpt_enhanced(r),
		.text =
		    text.n ? text : SLICE("The destination did not answer") };

	r->state = RS_OPEN;
	outcome_decide(q, m, i, &v);
}

static void
expire(struct queue *q, struct msg *m)
{
	uint32_t *old = malloc(m->rcpt_n * sizeof(*old)), n = 0;

	if (old == NULL)
		return;
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_OPEN && was_tried(q, m, i) &&
		    !rcpt_is_kept(q, m, &m->rcpt[i]))
			old[n++] = i;
	for (uint32_t k = 0; k < n; k++)
		m->rcpt[old[k]].state = RS_ACTIVE; /* out of the queues */
	m->pins++;
	if (n != 0)
		requeue(q, m);
	for (uint32_t k = 0; k < n; k++)
		expire_one(q, m, old[k]);
	free(old);
	msg_unpin(q, m);
}

/*
 * What nobody tries as its host is down grows old in its queue. Nothing
 * expires without a failed attempt since this start, nor while the clock is
 * in doubt (SPOOL.md, time).
 */
void
expire_old(struct queue *q)
{
	struct msg *m;

	for (int n = 0; n < SLICE_MSGS; n++) {
		m = walk_next(&q->expiry);
		if (m == NULL) {
			walk_stop(&q->expiry);
			walk_start(&q->index, &q->expiry);
			return;
		}
		if (msg_is_too_old(q, m) && m->open != 0 &&
		    !(m->flags & out_of_schedule) && !LIST_EMPTY(&m->jobs))
			expire(q, m);
	}
}
