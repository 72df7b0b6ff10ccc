/*
 * attempt: one transaction, from the scheduler's choice to the outcome.
 *
 * chosen -> (lookup answers) -> body read -> handed to a worker -> result.
 * Room for the outcome in the journal is reserved before it starts.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"
#include "sizes.h"

#define OUTCOME_FIXED 256 /* journal bytes of an outcome, at most */
#define OUTCOME_RCPT 700
#define LOOKUP_ADDS 4400 /* bytes of one recipient: a path, an account */
#define SLOW (30 * US_SEC)

static uint64_t
hash_number(uint64_t n)
{
	n *= UINT64_C(0x9e3779b97f4a7c15);
	return n ^ n >> 32;
}

static uint64_t
hash_attempt(const void *entry)
{
	return hash_number(((const struct attempt *)entry)->number);
}

static bool
is_attempt(const void *entry, const void *key)
{
	return ((const struct attempt *)entry)->number ==
	    *(const uint64_t *)key;
}

void
attempt_init(struct queue *q)
{
	map_init(&q->attempts, hash_attempt, is_attempt);
	q->next_attempt = 1;
}

struct attempt *
attempt_find(const struct queue *q, uint64_t number)
{
	return map_find(&q->attempts, hash_number(number), &number);
}

static struct attempt *
attempt_new(struct queue *q, struct msg *m, struct dest *d, uint32_t max,
    uint64_t number)
{
	struct attempt *a = calloc(1, sizeof(*a) + max * sizeof(a->rcpt[0]));

	if (a == NULL)
		return NULL;
	a->number = number;
	a->msg = m;
	a->dest = d;
	a->started = clock_wall();
	a->began = clock_mono();
	if (map_add(&q->attempts, a) < 0) {
		free(a);
		return NULL;
	}
	m->pins++;
	return a;
}

static void
add_rcpt(struct attempt *a, uint32_t index)
{
	struct rcpt *r = &a->msg->rcpt[index];
	struct attempt_rcpt *ar = &a->rcpt[a->n++];

	r->state = RS_ACTIVE;
	ar->index = index;
	ar->kind = r->kind;
	buf_init(&ar->targets, (size_t)64 << 20);
	buf_init(&ar->verdict, 4096);
}

static void
attempt_free(struct queue *q, struct attempt *a)
{
	struct msg *m = a->msg;

	for (uint32_t i = 0; i < a->n; i++) {
		free(a->rcpt[i].user);
		free(a->rcpt[i].path);
		buf_release(&a->rcpt[i].targets);
		buf_release(&a->rcpt[i].verdict);
	}
	map_del(&q->attempts, a);
	q->reserved -= a->reserved;
	free(a);
	msg_unpin(q, m);
}

static void
say_host(struct queue *q, const struct dest *d, enum sched_news news)
{
	static const enum event_type types[] = { [SCHED_UP] = EV_HOST_UP,
		[SCHED_DOWN] = EV_HOST_DOWN,
		[SCHED_BACKOFF] = EV_HOST_BACKOFF };
	struct event e;

	if (news == SCHED_NO_NEWS)
		return;
	event_init(&e, types[news]);
	event_cstr(&e, F_HOST_NAME, d->key);
	event_num(&e, F_SINCE, (uint64_t)d->since);
	if (news != SCHED_UP) {
		event_num(&e, F_FAILS_COUNT, d->fails);
		event_num(&e, F_UNTIL,
		    (uint64_t)(clock_wall() + d->down_until - clock_mono()));
		if (d->last_text != NULL)
			event_cstr(&e, F_TEXT, d->last_text);
	}
	queue_emit(q, &e);
}

static void
say_news(struct queue *q, const struct dest *d, enum sched_news news)
{
	struct qrun run = { "host", d->key, 0 };

	say_host(q, d, news);
	if (news != SCHED_UP)
		return;
	qrun_start(q, &run);
	qrun_end(q, &run, d->ready);
}

static void
tell_active(struct queue *q)
{
	stat_set(q->proc->slot, ST_QUEUE_ACTIVE,
	    q->sched.active + q->sched.active_local);
}

void
attempt_end(struct queue *q, struct attempt *a, enum sched_result r)
{
	struct msg *m = a->msg;
	struct dest *d = a->dest;
	struct sched_share share = a->share;

	for (uint32_t i = 0; i < a->n; i++) {
		struct rcpt *rc = &m->rcpt[a->rcpt[i].index];

		if (rc->state != RS_ACTIVE)
			continue;
		rc->state = RS_OPEN;
		route_rcpt(q, m, a->rcpt[i].index, rc->attempts != 0, false, 0);
	}
	suspect_ended(q, a, r != SCHED_NOTHING);
	handover_end(q, a);
	attempt_free(q, a);
	say_news(q, d, sched_done(&q->sched, d, &share, r, clock_mono()));
	tell_active(q);
	queue_schedule(q);
}

void
attempt_go_on(struct queue *q, struct attempt *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (!a->rcpt[i].is_settled) {
			handover_go(q, a);
			return;
		}
	attempt_end(q, a, SCHED_NOTHING);
}

/* Too large for this mailer (its M=): the server is not asked. */
static bool
is_too_large(const struct attempt *a)
{
	return a->dest->route.max_size != 0 &&
	    a->msg->size > (uint64_t)a->dest->route.max_size;
}

/* One transaction has one sender. */
static bool
fits(const struct attempt *a, const struct job *j)
{
	const struct msg *m = a->msg;

	return a->n == 0 || j->first == RCPT_NONE ||
	    strcmp(rcpt_sender(m, &m->rcpt[a->rcpt[0].index]),
		rcpt_sender(m, &m->rcpt[j->first])) == 0;
}

static void
refuse_size(struct queue *q, struct attempt *a)
{
	const struct verdict v = VERDICT(
	    552, "5.2.3", RC_SIZE, "Message is larger than this mailer takes");

	for (uint32_t i = 0; i < a->n; i++) {
		a->msg->rcpt[a->rcpt[i].index].state = RS_OPEN;
		outcome_decide(q, a->msg, a->rcpt[i].index, &v);
	}
	attempt_end(q, a, SCHED_NOTHING);
}

/* What one more may take of the JOB; of ours lookup adds account and path. */
static size_t
rcpt_bytes(const struct attempt *a, uint32_t index)
{
	const struct msg *m = a->msg;
	const struct rcpt *r = &m->rcpt[index];

	return 64 + strlen(rcpt_addr(m, r)) + strlen(rcpt_orcpt(m, r)) +
	    strlen(rcpt_user(m, r)) + strlen(rcpt_path(m, r)) +
	    (a->dest->lane == 0 ? LOOKUP_ADDS : 0);
}

static void
take_rcpts(struct attempt *a, struct job *j, uint32_t max)
{
	size_t bytes = 0;
	uint32_t i;

	while (a->n < max && j->first != RCPT_NONE && fits(a, j)) {
		bytes += rcpt_bytes(a, j->first);
		if (a->n != 0 && bytes > JOB_RCPTS_MAX)
			break;
		i = sched_pop(j);
		add_rcpt(a, i);
	}
}

/* False without memory. */
static bool
start(struct queue *q, struct job *j, const struct sched_share *share)
{
	uint32_t max = (uint32_t)q->proc->conf->MaxRecipientsPerDelivery;
	struct attempt *a =
	    attempt_new(q, j->msg, j->dest, max, q->next_attempt);

	if (a == NULL) {
		sched_done(&q->sched, j->dest, share, SCHED_NOTHING, 0);
		return false;
	}
	q->next_attempt++;
	a->share = *share;
	take_rcpts(a, j, max);
	sched_taken(&q->sched, j);
	a->reserved = OUTCOME_FIXED + a->n * OUTCOME_RCPT;
	q->reserved += a->reserved;
	handover_begin(q, a);
	suspect_started(q, a);
	tell_active(q);
	if (is_too_large(a))
		refuse_size(q, a);
	else if (a->dest->route.kind >= MAILER_LOCAL)
		expand_ask(q, a);
	else
		attempt_go_on(q, a);
	return true;
}

static bool
start_one(struct queue *q, int lane)
{
	struct sched_share share;
	struct job *j;

	if (!handover_has_room(q, lane))
		return false;
	j = sched_next(&q->sched, lane, &share);
	return j != NULL && start(q, j, &share);
}

/* Lanes take turns. */
void
attempt_start_all(struct queue *q)
{
	uint64_t most = OUTCOME_FIXED +
	    (uint64_t)q->proc->conf->MaxRecipientsPerDelivery * OUTCOME_RCPT;
	bool has_more = true;

	if (!q->is_ready || q->reporting != 0 || q->is_spool_bad)
		return;
	while (has_more) {
		has_more = false;
		for (int lane = 0; lane < SCHED_LANES; lane++) {
			if (!journal_has_room(q->journal, q->reserved + most))
				return;
			has_more |= start_one(q, lane);
		}
	}
}

/* What has been under way for long proves nothing of its destination. */
void
attempt_second(struct queue *q)
{
	int64_t old = clock_mono() - SLOW;
	struct attempt *a;
	size_t pos = 0;

	while ((a = map_next(&q->attempts, &pos)) != NULL)
		if (a->began < old)
			sched_is_slow(&q->sched, a->dest, &a->share);
}

bool
attempt_has_active(const struct attempt *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->msg->rcpt[a->rcpt[i].index].state == RS_ACTIVE)
			return true;
	return false;
}

/*
 * A worker of the last queue says what became of a message, before it has said
 * HOLDING_END: what is still open of it, and is such a worker's, counts.
 */
static void
result_of_last(struct queue *q, struct peer *peer, const struct p_result *m)
{
	bool is_its = q->reporting & 1u << handover_slot(peer);
	struct msg *msg = is_its ? index_find(&q->index, m->id) : NULL;

	if (msg != NULL)
		outcome_apply(q, msg, m, NULL, peer);
	else
		PROC_SEND(peer, result_ack, RESULT_ACK, .serial = m->serial);
}

/* Of what this worker was given, by this queue or by the last one. */
bool
attempt_result(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_result m;
	struct attempt *a;

	if (!get_p_result(payload, &m) ||
	    !handover_is_job(q, m.id, m.job, peer))
		return false;
	a = attempt_find(q, handover_number(m.job));
	if (a == NULL || a->worker != peer) {
		result_of_last(q, peer, &m);
		return true;
	}
	outcome_apply(q, a->msg, &m, a, peer);
	/* mtad-local may still owe a .forward of the same job */
	if (peer->role != R_LOCAL || !attempt_has_active(a))
		attempt_end(q, a, m.has_conn_failed ? SCHED_NO_CONN : SCHED_OK);
	return true;
}

/* The destination of what waits of it for such a worker. */
static struct dest *
dest_of(const struct msg *m, const struct peer *worker)
{
	struct job *j;

	LIST_FOREACH (j, &m->jobs, of_msg)
		if ((j->dest->lane == 0) == (worker->role == R_LOCAL))
			return j->dest;
	return NULL;
}

static void
adopt(struct queue *q, struct attempt *a, struct peer *peer, struct slice rcpts)
{
	struct msg *m = a->msg;
	struct rd r = rd_of(rcpts);

	a->worker = peer;
	a->slot = handover_slot(peer);
	a->share.cause = m->cause;
	sched_adopt(&q->sched, a->dest, &a->share);
	sched_remove(&q->sched, m);
	while (!rd_end(&r) && a->n < m->rcpt_n) {
		uint32_t i = get_u32(&r);

		if (!r.bad && i < m->rcpt_n && m->rcpt[i].state == RS_OPEN &&
		    rcpt_is_local(q, m, i) == (peer->role == R_LOCAL))
			add_rcpt(a, i);
	}
	requeue(q, m);
}

/* A worker that survived the last queue has these in its hands: nobody else
 * gets them until it has said what became of them, or died. */
bool
attempt_holding(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_holding h;
	struct attempt *a;
	struct dest *d;
	struct msg *m;
	uint64_t number;

	if (!get_p_holding(payload, &h) ||
	    !(q->reporting & 1u << handover_slot(peer)) ||
	    !handover_is_job(q, h.id, h.job, peer))
		return false;
	number = handover_number(h.job);
	m = index_find(&q->index, h.id);
	if (m == NULL || (d = dest_of(m, peer)) == NULL)
		return true;
	if (attempt_find(q, number) != NULL)
		return false; /* said twice */
	a = attempt_new(q, m, d, m->rcpt_n, number);
	if (a == NULL)
		return true;
	if (number >= q->next_attempt)
		q->next_attempt = number + 1;
	adopt(q, a, peer, h.rcpts);
	return true;
}

/* Its word of what it held is complete. One that came later holds nothing. */
void
attempt_reported(struct queue *q, const struct peer *peer)
{
	q->reporting &= ~(1u << handover_slot(peer));
	queue_schedule(q);
}

void
attempt_peer_down(struct queue *q, struct peer *peer)
{
	size_t pos = 0;
	struct attempt *a;

	if (peer->role != R_LOOKUP)
		attempt_reported(q, peer);
	while ((a = map_next(&q->attempts, &pos)) != NULL) {
		bool is_its = a->worker == peer ||
		    (peer->role == R_LOOKUP && a->waiting != 0);

		if (!is_its)
			continue;
		suspect_fell(q, a, peer);
		attempt_end(q, a, SCHED_NOTHING);
	}
}
