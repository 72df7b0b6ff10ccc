/*
 * qrun: says when many messages are looked at again at once, and why: the
 * start, an operator, a destination that answers again. What becomes of each
 * of them, its own events say.
 */
#include "clock.h"
#include "queue.h"

static void
begin(struct event *e, enum event_type type, const struct qrun *r)
{
	event_init(e, type);
	event_cstr(e, F_KIND, r->kind);
	if (r->selector != NULL && *r->selector != '\0')
		event_cstr(e, F_SELECTOR, r->selector);
}

void
qrun_start(struct queue *q, struct qrun *r)
{
	struct event e;

	r->started = clock_mono();
	begin(&e, EV_QRUN_START, r);
	queue_emit(q, &e);
}

void
qrun_end(struct queue *q, const struct qrun *r, uint64_t selected)
{
	struct event e;

	begin(&e, EV_QRUN_END, r);
	event_num(&e, F_SELECTED_COUNT, selected);
	event_num(&e, F_DURATION_US, (uint64_t)(clock_mono() - r->started));
	queue_emit(q, &e);
}
