/*
 * replay: each record of the journal since the checkpoint, done again to an
 * index that segments and checkpoint have filled. Each says what is: done
 * twice it changes nothing.
 */
#include <stdlib.h>

#include "file.h"
#include "record.h"
#include "records.h"
#include "recover.h"

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
	if (s->torn != 0 && offset > s->torn)
		recover_damage(q, s);
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

/* As it came: nothing that the journal said of the id before counts. */
static bool
replay_imported(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct msg *m = index_find(&q->index, get_msgid(&r));
	struct record_head h;
	struct segment *s;
	uint32_t offset;
	char *raw;

	if (m == NULL || m->segment->fd < 0)
		return m != NULL;
	s = m->segment;
	offset = m->offset;
	raw = malloc(m->length);
	if (raw != NULL &&
	    file_pread_all(s->fd, raw, m->length, (off_t)offset) == 0 &&
	    record_head_get((unsigned char *)raw, s->salt, &h)) {
		segment_del_live(&q->segments, s, m->length);
		index_del(&q->index, m);
		recover_record(q, s, &h, offset, raw + RECORD_HEAD);
	}
	free(raw);
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

void
recover_replay(void *arg, uint8_t type, uint64_t seq, struct slice payload)
{
	struct recovery *rc = arg;
	struct queue *q = rc->q;
	bool is_known = true;

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
		is_known = outcome_replay(q, payload, seq >= q->told.seq);
		break;
	case J_EXPANDED:
		expand_replay(q, payload);
		break;
	case J_MOVED:
		is_known = replay_moved(q, payload);
		break;
	case J_IMPORTED:
		is_known = replay_imported(q, payload);
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
