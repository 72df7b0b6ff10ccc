#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "clock.h"
#include "crc32c.h"
#include "file.h"
#include "record.h"
#include "records.h"

#define BATCH_MAX ((size_t)64 << 20)

struct item {
	STAILQ_ENTRY(item) link;
	struct writer_done done;
	struct msgid id;
	struct msg *moving; /* pinned; NULL: a message that is not there yet */
	bool is_new; /* the id is drawn when it is written */
	char *payload; /* envelope and content */
	uint64_t body_file;
	size_t envelope, n;
	uint32_t offset, length;
};
STAILQ_HEAD(items, item);

struct writer {
	struct queue *q; /* borrowed */
	enum segment_kind kind;
	struct segment *segment; /* SEG_OWN, or NULL */
	struct items todo, flying;
	struct buf batch;
	uint32_t next_rec;
	uint64_t at;
	int64_t started;
	bool is_flying;
};

struct writer *
writer_new(struct queue *q, enum segment_kind kind)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->q = q;
	w->kind = kind;
	STAILQ_INIT(&w->todo);
	STAILQ_INIT(&w->flying);
	buf_init(&w->batch, BATCH_MAX * 2);
	return w;
}

static void
item_free(struct item *i)
{
	free(i->payload);
	free(i);
}

void
writer_free(struct writer *w)
{
	struct items *lists[] = { &w->todo, &w->flying };
	struct item *i;

	for (int k = 0; k < 2; k++)
		while ((i = STAILQ_FIRST(lists[k])) != NULL) {
			STAILQ_REMOVE_HEAD(lists[k], link);
			item_free(i);
		}
	buf_release(&w->batch);
	free(w);
}

static int
add(struct writer *w, struct item *i, const struct p_envelope *e,
    struct slice content)
{
	struct buf b;

	buf_init(&b, BATCH_MAX);
	put_p_envelope(&b, e);
	i->envelope = b.len;
	buf_add_slice(&b, content);
	i->n = b.len;
	i->payload = buf_take(&b);
	if (i->payload == NULL) {
		buf_release(&b);
		free(i);
		return -ENOMEM;
	}
	STAILQ_INSERT_TAIL(&w->todo, i, link);
	return 0;
}

int
writer_add(struct writer *w, const struct p_envelope *e, struct slice content,
    struct writer_done done)
{
	struct item *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return -ENOMEM;
	i->done = done;
	i->is_new = true;
	return add(w, i, e, content);
}

int
writer_import(struct writer *w, struct msgid id, const struct p_envelope *e,
    struct slice content, uint64_t body_file, struct writer_done done)
{
	struct item *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return -ENOMEM;
	i->done = done;
	i->id = id;
	i->body_file = body_file;
	return add(w, i, e, content);
}

int
writer_move(struct writer *w, struct msg *m, const struct body *body,
    struct writer_done done)
{
	struct item *i = calloc(1, sizeof(*i));

	if (i == NULL)
		return -ENOMEM;
	i->payload = malloc(body->length);
	if (i->payload == NULL) {
		free(i);
		return -ENOMEM;
	}
	memcpy(i->payload, body->record, body->length);
	i->envelope = body->envelope;
	i->n = body->length;
	i->id = m->id;
	i->body_file = m->body_file;
	i->moving = m;
	i->done = done;
	m->pins++;
	STAILQ_INSERT_TAIL(&w->todo, i, link);
	return 0;
}

bool
writer_has_segment(const struct writer *w)
{
	return w->segment != NULL;
}

static int
run_batch(void *arg)
{
	struct writer *w = arg;
	int rc =
	    file_write_all(w->segment->write_fd, w->batch.data, w->batch.len);

	if (rc == 0 && fdatasync(w->segment->write_fd) < 0)
		rc = -errno;
	return rc;
}

static struct msg *
into_index(struct writer *w, struct item *i, uint32_t fsync_us)
{
	struct queue *q = w->q;
	struct rd r = rd_of((struct slice){ i->payload, i->envelope });
	struct p_envelope e;
	struct msg *m;
	int error;

	if (!get_p_envelope(&r, &e))
		return NULL;
	m = index_add(&q->index, i->id, &e, &error);
	if (m == NULL)
		return NULL;
	if (index_name_body(&q->index, m, i->body_file) < 0) {
		index_del(&q->index, m);
		return NULL;
	}
	m->segment = w->segment;
	m->offset = i->offset;
	m->length = i->length;
	m->envelope = (uint32_t)i->envelope;
	segment_add_live(w->segment, i->length);
	m->pins++; /* until its callback has seen it */
	accept_msg(q, m, &e, fsync_us);
	return m;
}

/* Whoever holds it may be reading it from where it was; a checkpoint that is
 * being written would take it for a new one. */
static int
move(struct writer *w, const struct item *i)
{
	struct queue *q = w->q;
	struct msg *m = i->moving;
	struct segment *old = m->segment;
	uint32_t length = m->length;
	struct buf *b;

	if (m->pins != 1 || q->is_checkpointing)
		return -EBUSY;
	b = journal_begin(q->journal, J_MOVED);
	put_msgid(b, m->id);
	put_u32(b, w->segment->no);
	put_u32(b, i->offset);
	put_u32(b, i->length);
	journal_end(q->journal);
	m->segment = w->segment;
	m->offset = i->offset;
	m->length = i->length;
	segment_add_live(w->segment, i->length);
	segment_del_live(&q->segments, old, length);
	return 0;
}

/* Durable, or not: whose record it is hears of it. */
static void
finish(struct writer *w, struct item *i, int rc, uint32_t fsync_us)
{
	struct queue *q = w->q;
	struct msg *m = i->moving;

	if (m != NULL && rc == 0)
		rc = move(w, i);
	if (m == NULL && rc == 0) {
		m = into_index(w, i, fsync_us);
		rc = m == NULL ? -ENOMEM : 0;
	}
	i->done.done(q, i->done.arg, m, rc);
	if (m != NULL)
		msg_unpin(q, m);
	item_free(i);
}

static void
retire(struct writer *w)
{
	segment_seal(&w->q->segments, w->segment);
	w->segment = NULL;
}

static void
batch_done(void *arg, int rc)
{
	struct writer *w = arg;
	uint32_t us = (uint32_t)(clock_mono() - w->started);
	struct item *i;

	w->is_flying = false;
	stat_add(w->q->proc->slot, ST_SYNCS, 1);
	if (rc == 0) {
		w->at += w->batch.len;
		w->segment->announced = w->at;
		w->segment->records = w->next_rec;
	} else {
		accept_abandon(w->q, w->segment, w->at, w->at + w->batch.len);
		queue_spool_error(w->q, "our own segment", rc);
	}
	buf_clear(&w->batch);
	buf_shrink(&w->batch);
	while ((i = STAILQ_FIRST(&w->flying)) != NULL) {
		STAILQ_REMOVE_HEAD(&w->flying, link);
		finish(w, i, rc, us);
	}
	if (rc != 0 || w->at > w->q->segments.size)
		retire(w);
	writer_turn(w);
}

static void
put_record(struct writer *w, struct item *i)
{
	struct segment *s = w->segment;
	struct record_head h = { .envelope = (uint32_t)i->envelope,
		.payload = (uint32_t)i->n,
		.payload_crc = crc32c(0, i->payload, i->n),
		.is_first = w->batch.len == 0 };
	unsigned char head[RECORD_HEAD];
	size_t size = record_size(i->n);

	if (i->is_new)
		i->id = (struct msgid){ s->tag, s->no, w->next_rec };
	w->next_rec++;
	h.id = i->id;
	h.body_file = i->body_file;
	record_head_put(head, s->salt, &h);
	i->offset = (uint32_t)(w->at + w->batch.len);
	i->length = (uint32_t)size;
	buf_add(&w->batch, head, sizeof(head));
	buf_add(&w->batch, i->payload, i->n);
	while (w->batch.len % RECORD_ALIGN != 0)
		buf_addc(&w->batch, '\0');
}

static bool
has_segment(struct writer *w)
{
	if (w->segment == NULL) {
		w->segment = segments_take(&w->q->segments, w->kind, SEG_OWN);
		w->next_rec = 0;
		w->at = SEGMENT_HEAD;
	}
	return w->segment != NULL;
}

void
writer_turn(struct writer *w)
{
	struct item *i;

	if (w->is_flying || STAILQ_EMPTY(&w->todo) || !has_segment(w))
		return;
	while (
	    (i = STAILQ_FIRST(&w->todo)) != NULL && w->batch.len < BATCH_MAX) {
		STAILQ_REMOVE_HEAD(&w->todo, link);
		put_record(w, i);
		STAILQ_INSERT_TAIL(&w->flying, i, link);
	}
	w->is_flying = true;
	w->started = clock_mono();
	if (worker_submit(w->q->disk, run_batch, batch_done, w) < 0)
		batch_done(w, -ENOMEM);
}
