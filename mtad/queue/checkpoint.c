/*
 * checkpoint: all that is alive, in one file, so that a start reads this and
 * the end of the journal, and not every segment.
 *
 * It is written in slices while the queue works, and speaks of the moment of
 * its head: a place in the journal and an offset in each segment. A message
 * that came after that moment lies above those offsets and is left out: the
 * start finds it there. What the slices see later of the others does no harm,
 * as journal records say what is, and nothing is copied forward meanwhile (a
 * copy lies above the offsets and is not new). Two are kept, with the journal
 * since the older.
 *
 * File: magic, u32 format, u32 flags, then parts (below), each message after
 * a byte 1, a byte 0 after the last, u64 number of messages, u32 checksum
 * over everything before it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "crc32c.h"
#include "file.h"
#include "log.h"
#include "queue.h"

/* Of a slice: messages, or bytes, whichever is reached first. One message
 * more is at most STR_MAX of strings and its recipients. */
#define SLICE_MSGS 1000
#define SLICE_BYTES ((size_t)4 << 20)
#define CHUNK_MAX ((size_t)512 << 20)
#define CLEAN 1

static const char magic[8] = "MTADCKP1";

struct checkpoint {
	struct queue *q;
	struct index_walk walk;
	struct buf chunk, writing;
	uint64_t number, messages;
	struct journal_place place;
	struct commits lost; /* to the journal: it says them instead */
	bool had_lost;
	uint32_t crc;
	int fd;
	bool is_flying, is_last;
};

static void
name_of(char name[40], uint64_t number, const char *suffix)
{
	snprintf(name, 40, "%012llu%s", (unsigned long long)number, suffix);
}

static void
put_msg(struct buf *b, const struct msg *m, int64_t mono_to_wall)
{
	put_u8(b, 1);
	put_msgid(b, m->id);
	put_u32(b, m->segment->no);
	put_u32(b, m->offset);
	put_u32(b, m->length);
	put_u32(b, m->envelope);
	put_u64(b, m->body_file);
	put_u64(b, m->size);
	put_u64(b, (uint64_t)m->received);
	put_u64(b, (uint64_t)m->until);
	put_u32(b, m->owner);
	put_u32(b, m->act);
	put_u16(b, m->env_flags);
	put_u8(b, m->ret);
	put_u8(b, m->flags & (uint8_t)~MSG_NOTIFY);
	put_str(b, slice_of(msg_sender(m)));
	put_str(b, slice_of(msg_envid(m)));
	put_u32(b, m->rcpt_n);
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		rcpt_put_state(b, m, &m->rcpt[i], mono_to_wall);
}

static void
put_dests(struct buf *b, const struct sched *s)
{
	size_t pos = 0, at = b->len;
	struct dest *d;
	uint32_t n = 0;

	put_u32(b, 0);
	while ((d = map_next(&s->dests, &pos)) != NULL)
		if (d->is_paused) {
			put_str(b, slice_of(d->key));
			n++;
		}
	if (!b->bad)
		set_le32(b->data + at, n);
}

/* What is said of each holds until the last slice, see is_of_moment(). */
static void
put_segments(struct buf *b, struct segments *ss)
{
	size_t at = b->len;
	struct segment *s;
	uint32_t n = 0;

	put_u32(b, 0);
	TAILQ_FOREACH (s, &ss->list, link) {
		s->in_checkpoint = 0;
		/* One that is being made has its number already: it must be
		 * known, or the next start takes it for a leftover. */
		if (s->state == SEG_DROPPING)
			continue;
		put_u32(b, s->no);
		put_u32(b, s->tag);
		put_u64(b, s->salt);
		put_u8(b, (uint8_t)s->kind);
		/* after a failed sync nothing new in it counts (J_ABANDONED) */
		s->in_checkpoint = s->bad_from ? UINT64_MAX : s->announced;
		put_u64(b, s->in_checkpoint);
		put_u32(b, s->records);
		n++;
	}
	if (!b->bad)
		set_le32(b->data + at, n);
}

static void
put_head(struct checkpoint *c, bool is_clean)
{
	struct queue *q = c->q;
	struct buf *b = &c->chunk;

	c->place = journal_place(q->journal);
	buf_add(b, magic, sizeof(magic));
	put_u32(b, SPOOL_FORMAT);
	put_u32(b, is_clean ? CLEAN : 0);
	put_u64(b, c->place.file);
	put_u64(b, c->place.seq);
	put_u64(b, (uint64_t)clock_wall());
	put_u32(b, q->segments.next_no);
	put_u64(b, q->segments.next_body);
	put_u8(b, q->sched.is_held);
	put_str(b, slice_of(q->held_why));
	put_dests(b, &q->sched);
	put_segments(b, &q->segments);
}

/* It was there when the head was written. */
static bool
is_of_moment(const struct msg *m)
{
	return m->offset < m->segment->in_checkpoint;
}

/* A slice; false when that was the last one. */
static bool
put_some(struct checkpoint *c)
{
	int64_t mono_to_wall = clock_wall() - clock_mono();
	size_t most = c->chunk.len + SLICE_BYTES;
	struct msg *m;

	for (int n = 0; n < SLICE_MSGS && c->chunk.len < most; n++) {
		m = walk_next(&c->walk);
		if (m == NULL)
			goto end;
		if (!is_of_moment(m))
			continue;
		put_msg(&c->chunk, m, mono_to_wall);
		c->messages++;
	}
	return true;
end:
	put_u8(&c->chunk, 0);
	put_u64(&c->chunk, c->messages);
	return false;
}

/* In the worker. */
static int
write_chunk(void *arg)
{
	struct checkpoint *c = arg;
	char name[40], tmp[40];
	int rc;

	if (c->writing.bad)
		return -ENOMEM;
	c->crc = crc32c(c->crc, c->writing.data, c->writing.len);
	rc = file_write_all(c->fd, c->writing.data, c->writing.len);
	if (rc < 0 || !c->is_last)
		return rc;
	set_le32(c->writing.data, c->crc);
	rc = file_write_all(c->fd, c->writing.data, 4);
	if (rc == 0 && fdatasync(c->fd) < 0)
		rc = -errno;
	name_of(name, c->number, "");
	name_of(tmp, c->number, ".tmp");
	if (rc == 0 &&
	    renameat(c->q->checkpoint_fd, tmp, c->q->checkpoint_fd, name) < 0)
		rc = -errno;
	return rc < 0 ? rc : file_sync_dir(c->q->checkpoint_fd);
}

static void
checkpoint_free(struct checkpoint *c, int rc)
{
	struct queue *q = c->q;
	char tmp[40];

	walk_stop(&c->walk);
	if (c->fd >= 0)
		close(c->fd);
	if (rc < 0 && c->had_lost)
		journal_give_back(q->journal, &c->lost);
	journal_call_commits(&c->lost);
	name_of(tmp, c->number, ".tmp");
	if (rc < 0) {
		unlinkat(q->checkpoint_fd, tmp, 0);
		queue_spool_error(q, "checkpoint", rc);
	}
	buf_release(&c->chunk);
	buf_release(&c->writing);
	q->is_checkpointing = false;
	free(c);
}

/* The one before stays, with the journal since it; older ones go. */
static void
forget_older(struct checkpoint *c)
{
	struct queue *q = c->q;
	char name[40];

	if (c->number > 2) {
		name_of(name, c->number - 2, "");
		unlinkat(q->checkpoint_fd, name, 0);
	}
	journal_forget(q->journal, q->checkpoint_journal);
	q->checkpoint_journal = c->place.file;
	q->checkpoint_seq = c->place.seq;
	q->checkpoint_number = c->number;
}

static void slice(struct checkpoint *);

static void
chunk_done(void *arg, int rc)
{
	struct checkpoint *c = arg;

	c->is_flying = false;
	buf_clear(&c->writing);
	if (rc < 0) {
		checkpoint_free(c, rc);
		return;
	}
	if (c->is_last) {
		forget_older(c);
		checkpoint_free(c, 0);
		return;
	}
	slice(c);
}

/* One slice a turn of the worker: while it writes, the loop does mail. */
static void
slice(struct checkpoint *c)
{
	struct buf b;

	c->is_last = !put_some(c);
	b = c->writing;
	c->writing = c->chunk;
	c->chunk = b;
	c->is_flying = true;
	if (worker_submit(c->q->disk, write_chunk, chunk_done, c) < 0)
		chunk_done(c, -ENOMEM);
}

static struct checkpoint *
checkpoint_new(struct queue *q, bool is_clean)
{
	struct checkpoint *c = calloc(1, sizeof(*c));
	char tmp[40];

	if (c == NULL)
		return NULL;
	c->q = q;
	c->number = q->checkpoint_number + 1;
	buf_init(&c->chunk, CHUNK_MAX);
	buf_init(&c->writing, CHUNK_MAX);
	c->had_lost = journal_has_lost(q->journal);
	journal_take_lost(q->journal, &c->lost);
	walk_start(&q->index, &c->walk);
	name_of(tmp, c->number, ".tmp");
	c->fd = openat(q->checkpoint_fd, tmp,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (c->fd < 0) {
		checkpoint_free(c, -errno);
		return NULL;
	}
	put_head(c, is_clean);
	return c;
}

void
checkpoint_begin(struct queue *q)
{
	struct checkpoint *c;

	if (q->is_checkpointing)
		return;
	q->is_checkpointing = true;
	q->checkpoint_begun = clock_mono();
	c = checkpoint_new(q, false);
	if (c != NULL)
		slice(c);
}

static bool
is_due(const struct queue *q)
{
	int64_t interval = q->proc->conf->CheckpointInterval;

	return interval != 0 &&
	    clock_mono() - q->checkpoint_begun >= interval &&
	    journal_place(q->journal).seq != q->checkpoint_seq;
}

/* Each second: when the journal has grown by two files since the last, or
 * when it is time and something has changed. */
void
checkpoint_want(struct queue *q)
{
	struct journal_place now = journal_place(q->journal);

	if (now.file >= q->checkpoint_journal + 2 || is_due(q))
		checkpoint_begin(q);
}

int
checkpoint_final(struct queue *q)
{
	struct checkpoint *c = checkpoint_new(q, true);
	bool has_more = true;
	int rc = 0;

	if (c == NULL)
		return -EIO;
	while (has_more && rc == 0) {
		struct buf b = c->writing;

		has_more = put_some(c);
		c->is_last = !has_more;
		c->writing = c->chunk;
		c->chunk = b;
		buf_clear(&c->chunk);
		rc = write_chunk(c);
	}
	checkpoint_free(c, rc);
	return rc;
}

static void
load_msg(struct queue *q, struct rd *r)
{
	struct msgid id = get_msgid(r);
	struct msg in = { .id = id };
	struct p_envelope e = { 0 };
	struct segment *s = segments_find(&q->segments, get_u32(r));
	struct msg *m;
	uint32_t n;

	in.offset = get_u32(r);
	in.length = get_u32(r);
	in.envelope = get_u32(r);
	in.body_file = get_u64(r);
	e.size = get_u64(r);
	e.received = (int64_t)get_u64(r);
	in.until = (int64_t)get_u64(r);
	in.owner = get_u32(r);
	in.act = get_u32(r);
	e.flags = get_u16(r);
	e.ret = get_u8(r);
	in.flags = get_u8(r);
	e.sender = get_str(r);
	e.envid = get_str(r);
	n = get_u32(r);
	m = r->bad || s == NULL ? NULL : index_add_bare(&q->index, id, &e);
	if (m == NULL || index_name_body(&q->index, m, in.body_file) < 0) {
		r->bad = true;
		return;
	}
	m->segment = s;
	m->offset = in.offset;
	m->length = in.length;
	m->envelope = in.envelope;
	m->until = in.until;
	m->owner = in.owner;
	m->act = in.act;
	if (in.act >= q->next_act)
		q->next_act = in.act + 1;
	m->flags = in.flags;
	segment_add_live(s, in.length);
	while (n-- != 0 && !r->bad)
		r->bad |= !rcpt_get_state(&q->index, m, r);
}

static void
load_segments(struct queue *q, struct rd *r)
{
	for (uint32_t n = get_u32(r); n != 0 && !r->bad; n--) {
		uint32_t no = get_u32(r), tag = get_u32(r);
		uint64_t salt = get_u64(r);
		enum segment_kind kind = (enum segment_kind)get_u8(r);
		struct segment *s =
		    segments_found(&q->segments, no, tag, salt, kind);

		if (s == NULL) {
			r->bad = true;
			return;
		}
		s->announced = get_u64(r);
		s->records = get_u32(r);
	}
}

static void
load_dests(struct queue *q, struct rd *r)
{
	for (uint32_t n = get_u32(r); n != 0 && !r->bad; n--)
		queue_pause_key(q, get_str(r), true);
}

static bool
load(struct queue *q, struct slice file, struct journal_place *ret,
    bool *ret_clean)
{
	struct rd r = rd_of(slice_sub(file, sizeof(magic), file.n - 4));
	uint32_t format = get_u32(&r);
	struct slice why;
	uint64_t count = 0;

	if (format > SPOOL_FORMAT)
		return false;
	*ret_clean = get_u32(&r) & CLEAN;
	ret->file = get_u64(&r);
	ret->seq = get_u64(&r);
	q->last_wall = (int64_t)get_u64(&r);
	q->segments.next_no = get_u32(&r);
	q->segments.next_body = get_u64(&r);
	q->sched.is_held = get_u8(&r);
	why = get_str(&r);
	snprintf(q->held_why, sizeof(q->held_why), "%.*s", SLICE_ARG(why));
	load_dests(q, &r);
	load_segments(q, &r);
	while (!r.bad && get_u8(&r) == 1) {
		load_msg(q, &r);
		count++;
	}
	return get_u64(&r) == count && !r.bad && r.p == r.end;
}

static bool
is_whole(struct slice f)
{
	return f.n > sizeof(magic) + 12 &&
	    memcmp(f.p, magic, sizeof(magic)) == 0 &&
	    le32(f.p + f.n - 4) == crc32c(0, f.p, f.n - 4);
}

/* Highest number below the limit, 0 when there is none. */
static int
newest_below(int dirfd, uint64_t limit, uint64_t *ret)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	uint64_t v;

	*ret = 0;
	while (d != NULL && (errno = 0, e = readdir(d)) != NULL)
		if (slice_u64(slice_of(e->d_name), limit - 1, &v) && v > *ret)
			*ret = v;
	rc = -errno;
	if (d != NULL)
		closedir(d);
	return rc;
}

/* -EBADMSG: it does not read; any other error may be over at the next try. */
static int
load_file(struct queue *q, const char *name, struct journal_place *ret_from,
    bool *ret_was_clean)
{
	struct buf b;
	int rc;

	buf_init(&b, (size_t)16 << 30);
	rc = file_slurp(q->checkpoint_fd, name, &b);
	if (rc == -EIO ||
	    (rc == 0 &&
		!(is_whole(buf_slice(&b)) &&
		    load(q, buf_slice(&b), ret_from, ret_was_clean))))
		rc = -EBADMSG;
	buf_release(&b);
	return rc;
}

int
checkpoint_load(
    struct queue *q, struct journal_place *ret_from, bool *ret_was_clean)
{
	uint64_t number, first;
	char name[40];
	int rc = newest_below(q->checkpoint_fd, UINT64_MAX, &number);
	bool is_good = false;

	first = number;
	while (rc == 0 && number != 0) {
		name_of(name, number, "");
		rc = load_file(q, name, ret_from, ret_was_clean);
		is_good = rc == 0;
		if (rc != -EBADMSG)
			break;
		queue_damage(q, NULL, name, 0, "this checkpoint does not read");
		index_release(&q->index);
		index_init(&q->index);
		queue_reset_segments(q);
		rc = newest_below(q->checkpoint_fd, number, &number);
	}
	q->checkpoint_number = first;
	q->checkpoint_journal = is_good ? ret_from->file : 0;
	return rc < 0 ? rc : is_good ? 0 : first == 0 ? -ENOENT : -EBADMSG;
}
