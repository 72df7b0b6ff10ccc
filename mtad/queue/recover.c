/*
 * recover: from what lies on the disk to an index that is right.
 *
 * checkpoint -> segments above its offsets -> journal since it -> what is
 * found dead is forgotten -> what is alive is routed. What was announced or
 * journaled and is not there is counted as lost, never passed over.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "journal_file.h"
#include "queue.h"
#include "record.h"
#include "recover.h"

static void
hole(void *arg, uint64_t file, uint64_t offset)
{
	struct recovery *rc = arg;
	char name[40];
	struct buf b;

	buf_init(&b, sizeof(name) - 1);
	buf_addf(&b, "journal/%012llu", (unsigned long long)file);
	queue_damage(
	    rc->q, NULL, b.data, offset, "a part of the journal does not read");
	buf_release(&b);
	rc->q->report.damaged++;
}

/* Known to the journal, in no segment, and the segment was not removed. */
static void
count_lost(struct recovery *rc)
{
	for (uint32_t i = 0; i < rc->unknown_n; i++) {
		bool was_dropped = false;

		for (uint32_t k = 0; k < rc->dropped_n; k++)
			was_dropped |= rc->dropped[k] == rc->unknown[i].seg;
		/* One older than the checkpoint was dropped before it: what
		 * was alive in it had been copied, and ended since. */
		if (!was_dropped && rc->unknown[i].seg >= rc->first_new &&
		    rc->unknown[i].tag == rc->q->segments.tag &&
		    segments_find(&rc->q->segments, rc->unknown[i].seg) == NULL)
			rc->q->report.lost++;
	}
}

/* Alive by all that is known, and their file is not there. */
static void
give_up_missing(struct queue *q)
{
	struct index_walk w;
	struct msg *m;

	walk_start(&q->index, &w);
	while ((m = walk_next(&w)) != NULL) {
		char name[32];

		if (m->segment->fd >= 0 || m->segment->state == SEG_OUT)
			continue;
		if (m->open != 0) {
			segment_name(name, m->segment->no);
			queue_damage(q, m, name, m->offset,
			    "the segment is gone, and the message with it");
			q->report.lost++;
		}
		segment_del_live(&q->segments, m->segment, m->length);
		index_del(&q->index, m);
	}
	walk_stop(&w);
}

/* Notices that are there finish what they report. Needs their envelopes. */
static void
finish_by_notices(struct queue *q)
{
	struct index_walk w;
	struct msg *m;

	walk_start(&q->index, &w);
	while ((m = walk_next(&w)) != NULL) {
		struct p_envelope e;
		struct rd r;
		char *raw;
		size_t bad;
		int error;

		if (!(m->env_flags & ENV_NOTICE) || m->envelope == 0)
			continue;
		raw = malloc(m->envelope);
		error = raw == NULL
		    ? -ENOMEM
		    : file_pread_around(m->segment->fd, raw, m->envelope,
			  (off_t)m->offset + RECORD_HEAD, &bad);
		if (error < 0 && error != -ENODATA && m->segment->fd >= 0)
			recover_fail_segment(q, m->segment, error);
		if (error == 0) {
			r = rd_of((struct slice){ raw, m->envelope });
			if (get_p_envelope(&r, &e))
				notice_replay(q, e.about);
		}
		free(raw);
	}
	walk_stop(&w);
}

static void
route_all(struct queue *q)
{
	struct qrun run = { "boot", NULL, 0 };
	uint64_t selected = 0;
	struct index_walk w;
	struct msg *m;

	qrun_start(q, &run);
	walk_start(&q->index, &w);
	while ((m = walk_next(&w)) != NULL) {
		route_msg(q, m);
		selected += !LIST_EMPTY(&m->jobs);
		if (m->flags & MSG_ASIDE) {
			q->suspects.aside++;
			q->suspects.last_aside = m->id;
		}
		q->is_retelling = true; /* that it ended may have been told */
		msg_settle(q, m);
		q->is_retelling = false;
	}
	walk_stop(&w);
	qrun_end(q, &run, selected);
}

/* Body files that no record names, once no writer is alive. */
static void
sweep_bodies(struct queue *q)
{
	int fd = openat(q->body_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t no;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!slice_u64(slice_of(e->d_name), UINT64_MAX - 1, &no))
			continue;
		if (no >= q->segments.next_body)
			q->segments.next_body = no + 1;
		if (index_find_body(&q->index, no) == NULL && !q->has_locked)
			unlinkat(q->body_fd, e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
}

static void
say_report(struct queue *q)
{
	struct event e;

	event_init(&e, EV_SYS_UNCLEAN);
	if (q->last_wall != 0) {
		event_num(&e, F_LAST_SEEN, (uint64_t)q->last_wall);
		if (clock_wall() > q->last_wall)
			event_num(&e, F_GAP_US,
			    (uint64_t)(clock_wall() - q->last_wall));
	}
	event_num(&e, F_RECOVERED_COUNT, q->report.recovered);
	event_num(&e, F_INCOMPLETE_COUNT, q->report.incomplete);
	event_num(&e, F_LOST_COUNT, q->report.lost);
	queue_emit(q, &e);
}

static int
open_journal(struct queue *q, uint64_t last, uint64_t next_seq)
{
	q->journal = journal_new(q->journal_fd, q->disk, last, next_seq);
	if (q->journal == NULL)
		return -ENOMEM;
	q->segments.journal = q->journal;
	return 0;
}

/* Segments whose last message died before the crash. */
static void
drop_dead(struct queue *q)
{
	struct segment *s, *next;

	for (s = TAILQ_FIRST(&q->segments.list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->state == SEG_SEALED && s->live == 0)
			segment_seal(&q->segments, s);
		q->has_locked |= s->state == SEG_OUT;
	}
}

static void
journal_fail(struct queue *q, uint64_t file, int error)
{
	char name[32];

	journal_file_name(name, file);
	recover_fail(q, "journal", file ? name : "", error);
}

/* All that is read; nothing on the disk changes but for leftovers. */
static int
read_spool(struct recovery *rc, uint64_t *ret_last, uint64_t *ret_next_seq)
{
	struct queue *q = rc->q;
	struct journal_reader reader = { recover_replay, hole, rc };
	int error = checkpoint_load(q, &rc->from, &rc->was_clean);

	rc->has_checkpoint = error == 0;
	rc->first_new = q->segments.next_no;
	if (error < 0 && error != -EBADMSG && error != -ENOENT)
		recover_fail(q, "checkpoint", "", error);
	if (error == -EBADMSG) {
		q->sched.is_held = true;
		queue_held_why(q,
		    SLICE("no checkpoint could be read: look at the queue, "
			  "then mtactl delivery release"));
	}
	told_find(q, rc->from);
	scan_all(rc);
	if (q->report.error == 0)
		error = journal_read(
		    q->journal_fd, rc->from, &reader, ret_last, ret_next_seq);
	if (q->report.error == 0 && error < 0)
		journal_fail(q, *ret_last, error);
	if (q->report.error == 0)
		finish_by_notices(q);
	if (q->report.error != 0)
		return q->report.error;
	count_lost(rc);
	give_up_missing(q);
	return 0;
}

static struct recovery *
recovery_new(struct queue *q)
{
	struct recovery *rc = calloc(1, sizeof(*rc));

	if (rc == NULL)
		return NULL;
	rc->q = q;
	rc->from = (struct journal_place){ 0, 1 };
	return rc;
}

static void
recovery_free(struct recovery *rc)
{
	free(rc->dropped);
	free(rc);
}

int
recover(struct queue *q)
{
	struct recovery *rc = recovery_new(q);
	uint64_t last = 0, next_seq = 1;
	bool is_new;
	int error;

	if (rc == NULL)
		return -ENOMEM;
	error = read_spool(rc, &last, &next_seq);
	if (error == 0)
		error = open_journal(q, last, next_seq);
	if (error == 0) {
		journal_forget(
		    q->journal, rc->has_checkpoint ? rc->from.file : 0);
		route_all(q);
		drop_dead(q);
		sweep_bodies(q);
		is_new = !rc->has_checkpoint && last == 0;
		q->report.was_clean =
		    is_new || (rc->was_clean && rc->records == 0);
		if (!q->report.was_clean)
			say_report(q);
	}
	recovery_free(rc);
	return error;
}

int
recover_look(struct queue *q)
{
	struct recovery *rc = recovery_new(q);
	uint64_t last, next_seq;
	int error;

	if (rc == NULL)
		return -ENOMEM;
	error = read_spool(rc, &last, &next_seq);
	recovery_free(rc);
	return error;
}

/* Taken from a segment, not from its writer's word: tell it the same way. */
static void
announce(struct queue *q, struct msg *m)
{
	char *raw = malloc(m->envelope);
	struct p_envelope e;
	struct rd r;

	if (raw != NULL &&
	    pread(m->segment->fd, raw, m->envelope,
		(off_t)m->offset + RECORD_HEAD) == (ssize_t)m->envelope) {
		r = rd_of((struct slice){ raw, m->envelope });
		if (get_p_envelope(&r, &e))
			accept_msg(q, m, &e, 0);
	}
	free(raw);
}

/* In the worker: no writer is left, and what it wrote is durable. */
static int
run_tail(void *arg)
{
	const struct segment *s = arg;

	if (scan_is_locked(s)) /* its end comes in a moment */
		return -EWOULDBLOCK;
	return fdatasync(s->fd) < 0 ? -errno : 0;
}

/* Said once: it is looked at each second. */
static void
doubt(struct queue *q, struct segment *s, int error)
{
	if (!s->is_doubtful)
		queue_spool_error(q, "a segment whose writer died", error);
	s->is_doubtful = true;
}

/*
 * What came after the last announcement of a writer that is gone. It may have
 * had its 250, so that it is taken even when our sync failed, and then copied
 * into a segment of our own at once.
 */
static void
tail_done(void *arg, int error)
{
	struct segment *s = arg;
	struct queue *q = s->all->arg;
	struct msg *last = TAILQ_LAST(&q->index.all, msg_list);

	s->is_syncing = false;
	if (error == -EWOULDBLOCK) {
		q->has_locked = true;
		return;
	}
	if (error < 0)
		doubt(q, s, error);
	error = scan_file(q, s);
	for (last = last ? TAILQ_NEXT(last, all) : TAILQ_FIRST(&q->index.all);
	     last != NULL; last = TAILQ_NEXT(last, all))
		announce(q, last);
	if (error == 0)
		error = q->report.error; /* of a record in it: no memory */
	q->report.error = 0;
	if (error < 0) { /* not dead, as long as it was not read */
		doubt(q, s, error);
		q->has_locked = true;
		return;
	}
	segment_seal(&q->segments, s);
	queue_schedule(q);
}

void
recover_tail(struct queue *q, struct segment *s)
{
	s->writer = -1;
	s->is_syncing =
	    s->fd >= 0 && worker_submit(q->disk, run_tail, tail_done, s) == 0;
	q->has_locked |= !s->is_syncing;
}

void
recover_locked(struct queue *q)
{
	struct segment *s, *next;

	if (!q->has_locked)
		return;
	q->has_locked = false;
	for (s = TAILQ_FIRST(&q->segments.list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->state == SEG_OUT && s->writer < 0 && !s->is_syncing)
			recover_tail(q, s);
	}
}
