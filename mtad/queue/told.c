/*
 * told: which part of the journal is in the event file for sure.
 *
 * Events follow the journal's sync, and their file is synced once a second,
 * beside the loop. What that covered is journaled; a start after a crash
 * tells everything later again, marked as retold, so that the books are
 * whole: a reader drops what it has.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "evfiles.h"
#include "evlog.h"
#include "queue.h"
#include "records.h"

struct told_task {
	struct queue *q;
	int fd[2];
	struct buf record; /* J_TOLD as it was before the sync */
};

static int
run_sync(void *arg)
{
	struct told_task *t = arg;

	for (int i = 0; i < 2; i++)
		if (t->fd[i] >= 0 && fdatasync(t->fd[i]) < 0)
			return -errno;
	return 0;
}

/* A failed sync proves nothing, the next one neither: all is told again. */
static void
synced(void *arg, int rc)
{
	struct told_task *t = arg;
	struct told *told = &t->q->told;

	told->is_syncing = false;
	told->has_failed |= rc < 0;
	if (told->has_failed)
		segments_drop_dead(&t->q->segments, UINT64_MAX);
	if (!told->has_failed && !t->record.bad) {
		buf_add_slice(journal_begin(t->q->journal, J_TOLD),
		    buf_slice(&t->record));
		journal_end(t->q->journal);
		segments_drop_dead(&t->q->segments, told->seq);
	}
	for (int i = 0; i < 2; i++)
		if (t->fd[i] >= 0)
			close(t->fd[i]);
	buf_release(&t->record);
	free(t);
}

/* Segments that are written to now: what they hold beyond is not told. */
static void
put_told(struct queue *q, struct buf *b)
{
	struct segment *s;
	uint32_t n = 0;
	size_t at;

	put_u64(b, q->told.seq);
	put_u32(b, q->segments.next_no);
	at = b->len;
	put_u32(b, 0);
	TAILQ_FOREACH (s, &q->segments.list, link) {
		if (s->state == SEG_SEALED || s->state == SEG_DROPPING)
			continue;
		put_u32(b, s->no);
		put_u64(b, s->announced);
		n++;
	}
	if (!b->bad)
		set_le32(b->data + at, n);
}

void
told_second(struct queue *q)
{
	struct told_task *t;

	if (q->told.is_syncing || !q->told.has_news || q->files == NULL)
		return;
	evlog_flush(q->proc->log);
	if (!evlog_is_flushed(q->proc->log)) { /* a full disk */
		segments_drop_dead(&q->segments, UINT64_MAX);
		return;
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return;
	t->q = q;
	q->told.has_news = false;
	q->told.seq = journal_durable(q->journal);
	evfiles_dup(q->files, t->fd);
	buf_init(&t->record, 65536);
	put_told(q, &t->record);
	q->told.is_syncing = true;
	if (worker_submit(q->slow, run_sync, synced, t) < 0)
		synced(t, -ENOMEM);
}

/* The last one counts. */
static void
look(void *arg, uint8_t type, uint64_t seq, struct slice payload)
{
	struct buf *last = arg;

	(void)seq;
	if (type != J_TOLD)
		return;
	buf_clear(last);
	buf_add_slice(last, payload);
}

void
told_find(struct queue *q, struct journal_place from)
{
	struct buf last;
	struct journal_reader r = { look, NULL, &last };
	uint64_t file, next;
	struct rd rd;

	buf_init(&last, 65536);
	q->told = (struct told){ 0 };
	if (journal_read(q->journal_fd, from, &r, &file, &next) == 0) {
		rd = rd_of(buf_slice(&last));
		q->told.seq = get_u64(&rd);
		q->told.next_no = get_u32(&rd);
		for (uint32_t n = get_u32(&rd); n != 0 && !rd.bad; n--) {
			struct told_segment *s =
			    &q->told.segment[q->told.segments];

			if (q->told.segments == TOLD_SEGMENTS)
				break;
			s->no = get_u32(&rd);
			s->offset = get_u64(&rd);
			q->told.segments++;
		}
	}
	buf_release(&last);
}

bool
told_has_msg(const struct told *t, const struct segment *s, uint64_t offset)
{
	if (s->no >= t->next_no)
		return false;
	for (int i = 0; i < t->segments; i++)
		if (t->segment[i].no == s->no)
			return offset < t->segment[i].offset;
	return true;
}
