#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include <event2/event.h>

#include "bodies.h"
#include "clock.h"
#include "crc32c.h"
#include "file.h"
#include "record.h"
#include "sizes.h"
#include "worker.h"

#define BATCH_MAX ((size_t)16 << 20)
#define ROUNDS_MAX 6
#define WAIT_FOR_QUEUE (30 * US_SEC)
#define WAIT_FOR_SEGMENT (2 * US_SEC) /* before MAIL is refused */

STAILQ_HEAD(submissions, submission);

struct store_segment {
	int fd; /* -1: none */
	uint32_t tag, seg, rec;
	uint64_t salt, at, limit;
};

struct store {
	struct proc *proc; /* borrowed */
	struct worker *worker;
	struct store_segment now, spare;
	struct submissions ready, flying;
	struct buf batch;
	uint64_t fly_at;
	bool is_flying, has_asked;
	bool is_stale; /* the batch in flight is of a queue that is gone */
	uint16_t refuse_code;
	char refuse_text[200];
	struct bodies bodies;
	int64_t gone_since; /* mono: the queue is away; 0 it is there */
	struct event *again; /* one more turn of the loop */
	int rounds; /* that the batch has waited */
	int64_t asked_since; /* mono: a segment was asked for; 0: none is due */
};

static void
come_again(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

struct store *
store_new(struct proc *p)
{
	struct store *st = calloc(1, sizeof(*st));

	if (st == NULL)
		return NULL;
	st->proc = p;
	st->now.fd = st->spare.fd = -1;
	STAILQ_INIT(&st->ready);
	STAILQ_INIT(&st->flying);
	buf_init(&st->batch, BATCH_MAX + RECORD_MAX);
	st->worker = worker_new(p->base);
	st->again = event_new(p->base, -1, 0, come_again, NULL);
	if (st->worker == NULL || st->again == NULL) {
		store_free(st);
		return NULL;
	}
	return st;
}

/* Always a current segment and one more, and some body files. What was asked
 * for is not asked for again before it came. */
static void
ask(struct store *st)
{
	struct peer *q = &st->proc->queue;

	if (q->chan == NULL)
		return;
	if (!st->has_asked && (st->now.fd < 0 || st->spare.fd < 0)) {
		PROC_SEND(q, seg_want, SEG_WANT, .unused = 0);
		st->has_asked = true;
		st->asked_since = clock_mono();
	}
	bodies_ask(&st->bodies, q);
}

void
store_drop_body(struct store *st, struct submission *s)
{
	bodies_drop(&st->bodies, &st->proc->queue, s);
}

void
store_forget(struct store *st, struct submission *s)
{
	if (s != NULL)
		store_drop_body(st, s);
	submission_free(s);
}

static void
close_segment(struct store *st, struct store_segment *s)
{
	if (s->fd < 0)
		return;
	close(s->fd);
	s->fd = -1;
	PROC_SEND(
	    &st->proc->queue, seg_done, SEG_DONE, .seg = s->seg, .end = s->at);
}

void
store_free(struct store *st)
{
	struct submission *s;

	worker_free(st->worker);
	if (st->again != NULL)
		event_free(st->again);
	STAILQ_CONCAT(&st->flying, &st->ready);
	while ((s = STAILQ_FIRST(&st->flying)) != NULL) {
		STAILQ_REMOVE_HEAD(&st->flying, link);
		store_forget(st, s);
	}
	close_segment(st, &st->now);
	close_segment(st, &st->spare);
	bodies_release(&st->bodies);
	buf_release(&st->batch);
	free(st);
}

static void
next_segment(struct store *st)
{
	close_segment(st, &st->now);
	st->now = st->spare;
	st->spare.fd = -1;
	ask(st);
}

static void
finish(struct store *st, struct submission *s, int code, const char *text)
{
	struct msgid id = s->id;

	if (code == 250)
		bodies_named(&st->bodies, s);
	s->done(s, id, code, text);
	store_forget(st, s);
}

static void
announce(struct store *st, struct submission *s, int64_t now)
{
	PROC_SEND(&st->proc->queue, msg_new, MSG_NEW, .id = s->id,
	    .offset = s->offset, .length = s->length, .body_file = s->body_file,
	    .fsync_us = (uint32_t)(now - s->started),
	    .envelope = buf_slice(&s->env_bytes));
}

/* In the worker: bodies first, so that a whole record proves a whole body. */
static int
run_batch(void *arg)
{
	struct store *st = arg;
	struct submission *s;
	int rc;

	STAILQ_FOREACH (s, &st->flying, link)
		if (s->body_fd >= 0 && fdatasync(s->body_fd) < 0)
			return -errno;
	rc = file_write_all(st->now.fd, st->batch.data, st->batch.len);
	if (rc == 0 && fdatasync(st->now.fd) < 0)
		rc = -errno;
	return rc;
}

static void
batch_done(void *arg, int rc)
{
	struct store *st = arg;
	int64_t now = clock_mono();
	struct submission *s;

	st->is_flying = false;
	stat_add(st->proc->slot, ST_SYNCS, 1);
	if (rc == 0) {
		st->now.at = st->fly_at + st->batch.len;
	} else if (st->is_stale) {
		stat_add(st->proc->slot, ST_SYNC_FAILS, 1);
	} else {
		stat_add(st->proc->slot, ST_SYNC_FAILS, 1);
		PROC_SEND(&st->proc->queue, seg_bad, SEG_BAD,
		    .seg = st->now.seg, .from = st->fly_at,
		    .to = st->fly_at + st->batch.len, .error = (uint32_t)-rc);
	}
	buf_clear(&st->batch);
	if (st->batch.cap > 1 << 20)
		buf_shrink(&st->batch);
	while ((s = STAILQ_FIRST(&st->flying)) != NULL) {
		STAILQ_REMOVE_HEAD(&st->flying, link);
		if (rc == 0 && !st->is_stale)
			announce(st, s, now); /* else the next queue reads it */
		finish(st, s, rc == 0 ? 250 : 451,
		    rc == 0 ? "2.0.0 Message accepted"
			    : "4.3.0 The message could not be stored, try "
			      "again later");
	}
	if (st->is_stale) {
		close(st->now.fd);
		st->now.fd = -1;
		st->is_stale = false;
	}
	if (rc != 0)
		next_segment(st);
}

static bool
put_record(struct store *st, struct submission *s)
{
	size_t from = st->batch.len;

	s->id = (struct msgid){ st->now.tag, st->now.seg, st->now.rec };
	if (!submission_put(s, st->now.salt, &st->batch))
		return false;
	st->now.rec++;
	s->offset = st->fly_at + from;
	s->length = (uint32_t)(st->batch.len - from);
	return true;
}

static size_t
size_of(const struct submission *s)
{
	return s->body.len + s->rcpts.len + 8192;
}

static bool
waited(int64_t since, int64_t us)
{
	return since != 0 && clock_mono() - since > us;
}

/* Nobody to hand out a segment: half a minute, then the client is told. */
static void
give_up_waiting(struct store *st)
{
	struct submission *s;

	if (!waited(st->gone_since, WAIT_FOR_QUEUE) &&
	    !waited(st->asked_since, WAIT_FOR_QUEUE))
		return;
	while ((s = STAILQ_FIRST(&st->ready)) != NULL) {
		STAILQ_REMOVE_HEAD(&st->ready, link);
		finish(st, s, 451,
		    "4.3.0 The queue does not answer, try again later");
	}
}

/*
 * Their body files are of a queue that died before any record named them: the
 * next queue may have removed them as leftovers (SPOOL.md, Large bodies), so
 * the client sends it again.
 */
static void
drop_orphans(struct store *st)
{
	struct submissions all = STAILQ_HEAD_INITIALIZER(all);
	struct submission *s;

	STAILQ_CONCAT(&all, &st->ready);
	while ((s = STAILQ_FIRST(&all)) != NULL) {
		STAILQ_REMOVE_HEAD(&all, link);
		if (bodies_is_orphan(&st->bodies, s))
			finish(st, s, 451,
			    "4.3.0 The queue was restarted, send it again");
		else
			STAILQ_INSERT_TAIL(&st->ready, s, link);
	}
}

/* A batch that may become larger: the loop takes what else is there at once,
 * and comes back here. */
static bool
is_worth_waiting(struct store *st, bool expects_more)
{
	if (!expects_more || st->rounds == ROUNDS_MAX) {
		st->rounds = 0;
		return false;
	}
	st->rounds++;
	event_active(st->again, EV_TIMEOUT, 0);
	return true;
}

/* What is ready into the batch, as far as the segment goes. */
static void
gather(struct store *st)
{
	struct submission *s;

	st->fly_at = st->now.at;
	while ((s = STAILQ_FIRST(&st->ready)) != NULL &&
	    st->batch.len < BATCH_MAX) {
		if (st->now.at + st->batch.len + size_of(s) > st->now.limit &&
		    (st->batch.len != 0 || st->now.rec != 0))
			break; /* it goes into the next segment */
		STAILQ_REMOVE_HEAD(&st->ready, link);
		if (put_record(st, s))
			STAILQ_INSERT_TAIL(&st->flying, s, link);
		else
			finish(st, s, 451, "4.3.0 Out of memory, try later");
	}
}

void
store_turn(struct store *st, bool expects_more)
{
	ask(st);
	if (st->is_flying || STAILQ_EMPTY(&st->ready) ||
	    is_worth_waiting(st, expects_more))
		return;
	if (st->now.fd < 0)
		next_segment(st);
	if (st->now.fd < 0) {
		give_up_waiting(st);
		return;
	}
	gather(st);
	if (STAILQ_EMPTY(&st->flying)) {
		if (STAILQ_EMPTY(&st->ready))
			return;
		next_segment(st);
		if (st->now.fd >= 0)
			store_turn(st, false);
		return;
	}
	st->is_flying = true;
	if (worker_submit(st->worker, run_batch, batch_done, st) < 0)
		batch_done(st, -ENOMEM);
}

void
store_submit(struct store *st, struct submission *s)
{
	s->started = clock_mono();
	STAILQ_INSERT_TAIL(&st->ready, s, link);
	if (bodies_is_orphan(&st->bodies, s))
		drop_orphans(st);
}

bool
store_is_idle(const struct store *st)
{
	return !st->is_flying && STAILQ_EMPTY(&st->ready);
}

bool
store_has_segment(const struct store *st)
{
	return st->now.fd >= 0 || st->spare.fd >= 0;
}

int
store_refuses(const struct store *st, const char **ret_text)
{
	if (st->refuse_code != 0) {
		*ret_text = st->refuse_text;
		return st->refuse_code;
	}
	if (!store_has_segment(st) && st->gone_since == 0 &&
	    waited(st->asked_since, WAIT_FOR_SEGMENT)) {
		*ret_text = "4.3.1 The mail queue is full, try again later";
		return 452;
	}
	if (waited(st->gone_since, WAIT_FOR_QUEUE)) {
		*ret_text = "4.3.0 The queue does not answer, try again later";
		return 451;
	}
	return 0;
}

bool
store_take_body(struct store *st, struct submission *s)
{
	bool has = bodies_take(&st->bodies, s);

	ask(st);
	return has;
}

bool
store_has_body(const struct store *st)
{
	return st->bodies.n != 0;
}

uint32_t
store_generation(const struct store *st)
{
	return st->bodies.generation;
}

static bool
got_segment(struct store *st, struct slice payload, int fd)
{
	struct p_seg_give m;
	struct store_segment *to;

	if (!get_p_seg_give(payload, &m)) {
		close(fd);
		return false;
	}
	st->has_asked = false;
	st->asked_since = 0;
	to = st->now.fd < 0 && !st->is_flying ? &st->now : &st->spare;
	if (to->fd >= 0) {
		close(fd);
		return true;
	}
	*to = (struct store_segment){ .fd = fd,
		.tag = m.tag,
		.seg = m.seg,
		.salt = m.salt,
		.at = m.offset,
		.limit = m.limit };
	ask(st);
	return true;
}

bool
store_frame(
    struct store *st, enum proto_type type, struct slice payload, int fd)
{
	struct p_accept m;

	switch (type) {
	case P_SEG_GIVE:
		return got_segment(st, payload, fd);
	case P_BODY_GIVE:
		if (!bodies_got(&st->bodies, payload, fd))
			return false;
		ask(st);
		return true;
	case P_ACCEPT:
		if (!get_p_accept(payload, &m))
			return false;
		st->refuse_code = m.code;
		snprintf(st->refuse_text, sizeof(st->refuse_text), "%.*s",
		    SLICE_ARG(m.text));
		return true;
	default:
		return false;
	}
}

void
store_queue_up(struct store *st)
{
	st->gone_since = 0;
	st->has_asked = false;
	ask(st);
}

/* Finish the sync in flight and answer it; close what the old queue gave, so
 * that the next one can read it; wait for another. */
void
store_queue_down(struct store *st)
{
	st->gone_since = clock_mono();
	st->asked_since = 0;
	st->is_stale = st->is_flying;
	bodies_queue_down(&st->bodies);
	drop_orphans(st);
	if (!st->is_flying)
		close_segment(st, &st->now);
	close_segment(st, &st->spare);
}

void
store_stop(struct store *st)
{
	close_segment(st, &st->now);
	close_segment(st, &st->spare);
}
