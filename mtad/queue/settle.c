/*
 * settle: how recipients and messages end: too old, finished, gone.
 */
#include <string.h>

#include "clock.h"
#include "queue.h"

int64_t
msg_expires(const struct queue *q, const struct msg *m)
{
	return m->received + q->proc->conf->TimeoutQueuereturn;
}

bool
msg_is_too_old(const struct queue *q, const struct msg *m)
{
	return !q->is_clock_bad && !(m->env_flags & ENV_DOUBLE) &&
	    clock_wall() >= msg_expires(q, m);
}

/*
 * postmaster and root of this host: who would be told that their mail could
 * not be delivered? It waits for an alias that works, however long.
 */
bool
rcpt_is_kept(const struct queue *q, const struct msg *m, const struct rcpt *r)
{
	struct slice addr = slice_of(rcpt_addr(m, r));
	size_t at = slice_rfind(addr, '@');
	struct slice local = slice_sub(addr, 0, at);

	return (slice_ieq(local, SLICE("postmaster")) ||
		   slice_ieq(local, SLICE("root"))) &&
	    route_class(q->proc->conf, slice_sub(addr, at + 1, addr.n)) <=
	    ROUTE_VIRTUAL;
}

void
msg_unpin(struct queue *q, struct msg *m)
{
	m->pins--;
	msg_settle(q, m);
}

/* How the message as a whole ended. */
static void
say_done(struct queue *q, const struct msg *m)
{
	static const char *const names[RS_STATES] = { [RS_OK] = "delivered",
		[RS_BOUNCED] = "bounced",
		[RS_DELETED] = "deleted",
		[RS_EXPANDED] = "delivered" };
	uint64_t n[RS_STATES] = { 0 }, expired = 0;
	const char *outcome = NULL;
	char id[MSGID_TEXT + 1];
	struct event e;

	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		const struct rcpt *r = &m->rcpt[i];

		n[r->state]++;
		expired += r->state == RS_BOUNCED && r->is_expired;
		if (r->state == RS_EXPANDED)
			continue;
		if (outcome != NULL && outcome != names[r->state])
			outcome = "mixed";
		else
			outcome = names[r->state];
	}
	if (expired != 0 && expired == n[RS_BOUNCED] && n[RS_OK] == 0)
		outcome = "expired";
	queue_event_msg(&e, EV_MSG_DONE, m, id);
	event_cstr(&e, F_OUTCOME, outcome ? outcome : "delivered");
	event_num(&e, F_DELIVERED_COUNT, n[RS_OK]);
	event_num(&e, F_BOUNCED_COUNT, n[RS_BOUNCED] - expired);
	event_num(&e, F_EXPIRED_COUNT, expired);
	event_num(&e, F_DELETED_COUNT, n[RS_DELETED]);
	event_num(&e, F_EXPANDED_COUNT, n[RS_EXPANDED]);
	event_num(&e, F_LIFETIME_US,
	    (uint64_t)(clock_wall() > m->received ? clock_wall() - m->received
						  : 0));
	queue_emit(q, &e);
}

void
msg_settle(struct queue *q, struct msg *m)
{
	if (m->open != 0 || m->pins != 0 || (m->flags & MSG_NOTIFY))
		return;
	say_done(q, m);
	if (m->body_file != 0)
		segments_drop_body(&q->segments, m->body_file);
	segment_del_live(&q->segments, m->segment, m->length);
	sched_remove(&q->sched, m);
	index_del(&q->index, m);
}

void
outcome_say_discard(
    struct queue *q, const struct msg *m, uint32_t rcpt, const char *why)
{
	const struct rcpt *r = &m->rcpt[rcpt];
	char id[MSGID_TEXT + 1];
	struct event e;

	queue_event_msg(&e, EV_DLV_DISCARD, m, id);
	event_num(&e, F_RCPT_ID, rcpt);
	event_num(&e, F_ATTEMPT, r->attempts);
	event_cstr(&e, F_MAIL_FROM, rcpt_sender(m, r));
	event_cstr(&e, F_RCPT_TO, rcpt_addr(m, r));
	event_num(&e, F_SIZE_BYTES, m->size);
	event_cstr(&e, F_WHY, why);
	queue_emit(q, &e);
}

void
outcome_finish_rcpt(
    struct queue *q, struct msg *m, uint32_t rcpt, enum rcpt_state s)
{
	struct rcpt *r = &m->rcpt[rcpt];

	(void)q;
	if (rcpt_is_finished(r))
		return;
	r->state = (uint8_t)s;
	m->open--;
	q->index.rcpts--;
}
