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

#define OUTCOME_FIXED 256 /* journal bytes of an outcome, at most */
#define OUTCOME_RCPT 700

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

void
attempt_end(struct queue *q, struct attempt *a, enum sched_result r)
{
	struct msg *m = a->msg;
	struct dest *d = a->dest;

	for (uint32_t i = 0; i < a->n; i++) {
		struct rcpt *rc = &m->rcpt[a->rcpt[i].index];

		if (rc->state != RS_ACTIVE)
			continue;
		rc->state = RS_OPEN;
		route_rcpt(q, m, a->rcpt[i].index, rc->attempts != 0, false, 0);
	}
	say_news(q, d, sched_done(&q->sched, d, r, clock_mono()));
	stat_set(q->proc->slot, ST_QUEUE_ACTIVE, q->sched.active);
	attempt_free(q, a);
	queue_schedule(q);
}

static struct peer *
worker_for(struct queue *q, const struct dest *d)
{
	struct proc *p = q->proc;
	uint64_t h;

	if (d->route.kind >= MAILER_LOCAL)
		return p->local.chan ? &p->local : NULL;
	h = slice_ihash(slice_of(d->key));
	for (int i = 0; i < p->remotes; i++) {
		struct peer *w =
		    &p->remote[(h + (unsigned)i) % (unsigned)p->remotes];

		if (w->chan != NULL)
			return w;
	}
	return NULL;
}

static void
put_rcpts(struct buf *b, const struct attempt *a)
{
	const struct msg *m = a->msg;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct attempt_rcpt *ar = &a->rcpt[i];
		const struct rcpt *r = &m->rcpt[ar->index];
		struct p_job_rcpt one = { .index = ar->index,
			.attempt = r->attempts + 1u,
			.kind = ar->kind,
			.notify = r->notify,
			.addr = slice_of(rcpt_addr(m, r)),
			.orcpt = slice_of(rcpt_orcpt(m, r)),
			.user = slice_of(ar->user ? ar->user : rcpt_user(m, r)),
			.path =
			    slice_of(ar->path ? ar->path : rcpt_path(m, r)) };

		if (!ar->is_settled)
			put_p_job_rcpt(b, &one);
	}
}

static void
say_start(struct queue *q, const struct attempt *a)
{
	const struct msg *m = a->msg;
	const struct attempt_rcpt *first = &a->rcpt[0];
	char id[MSGID_TEXT + 1];
	struct event e;

	queue_event_msg(&e, EV_DLV_START, m, id);
	event_num(&e, F_ATTEMPT, m->rcpt[first->index].attempts + 1u);
	event_str(&e, F_MAILER, a->dest->route.mailer);
	event_cstr(&e, F_ROUTE, a->dest->key);
	event_num(&e, F_RCPT_COUNT, a->n);
	queue_emit(q, &e);
}

static void
send_job(struct attempt *a, struct body *b)
{
	const struct msg *m = a->msg;
	const struct rcpt *first = &m->rcpt[a->rcpt[0].index];
	bool is_listed = rcpt_is_listed(m, first); /* all of them, or none */
	const struct route *r = &a->dest->route;
	struct buf rcpts;
	int fd = b->fd;

	b->fd = -1;
	buf_init(&rcpts, CHAN_FRAME_MAX / 2);
	put_rcpts(&rcpts, a);
	PROC_SEND_FD(a->worker, job, JOB, fd, .id = m->id, .job = a->number,
	    .mailer = (uint8_t)r->kind, .mailer_name = r->mailer,
	    .domain = r->domain, .host = r->host, .port = r->port,
	    .path = r->path, .sender = slice_of(rcpt_sender(m, first)),
	    .flags = m->env_flags, .ret = is_listed ? 0 : m->ret,
	    .envid = slice_of(is_listed ? "" : msg_envid(m)),
	    .received = m->received, .size = m->size,
	    .rcpts = buf_slice(&rcpts), .body = body_content(b));
	buf_release(&rcpts);
}

static void
fail_all(struct queue *q, struct attempt *a, const struct verdict *v)
{
	struct msg *m = a->msg;

	for (uint32_t i = 0; i < a->n; i++) {
		m->rcpt[a->rcpt[i].index].state = RS_OPEN;
		outcome_decide(q, m, a->rcpt[i].index, v);
	}
	attempt_end(q, a, SCHED_ANSWERED);
}

/* Damaged: kept, and not tried again. A read that failed: later, with the
 * usual wait, as a disk that fails now fails again at once. */
static void
cannot_read(struct queue *q, struct attempt *a, int error)
{
	const struct verdict later = VERDICT(451, "4.3.0", RC_LOCAL_IO,
	    "The message could not be read from the queue");
	struct msg *m = a->msg;

	if (error == -EBADMSG || error == -ENOENT) {
		m->flags |= MSG_DAMAGED;
		queue_damage(q, m, "segment", m->offset,
		    error == -ENOENT
			? "its body file is gone; the message is kept"
			: "checksum does not fit; the message is kept");
		attempt_end(q, a, SCHED_ANSWERED);
		return;
	}
	queue_spool_error(q, "reading a message", error);
	fail_all(q, a, &later);
}

static void
got_body(struct queue *q, struct msg *m, struct body *b, void *arg)
{
	struct attempt *a = arg;

	(void)m;
	if (b->error != 0) {
		cannot_read(q, a, b->error);
		return;
	}
	a->worker = worker_for(q, a->dest);
	if (a->worker == NULL) { /* it comes back: peer_up schedules */
		attempt_end(q, a, SCHED_ANSWERED);
		return;
	}
	say_start(q, a);
	send_job(a, b);
}

void
attempt_go_on(struct queue *q, struct attempt *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (!a->rcpt[i].is_settled) {
			body_read(q, a->msg, got_body, a);
			return;
		}
	attempt_end(q, a, SCHED_ANSWERED);
}

static bool
can_work(struct queue *q, const struct dest *d)
{
	if (worker_for(q, d) == NULL)
		return false;
	return d->route.kind < MAILER_LOCAL || q->proc->lookup.chan != NULL;
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
start(struct queue *q, struct job *j)
{
	const struct verdict too_large = VERDICT(
	    552, "5.2.3", RC_SIZE, "Message is larger than this mailer takes");
	uint32_t max = (uint32_t)q->proc->conf->MaxRecipientsPerDelivery, i;
	struct attempt *a;

	a = attempt_new(q, j->msg, j->dest, max, q->next_attempt++);
	if (a == NULL) {
		sched_taken(&q->sched, j);
		return;
	}
	while (a->n < max && fits(a, j) && (i = sched_pop(j)) != RCPT_NONE)
		add_rcpt(a, i);
	sched_taken(&q->sched, j);
	a->reserved = OUTCOME_FIXED + a->n * OUTCOME_RCPT;
	q->reserved += a->reserved;
	stat_set(q->proc->slot, ST_QUEUE_ACTIVE, q->sched.active);
	if (is_too_large(a))
		fail_all(q, a, &too_large);
	else if (a->dest->route.kind >= MAILER_LOCAL)
		expand_ask(q, a);
	else
		attempt_go_on(q, a);
}

void
attempt_start_all(struct queue *q)
{
	uint64_t most = OUTCOME_FIXED +
	    (uint64_t)q->proc->conf->MaxRecipientsPerDelivery * OUTCOME_RCPT;
	struct dest *d;

	if (!q->is_ready || q->reporting != 0 || q->is_spool_bad)
		return;
	while ((d = TAILQ_FIRST(&q->sched.ring)) != NULL) {
		struct job *j;

		if (!journal_has_room(q->journal, q->reserved + most))
			return;
		if (!can_work(q, d)) { /* until its worker is back */
			TAILQ_REMOVE(&q->sched.ring, d, ring);
			d->in_ring = false;
			continue;
		}
		j = sched_next(&q->sched);
		if (j == NULL)
			return;
		start(q, j);
	}
}

bool
attempt_has_active(const struct attempt *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (a->msg->rcpt[a->rcpt[i].index].state == RS_ACTIVE)
			return true;
	return false;
}

bool
attempt_result(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_result m;
	struct attempt *a;
	struct msg *msg;

	if (!get_p_result(payload, &m))
		return false;
	a = attempt_find(q, m.job);
	if (a != NULL && a->worker == peer && msgid_eq(a->msg->id, m.id)) {
		outcome_apply(q, a->msg, &m, a, peer);
		/* mtad-local may still owe a .forward of the same job */
		if (peer->role == R_LOCAL && attempt_has_active(a))
			return true;
		attempt_end(q, a, m.has_conn_failed ? SCHED_NO_CONN : SCHED_OK);
		return true;
	}
	/* From before this queue: what is still open of it counts. */
	msg = index_find(&q->index, m.id);
	if (msg != NULL)
		outcome_apply(q, msg, &m, NULL, peer);
	else
		PROC_SEND(peer, result_ack, RESULT_ACK, .serial = m.serial);
	return true;
}

/* A worker that survived the last queue has these in its hands: nobody else
 * gets them until it has said what became of them, or died. */
bool
attempt_holding(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_holding h;
	struct attempt *a;
	struct msg *m;
	struct rd r;

	if (!get_p_holding(payload, &h))
		return false;
	m = index_find(&q->index, h.id);
	if (m == NULL || m->jobs == NULL)
		return true;
	a = attempt_new(q, m, m->jobs->dest, m->rcpt_n, h.job);
	if (a == NULL)
		return true;
	if (h.job >= q->next_attempt)
		q->next_attempt = h.job + 1;
	a->worker = peer;
	q->sched.active++;
	a->dest->active++;
	sched_remove(&q->sched, m);
	for (r = rd_of(h.rcpts); !rd_end(&r);) {
		uint32_t i = get_u32(&r);

		if (!r.bad && i < m->rcpt_n && m->rcpt[i].state == RS_OPEN &&
		    a->n < m->rcpt_n)
			add_rcpt(a, i);
	}
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_OPEN)
			route_rcpt(q, m, i, m->rcpt[i].attempts != 0, false, 0);
	return true;
}

void
attempt_peer_down(struct queue *q, struct peer *peer)
{
	size_t pos = 0;
	struct attempt *a;

	while ((a = map_next(&q->attempts, &pos)) != NULL) {
		bool is_its = a->worker == peer ||
		    (peer->role == R_LOOKUP && a->waiting != 0);

		if (is_its)
			attempt_end(q, a, SCHED_ANSWERED);
	}
}
