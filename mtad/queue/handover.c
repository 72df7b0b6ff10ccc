#include "handover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "queue.h"
#include "sizes.h"
#include "wire.h"

#define LENT_MAX ((uint64_t)32 << 20)
#define SHARE_FROM ((size_t)32 << 10) /* a smaller one goes in each job */
#define TAG_BITS 24

/*
 * The content of one message, for all attempts that are under way: read once,
 * by the first of them, while the others wait.
 */
struct shared {
	const struct msg *m;
	uint32_t users;
	bool is_read;
	struct attempts waiting; /* for the read */
	char *data; /* owned: all of it, or what stands before fd's */
	size_t n;
	int fd; /* to read: a body file, or sealed memory; -1: none */
};

static uint64_t
hash_msg(const struct msg *m)
{
	return msgid_hash(m->id);
}

static uint64_t
hash_shared(const void *entry)
{
	return hash_msg(((const struct shared *)entry)->m);
}

static bool
is_shared(const void *entry, const void *key)
{
	return ((const struct shared *)entry)->m == key;
}

void
handover_init(struct handover *h)
{
	map_init(&h->bodies, hash_shared, is_shared);
}

void
handover_release(struct handover *h)
{
	map_release(&h->bodies);
}

int
handover_slot(const struct peer *p)
{
	return p->role == R_LOCAL ? 0 : 1 + p->index;
}

/* A lane has its own remote; while that is away, the next one. */
static struct peer *
worker_for(const struct queue *q, int lane)
{
	struct proc *p = q->proc;

	if (lane == 0)
		return p->local.chan ? &p->local : NULL;
	for (int i = 0; i < p->remotes; i++) {
		struct peer *w = &p->remote[(lane - 1 + i) % p->remotes];

		if (w->chan != NULL)
			return w;
	}
	return NULL;
}

bool
handover_has_room(const struct queue *q, int lane)
{
	const struct peer *w = worker_for(q, lane);

	return w != NULL && q->handover.lent[handover_slot(w)] < LENT_MAX &&
	    (lane != 0 || q->proc->lookup.chan != NULL);
}

static struct shared *
shared_find(const struct queue *q, const struct msg *m)
{
	return map_find(&q->handover.bodies, hash_msg(m), m);
}

static void
shared_free(struct queue *q, struct shared *s)
{
	map_del(&q->handover.bodies, s);
	if (s->fd >= 0)
		close(s->fd);
	free(s->data);
	free(s);
}

void
handover_begin(struct queue *q, struct attempt *a)
{
	const struct peer *w = worker_for(q, a->dest->lane);

	a->slot = w ? handover_slot(w) : 0;
	a->lent = shared_find(q, a->msg) ? 4096 : a->msg->length;
	q->handover.lent[a->slot] += a->lent;
}

void
handover_end(struct queue *q, struct attempt *a)
{
	struct shared *s = a->shared;

	q->handover.lent[a->slot] -= a->lent;
	if (s == NULL)
		return;
	if (a->is_waiting_for_body)
		TAILQ_REMOVE(&s->waiting, a, body_link);
	if (--s->users == 0 && s->is_read)
		shared_free(q, s);
}

/* The wait may have been long: the lane's worker is another by now. */
static void
move_credit(struct queue *q, struct attempt *a)
{
	q->handover.lent[a->slot] -= a->lent;
	a->slot = handover_slot(a->worker);
	q->handover.lent[a->slot] += a->lent;
}

static uint32_t
tag_of(const struct queue *q, struct msgid id, uint64_t number, int slot)
{
	unsigned char p[24];

	set_le64(p, number);
	set_le32(p + 8, id.tag);
	set_le32(p + 12, id.seg);
	set_le32(p + 16, id.rec);
	set_le32(p + 20, (uint32_t)slot);
	return siphash(&q->handover.key, p, sizeof(p)) & ((1u << TAG_BITS) - 1);
}

uint64_t
handover_job(
    const struct queue *q, const struct attempt *a, const struct peer *w)
{
	return a->number << TAG_BITS |
	    tag_of(q, a->msg->id, a->number, handover_slot(w));
}

uint64_t
handover_number(uint64_t job)
{
	return job >> TAG_BITS;
}

bool
handover_is_job(
    const struct queue *q, struct msgid id, uint64_t job, const struct peer *w)
{
	return (job & ((1u << TAG_BITS) - 1)) ==
	    tag_of(q, id, handover_number(job), handover_slot(w));
}

static void
put_rcpts(struct buf *b, const struct attempt *a)
{
	const struct msg *m = a->msg;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct attempt_rcpt *ar = &a->rcpt[i];
		const struct rcpt *r = &m->rcpt[ar->index];
		struct p_job_rcpt one = { .index = ar->index,
			.attempt = r->attempts + 1u,
			.kind = ar->kind,
			.notify = r->notify,
			.addr = slice_of(rcpt_addr(m, r)),
			.orcpt = slice_of(rcpt_orcpt(m, r)),
			.user = slice_of(ar->user ? ar->user : rcpt_user(m, r)),
			.path =
			    slice_of(ar->path ? ar->path : rcpt_path(m, r)) };

		if (!ar->is_settled)
			put_p_job_rcpt(b, &one);
	}
}

static void
say_start(struct queue *q, const struct attempt *a)
{
	const struct msg *m = a->msg;
	const struct attempt_rcpt *first = &a->rcpt[0];
	char id[MSGID_TEXT + 1];
	struct event e;

	queue_event_msg(&e, EV_DLV_START, m, id);
	event_num(&e, F_ATTEMPT, m->rcpt[first->index].attempts + 1u);
	event_str(&e, F_MAILER, a->dest->route.mailer);
	event_cstr(&e, F_ROUTE, a->dest->key);
	event_num(&e, F_RCPT_COUNT, a->n);
	queue_emit(q, &e);
}

/* 0, or a negative errno: nothing was handed over. Takes fd. */
static int
send_job(struct queue *q, struct attempt *a, struct slice body, int fd)
{
	const struct msg *m = a->msg;
	const struct rcpt *first = &m->rcpt[a->rcpt[0].index];
	bool is_listed = rcpt_is_listed(m, first); /* all of them, or none */
	const struct route *r = &a->dest->route;
	struct buf rcpts;
	struct p_job job = { .id = m->id,
		.job = handover_job(q, a, a->worker),
		.mailer = (uint8_t)r->kind,
		.mailer_name = r->mailer,
		.domain = r->domain,
		.host = r->host,
		.port = r->port,
		.path = r->path,
		.sender = slice_of(rcpt_sender(m, first)),
		.flags = m->env_flags,
		.ret = is_listed ? 0 : m->ret,
		.envid = slice_of(is_listed ? "" : msg_envid(m)),
		.received = m->received,
		.size = m->size,
		.body = body };
	int rc;

	buf_init(&rcpts, JOB_RCPTS_MAX * 2);
	put_rcpts(&rcpts, a);
	job.rcpts = buf_slice(&rcpts);
	put_p_job(chan_begin(a->worker->chan, P_JOB), &job);
	rc = chan_try_end(a->worker->chan, fd);
	buf_release(&rcpts);
	return rc;
}

static void
fail_all(struct queue *q, struct attempt *a, const struct verdict *v)
{
	struct msg *m = a->msg;

	for (uint32_t i = 0; i < a->n; i++) {
		m->rcpt[a->rcpt[i].index].state = RS_OPEN;
		outcome_decide(q, m, a->rcpt[i].index, v);
	}
	attempt_end(q, a, SCHED_NOTHING);
}

/* Damaged: kept, and not tried again. A read that failed: later, with the
 * usual wait, as a disk that fails now fails again at once. */
static void
cannot_read(struct queue *q, struct attempt *a, int error)
{
	const struct verdict later = VERDICT(451, "4.3.0", RC_LOCAL_IO,
	    "The message could not be read from the queue");
	struct msg *m = a->msg;

	if (error == -EBADMSG || error == -ENOENT) {
		m->flags |= MSG_DAMAGED;
		queue_damage(q, m, "segment", m->offset,
		    error == -ENOENT
			? "its body file is gone; the message is kept"
			: "it is not what was announced; the message is kept");
		attempt_end(q, a, SCHED_NOTHING);
		return;
	}
	queue_spool_error(q, "reading a message", error);
	fail_all(q, a, &later);
}

/* A sealed memory file: who has it can read it and no more. */
static int
memory_file(struct slice content)
{
	int fd = memfd_create("mtad.body", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -1;
	if (file_write_all(fd, content.p, content.n) == 0 &&
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Takes fd. */
static void
hand(struct queue *q, struct attempt *a, struct slice body, int fd)
{
	int rc;

	a->worker = worker_for(q, a->dest->lane);
	if (a->worker == NULL) { /* it comes back: peer_up schedules */
		if (fd >= 0)
			close(fd);
		attempt_end(q, a, SCHED_NOTHING);
		return;
	}
	move_credit(q, a);
	rc = send_job(q, a, body, fd);
	if (rc == 0) {
		say_start(q, a);
		return;
	}
	a->worker = NULL;
	cannot_read(q, a, rc);
}

static void
hand_shared(struct queue *q, struct attempt *a, const struct shared *s)
{
	int fd = s->fd < 0 ? -1 : fcntl(s->fd, F_DUPFD_CLOEXEC, 0);

	if (s->fd >= 0 && fd < 0)
		cannot_read(q, a, -errno);
	else
		hand(q, a, (struct slice){ s->data, s->n }, fd);
}

/* What was read, kept for the others: large content as memory that all of
 * them map, the lines in front of a body file as they are. */
static bool
keep(struct shared *s, struct body *b)
{
	struct slice content = body_content(b);

	s->fd = b->fd;
	b->fd = -1;
	if (s->fd < 0 && content.n >= SHARE_FROM) {
		s->fd = memory_file(content);
		return s->fd >= 0;
	}
	s->data = slice_dup(content);
	s->n = content.n;
	return s->data != NULL;
}

/* The attempts may end on the way, and the last of them frees it. */
static void
got_shared(struct queue *q, struct msg *m, struct body *b, void *arg)
{
	struct shared *s = arg;
	struct attempt *a;
	int error = b->error;

	(void)m;
	if (error == 0 && !keep(s, b))
		error = -ENOMEM;
	s->is_read = true;
	s->users++;
	while ((a = TAILQ_FIRST(&s->waiting)) != NULL) {
		TAILQ_REMOVE(&s->waiting, a, body_link);
		a->is_waiting_for_body = false;
		if (error != 0)
			cannot_read(q, a, error);
		else
			hand_shared(q, a, s);
	}
	if (--s->users == 0)
		shared_free(q, s);
}

/* Content that is more than a frame goes as memory, too. */
static void
got_body(struct queue *q, struct msg *m, struct body *b, void *arg)
{
	struct slice content = body_content(b);
	struct attempt *a = arg;
	int fd = b->fd;

	(void)m;
	if (b->error != 0) {
		cannot_read(q, a, b->error);
		return;
	}
	b->fd = -1;
	if (fd < 0 && content.n > CONTENT_MAX) {
		fd = memory_file(content);
		content.n = 0;
		if (fd < 0) {
			cannot_read(q, a, -ENOMEM);
			return;
		}
	}
	hand(q, a, content, fd);
}

static struct shared *
shared_new(struct queue *q, struct msg *m)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->m = m;
	s->fd = -1;
	TAILQ_INIT(&s->waiting);
	if (map_add(&q->handover.bodies, s) < 0) {
		free(s);
		return NULL;
	}
	return s;
}

static void
join_shared(struct queue *q, struct attempt *a, struct shared *s)
{
	a->shared = s;
	s->users++;
	if (s->is_read) {
		hand_shared(q, a, s);
		return;
	}
	TAILQ_INSERT_TAIL(&s->waiting, a, body_link);
	a->is_waiting_for_body = true;
}

void
handover_go(struct queue *q, struct attempt *a)
{
	struct shared *s = shared_find(q, a->msg);
	bool is_first = s == NULL && !LIST_EMPTY(&a->msg->jobs);

	if (is_first)
		s = shared_new(q, a->msg);
	if (s == NULL) {
		body_read(q, a->msg, got_body, a);
		return;
	}
	join_shared(q, a, s);
	if (is_first)
		body_read(q, a->msg, got_shared, s);
}
