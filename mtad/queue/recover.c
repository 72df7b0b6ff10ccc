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
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crc32c.h"
#include "file.h"
#include "log.h"
#include "queue.h"
#include "record.h"
#include "recover.h"

void
recover_record(struct queue *q, struct segment *s, const struct record_head *h,
    uint32_t offset, const char *payload)
{
	struct rd r = rd_of((struct slice){ payload, h->envelope });
	struct p_envelope e;
	struct msg *m;
	int error;

	if (!get_p_envelope(&r, &e)) {
		q->report.damaged++;
		return;
	}
	m = index_add(&q->index, h->id, &e, &error);
	if (m == NULL) { /* there already: a copy, see replay_moved() */
		if (error != -EEXIST)
			q->report.damaged++;
		return;
	}
	q->report.recovered++;
	m->segment = s;
	m->offset = offset;
	m->length = (uint32_t)record_size(h->payload);
	m->envelope = h->envelope;
	m->body_file = h->body_file;
	segment_add_live(s, m->length);
	if (!told_has_msg(&q->told, s, offset)) {
		q->is_retelling = true;
		accept_say(q, m, &e, 0);
		q->is_retelling = false;
	}
}

static bool
is_ours(const struct segment *s, const struct msgid id)
{
	return s->kind != SEGMENT_SMTPD ||
	    (id.tag == s->tag && id.seg == s->no);
}

/* What stood there was durable once: a later batch or mark says so. */
void
recover_damage(struct queue *q, struct segment *s)
{
	char name[32];

	segment_name(name, s->no);
	q->report.damaged++;
	queue_damage(
	    q, NULL, name, s->torn, "a record in the midst does not read");
	s->torn = 0;
}

/*
 * All records from s->announced on. After a bad one the next head with this
 * segment's salt is looked for: damage costs one message. What is torn in
 * the last batch was never answered.
 */
static void
scan(struct queue *q, struct segment *s, struct slice f)
{
	uint64_t at = s->announced;
	uint64_t hole = 0;
	uint32_t records = s->records;

	while (at + RECORD_HEAD <= f.n) {
		const char *p = f.p + at;
		struct record_head h;

		if (s->bad_from != 0 && at >= s->bad_from)
			break;
		if (!record_head_get((const unsigned char *)p, s->salt, &h) ||
		    !is_ours(s, h.id) || h.payload > f.n - at - RECORD_HEAD ||
		    crc32c(0, p + RECORD_HEAD, h.payload) != h.payload_crc) {
			if (hole == 0)
				hole = at;
			at += RECORD_ALIGN;
			continue;
		}
		if (s->torn == 0)
			s->torn = hole;
		if (s->torn != 0 && h.is_first)
			recover_damage(q, s);
		hole = 0;
		recover_record(q, s, &h, (uint32_t)at, p + RECORD_HEAD);
		records++;
		at += record_size(h.payload);
		s->announced = at;
	}
	s->records = records;
	if (s->bad_from == 0 && s->state != SEG_OUT)
		q->report.incomplete += (hole != 0) + (s->torn != 0);
}

static int
scan_file(struct queue *q, struct segment *s)
{
	struct stat st;
	void *m;

	if (fstat(s->fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size <= s->announced)
		return 0;
	m = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, s->fd, 0);
	if (m == MAP_FAILED)
		return -errno;
	madvise(m, (size_t)st.st_size, MADV_SEQUENTIAL);
	scan(q, s, (struct slice){ m, (size_t)st.st_size });
	munmap(m, (size_t)st.st_size);
	return 0;
}

/* A locked segment has a live writer, which will close it now that the queue
 * it knew is gone: until then only what it announced counts. */
static bool
is_locked(const struct segment *s)
{
	return flock(s->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static int
open_segment(struct queue *q, struct segment *s)
{
	char name[32];

	segment_name(name, s->no);
	s->fd = openat(q->segment_fd, name, O_RDONLY | O_CLOEXEC);
	return s->fd < 0 ? -errno : 0;
}

/* 0, a negative errno, or -ENOENT: it was being made when all ended, and
 * nobody was ever given it. */
static int
read_head(int dirfd, const char *name, struct segment_head *ret)
{
	unsigned char head[SEGMENT_HEAD];
	struct stat st;
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC), rc;

	if (fd < 0)
		return -errno;
	rc = pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head)
	    ? segment_head_get(head, ret)
	    : -EBADMSG;
	if (rc == -EBADMSG && fstat(fd, &st) == 0 && st.st_size <= SEGMENT_HEAD)
		rc = -ENOENT;
	close(fd);
	return rc;
}

/* A file that the checkpoint does not list: newer than it, or a leftover. */
static struct segment *
new_segment(struct recovery *rc, uint32_t no)
{
	struct queue *q = rc->q;
	bool is_leftover = rc->has_checkpoint && no < rc->first_new;
	struct segment_head h = { 0 };
	struct segment *s;
	char name[32];
	int error = 0;

	segment_name(name, no);
	if (!is_leftover)
		error = read_head(q->segment_fd, name, &h);
	if (is_leftover || error == -ENOENT) {
		if (!q->is_checking)
			unlinkat(q->segment_fd, name, 0);
		return NULL;
	}
	if (error == 0 && h.seg != no)
		error = -EBADMSG;
	if (error < 0) {
		if (no >= q->segments.next_no)
			q->segments.next_no = no + 1;
		queue_damage(q, NULL, name, 0,
		    error == -EPROTONOSUPPORT ? "format of a newer mtad"
					      : "no head of a segment");
		return NULL;
	}
	s = segments_found(&q->segments, no, h.tag, h.salt, h.kind);
	if (s != NULL)
		s->announced = SEGMENT_HEAD;
	return s;
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Numbers of all segment files, in order. */
static uint32_t *
list_segments(int dirfd, size_t *ret_n)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint32_t *v = NULL;
	struct dirent *e;
	size_t n = 0;
	uint64_t no;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!slice_u64(slice_of(e->d_name), MSGID_TAG_MAX, &no))
			continue;
		if ((n & (n - 1)) == 0) {
			uint32_t *grown =
			    realloc(v, (n ? n * 2 : 1) * sizeof(*v));

			if (grown == NULL)
				break;
			v = grown;
		}
		v[n++] = (uint32_t)no;
	}
	if (d != NULL)
		closedir(d);
	if (n != 0)
		qsort(v, n, sizeof(*v), by_number);
	*ret_n = n;
	return v;
}

static void
scan_one(struct recovery *rc, struct segment *s)
{
	struct queue *q = rc->q;
	char name[32];
	int error = open_segment(q, s);

	segment_name(name, s->no);
	if (error == 0 && is_locked(s)) {
		s->state = SEG_OUT;
		s->writer = -1;
		q->has_locked = true;
	}
	/* The rule: our own sync first; what it covers may have had its 250. */
	if (error == 0 && fdatasync(s->fd) < 0)
		error = -errno;
	if (error == 0)
		error = scan_file(q, s);
	if (error < 0 && error != -ENOENT) /* gone: was it removed? see below */
		queue_damage(q, NULL, name, 0, strerror(-error));
}

static void
scan_all(struct recovery *rc)
{
	struct queue *q = rc->q;
	struct segment *s;
	size_t n;
	uint32_t *numbers = list_segments(q->segment_fd, &n);

	for (size_t i = 0; i < n; i++)
		if (segments_find(&q->segments, numbers[i]) == NULL)
			new_segment(rc, numbers[i]);
	free(numbers);
	TAILQ_FOREACH (s, &q->segments.list, link)
		scan_one(rc, s);
}

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

		if (!(m->env_flags & ENV_NOTICE) || m->envelope == 0)
			continue;
		raw = malloc(m->envelope);
		if (raw != NULL &&
		    pread(m->segment->fd, raw, m->envelope,
			(off_t)m->offset + RECORD_HEAD) ==
			(ssize_t)m->envelope) {
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
	struct index_walk w;
	struct msg *m;

	walk_start(&q->index, &w);
	while ((m = walk_next(&w)) != NULL) {
		route_msg(q, m);
		q->is_retelling = true; /* that it ended may have been told */
		msg_settle(q, m);
		q->is_retelling = false;
	}
	walk_stop(&w);
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
		bool is_named = false;
		struct msg *m;

		if (!slice_u64(slice_of(e->d_name), UINT64_MAX - 1, &no))
			continue;
		if (no >= q->segments.next_body)
			q->segments.next_body = no + 1;
		TAILQ_FOREACH (m, &q->index.all, all)
			is_named |= m->body_file == no;
		if (!is_named && !q->has_locked)
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

/* All that is read; nothing on the disk changes but for leftovers. */
static int
read_spool(struct recovery *rc, uint64_t *ret_last, uint64_t *ret_next_seq)
{
	struct queue *q = rc->q;
	struct journal_reader reader = { recover_replay, hole, rc };
	int error = checkpoint_load(q, &rc->from, &rc->was_clean);

	rc->has_checkpoint = error == 0;
	rc->first_new = q->segments.next_no;
	if (error == -EBADMSG) {
		q->sched.is_held = true;
		queue_held_why(q,
		    SLICE("no checkpoint could be read: look at the queue, "
			  "then mtactl delivery release"));
	}
	told_find(q, rc->from);
	scan_all(rc);
	error = journal_read(
	    q->journal_fd, rc->from, &reader, ret_last, ret_next_seq);
	if (error < 0)
		return error;
	finish_by_notices(q);
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

	if (is_locked(s)) /* its end comes in a moment */
		return -EWOULDBLOCK;
	return fdatasync(s->fd) < 0 ? -errno : 0;
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
	if (error < 0) {
		queue_spool_error(q, "a segment whose writer died", error);
		s->is_doubtful = true;
	}
	scan_file(q, s);
	for (last = last ? TAILQ_NEXT(last, all) : TAILQ_FIRST(&q->index.all);
	     last != NULL; last = TAILQ_NEXT(last, all))
		announce(q, last);
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
