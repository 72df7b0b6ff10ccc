/*
 * place: where each recipient waits: with which destination, until when.
 */
#include <errno.h>
#include <string.h>

#include "clock.h"
#include "queue.h"

static void
find_route(struct queue *q, const struct msg *m, const struct rcpt *r,
    struct route *ret)
{
	struct slice addr = slice_of(rcpt_addr(m, r));
	struct slice domain =
	    slice_sub(addr, slice_rfind(addr, '@') + 1, addr.n);

	if (r->kind == TARGET_ADDRESS || r->kind == TARGET_SELF ||
	    r->kind == TARGET_VIRTUAL)
		route_find(q->proc->conf, domain, ret);
	else
		*ret = (struct route){ .kind = MAILER_LOCAL,
			.mailer = SLICE("local") };
}

bool
rcpt_is_local(struct queue *q, const struct msg *m, uint32_t rcpt)
{
	struct route route;

	find_route(q, m, &m->rcpt[rcpt], &route);
	return route.kind >= MAILER_LOCAL;
}

void
route_rcpt(struct queue *q, struct msg *m, uint32_t rcpt, bool is_retry,
    bool is_host_wait, int64_t when)
{
	struct rcpt *r = &m->rcpt[rcpt];
	struct route route;
	struct dest *d;

	if (m->flags & (MSG_HELD | MSG_DAMAGED | MSG_DELETED | MSG_KILLED))
		return; /* released, it comes here again */
	find_route(q, m, r, &route);
	d = sched_dest(&q->sched, &route);
	if (d == NULL ||
	    sched_add(&q->sched, m, rcpt, d, is_retry, is_host_wait, when,
		clock_mono()) < 0)
		queue_damage(q, m, "memory", 0, strerror(ENOMEM));
}

/* Wall time of the next try, as journal and checkpoint keep it, to ours. */
static int64_t
when_of(const struct queue *q, const struct rcpt *r)
{
	int64_t wait = (int64_t)r->next_try * US_SEC - clock_wall();

	if (r->next_try == 0 || wait <= 0)
		return 0;
	if (wait > q->proc->conf->MaxQueueAge)
		wait = q->proc->conf->MaxQueueAge; /* the clock was elsewhere */
	return clock_mono() + wait;
}

void
route_msg(struct queue *q, struct msg *m)
{
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		struct rcpt *r = &m->rcpt[i];
		int64_t when = when_of(q, r);

		r->next_try = (uint32_t)(when / US_SEC);
		if (r->state == RS_FAILED)
			notice_want(q, m);
		if (r->state == RS_OPEN)
			route_rcpt(q, m, i, r->attempts != 0, false, when);
	}
}

void
requeue(struct queue *q, struct msg *m)
{
	sched_remove(&q->sched, m);
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_OPEN)
			route_rcpt(q, m, i, m->rcpt[i].attempts != 0, false,
			    m->rcpt[i].next_try * US_SEC);
}
