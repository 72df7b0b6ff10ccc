/*
 * accept: what smtpd says and wants. A message that is announced is durable
 * already; here it gets its place in the index and its way.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "claim.h"
#include "clock.h"
#include "journal_file.h"
#include "log.h"
#include "queue.h"
#include "records.h"
#include "sizes.h"

#define SEGMENTS_OUT 4 /* with one smtpd */
#define BODIES_OUT (BODY_FILES_MAX + 6) /* that no record names yet */
#define ERRNO_MAX 4096

void
accept_say(struct queue *q, const struct msg *m, const struct p_envelope *e,
    uint32_t fsync_us)
{
	char id[MSGID_TEXT + 1];
	struct event ev;

	queue_event_msg(&ev, EV_MSG_RECEIVED, m, id);
	if (e->session.n != 0)
		event_str(&ev, F_SESSION_ID, e->session);
	event_str(&ev, F_MAIL_FROM, e->sender);
	event_num(&ev, F_RCPT_COUNT, e->rcpt_n);
	event_num(&ev, F_SIZE_BYTES, e->size);
	if (e->message_id.n != 0)
		event_str(&ev, F_MESSAGE_ID, e->message_id);
	event_str(&ev, F_PROTOCOL, e->protocol);
	event_cstr(&ev, F_BODY, e->flags & ENV_8BIT ? "8bit" : "7bit");
	if (e->flags & ENV_UTF8)
		event_num(&ev, F_SMTPUTF8, 1);
	if (e->client_ip.n != 0)
		event_str(&ev, F_PEER_IP, e->client_ip);
	if (e->client_name.n != 0)
		event_str(&ev, F_PEER_NAME, e->client_name);
	if (e->user.n != 0)
		event_str(&ev, F_USER, e->user);
	if (e->ret != RET_NONE)
		event_cstr(
		    &ev, F_DSN_RET, e->ret == RET_FULL ? "full" : "hdrs");
	if (e->envid.n != 0)
		event_str(&ev, F_DSN_ENVID, e->envid);
	event_num(&ev, F_RECV_US, e->recv_us);
	event_num(&ev, F_FSYNC_US, fsync_us);
	queue_emit(q, &ev);
}

void
accept_msg(struct queue *q, struct msg *m, const struct p_envelope *e,
    uint32_t fsync_us)
{
	stat_add(q->proc->slot, ST_MSG_IN, 1);
	stat_add(q->proc->slot, ST_RCPT_IN, m->rcpt_n);
	stat_add(q->proc->slot, ST_BYTES_IN, (int64_t)m->size);
	accept_say(q, m, e, fsync_us);
	route_msg(q, m);
	queue_schedule(q);
}

/* A smtpd may speak of its own segment only, and never backwards. */
static struct segment *
segment_of(struct queue *q, const struct peer *peer, uint32_t no)
{
	struct segment *s = segments_find(&q->segments, no);

	if (s == NULL || s->state != SEG_OUT || s->writer != peer->index)
		return NULL;
	return s;
}

bool
accept_msg_new(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_msg_new m;
	struct p_envelope e;
	struct segment *s;
	struct msg *msg;
	struct rd r;
	int error;

	if (!get_p_msg_new(payload, &m))
		return false;
	r = rd_of(m.envelope);
	s = segment_of(q, peer, m.id.seg);
	if (s == NULL || !claim_is_next(s, q->segments.size, &m) ||
	    !get_p_envelope(&r, &e) || !rd_end(&r) || !claim_is_clients(&e) ||
	    (m.body_file != 0 &&
		!handed_take(&q->handed, m.body_file, peer->index)))
		return false;
	s->announced = m.offset + m.length;
	s->records = m.id.rec + 1;
	msg = index_add(&q->index, m.id, &e, &error);
	if (msg != NULL &&
	    (error = index_name_body(&q->index, msg, m.body_file)) < 0) {
		index_del(&q->index, msg);
		msg = NULL;
	}
	if (msg == NULL) {
		/* It is durable: the next start finds it. */
		queue_damage(
		    q, NULL, "announcement", m.offset, strerror(-error));
		return error == -ENOMEM;
	}
	msg->segment = s;
	msg->offset = (uint32_t)m.offset;
	msg->length = m.length;
	msg->envelope = (uint32_t)m.envelope.n;
	segment_add_live(s, m.length);
	accept_msg(q, msg, &e, m.fsync_us);
	if (m.body_file != 0)
		accept_ready(q);
	return true;
}

static bool
hand_segment(struct queue *q, struct peer *peer)
{
	struct segment *s = segments_take(&q->segments, SEGMENT_SMTPD, SEG_OUT);

	if (s == NULL)
		return false;
	s->writer = peer->index;
	PROC_SEND_FD(peer, seg_give, SEG_GIVE, s->write_fd, .tag = s->tag,
	    .seg = s->no, .salt = s->salt, .offset = SEGMENT_HEAD,
	    .limit = q->segments.size);
	s->write_fd = -1;
	return true;
}

static bool
hand_body(struct queue *q, struct peer *peer)
{
	uint64_t number;
	int fd;

	if (handed_count(&q->handed, peer->index) >= BODIES_OUT)
		return false; /* when it has named or dropped some */
	fd = segments_take_body(&q->segments, &number);
	if (fd < 0)
		return false;
	if (handed_add(&q->handed, number, peer->index) < 0) {
		close(fd);
		return false;
	}
	PROC_SEND_FD(peer, body_give, BODY_GIVE, fd, .number = number);
	return true;
}

void
accept_ready(struct queue *q)
{
	for (int i = 0; i < PROC_MAX; i++) {
		struct peer *peer = &q->proc->smtpd[i];
		uint32_t bit = 1u << i;

		if (peer->chan == NULL || q->refuse_code != 0)
			continue;
		if ((q->seg_wants & bit) && hand_segment(q, peer))
			q->seg_wants &= ~bit;
		if ((q->body_wants & bit) && hand_body(q, peer))
			q->body_wants &= ~bit;
	}
}

/* One that it fills, the next one, and what it is just closing. */
static bool
has_enough(const struct queue *q, const struct peer *peer)
{
	const struct segment *s;
	int n = 0;

	TAILQ_FOREACH (s, &q->segments.list, link)
		n += s->state == SEG_OUT && s->writer == peer->index;
	return n >= SEGMENTS_OUT;
}

bool
accept_seg_want(struct queue *q, struct peer *peer)
{
	if (has_enough(q, peer) || (q->seg_wants & 1u << peer->index))
		return false;
	q->seg_wants |= 1u << peer->index;
	accept_ready(q);
	return true;
}

bool
accept_body_want(struct queue *q, struct peer *peer)
{
	q->body_wants |= 1u << peer->index;
	accept_ready(q);
	return true;
}

bool
accept_seg_done(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_seg_done m;
	struct segment *s;

	if (!get_p_seg_done(payload, &m))
		return false;
	s = segment_of(q, peer, m.seg);
	if (s == NULL)
		return false;
	segment_seal(&q->segments, s);
	return true;
}

void
accept_abandon(struct queue *q, struct segment *s, uint64_t from, uint64_t to)
{
	struct buf *b = journal_begin(q->journal, J_ABANDONED);

	put_u32(b, s->no);
	put_u64(b, from);
	put_u64(b, to);
	journal_end(q->journal);
	if (s->bad_from == 0 || from < s->bad_from)
		s->bad_from = from;
	queue_commit_now(q);
}

/* The client got 451 and comes again: what lies there must not count. */
bool
accept_seg_bad(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_seg_bad m;
	struct segment *s;
	char name[32];

	if (!get_p_seg_bad(payload, &m))
		return false;
	s = segment_of(q, peer, m.seg);
	/* what it announced may have had its 250 */
	if (s == NULL || m.from < s->announced || m.from > m.to)
		return false;
	accept_abandon(q, s, m.from, m.to);
	segment_name(name, m.seg);
	queue_spool_error(q, name, m.error < ERRNO_MAX ? -(int)m.error : -EIO);
	return true;
}

bool
accept_body_drop(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_body_drop m;

	if (!get_p_body_drop(payload, &m) ||
	    !handed_take(&q->handed, m.number, peer->index))
		return false;
	segments_drop_body(&q->segments, m.number);
	accept_ready(q);
	return true;
}

void
accept_tell(struct queue *q, struct peer *peer)
{
	PROC_SEND(peer, accept, ACCEPT, .code = q->refuse_code,
	    .text = slice_of(q->refuse_text));
}

void
accept_state(struct queue *q, uint16_t code, const char *text)
{
	if (q->refuse_code == code && strcmp(q->refuse_text, text) == 0)
		return;
	q->refuse_code = code;
	snprintf(q->refuse_text, sizeof(q->refuse_text), "%s", text);
	for (int i = 0; i < PROC_MAX; i++)
		accept_tell(q, &q->proc->smtpd[i]);
	if (code == 0) {
		q->segments.is_blocked = false;
		segments_fill(&q->segments);
		accept_ready(q);
	}
}

static void
say_resource(struct queue *q, const struct statvfs *v)
{
	struct event e;

	event_init(&e, EV_SYS_RESOURCE);
	event_cstr(&e, F_DISK_PATH, q->proc->conf->QueueDirectory);
	event_num(&e, F_FREE_BYTES, (uint64_t)v->f_bavail * v->f_frsize);
	event_num(&e, F_FREE_INODES, v->f_favail);
	queue_emit(q, &e);
}

/*
 * Once a second, and after a failure: room again means mail again, without
 * a restart. A quarter more than the limit, so that it does not flap. Two
 * files of the journal are never given to mail: outcomes go there, and these
 * are what makes room.
 */
void
accept_space(struct queue *q)
{
	const struct statvfs *v = &q->space;
	uint64_t room, want = (uint64_t)q->proc->conf->MinFreeSpace;

	q->room = q->space;
	if (q->is_spool_bad)
		return;
	room = (uint64_t)v->f_bavail * v->f_frsize;
	if (q->refuse_code != 0)
		want += want / 4;
	if (room < want + q->segments.size + 2 * JOURNAL_FILE_SIZE ||
	    (v->f_files != 0 && v->f_favail < 16)) {
		if (q->refuse_code == 0)
			say_resource(q, v);
		accept_state(q, 452,
		    "4.3.1 Not enough room in the mail queue, try again later");
		return;
	}
	accept_state(q, 0, "");
	if (q->segments.is_blocked) {
		q->segments.is_blocked = false;
		segments_fill(&q->segments);
	}
}

void
accept_check_space(struct queue *q)
{
	if (fstatvfs(q->spool_fd, &q->space) == 0)
		accept_space(q);
}

/* Who is in the midst of a message waits; who begins one is told. */
void
accept_no_answer(struct queue *q)
{
	if (q->refuse_code != 0)
		return;
	queue_spool_error(q, "the disk does not answer", -ETIMEDOUT);
	accept_state(q, 451,
	    "4.3.0 The mail queue's disk does not answer, try again later");
}

/* Its sessions are gone; what it wrote is taken by rule 3 of the segments:
 * records past the last announcement may have had their 250. */
void
accept_peer_down(struct queue *q, struct peer *peer)
{
	struct segment *s, *next;

	q->seg_wants &= ~(1u << peer->index);
	q->body_wants &= ~(1u << peer->index);
	handed_forget(&q->handed, peer->index);
	for (s = TAILQ_FIRST(&q->segments.list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->state == SEG_OUT && s->writer == peer->index)
			recover_tail(q, s);
	}
}
