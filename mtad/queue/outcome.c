/*
 * outcome: what became of recipients. Decided here, journaled, and told to
 * the world (events, worker, notice) only when the journal is durable.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"
#include "records.h"

/* Kept from the decision to the commit. */
struct outcome {
	struct commit commit;
	struct queue *q;
	struct msg *m;
	struct peer *peer; /* to acknowledge, or NULL */
	struct buf result; /* the worker's frame, encoded again */
	int64_t started; /* wall, of the attempt */
	char mailer[32];
	char route[128];
	uint32_t n;
	struct told_rcpt {
		uint8_t state; /* enum rcpt_state after it; RS_FAILED too */
		bool is_expired;
		uint16_t attempt;
		int64_t next_try; /* wall, when RS_OPEN */
	} told[];
};

/* Verdict to state; counts it. */
static void
decide(struct queue *q, struct msg *m, struct rcpt *r, const struct verdict *v,
    struct told_rcpt *t)
{
	struct stat_slot *slot = q->proc->slot;
	bool is_kept = rcpt_is_kept(q, m, r);

	if (r->attempts < UINT16_MAX)
		r->attempts++;
	r->is_tried = true;
	t->attempt = r->attempts;
	t->next_try = 0;
	t->is_expired = false;
	rcpt_set_text(&q->index, r, v);
	if (verdict_is_ok(v)) {
		t->state = RS_OK;
		stat_add(slot, ST_RCPT_OK, 1);
		stat_add(slot, ST_BYTES_OUT, (int64_t)m->size);
	} else if (verdict_is_perm(v) && !is_kept) {
		t->state = RS_FAILED;
		stat_add(slot, ST_RCPT_FAIL, 1);
	} else if (msg_is_too_old(q, m) && !is_kept) {
		t->state = RS_FAILED;
		t->is_expired = r->is_expired = true;
		stat_add(slot, ST_RCPT_EXPIRE, 1);
	} else {
		/* a tenth more or less, so that a herd spreads out */
		int64_t wait = sched_backoff(q->proc->conf, r->attempts);

		wait += (int64_t)(draw_random() % (uint64_t)(wait / 5 + 1)) -
		    wait / 10;
		t->state = RS_OPEN;
		t->next_try = clock_wall() + wait;
		stat_add(slot, ST_RCPT_DEFER, 1);
	}
}

static void
put_outcome(struct buf *b, uint32_t index, const struct told_rcpt *t,
    const struct verdict *v)
{
	put_u32(b, index);
	put_u8(b, t->state);
	put_u8(b, t->is_expired);
	put_u16(b, t->attempt);
	put_u64(b, (uint64_t)t->next_try);
	put_verdict(b, v);
}

/* What J_OUTCOME says, into the index: used when it is decided and when it
 * is replayed. */
static void
set_state(struct queue *q, struct msg *m, uint32_t i, const struct told_rcpt *t,
    bool is_host_wait)
{
	struct rcpt *r = &m->rcpt[i];
	int64_t wait;

	switch (t->state) {
	case RS_OPEN:
		r->state = RS_OPEN;
		wait = t->next_try - clock_wall();
		if (wait > q->proc->conf->MaxQueueAge)
			wait = q->proc->conf->MaxQueueAge; /* a clock jumped */
		route_rcpt(q, m, i, true, is_host_wait,
		    wait > 0 ? clock_mono() + wait : 0);
		return;
	case RS_FAILED:
		r->state = RS_FAILED;
		r->is_expired = t->is_expired;
		notice_want(q, m);
		return;
	default:
		outcome_finish_rcpt(q, m, i, (enum rcpt_state)t->state);
	}
}

static void
event_stages(struct event *e, const struct outcome *o, const struct p_result *r)
{
	int64_t waited = o->started - o->m->received;
	int64_t total = clock_wall() - o->m->received;

	const struct {
		enum event_field field;
		uint64_t us;
	} stages[] = { { F_STAGE_DNS_US, r->dns_us },
		{ F_STAGE_CONN_US, r->conn_us },
		{ F_STAGE_ENVELOPE_US, r->envelope_us },
		{ F_STAGE_DATA_US, r->data_us },
		{ F_STAGE_FINAL_US, r->final_us } };

	event_num(e, F_STAGE_QUEUE_US, (uint64_t)(waited > 0 ? waited : 0));
	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (stages[i].us != 0) /* else it was not reached */
			event_num(e, stages[i].field, stages[i].us);
	event_num(e, F_TOTAL_US, (uint64_t)(total > 0 ? total : 0));
}

static void
event_host(struct event *e, const struct p_result *r)
{
	if (r->session.n != 0)
		event_str(e, F_SESSION_ID, r->session);
	if (r->host_name.n != 0)
		event_str(e, F_HOST_NAME, r->host_name);
	if (r->host_ip.n != 0) {
		event_str(e, F_HOST_IP, r->host_ip);
		event_num(e, F_HOST_PORT, r->host_port);
	}
	if (r->remote_id.n != 0)
		event_str(e, F_REMOTE_ID, r->remote_id);
	if (r->is_reused)
		event_num(e, F_REUSED_CONN, 1);
}

static enum event_type
event_of(const struct told_rcpt *t)
{
	static const enum event_type types[RS_STATES] = { [RS_OPEN] =
							      EV_DLV_DEFER,
		[RS_FAILED] = EV_DLV_FAIL,
		[RS_OK] = EV_DLV_OK };

	return t->is_expired ? EV_DLV_EXPIRE : types[t->state];
}

static void
event_verdict(struct event *e, const struct verdict *v)
{
	event_num(e, F_CODE, (uint64_t)v->code);
	if (v->enhanced.n != 0)
		event_str(e, F_ENHANCED, v->enhanced);
	event_str(e, F_TEXT, v->text);
	if (v->reason != RC_NONE)
		event_cstr(e, F_REASON_CLASS, reason_name(v->reason));
}

static void
say_one(struct queue *q, const struct outcome *o, const struct p_result *r,
    const struct p_result_rcpt *one, const struct told_rcpt *t)
{
	const struct msg *m = o->m;
	const struct rcpt *rc = &m->rcpt[one->index];
	struct rd vr = rd_of(one->verdict);
	struct verdict v = get_verdict(&vr);
	char id[MSGID_TEXT + 1];
	struct event e;

	queue_event_msg(&e, event_of(t), m, id);
	event_num(&e, F_RCPT_ID, one->index);
	event_num(&e, F_ATTEMPT, t->attempt);
	event_cstr(&e, F_MAIL_FROM, rcpt_sender(m, rc));
	event_cstr(&e, F_RCPT_TO, rcpt_addr(m, rc));
	if (*rcpt_orcpt(m, rc) != '\0')
		event_cstr(&e, F_ORCPT, rcpt_orcpt(m, rc));
	event_cstr(&e, F_MAILER, *o->mailer ? o->mailer : NULL);
	event_host(&e, r);
	event_verdict(&e, &v);
	if (one->command.n != 0)
		event_str(&e, F_COMMAND, one->command);
	event_num(&e, F_SIZE_BYTES, m->size);
	event_stages(&e, o, r);
	if (t->state == RS_OPEN) {
		event_num(&e, F_NEXT_TRY, (uint64_t)t->next_try);
		event_num(&e, F_EXPIRES, (uint64_t)msg_expires(q, m));
	}
	queue_emit(q, &e);
}

static void
durable(void *arg, int error)
{
	struct outcome *o = arg;
	struct queue *q = o->q;
	struct msg *m = o->m;
	struct p_result r;
	struct p_result_rcpt one;
	struct rd rd;

	/* After a failed sync the checkpoint that follows will say it. */
	if (get_p_result(buf_slice(&o->result), &r)) {
		rd = rd_of(r.rcpts);
		for (uint32_t i = 0; i < o->n; i++)
			if (get_p_result_rcpt(&rd, &one))
				say_one(q, o, &r, &one, &o->told[i]);
		if (error == 0 && o->peer != NULL)
			PROC_SEND(o->peer, result_ack, RESULT_ACK,
			    .serial = r.serial);
	}
	buf_release(&o->result);
	free(o);
	msg_unpin(q, m);
}

/* Which of the result's recipients count: those that the attempt has, or,
 * without one, those that are open and that nobody has. */
static bool
counts(const struct msg *m, const struct attempt *a, uint32_t index)
{
	if (index >= m->rcpt_n)
		return false;
	if (a == NULL)
		return rcpt_is_open(&m->rcpt[index]);
	if (m->rcpt[index].state != RS_ACTIVE)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (a->rcpt[i].index == index)
			return true;
	return false;
}

static uint32_t
count_rcpts(struct slice rcpts)
{
	struct rd r = rd_of(rcpts);
	struct p_result_rcpt one;
	uint32_t n = 0;

	while (!rd_end(&r) && get_p_result_rcpt(&r, &one))
		n++;
	return n;
}

static struct outcome *
outcome_new(struct queue *q, struct msg *m, const struct p_result *result,
    const struct attempt *a, struct peer *peer)
{
	uint32_t n = count_rcpts(result->rcpts);
	struct outcome *o = malloc(sizeof(*o) + n * sizeof(o->told[0]));
	struct slice mailer = a ? a->dest->route.mailer : SLICE("");

	if (o == NULL)
		return NULL;
	*o = (struct outcome){ .q = q,
		.m = m,
		.peer = peer,
		.started = a ? a->started : clock_wall(),
		.commit = { .done = durable, .arg = o } };
	buf_init(&o->result, CHAN_FRAME_MAX);
	if (mailer.n >= sizeof(o->mailer))
		mailer.n = sizeof(o->mailer) - 1;
	memcpy(o->mailer, mailer.p, mailer.n);
	o->mailer[mailer.n] = '\0';
	return o;
}

/* Journal and index; what counts is copied into kept, for the events. */
static void
journal_result(struct queue *q, struct outcome *o,
    const struct p_result *result, const struct attempt *a, struct buf *kept)
{
	struct rd r = rd_of(result->rcpts);
	struct buf *b = journal_begin(q->journal, J_OUTCOME);
	struct p_result_rcpt one;
	size_t count_at;

	put_msgid(b, o->m->id);
	count_at = b->len;
	put_u32(b, 0);
	while (!rd_end(&r) && get_p_result_rcpt(&r, &one)) {
		struct rd vr = rd_of(one.verdict);
		struct verdict v = get_verdict(&vr);
		struct told_rcpt *t = &o->told[o->n];

		if (!counts(o->m, a, one.index) || vr.bad)
			continue;
		decide(q, o->m, &o->m->rcpt[one.index], &v, t);
		put_outcome(b, one.index, t, &v);
		put_p_result_rcpt(kept, &one);
		set_state(q, o->m, one.index, t, result->has_conn_failed);
		o->n++;
	}
	if (!b->bad)
		set_le32(b->data + count_at, o->n);
	journal_end(q->journal);
}

/* What a result names is waiting in some queue: take it out, by taking all
 * out and putting the rest in again. */
static void
unqueue(struct queue *q, struct msg *m, struct slice rcpts)
{
	struct rd r = rd_of(rcpts);
	struct p_result_rcpt one;

	while (!rd_end(&r) && get_p_result_rcpt(&r, &one))
		if (one.index < m->rcpt_n &&
		    m->rcpt[one.index].state == RS_OPEN)
			m->rcpt[one.index].state = RS_ACTIVE;
	requeue(q, m);
}

void
outcome_apply(struct queue *q, struct msg *m, const struct p_result *result,
    const struct attempt *a, struct peer *peer)
{
	struct outcome *o = outcome_new(q, m, result, a, peer);
	struct p_result copy = *result;
	struct buf kept;

	if (o == NULL)
		return; /* not acknowledged: the worker keeps it */
	if (a == NULL && peer != NULL)
		unqueue(q, m, result->rcpts);
	buf_init(&kept, CHAN_FRAME_MAX);
	journal_result(q, o, result, a, &kept);
	copy.rcpts = buf_slice(&kept);
	put_p_result(&o->result, &copy);
	buf_release(&kept);
	if (a != NULL && result->has_conn_failed && o->n != 0) {
		struct slice why = rcpt_text(&m->rcpt[a->rcpt[0].index]);

		free(a->dest->last_text);
		a->dest->last_text = slice_dup(why);
	}
	m->pins++;
	journal_on_commit(q->journal, &o->commit);
	queue_commit_soon(q);
}

void
outcome_decide(
    struct queue *q, struct msg *m, uint32_t rcpt, const struct verdict *v)
{
	struct buf one, verdict;
	struct p_result r = { .id = m->id };
	struct p_result_rcpt rr = { .index = rcpt };

	buf_init(&one, 65536);
	buf_init(&verdict, 65536);
	put_verdict(&verdict, v);
	rr.verdict = buf_slice(&verdict);
	put_p_result_rcpt(&one, &rr);
	r.rcpts = buf_slice(&one);
	outcome_apply(q, m, &r, NULL, NULL);
	buf_release(&verdict);
	buf_release(&one);
}

/* What the journal has of an event: the key, and the server's words. */
static void
tell_again(struct queue *q, const struct msg *m, uint32_t i,
    const struct told_rcpt *t, const struct verdict *v)
{
	char id[MSGID_TEXT + 1];
	struct event e;

	if (t->state == RS_DELETED) {
		q->is_retelling = true;
		outcome_say_discard(q, m, i, DELETED_WHY);
		q->is_retelling = false;
	}
	if (t->state > RS_OK)
		return;
	queue_event_msg(&e, event_of(t), m, id);
	event_num(&e, F_RCPT_ID, i);
	event_num(&e, F_ATTEMPT, t->attempt);
	event_cstr(&e, F_MAIL_FROM, rcpt_sender(m, &m->rcpt[i]));
	event_cstr(&e, F_RCPT_TO, rcpt_addr(m, &m->rcpt[i]));
	event_verdict(&e, v);
	event_num(&e, F_SIZE_BYTES, m->size);
	if (t->state == RS_OPEN)
		event_num(&e, F_NEXT_TRY, (uint64_t)t->next_try);
	q->is_retelling = true;
	queue_emit(q, &e);
	q->is_retelling = false;
}

bool
outcome_replay(struct queue *q, struct slice payload, bool tell)
{
	struct rd r = rd_of(payload);
	struct msgid id = get_msgid(&r);
	uint32_t n = get_u32(&r);
	struct msg *m = index_find(&q->index, id);

	for (uint32_t k = 0; k < n && !r.bad && m != NULL; k++) {
		uint32_t i = get_u32(&r);
		struct told_rcpt t = { .state = get_u8(&r) };
		struct verdict v;

		t.is_expired = get_u8(&r);
		t.attempt = get_u16(&r);
		t.next_try = (int64_t)get_u64(&r);
		v = get_verdict(&r);
		if (r.bad || i >= m->rcpt_n || t.state >= RS_STATES ||
		    rcpt_is_finished(&m->rcpt[i]))
			continue;
		m->rcpt[i].attempts = t.attempt;
		m->rcpt[i].is_expired = t.is_expired;
		rcpt_set_text(&q->index, &m->rcpt[i], &v);
		if (tell)
			tell_again(q, m, i, &t, &v);
		if (t.state >= RS_OK)
			outcome_finish_rcpt(q, m, i, (enum rcpt_state)t.state);
		else
			m->rcpt[i].state = t.state;
		/* kept as wall seconds until the queue is routed */
		m->rcpt[i].next_try = (uint32_t)(t.next_try / US_SEC);
	}
	return m != NULL && !r.bad;
}
