/*
 * context: small things about the queue as a whole that every part asks for.
 */
#include <stdio.h>

#include "queue.h"

void
queue_held_why(struct queue *q, struct slice why)
{
	snprintf(q->held_why, sizeof(q->held_why), "%.*s", SLICE_ARG(why));
}

void
queue_pause_key(struct queue *q, struct slice key, bool is_paused)
{
	struct dest *d = q->is_checking ? NULL : sched_find(&q->sched, key);
	size_t colon = slice_find(key, ':');
	struct route r = { .mailer = slice_sub(key, 0, colon),
		.domain = slice_sub(key, colon + 1, key.n) };

	if (d == NULL && is_paused && !q->is_checking) {
		route_find(q->proc->conf, r.domain, &r);
		d = sched_dest(&q->sched, &r);
	}
	if (d != NULL)
		sched_pause(&q->sched, d, is_paused);
}

void
queue_reset_segments(struct queue *q)
{
	struct segments old = q->segments;

	segments_release(&q->segments);
	segments_init(&q->segments);
	q->segments.dirfd = old.dirfd;
	q->segments.body_dirfd = old.body_dirfd;
	q->segments.size = old.size;
	q->segments.tag = old.tag;
	q->segments.worker = old.worker;
	q->segments.ops = old.ops;
	q->segments.arg = old.arg;
}

void
queue_schedule(struct queue *q)
{
	q->wants_schedule = true;
}
