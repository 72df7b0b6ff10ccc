#include "result.h"

#include "clock.h"

#define RESULT_TEXTS_MAX ((size_t)3 << 20) /* so that they fit a frame */

/* The queue's own limits keep this small; if not, texts are cut short. */
static void
put_results(struct buf *b, const struct delivery *d)
{
	size_t most = RESULT_TEXTS_MAX / (d->n + 1);
	struct buf verdict;

	buf_init(&verdict, 8192);
	for (uint32_t i = 0; i < d->n; i++) {
		const struct delivery_rcpt *r = &d->rcpt[i];
		struct verdict v = saved_get(&r->verdict);
		struct p_result_rcpt one = { .index = r->index,
			.command = slice_of(r->command) };

		v.text = slice_sub(v.text, 0, most);
		buf_clear(&verdict);
		put_verdict(&verdict, &v);
		one.verdict = buf_slice(&verdict);
		put_p_result_rcpt(b, &one);
	}
	buf_release(&verdict);
}

static uint32_t
span(int64_t from, int64_t to)
{
	int64_t us = from && to > from ? to - from : 0;

	return us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

/* The destination itself does not answer: nobody let us in, for a while, and
 * not for want of anything here. */
static bool
has_conn_failed(const struct delivery *d)
{
	return d->sessions == 0 && d->last.code / 100 == 4 &&
	    !d->is_our_trouble;
}

void
result_send(const struct delivery *d)
{
	struct remote *r = d->remote;
	struct p_result m = { .id = d->job.id,
		.job = d->job.job,
		.has_conn_failed = has_conn_failed(d),
		.is_reused = d->is_reused,
		.remote_id = slice_of(d->remote_id),
		.dns_us = span(d->started, d->dns_done),
		.conn_us = d->is_reused ? 0 : span(d->dns_done, d->conn_done),
		.envelope_us = span(d->conn_done, d->envelope_done),
		.data_us = span(d->envelope_done, d->data_done),
		.final_us = span(d->data_done, clock_mono()),
		.session = slice_of(d->session) };
	char ip[64] = "";
	struct buf rcpts;

	buf_init(&rcpts, CHAN_FRAME_MAX / 2);
	if (d->targets != NULL && d->target < d->targets->n) {
		const struct target *t = &d->targets->v[d->target];

		target_ip(t, ip);
		m.host_name = slice_of(t->name);
		m.host_ip = slice_of(ip);
		m.host_port = target_port(t);
	}
	put_results(&rcpts, d);
	m.rcpts = buf_slice(&rcpts);
	outbox_put(&r->outbox, &r->proc->queue, &m);
	buf_release(&rcpts);
}
