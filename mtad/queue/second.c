/*
 * second: what is looked at once a second: the clock, the disk, what is old,
 * the gauges. Nothing here waits for a disk.
 */
#include <errno.h>
#include <sys/statvfs.h>

#include <event2/event.h>

#include "clock.h"
#include "drops.h"
#include "evfiles.h"
#include "queue.h"

#define CLOCK_TOLERANCE (5 * US_MIN)
#define CLOCK_FAR (30 * US_DAY) /* a machine off for longer says so */
#define DISK_HANGS (30 * US_SEC)

/* Wall against monotonic time: while they disagree nothing expires. */
static void
check_clock(struct queue *q)
{
	int64_t offset = clock_wall() - clock_mono();
	int64_t jump = offset - q->clock_offset;
	struct event e;

	if (jump > CLOCK_TOLERANCE || jump < -CLOCK_TOLERANCE) {
		event_init(&e, EV_SYS_CLOCK);
		event_num(&e, F_JUMP_US, (uint64_t)(jump < 0 ? -jump : jump));
		event_cstr(
		    &e, F_CAUSE, jump < 0 ? "stepped back" : "stepped forward");
		queue_emit(q, &e);
		q->is_clock_bad = true;
		q->clock_offset = offset;
		q->clock_good = 0;
	} else if (q->is_clock_bad && q->last_wall != 0 &&
	    (clock_wall() < q->last_wall - CLOCK_TOLERANCE ||
		clock_wall() > q->last_wall + CLOCK_FAR)) {
		q->clock_good = 0; /* steady, and far from what we knew */
	} else if (q->is_clock_bad && ++q->clock_good >= 60) {
		q->is_clock_bad = false;
		q->last_wall = clock_wall();
	} else if (!q->is_clock_bad) {
		q->last_wall = clock_wall();
	}
}

static void
first_clock_check(struct queue *q)
{
	int64_t now = clock_wall();

	q->clock_offset = now - clock_mono();
	q->is_clock_bad = q->last_wall != 0 &&
	    (now < q->last_wall - CLOCK_TOLERANCE ||
		now > q->last_wall + CLOCK_FAR);
}

static void
set_gauges(struct queue *q)
{
	struct stat_slot *slot = q->proc->slot;
	struct segment *s;
	uint64_t n = 0;

	TAILQ_FOREACH (s, &q->segments.list, link)
		n++;
	stat_set(slot, ST_QUEUE_MSG, q->index.by_id.n);
	stat_set(slot, ST_QUEUE_RCPT, q->index.rcpts);
	stat_set(slot, ST_QUEUE_BYTES, q->index.bytes);
	stat_set(slot, ST_SEGMENTS, n);
}

/* A failed sync proves nothing: all of it again, from memory, until that is
 * durable. */
static void
retry_journal(struct queue *q)
{
	int error = journal_error(q->journal);

	if (error != 0 && !q->is_journal_down)
		queue_spool_error(q, "journal", error);
	q->is_journal_down = error != 0;
	if (error != 0)
		journal_restart(q->journal);
	if (journal_error(q->journal) == 0 && journal_has_lost(q->journal))
		checkpoint_begin(q);
}

static int
run_look(void *arg)
{
	struct queue *q = arg;

	return fstatvfs(q->spool_fd, &q->space) < 0 ? -errno : 0;
}

/* What would wait for a disk that hangs is done when it has just answered. */
static void
disk_answers(void *arg, int rc)
{
	struct queue *q = arg;

	q->is_looking = false;
	if (rc == 0)
		accept_space(q);
	retry_journal(q);
	checkpoint_want(q);
	drop_look(q);
}

static void
look_at_disk(struct queue *q)
{
	if (!q->is_looking) {
		q->looked = clock_mono();
		q->is_looking =
		    worker_submit(q->disk, run_look, disk_answers, q) == 0;
	} else if (clock_mono() - q->looked > DISK_HANGS) {
		accept_no_answer(q);
	}
}

static void
on_second(int fd, short what, void *arg)
{
	struct queue *q = arg;

	(void)fd;
	(void)what;
	check_clock(q);
	look_at_disk(q);
	recover_locked(q);
	expire_old(q);
	grave_second(q);
	attempt_second(q);
	sched_age(&q->sched, clock_mono());
	copy_second(q);
	names_second(q);
	snapshot_second(q);
	evfiles_second(q->files);
	told_second(q);
	TAILQ_CONCAT(&q->notify, &q->notify_later, notify);
	set_gauges(q);
	queue_schedule(q);
	if (journal_has_pending(q->journal))
		queue_commit_soon(q);
}

int
second_start(struct queue *q)
{
	struct timeval second = { 1, 0 };

	q->second = event_new(q->proc->base, -1, EV_PERSIST, on_second, q);
	if (q->second == NULL || event_add(q->second, &second) < 0)
		return -ENOMEM;
	first_clock_check(q);
	set_gauges(q);
	return 0;
}
