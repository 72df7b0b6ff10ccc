/*
 * control_export: whole messages out through the control socket: cat and
 * export. An export is a message as it lies here with all that is known of
 * it, as JSON: a row {"id":…, "bytes":N …}, then N bytes, then the last row.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "transfer.h"

/* The worker's functions get the client: nobody frees it while it waits. */
static int
run_read(void *arg)
{
	struct transfer *t = ((struct client *)arg)->transfer;
	ssize_t n = pread(t->fd, t->piece, TRANSFER_PIECE, (off_t)t->at);

	return n < 0 ? -errno : (int)n;
}

/* A file that is shorter than the row said ends the connection: whoever reads
 * must not take what follows for the message. */
static void
piece_read(void *arg, int rc)
{
	struct client *c = arg;
	struct transfer *t = c->transfer;

	c->is_waiting = false;
	if (rc <= 0 || (uint64_t)rc > t->left) {
		c->is_closed = true;
		return;
	}
	buf_add(&c->out, t->piece, (size_t)rc);
	t->at += (uint64_t)rc;
	t->left -= (uint64_t)rc;
}

static bool
send_step(struct client *c)
{
	if (c->transfer->left == 0) {
		transfer_over(c);
		control_done(c);
		return false;
	}
	c->is_waiting = true;
	if (worker_submit(c->q->reader, run_read, piece_read, c) < 0)
		piece_read(c, -ENOMEM);
	return true;
}

static void
send_message(struct client *c, const struct msg *m, struct body *b)
{
	struct slice content = body_content(b);
	struct transfer *t;

	buf_add_slice(&c->out, content);
	if (b->fd < 0) {
		control_done(c);
		return;
	}
	t = transfer_new(c);
	if (t == NULL) {
		c->is_closed = true;
		return;
	}
	t->fd = b->fd;
	b->fd = -1;
	t->left = m->size - content.n;
	c->step = send_step;
}

static bool
can_send(struct client *c, const struct body *b)
{
	c->is_waiting = false;
	if (c->is_closed)
		return false;
	if (b->error != 0)
		control_error(
		    c, "the message cannot be read: %s", strerror(-b->error));
	return b->error == 0;
}

static void
got_cat(struct queue *q, struct msg *m, struct body *b, void *arg)
{
	struct client *c = arg;

	(void)q;
	if (!can_send(c, b))
		return;
	row_begin(c);
	row_id(c, m->id);
	row_num(c, "bytes", (int64_t)m->size);
	row_end(c);
	send_message(c, m, b);
}

static void
op_cat(struct client *c, json_t *j)
{
	struct msg *m = control_msg(c, j);

	if (m == NULL)
		return;
	c->is_waiting = true;
	body_read(c->q, m, got_cat, c);
}

/* Only what is so: an export is read by people, too. */
static void
maybe_num(struct client *c, const char *name, int64_t v)
{
	if (v != 0)
		row_num(c, name, v);
}

static void
maybe_str(struct client *c, const char *name, struct slice s)
{
	if (s.n != 0)
		row_str(c, name, s);
}

static void
put_rcpt(struct client *c, const struct msg *m, const struct rcpt *r)
{
	int64_t offset = clock_wall() - clock_mono();

	row_begin(c);
	row_cstr(c, "to", rcpt_addr(m, r));
	row_cstr(c, "state", transfer_states[r->state]);
	if (r->kind != TARGET_ADDRESS)
		row_cstr(c, "kind", transfer_kinds[r->kind]);
	maybe_str(c, "orcpt", slice_of(rcpt_orcpt(m, r)));
	maybe_str(c, "user", slice_of(rcpt_user(m, r)));
	maybe_str(c, "path", slice_of(rcpt_path(m, r)));
	maybe_num(c, "notify", r->notify);
	maybe_num(c, "depth", r->depth);
	maybe_num(c, "expired", r->is_expired);
	maybe_num(c, "tries", r->attempts);
	if (r->next_try != 0)
		row_num(c, "next_us", r->next_try * US_SEC + offset);
	row_reply(c, r);
	buf_addc(&c->out, '}');
}

static void
put_envelope(struct client *c, const struct msg *m, const struct p_envelope *e)
{
	row_num(c, "received_us", m->received);
	row_num(c, "held", (m->flags & MSG_HELD) != 0);
	row_str(c, "from", e->sender);
	maybe_num(c, "flags", e->flags);
	maybe_num(c, "ret", e->ret);
	maybe_str(c, "envid", e->envid);
	maybe_str(c, "message_id", e->message_id);
	maybe_str(c, "protocol", e->protocol);
	maybe_str(c, "client_ip", e->client_ip);
	maybe_str(c, "client_name", e->client_name);
	maybe_str(c, "helo", e->helo);
	maybe_str(c, "uid", e->user);
	maybe_str(c, "session", e->session);
	buf_adds(&c->out, ",\"rcpts\":[");
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		if (i != 0)
			buf_addc(&c->out, ',');
		put_rcpt(c, m, &m->rcpt[i]);
	}
	buf_addc(&c->out, ']');
}

static void
got_export(struct queue *q, struct msg *m, struct body *b, void *arg)
{
	struct client *c = arg;
	struct p_envelope e;
	struct rd r;

	(void)q;
	if (!can_send(c, b))
		return;
	r = rd_of((struct slice){ b->record, b->envelope });
	if (!get_p_envelope(&r, &e)) {
		control_error(c, "its envelope does not read");
		return;
	}
	row_begin(c);
	row_num(c, "mtad", CONTROL_VERSION);
	row_id(c, m->id);
	row_num(c, "bytes", (int64_t)m->size);
	put_envelope(c, m, &e);
	row_end(c);
	send_message(c, m, b);
}

static void
op_export(struct client *c, json_t *j)
{
	struct msg *m = control_msg(c, j);

	if (m == NULL)
		return;
	c->is_waiting = true;
	body_read(c->q, m, got_export, c);
}

const struct control_op control_export_ops[] = {
	{ "queue.cat", false, op_cat },
	{ "queue.export", true, op_export },
	{ NULL, false, NULL },
};
