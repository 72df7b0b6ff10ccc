#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "records.h"
#include "wire.h"
#include "worker.h"

uint64_t
draw_random(void)
{
	uint64_t v = 0;

	while (getrandom(&v, sizeof(v), 0) != (ssize_t)sizeof(v))
		continue;
	return v;
}

void
segment_name(char name[32], uint32_t no)
{
	snprintf(name, 32, "%010u", no);
}

void
segment_aside(char name[40], uint32_t no)
{
	snprintf(name, 40, "%010u.bad", no);
}

void
body_name(char name[32], uint64_t number)
{
	snprintf(name, 32, "%012llu", (unsigned long long)number);
}

static uint64_t
hash_segment(const void *entry)
{
	const struct segment *s = entry;

	return s->no * UINT64_C(0x9e3779b97f4a7c15) >> 16;
}

static bool
is_segment(const void *entry, const void *key)
{
	return ((const struct segment *)entry)->no == *(const uint32_t *)key;
}

void
segments_init(struct segments *ss)
{
	*ss = (struct segments){ .next_no = 1, .next_body = 1 };
	TAILQ_INIT(&ss->list);
	map_init(&ss->by_no, hash_segment, is_segment);
}

static void
segment_free(struct segments *ss, struct segment *s)
{
	TAILQ_REMOVE(&ss->list, s, link);
	map_del(&ss->by_no, s);
	if (s->fd >= 0)
		close(s->fd);
	if (s->write_fd >= 0)
		close(s->write_fd);
	free(s);
}

void
segments_release(struct segments *ss)
{
	struct segment *s;

	while ((s = TAILQ_FIRST(&ss->list)) != NULL)
		segment_free(ss, s);
	map_release(&ss->by_no);
	while (ss->bodies != 0)
		close(ss->body[--ss->bodies].fd);
}

struct segment *
segments_find(const struct segments *ss, uint32_t no)
{
	struct segment key = { .no = no };

	return map_find(&ss->by_no, hash_segment(&key), &no);
}

static struct segment *
segment_new(struct segments *ss, uint32_t no)
{
	struct segment *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct segment){
		.no = no, .fd = -1, .write_fd = -1, .writer = -1, .all = ss
	};
	if (map_add(&ss->by_no, s) < 0) {
		free(s);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&ss->list, s, link);
	return s;
}

struct segment *
segments_found(struct segments *ss, uint32_t no, uint32_t tag, uint64_t salt,
    enum segment_kind kind)
{
	struct segment *s = segment_new(ss, no);

	if (s == NULL)
		return NULL;
	s->tag = tag;
	s->salt = salt;
	s->kind = kind;
	s->state = SEG_SEALED;
	if (no >= ss->next_no)
		ss->next_no = no + 1;
	return s;
}

/* In the worker: file, space, head, sync, folder, lock. */
static int
run_make(void *arg)
{
	struct segment *s = arg;
	unsigned char head[SEGMENT_HEAD];
	struct segment_head h = { .tag = s->tag,
		.seg = s->no,
		.salt = s->salt,
		.kind = s->kind,
		.created = clock_wall() };
	char name[32];
	int rc = 0;

	segment_name(name, s->no);
	s->write_fd = openat(s->all->dirfd, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s->write_fd < 0)
		return -errno;
	segment_head_put(head, &h);
	if (fallocate(
		s->write_fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)s->all->size) < 0 &&
	    errno != EOPNOTSUPP)
		rc = -errno;
	if (rc == 0)
		rc = file_write_all(s->write_fd, head, sizeof(head));
	if (rc == 0 &&
	    (fsync(s->write_fd) < 0 ||
		flock(s->write_fd, LOCK_EX | LOCK_NB) < 0))
		rc = -errno;
	if (rc == 0)
		rc = file_sync_dir(s->all->dirfd);
	if (rc == 0) {
		s->fd = openat(s->all->dirfd, name, O_RDONLY | O_CLOEXEC);
		rc = s->fd < 0 ? -errno : 0;
	}
	if (rc < 0)
		unlinkat(s->all->dirfd, name, 0);
	return rc;
}

static void
number_durable(void *arg, int error)
{
	struct segment *s = arg;
	struct segments *ss = s->all;

	ss->making -= s->kind == SEGMENT_SMTPD;
	if (error != 0) {
		ss->ops->error(ss->arg, "journal", error);
		segment_free(ss, s);
		return;
	}
	s->state = SEG_SPARE;
	ss->spares += s->kind == SEGMENT_SMTPD;
	ss->ops->ready(ss->arg);
}

static void
make_done(void *arg, int rc)
{
	struct segment *s = arg;
	struct segments *ss = s->all;
	struct buf *b;

	if (rc < 0) {
		ss->making -= s->kind == SEGMENT_SMTPD;
		ss->is_blocked = true;
		ss->ops->error(ss->arg, "segment", rc);
		segment_free(ss, s);
		return;
	}
	b = journal_begin(ss->journal, J_SEGMENT);
	put_u32(b, s->no);
	put_u32(b, s->tag);
	put_u64(b, s->salt);
	put_u8(b, (uint8_t)s->kind);
	journal_end(ss->journal);
	s->commit = (struct commit){ .done = number_durable, .arg = s };
	journal_on_commit(ss->journal, &s->commit);
	journal_kick(ss->journal);
}

static void
make_segment(struct segments *ss, enum segment_kind kind)
{
	struct segment *s = segment_new(ss, ss->next_no);

	if (s == NULL)
		return;
	ss->next_no++;
	s->tag = ss->tag;
	s->salt = draw_random();
	s->kind = kind;
	s->announced = SEGMENT_HEAD;
	s->state = SEG_MAKING;
	if (worker_submit(ss->worker, run_make, make_done, s) < 0)
		segment_free(ss, s);
	else
		ss->making += kind == SEGMENT_SMTPD;
}

struct body_task {
	struct segments *all;
	uint64_t number;
	int fd;
};

static int
run_body(void *arg)
{
	struct body_task *t = arg;
	char name[32];

	body_name(name, t->number);
	t->fd = openat(t->all->body_dirfd, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (t->fd < 0)
		return -errno;
	return file_sync_dir(t->all->body_dirfd);
}

static void
body_done(void *arg, int rc)
{
	struct body_task *t = arg;
	struct segments *ss = t->all;

	ss->bodies_making--;
	if (rc == 0 && ss->bodies < BODY_SPARES) {
		ss->body[ss->bodies].number = t->number;
		ss->body[ss->bodies++].fd = t->fd;
		ss->ops->ready(ss->arg);
	} else {
		if (t->fd >= 0)
			close(t->fd);
		ss->is_blocked = true;
		ss->ops->error(ss->arg, "body file", rc);
	}
	free(t);
}

/* Rising, and not to be guessed: who names a file in a record was given it. */
uint64_t
segments_draw_body(struct segments *ss)
{
	uint64_t number = ((ss->next_body >> 28) + 1) << 28;

	number |= draw_random() & ((1u << 28) - 1);
	ss->next_body = number + 1;
	return number;
}

static void
make_body(struct segments *ss)
{
	struct body_task *t = malloc(sizeof(*t));

	if (t == NULL)
		return;
	*t = (struct body_task){ ss, segments_draw_body(ss), -1 };
	if (worker_submit(ss->worker, run_body, body_done, t) < 0)
		free(t);
	else
		ss->bodies_making++;
}

void
segments_fill(struct segments *ss)
{
	if (ss->is_blocked)
		return;
	while (ss->spares + ss->making < SEGMENT_SPARES) {
		int before = ss->making;

		make_segment(ss, SEGMENT_SMTPD);
		if (ss->making == before)
			break;
	}
	while (ss->bodies + ss->bodies_making < BODY_SPARES) {
		int before = ss->bodies_making;

		make_body(ss);
		if (ss->bodies_making == before)
			break;
	}
}

static struct segment *
find_state(
    struct segments *ss, enum segment_kind kind, enum segment_state state)
{
	struct segment *s;

	TAILQ_FOREACH_REVERSE(s, &ss->list, segment_list, link)
	if (s->kind == kind && s->state == state)
		break;
	return s;
}

/* Those for smtpd are made ahead; a copy's when it is wanted. */
struct segment *
segments_take(
    struct segments *ss, enum segment_kind kind, enum segment_state as)
{
	struct segment *s = find_state(ss, kind, SEG_SPARE);

	if (s == NULL) {
		segments_fill(ss);
		if (kind != SEGMENT_SMTPD && !ss->is_blocked &&
		    find_state(ss, kind, SEG_MAKING) == NULL)
			make_segment(ss, kind);
		return NULL;
	}
	s->state = as;
	ss->spares -= kind == SEGMENT_SMTPD;
	segments_fill(ss);
	return s;
}

static int
run_remove(void *arg)
{
	struct segment *s = arg;
	char name[32], aside[40];
	int rc;

	segment_name(name, s->no);
	segment_aside(aside, s->no);
	rc = s->has_unread ? renameat(s->all->dirfd, name, s->all->dirfd, aside)
			   : unlinkat(s->all->dirfd, name, 0);
	return rc < 0 && errno != ENOENT ? -errno : 0;
}

static void
remove_done(void *arg, int rc)
{
	struct segment *s = arg;
	struct segments *ss = s->all;

	if (rc < 0)
		ss->ops->error(ss->arg, "removing a segment", rc);
	segment_free(ss, s);
}

/* The outcomes that say that all is dead, and this record, are durable. */
static void
drop_durable(void *arg, int error)
{
	struct segment *s = arg;

	if (error != 0) { /* stays until the next start finds it dead */
		s->state = SEG_SEALED;
		return;
	}
	if (worker_submit(s->all->worker, run_remove, remove_done, s) < 0)
		s->state = SEG_SEALED;
}

static void
drop(struct segments *ss, struct segment *s)
{
	struct buf *b;

	s->state = SEG_DROPPING;
	b = journal_begin(ss->journal, J_DROPPED);
	put_u32(b, s->no);
	journal_end(ss->journal);
	s->commit = (struct commit){ .done = drop_durable, .arg = s };
	journal_on_commit(ss->journal, &s->commit);
}

/* It goes when its last outcomes were told for sure: they could not be told
 * again without it. */
static void
note_death(struct segments *ss, struct segment *s)
{
	if (s->state == SEG_SEALED && s->live == 0 && ss->journal != NULL)
		s->died = journal_place(ss->journal).seq;
}

void
segments_drop_dead(struct segments *ss, uint64_t before)
{
	struct segment *s;

	TAILQ_FOREACH (s, &ss->list, link)
		if (s->state == SEG_SEALED && s->live == 0 && s->died <= before)
			drop(ss, s);
}

void
segment_seal(struct segments *ss, struct segment *s)
{
	if (s->state == SEG_SPARE)
		ss->spares -= s->kind == SEGMENT_SMTPD;
	if (s->write_fd >= 0)
		close(s->write_fd);
	s->write_fd = -1;
	s->state = SEG_SEALED;
	s->sealed = clock_mono();
	note_death(ss, s);
}

void
segment_add_live(struct segment *s, uint32_t length)
{
	s->live++;
	s->live_bytes += length;
}

void
segment_del_live(struct segments *ss, struct segment *s, uint32_t length)
{
	s->live--;
	s->live_bytes -= length;
	note_death(ss, s);
}

int
segments_take_body(struct segments *ss, uint64_t *ret_number)
{
	int fd;

	if (ss->bodies == 0) {
		segments_fill(ss);
		return -1;
	}
	fd = ss->body[--ss->bodies].fd;
	*ret_number = ss->body[ss->bodies].number;
	segments_fill(ss);
	return fd;
}

static int
run_drop_body(void *arg)
{
	struct body_task *t = arg;
	char name[32];

	body_name(name, t->number);
	return unlinkat(t->all->body_dirfd, name, 0) < 0 ? -errno : 0;
}

static void
drop_body_done(void *arg, int rc)
{
	(void)rc; /* what is left is removed at the next start */
	free(arg);
}

void
segments_drop_body(struct segments *ss, uint64_t number)
{
	struct body_task *t = malloc(sizeof(*t));

	if (t == NULL)
		return;
	*t = (struct body_task){ ss, number, -1 };
	if (worker_submit(ss->worker, run_drop_body, drop_body_done, t) < 0)
		free(t);
}
