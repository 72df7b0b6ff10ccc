/*
 * scan: the segments, record by record, from where the checkpoint's word of
 * them ends.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "claim.h"
#include "crc32c.h"
#include "file.h"
#include "queue.h"
#include "record.h"
#include "recover.h"
#include "sizes.h"
#include "wire.h"

#define BAD_MAX 64 /* blocks of a segment; more, and the disk is not well */
/* The largest SegmentSize, and one record over it. A smtpd that is not ours
 * any more may append for as long as there is room. */
#define LENGTH_MAX (((uint64_t)1 << 30) + RECORD_MAX)

/* The disk may be better at the next start: what is not known must not be
 * taken for dead, as that is removed. */
void
recover_fail(struct queue *q, const char *part, const char *name, int error)
{
	if (q->report.error != 0)
		return;
	q->report.error = error;
	snprintf(q->report.where, sizeof(q->report.where), "%s%s%s", part,
	    *name ? "/" : "", name);
}

void
recover_fail_segment(struct queue *q, const struct segment *s, int error)
{
	char name[32];

	segment_name(name, s->no);
	recover_fail(q, "segment", name, error);
}

/* Its move is in no journal that reads, and what it was copied from is gone
 * already: then this is the message. */
static void
found_again(struct queue *q, struct segment *s, const struct record_head *h,
    uint32_t offset)
{
	struct msg *m = index_find(&q->index, h->id);

	if (m->segment->fd >= 0 || m->segment == s)
		return;
	segment_del_live(&q->segments, m->segment, m->length);
	m->segment = s;
	m->offset = offset;
	m->length = (uint32_t)record_size(h->payload);
	segment_add_live(s, m->length);
}

static void
refuse_record(
    struct queue *q, struct segment *s, uint32_t offset, const char *why)
{
	char name[32];

	segment_name(name, s->no);
	q->report.damaged++;
	queue_damage(q, NULL, name, offset, why);
}

/* A smtpd that is not ours any more may name anybody's. */
static void
refuse_body(struct queue *q, struct segment *s, uint32_t offset, int error)
{
	if (error == -ENOMEM)
		recover_fail_segment(q, s, error);
	else
		refuse_record(
		    q, s, offset, "it names the body file of another message");
}

void
recover_record(struct queue *q, struct segment *s, const struct record_head *h,
    uint32_t offset, const char *payload)
{
	struct rd r = rd_of((struct slice){ payload, h->envelope });
	struct p_envelope e;
	struct msg *m;
	int error;

	/* A number is never given again, even when its file is gone: this
	 * record may be dead, and its end would remove another's file. */
	if (h->body_file >= q->segments.next_body &&
	    h->body_file < UINT64_MAX / 2)
		q->segments.next_body = h->body_file + 1;
	if (!get_p_envelope(&r, &e)) {
		refuse_record(q, s, offset, "no envelope");
		return;
	}
	if (s->kind == SEGMENT_SMTPD && !claim_is_clients(&e)) {
		refuse_record(q, s, offset,
		    "it is nothing that a client can "
		    "have sent");
		return;
	}
	m = index_add(&q->index, h->id, &e, &error);
	if (m == NULL && error == -ENOMEM)
		recover_fail_segment(q, s, error);
	if (m == NULL && error == -EEXIST)
		found_again(q, s, h, offset);
	if (m == NULL) { /* there already: a copy, see replay_moved() */
		if (error != -EEXIST)
			q->report.damaged++;
		return;
	}
	error = index_name_body(&q->index, m, h->body_file);
	if (error < 0) {
		index_del(&q->index, m);
		refuse_body(q, s, offset, error);
		return;
	}
	q->report.recovered++;
	m->segment = s;
	m->offset = offset;
	m->length = (uint32_t)record_size(h->payload);
	m->envelope = h->envelope;
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
	return (s->kind != SEGMENT_SMTPD && s->kind != SEGMENT_OLD) ||
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
 * All records of f, which begins at s->announced. After a bad one the next
 * head with this segment's salt is looked for: damage costs one message. What
 * is torn in the last batch was never answered.
 */
static void
scan(struct queue *q, struct segment *s, struct slice f)
{
	const uint64_t base = s->announced;
	uint64_t at = base;
	uint64_t hole = 0;
	uint32_t records = s->records;

	while (at - base + RECORD_HEAD <= f.n) {
		const char *p = f.p + (at - base);
		struct record_head h;

		if (s->bad_from != 0 && at >= s->bad_from)
			break;
		if (!record_head_get((const unsigned char *)p, s->salt, &h) ||
		    !is_ours(s, h.id) ||
		    h.payload > f.n - (at - base) - RECORD_HEAD ||
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

/* From its end on: a sector that does not read costs what lies there. */
static int
read_new(struct queue *q, struct segment *s, char *p, size_t n)
{
	char name[32];
	size_t bad;
	int rc = file_pread_around(s->fd, p, n, (off_t)s->announced, &bad);

	if (rc < 0 || bad == 0)
		return rc;
	if (bad > BAD_MAX)
		return -EIO;
	segment_name(name, s->no);
	q->report.damaged++;
	queue_damage(q, NULL, name, s->announced, "sectors do not read");
	s->has_unread = true;
	return 0;
}

static uint64_t
length_of(struct queue *q, const struct segment *s, const struct stat *st)
{
	char name[32];

	if ((uint64_t)st->st_size <= LENGTH_MAX)
		return (uint64_t)st->st_size;
	segment_name(name, s->no);
	q->report.damaged++;
	queue_damage(q, NULL, name, LENGTH_MAX, "longer than a segment can be");
	return LENGTH_MAX;
}

int
scan_file(struct queue *q, struct segment *s)
{
	struct stat st;
	uint64_t end;
	size_t n;
	char *p;
	int rc;

	if (fstat(s->fd, &st) < 0)
		return -errno;
	end = length_of(q, s, &st);
	if (end <= s->announced)
		return 0;
	n = (size_t)(end - s->announced);
	p = malloc(n);
	if (p == NULL)
		return -ENOMEM;
	rc = read_new(q, s, p, n);
	if (rc == 0)
		scan(q, s, (struct slice){ p, n });
	free(p);
	return rc;
}

/* A locked segment has a live writer, which will close it now that the queue
 * it knew is gone: until then only what it announced counts. */
bool
scan_is_locked(const struct segment *s)
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

/* The head does not read: what the first record says of it. */
static int
head_of_record(int fd, uint32_t no, struct segment_head *ret)
{
	unsigned char p[RECORD_HEAD];
	struct record_head h;
	size_t bad;
	int rc = file_pread_around(fd, p, sizeof(p), SEGMENT_HEAD, &bad);

	if (rc < 0)
		return rc == -ENODATA ? -EBADMSG : rc;
	if (!record_head_get(p, le64(p), &h))
		return -EBADMSG;
	*ret = (struct segment_head){ .tag = h.id.tag,
		.seg = no,
		.salt = le64(p),
		.kind = h.id.seg == no ? SEGMENT_OLD : SEGMENT_COPY };
	return 0;
}

/* 0, a negative errno, or -ENOENT: it was being made when all ended, and
 * nobody was ever given it. */
static int
read_head(struct queue *q, uint32_t no, struct segment_head *ret)
{
	unsigned char head[SEGMENT_HEAD];
	struct stat st;
	char name[32];
	size_t bad;
	int fd, rc;

	segment_name(name, no);
	fd = openat(q->segment_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st) < 0
	    ? -errno
	    : file_pread_around(fd, head, sizeof(head), 0, &bad);
	if (rc == 0)
		rc = segment_head_get(head, ret);
	if (rc == 0 && ret->seg != no)
		rc = -EBADMSG;
	if ((rc == -EBADMSG || rc == -ENODATA) && st.st_size <= SEGMENT_HEAD)
		rc = -ENOENT;
	if (rc == -EBADMSG) {
		queue_damage(q, NULL, name, 0, "no head of a segment");
		rc = head_of_record(fd, no, ret);
	}
	close(fd);
	return rc;
}

/* What nobody can read stays, under another name. */
static void
put_aside(struct queue *q, uint32_t no)
{
	char name[32], aside[40];

	if (no >= q->segments.next_no)
		q->segments.next_no = no + 1;
	if (q->is_checking)
		return;
	segment_name(name, no);
	segment_aside(aside, no);
	renameat(q->segment_fd, name, q->segment_fd, aside);
}

/* A file that the checkpoint does not list: newer than it, or a leftover. */
static void
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
		error = read_head(q, no, &h);
	if (is_leftover || error == -ENOENT) {
		if (!q->is_checking)
			unlinkat(q->segment_fd, name, 0);
		return;
	}
	if (error == -EBADMSG) {
		put_aside(q, no);
		return;
	}
	s = error < 0 ? NULL
		      : segments_found(&q->segments, no, h.tag, h.salt, h.kind);
	if (s != NULL)
		s->announced = SEGMENT_HEAD;
	else
		recover_fail(q, "segment", name, error < 0 ? error : -ENOMEM);
}

static int
by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Numbers of all segment files, in order; the caller frees them. */
static uint32_t *
list_segments(struct queue *q, size_t *ret_n)
{
	int fd = openat(q->segment_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint32_t *v = NULL;
	struct dirent *e;
	size_t n = 0;
	uint64_t no;

	while (d != NULL && (errno = 0, e = readdir(d)) != NULL) {
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
	if (errno != 0)
		recover_fail(q, "segment", "", -errno);
	if (d != NULL)
		closedir(d);
	if (n != 0)
		qsort(v, n, sizeof(*v), by_number);
	*ret_n = n;
	return v;
}

/*
 * The rule: our own sync first, as what it covers may have had its 250. When
 * that fails what lies there is taken still, and copied at once.
 */
static void
scan_one(struct recovery *rc, struct segment *s)
{
	struct queue *q = rc->q;
	int error = open_segment(q, s);

	if (error == 0 && scan_is_locked(s)) {
		s->state = SEG_OUT;
		s->writer = -1;
		q->has_locked = true;
	}
	if (error == 0 && fdatasync(s->fd) < 0) {
		queue_spool_error(q, "a segment whose writer died", -errno);
		s->is_doubtful = true;
	}
	if (error == 0)
		error = scan_file(q, s);
	if (error < 0 && error != -ENOENT) /* gone: was it removed? see below */
		recover_fail_segment(q, s, error);
}

void
scan_all(struct recovery *rc)
{
	struct queue *q = rc->q;
	struct segment *s;
	size_t n;
	uint32_t *numbers = list_segments(q, &n);

	for (size_t i = 0; i < n; i++)
		if (segments_find(&q->segments, numbers[i]) == NULL)
			new_segment(rc, numbers[i]);
	free(numbers);
	TAILQ_FOREACH (s, &q->segments.list, link)
		scan_one(rc, s);
}
