/*
 * copy: copy-forward. What is alive in segments that are mostly dead is
 * written once more, into a segment of the queue's own, so that one stuck
 * message never pins a file of many.
 *
 * The copy is durable before J_MOVED is journaled, and J_MOVED before the old
 * segment is dropped. A crash in between leaves two records of one message:
 * the one that the journal knows counts. A message that anybody holds just
 * now stays; the next round comes by again.
 */
#include <errno.h>

#include "clock.h"
#include "queue.h"
#include "writer.h"

#define SETTLES (10 * US_SEC) /* a sealed segment may yet drain by itself */
#define LOOK_MAX 10000 /* messages looked at a second */
#define BYTES_MAX ((uint64_t)8 << 20) /* and copied */

static bool
is_mostly_dead(const struct queue *q, const struct segment *s, int64_t now)
{
	return s->state == SEG_SEALED && s->live != 0 &&
	    (s->is_doubtful ||
		(s->live_bytes < q->segments.size / 4 &&
		    now - s->sealed > SETTLES));
}

/* Copying must free something: two files become one, or an open one is
 * there to take what is left of another. */
static bool
choose(struct queue *q)
{
	int64_t now = clock_mono();
	struct segment *s;
	int found = 0;
	bool is_urgent = false;

	TAILQ_FOREACH (s, &q->segments.list, link) {
		s->is_emptied = is_mostly_dead(q, s, now);
		found += s->is_emptied;
		is_urgent |= s->is_emptied && s->is_doubtful;
	}
	return found > 1 || is_urgent ||
	    (found == 1 && writer_has_segment(q->copier));
}

static void
landed(struct queue *q, const struct msg *m)
{
	q->copying.in_flight--;
	q->copying.bytes -= m->length;
}

static void
written(struct queue *q, void *arg, struct msg *m, int error)
{
	(void)arg;
	(void)error; /* told by the writer; it stays where it was */
	landed(q, m);
	queue_commit_soon(q);
}

static void
got_record(struct queue *q, struct msg *m, struct body *b, void *arg)
{
	struct writer_done done = { written, NULL };

	(void)arg;
	if (b->error != 0 || writer_move(q->copier, m, b, done) < 0)
		landed(q, m);
}

static void
copy(struct queue *q, struct msg *m)
{
	q->copying.in_flight++;
	q->copying.bytes += m->length;
	body_read(q, m, got_record, NULL);
}

void
copy_second(struct queue *q)
{
	struct copying *c = &q->copying;
	struct msg *m;

	if (q->is_checkpointing)
		return; /* writer.c would refuse the move */
	if (!c->is_walking) {
		if (q->is_spool_bad || !choose(q))
			return;
		walk_start(&q->index, &c->walk);
		c->is_walking = true;
	}
	for (int n = 0; n < LOOK_MAX && c->bytes < BYTES_MAX; n++) {
		m = walk_next(&c->walk);
		if (m == NULL) {
			walk_stop(&c->walk);
			c->is_walking = false;
			return;
		}
		if (m->segment->is_emptied && m->pins == 0 &&
		    !(m->flags & MSG_DAMAGED))
			copy(q, m);
	}
}
