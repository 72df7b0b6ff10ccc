/*
 * commit: when the journal goes to the disk. Soon: what gathers within a few
 * milliseconds goes together; now: at the end of this turn of the loop.
 */
#include <errno.h>

#include <event2/event.h>

#include "queue.h"
#include "records.h"

#define COMMIT_WITHIN (20 * 1000) /* us: outcomes gather this long */

/* What writers announced goes along with whatever else is committed. */
static void
put_marks(struct queue *q)
{
	struct segment *s;

	TAILQ_FOREACH_REVERSE(s, &q->segments.list, segment_list, link)
	{
		struct buf *b;

		if (s->state != SEG_OUT && s->state != SEG_OWN)
			continue;
		if (s->records == s->marked)
			continue;
		s->marked = s->records;
		b = journal_begin(q->journal, J_MARK);
		put_u32(b, s->no);
		put_u64(b, s->announced);
		put_u32(b, s->records);
		journal_end(q->journal);
	}
}

void
queue_commit(struct queue *q)
{
	if (journal_has_pending(q->journal) && !journal_is_busy(q->journal))
		put_marks(q);
	journal_kick(q->journal);
}

static void
on_commit(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	queue_commit(arg);
}

void
queue_commit_soon(struct queue *q)
{
	struct timeval tv = { 0, COMMIT_WITHIN };

	if (!evtimer_pending(q->commit_timer, NULL))
		evtimer_add(q->commit_timer, &tv);
}

void
queue_commit_now(struct queue *q)
{
	q->wants_commit = true;
}

int
queue_commit_init(struct queue *q)
{
	q->commit_timer = evtimer_new(q->proc->base, on_commit, q);
	return q->commit_timer != NULL ? 0 : -ENOMEM;
}
