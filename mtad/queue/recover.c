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
#include "log.h"
#include "queue.h"
#include "record.h"
#include "records.h"

#define UNKNOWN_MAX 10000

struct recovery {
	struct queue *q;
	struct journal_place from;
	uint32_t first_new; /* next segment number of the checkpoint */
	bool has_checkpoint, was_clean;
	uint64_t records; /* journal records replayed */
	/* messages that the journal knows and no segment has */
	struct msgid unknown[UNKNOWN_MAX];
	uint32_t unknown_n;
	uint32_t *dropped; /* segments that the journal saw removed */
	uint32_t dropped_n;
};

/* A record of this segment, checked: into the index. */
static void
take_record(struct queue *q, struct segment *s, const struct record_head *h,
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
}

static bool
is_ours(const struct segment *s, const struct msgid id)
{
	return s->kind != SEGMENT_SMTPD ||
	    (id.tag == s->tag && id.seg == s->no);
}

/*
 * All records from s->announced on. After a bad one the next head with this
 * segment's salt is looked for: damage costs one message. What is torn at
 * the end was never answered.
 */
static void
scan(struct queue *q, struct segment *s, struct slice f)
{
	uint64_t at = s->announced;
	bool in_hole = false;
	uint32_t records = s->records;

	while (at + RECORD_HEAD <= f.n) {
		const char *p = f.p + at;
		struct record_head h;

		if (s->bad_from != 0 && at >= s->bad_from)
			break;
		if (!record_head_get((const unsigned char *)p, s->salt, &h) ||
		    !is_ours(s, h.id)) {
			in_hole = true;
			at += RECORD_ALIGN;
			continue;
		}
		if (h.payload > f.n - at - RECORD_HEAD ||
		    crc32c(0, p + RECORD_HEAD, h.payload) != h.payload_crc) {
			in_hole = true;
			at += RECORD_ALIGN;
			continue;
		}
		if (in_hole) {
			char name[32];

			segment_name(name, s->no);
			q->report.damaged++;
			queue_damage(q, NULL, name, s->announced,
			    "a record in the midst does not read");
		}
		in_hole = false;
		take_record(q, s, &h, (uint32_t)at, p + RECORD_HEAD);
		records++;
		at += record_size(h.payload);
		s->announced = at;
	}
	s->records = records;
	if (in_hole && s->bad_from == 0)
		q->report.incomplete++;
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

/* A file that the checkpoint does not list: newer than it, or a leftover. */
static struct segment *
new_segment(struct recovery *rc, uint32_t no)
{
	struct queue *q = rc->q;
	unsigned char head[SEGMENT_HEAD];
	struct segment_head h;
	struct segment *s;
	char name[32];
	int fd, error;

	segment_name(name, no);
	if (rc->has_checkpoint && no < rc->first_new) {
		unlinkat(q->segment_fd, name, 0);
		return NULL;
	}
	fd = openat(q->segment_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	error = pread(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head)
	    ? segment_head_get(head, &h)
	    : -EBADMSG;
	close(fd);
	if (error == 0 && h.seg != no)
		error = -EBADMSG;
	if (error < 0) {
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
		return;
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
note_unknown(struct recovery *rc, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct msgid id = get_msgid(&r);

	if (r.bad || rc->unknown_n == UNKNOWN_MAX)
		return;
	for (uint32_t i = 0; i < rc->unknown_n; i++)
		if (msgid_eq(rc->unknown[i], id))
			return;
	rc->unknown[rc->unknown_n++] = id;
}

static void
replay_segment(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	uint32_t no = get_u32(&r);

	/* its number is never used again, whether the file is there or not */
	if (!r.bad && no >= q->segments.next_no)
		q->segments.next_no = no + 1;
}

static void
replay_dropped(struct recovery *rc, struct slice payload)
{
	struct rd r = rd_of(payload);
	uint32_t no = get_u32(&r), *v;

	v = realloc(rc->dropped, (rc->dropped_n + 1) * sizeof(*v));
	if (v == NULL)
		return;
	rc->dropped = v;
	v[rc->dropped_n++] = no;
}

/* Announced records that the scan did not find. */
static void
replay_mark(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct segment *s = segments_find(&q->segments, get_u32(&r));
	uint64_t offset = get_u64(&r);
	uint32_t records = get_u32(&r);

	/* A file that is gone was removed as dead, or its messages are counted
	 * one by one. */
	if (r.bad || s == NULL || s->state == SEG_OUT || s->fd < 0)
		return;
	if (records > s->records && offset > s->announced) {
		q->report.lost += records - s->records;
		s->records = records;
	}
}

static void
replay_abandoned(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct segment *s = segments_find(&q->segments, get_u32(&r));
	uint64_t from = get_u64(&r), to = get_u64(&r);
	struct msg *m, *next;

	if (r.bad || s == NULL)
		return;
	for (m = TAILQ_FIRST(&q->index.all); m != NULL; m = next) {
		next = TAILQ_NEXT(m, all);
		if (m->segment != s || m->offset < from || m->offset >= to)
			continue;
		segment_del_live(&q->segments, s, m->length);
		index_del(&q->index, m);
	}
}

/* The copy counts, not what it was copied from. Its record was scanned or is
 * below the checkpoint's offset. */
static bool
replay_moved(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct msgid id = get_msgid(&r);
	struct segment *s = segments_find(&q->segments, get_u32(&r));
	uint32_t offset = get_u32(&r), length = get_u32(&r);
	struct msg *m = index_find(&q->index, id);

	if (m == NULL)
		return false;
	if (r.bad || s == NULL || s->fd < 0 ||
	    (uint64_t)offset + length > s->announced)
		return true; /* nothing is there: keep the one we have */
	segment_add_live(s, length);
	segment_del_live(&q->segments, m->segment, m->length);
	m->segment = s;
	m->offset = offset;
	m->length = length;
	return true;
}

static bool
replay_flags(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct msgid id = get_msgid(&r);
	uint8_t flags = get_u8(&r);
	int64_t until = (int64_t)get_u64(&r);
	uint32_t act = get_u32(&r);
	struct msg *m = index_find(&q->index, id);

	if (r.bad || m == NULL)
		return false;
	m->flags = flags;
	m->until = until;
	m->act = act;
	if (act >= q->next_act)
		q->next_act = act + 1;
	return true;
}

static void
replay_delivery(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct slice why;

	q->sched.is_held = get_u8(&r);
	why = get_str(&r);
	queue_held_why(q, why);
}

static void
replay_pause(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct slice key = get_str(&r);

	queue_pause_key(q, key, get_u8(&r));
}

static void
replay(void *arg, uint8_t type, uint64_t seq, struct slice payload)
{
	struct recovery *rc = arg;
	struct queue *q = rc->q;
	bool is_known = true;

	(void)seq;
	rc->records++;
	switch (type) {
	case J_SEGMENT:
		replay_segment(q, payload);
		break;
	case J_DROPPED:
		replay_dropped(rc, payload);
		break;
	case J_MARK:
		replay_mark(q, payload);
		break;
	case J_ABANDONED:
		replay_abandoned(q, payload);
		break;
	case J_OUTCOME:
		is_known = outcome_replay(q, payload);
		break;
	case J_EXPANDED:
		expand_replay(q, payload);
		break;
	case J_MOVED:
		is_known = replay_moved(q, payload);
		break;
	case J_FLAGS:
		is_known = replay_flags(q, payload);
		break;
	case J_GONE:
		is_known = notice_gone_replay(q, payload);
		break;
	case J_PAUSE:
		replay_pause(q, payload);
		break;
	case J_DELIVERY:
		replay_delivery(q, payload);
		break;
	default:
		break; /* of a newer mtad within this format: told nothing */
	}
	if (!is_known)
		note_unknown(rc, payload);
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

/* Wall time of the next try, as journal and checkpoint keep it, to ours. */
static int64_t
when_of(const struct queue *q, const struct rcpt *r, int64_t wall, int64_t mono)
{
	int64_t wait = (int64_t)r->next_try * US_SEC - wall;

	if (r->next_try == 0 || wait <= 0)
		return 0;
	if (wait > q->proc->conf->MaxQueueAge)
		wait = q->proc->conf->MaxQueueAge; /* the clock was elsewhere */
	return mono + wait;
}

static void
route_all(struct queue *q)
{
	int64_t wall = clock_wall(), mono = clock_mono();
	struct index_walk w;
	struct msg *m;

	walk_start(&q->index, &w);
	while ((m = walk_next(&w)) != NULL) {
		for (uint32_t i = 0; i < m->rcpt_n; i++) {
			struct rcpt *r = &m->rcpt[i];

			if (r->state == RS_FAILED)
				notice_want(q, m);
			if (r->state != RS_OPEN)
				continue;
			route_rcpt(q, m, i, r->attempts != 0, false,
			    when_of(q, r, wall, mono));
		}
		msg_settle(q, m);
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

int
recover(struct queue *q)
{
	struct recovery *rc = calloc(1, sizeof(*rc));
	struct journal_reader reader = { replay, hole, rc };
	uint64_t last = 0, next_seq = 1;
	int error;

	if (rc == NULL)
		return -ENOMEM;
	rc->q = q;
	rc->from = (struct journal_place){ 0, 1 };
	error = checkpoint_load(q, &rc->from, &rc->was_clean);
	rc->has_checkpoint = error == 0;
	rc->first_new = q->segments.next_no;
	if (error == -EBADMSG) {
		q->sched.is_held = true;
		queue_held_why(q,
		    SLICE("no checkpoint could be read: look at the queue, "
			  "then mtactl delivery release"));
	}
	scan_all(rc);
	error =
	    journal_read(q->journal_fd, rc->from, &reader, &last, &next_seq);
	if (error == 0)
		error = open_journal(q, last, next_seq);
	if (error == 0) {
		journal_forget(
		    q->journal, rc->has_checkpoint ? rc->from.file : 0);
		finish_by_notices(q);
		count_lost(rc);
		give_up_missing(q);
		route_all(q);
		drop_dead(q);
		sweep_bodies(q);
		q->report.was_clean = rc->was_clean && rc->records == 0;
		if (!q->report.was_clean && (rc->has_checkpoint || last != 0))
			say_report(q);
	}
	free(rc->dropped);
	free(rc);
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
