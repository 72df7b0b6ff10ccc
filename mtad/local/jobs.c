/*
 * jobs: several recipients of one message from the queue, one result to it.
 * A result is kept until the queue says that it is durable, and told to the
 * next queue when this one died (SPOOL.md).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "master.h"

#define PART_WAIT US_SEC

struct delivery {
	LIST_ENTRY(delivery) link;
	struct local *l; /* borrowed */
	char *frame; /* owned: job's strings */
	struct p_job job;
	int fd;
	uint32_t left;
	int64_t started, moved; /* mono; moved: a recipient's end */
	struct buf rcpts; /* of the result */
};

static uint64_t
mix(uint64_t v)
{
	return v * UINT64_C(0x9e3779b97f4a7c15) >> 20;
}

static uint64_t
hash_piece(const void *entry)
{
	return mix(((const struct piece *)entry)->tag);
}

static bool
is_piece(const void *entry, const void *key)
{
	return ((const struct piece *)entry)->tag == *(const uint64_t *)key;
}

void
jobs_init(struct local *l)
{
	LIST_INIT(&l->deliveries);
	map_init(&l->pieces, hash_piece, is_piece);
	outbox_init(&l->outbox);
}

static void
send_result(struct delivery *d)
{
	struct local *l = d->l;
	int64_t us = clock_mono() - d->started;
	struct p_result m = { .id = d->job.id,
		.job = d->job.job,
		.final_us = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX,
		.rcpts = buf_slice(&d->rcpts) };

	outbox_put(&l->outbox, &l->proc->queue, &m);
	buf_clear(&d->rcpts);
}

static void
send_forward(struct delivery *d, uint32_t index, const struct agent_answer *a)
{
	struct local *l = d->l;
	struct p_forward m = { .id = d->job.id,
		.job = d->job.job,
		.rcpt = index,
		.keeps = a->keeps,
		.targets = a->targets };

	outbox_put_forward(&l->outbox, &l->proc->queue, &m);
}

static struct crowd *
crowd_of(const struct delivery *d)
{
	return d->job.mailer == MAILER_VIRTUAL ? &d->l->virtuals : &d->l->users;
}

static void
delivery_free(struct delivery *d)
{
	LIST_REMOVE(d, link);
	crowd_of(d)->held--;
	if (d->fd >= 0)
		close(d->fd);
	buf_release(&d->rcpts);
	free(d->frame);
	free(d);
}

static void
piece_over(struct delivery *d)
{
	if (--d->left != 0)
		return;
	if (d->rcpts.len != 0)
		send_result(d);
	delivery_free(d);
}

static void
decide(struct delivery *d, uint32_t index, const struct result *r)
{
	struct verdict v = { .code = r->code,
		.reason = r->reason,
		.enhanced = slice_of(r->enhanced),
		.text = slice_of(r->text) };
	struct p_result_rcpt one = { .index = index,
		.command = SLICE("local") };
	struct buf b;

	buf_init(&b, 4096);
	put_verdict(&b, &v);
	one.verdict = buf_slice(&b);
	put_p_result_rcpt(&d->rcpts, &one);
	buf_release(&b);
}

/* A full disk is an event of its own, at most once a minute. */
static void
tell_full(struct local *l, const struct result *r)
{
	int64_t now = clock_mono();
	struct event e;

	if (l->told_full != 0 && now - l->told_full < US_MIN)
		return;
	l->told_full = now;
	event_init(&e, EV_SYS_RESOURCE);
	event_cstr(&e, F_DISK_PATH, r->fs);
	event_num(&e, F_FREE_BYTES, r->fs_bytes);
	event_num(&e, F_FREE_INODES, r->fs_inodes);
	evlog_emit(l->proc->log, &e);
}

void
jobs_answered(struct piece *p, const struct agent_answer *a)
{
	struct delivery *d = p->d;

	if (a->result.fs[0] != '\0')
		tell_full(d->l, &a->result);
	if (a->is_forward)
		send_forward(d, p->r.index, a);
	else
		decide(d, p->r.index, &a->result);
	d->moved = clock_mono();
	free(p);
	piece_over(d);
}

void
jobs_refused(struct piece *p, const char *enhanced, const char *why)
{
	struct agent_answer a = { .is_forward = false };

	result_set(&a.result, 451, enhanced, RC_LOCAL_RESOURCE, "%s", why);
	jobs_answered(p, &a);
}

void
jobs_dropped(struct piece *p)
{
	struct delivery *d = p->d;

	free(p);
	piece_over(d);
}

/* What is known is not kept back for one recipient who takes his time. */
void
jobs_tidy(struct local *l, int64_t now)
{
	struct delivery *d;

	LIST_FOREACH (d, &l->deliveries, link)
		if (d->rcpts.len != 0 && now - d->moved >= PART_WAIT)
			send_result(d);
}

bool
jobs_letter(const struct piece *p, struct agent_job *ret, int *ret_fd)
{
	const struct delivery *d = p->d;

	*ret = (struct agent_job){ .tag = p->tag,
		.kind = p->r.kind,
		.sender = d->job.sender,
		.rcpt = p->r.addr,
		.path = p->r.path,
		.head = d->job.body,
		.rest = d->job.size - d->job.body.n };
	*ret_fd = -1;
	if (ret->rest == 0)
		return true;
	*ret_fd = fcntl(d->fd, F_DUPFD_CLOEXEC, 0);
	return *ret_fd >= 0;
}

static void
hand(struct delivery *d, const struct p_job_rcpt *r)
{
	struct piece *p = malloc(sizeof(*p));

	if (p == NULL)
		fatal("no memory for a job");
	*p = (struct piece){
		.tag = ++d->l->next_tag, .d = d, .crowd = crowd_of(d), .r = *r
	};
	pool_add(d->l, p);
}

/* Its strings, the recipients, and all of the message are there. */
static bool
is_whole(struct delivery *d, struct slice payload)
{
	struct p_job_rcpt r;
	struct rd rd;

	if (!get_p_job((struct slice){ d->frame, payload.n }, &d->job) ||
	    d->job.size < d->job.body.n ||
	    (d->job.size > d->job.body.n && d->fd < 0))
		return false;
	rd = rd_of(d->job.rcpts);
	while (!rd_end(&rd) && get_p_job_rcpt(&rd, &r))
		d->left++;
	return !rd.bad && d->left != 0;
}

bool
jobs_take(struct local *l, struct slice payload, int fd)
{
	struct delivery *d = calloc(1, sizeof(*d));
	struct p_job_rcpt r;
	struct rd rd;
	bool is_good;

	if (d == NULL || (d->frame = slice_dup(payload)) == NULL)
		fatal("no memory for a job");
	d->l = l;
	d->fd = fd;
	d->started = clock_mono();
	buf_init(&d->rcpts, CHAN_FRAME_MAX / 2);
	LIST_INSERT_HEAD(&l->deliveries, d, link);
	is_good = is_whole(d, payload);
	crowd_of(d)->held++;
	if (!is_good) {
		delivery_free(d);
		return false;
	}
	d->left++; /* one for this function */
	rd = rd_of(d->job.rcpts);
	while (!rd_end(&rd) && get_p_job_rcpt(&rd, &r))
		hand(d, &r);
	piece_over(d);
	return true;
}

bool
jobs_ack(struct local *l, struct slice payload)
{
	struct p_result_ack m;

	if (!get_p_result_ack(payload, &m))
		return false;
	outbox_ack(&l->outbox, m.serial);
	return true;
}

static void
say_holding(struct local *l, const struct delivery *d)
{
	struct rd rd = rd_of(d->job.rcpts);
	struct p_job_rcpt r;
	struct buf b;

	buf_init(&b, 1 << 20);
	while (!rd_end(&rd) && get_p_job_rcpt(&rd, &r))
		put_u32(&b, r.index);
	PROC_SEND(&l->proc->queue, holding, HOLDING, .id = d->job.id,
	    .job = d->job.job, .rcpts = buf_slice(&b));
	buf_release(&b);
}

void
jobs_report(struct local *l)
{
	struct delivery *d;

	LIST_FOREACH (d, &l->deliveries, link)
		say_holding(l, d);
	outbox_resend(&l->outbox, &l->proc->queue);
	PROC_SEND(&l->proc->queue, holding_end, HOLDING_END, .unused = 0);
}

bool
jobs_are_over(const struct local *l)
{
	/* without a queue nobody acknowledges: the next one tries again */
	return LIST_EMPTY(&l->deliveries) &&
	    (outbox_count(&l->outbox) == 0 || l->proc->queue.chan == NULL);
}
