/*
 * control_move: whole messages through the control socket: cat, export and
 * import. An export is a message as it lies here with all that is known of
 * it, as JSON; an import is that, into another spool.
 *
 * Out: a row {"id":…, "bytes":N …}, then N bytes, then the last row. In: a
 * request with "bytes":N, then N bytes. What a body file holds goes through
 * in pieces, read and written beside the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "control.h"
#include "control_server.h"
#include "crc32c.h"
#include "file.h"
#include "records.h"
#include "writer.h"

#define PIECE ((size_t)256 << 10)
#define IMPORT_MAX ((json_int_t)2 << 30)

struct transfer {
	struct queue *q; /* borrowed */
	int fd; /* the body file; -1 */
	uint64_t at, left;
	char *piece;
	size_t n; /* of piece */
	/* of an import */
	struct msgid id;
	struct p_envelope envelope; /* points into json */
	json_t *json;
	struct buf rcpts, state, content;
	uint64_t body_file; /* 0: content has all */
	char why[200]; /* it is refused; the bytes are passed over */
};

void
transfer_free(struct transfer *t)
{
	if (t == NULL)
		return;
	if (t->fd >= 0)
		close(t->fd);
	if (t->body_file != 0) /* no record came to name it */
		segments_drop_body(&t->q->segments, t->body_file);
	json_decref(t->json);
	buf_release(&t->rcpts);
	buf_release(&t->state);
	buf_release(&t->content);
	free(t->piece);
	free(t);
}

static struct transfer *
transfer_new(struct client *c)
{
	struct transfer *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->q = c->q;
	t->fd = -1;
	buf_init(&t->rcpts, (size_t)32 << 20);
	buf_init(&t->state, (size_t)64 << 20);
	buf_init(&t->content, PIECE);
	t->piece = malloc(PIECE);
	if (t->piece == NULL) {
		transfer_free(t);
		return NULL;
	}
	transfer_free(c->transfer);
	c->transfer = t;
	return t;
}

static void
over(struct client *c)
{
	transfer_free(c->transfer);
	c->transfer = NULL;
}

/* The worker's functions get the client: nobody frees it while it waits. */
static int
run_read(void *arg)
{
	struct transfer *t = ((struct client *)arg)->transfer;
	ssize_t n = pread(t->fd, t->piece, PIECE, (off_t)t->at);

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
		over(c);
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

/* Names of what is a number inside; the same table reads them back. */
static const char *const state_names[RS_STATES] = { "open", "open", "failed",
	"delivered", "bounced", "deleted", "expanded" };
static const char *const kind_names[] = { "address", "user", "mailbox",
	"virtual", "program", "file", "self" };

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
	row_cstr(c, "state", state_names[r->state]);
	if (r->kind != TARGET_ADDRESS)
		row_cstr(c, "kind", kind_names[r->kind]);
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

static const char *
str(const json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static uint64_t
num(const json_t *j, const char *name, uint64_t max)
{
	json_int_t v = json_integer_value(json_object_get(j, name));

	return v < 0 || (uint64_t)v > max ? 0 : (uint64_t)v;
}

/* What must not stand in an envelope, as it goes into commands and logs. */
static bool
is_clean(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

static int
find_name(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

static bool
take_rcpt(struct transfer *t, const json_t *j)
{
	const char *kind = *str(j, "kind") != '\0' ? str(j, "kind") : "address";
	int k = find_name(kind_names, TARGET_COUNT, kind);
	int s = find_name(state_names, RS_STATES, str(j, "state"));
	static const char *const words[] = { "to", "orcpt", "user", "path",
		"text" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!is_clean(str(j, words[i])))
			return false;
	if (k < 0 || s < 0 || *str(j, "to") == '\0')
		return false;
	put_p_rcpt_state(&t->state,
	    &(struct p_rcpt_state){ .state = (uint8_t)s,
		.kind = (uint8_t)k,
		.notify = (uint8_t)num(j, "notify", 15),
		.depth = (uint8_t)num(j, "depth", UINT8_MAX),
		.is_expired = num(j, "expired", 1) != 0,
		.reason = (uint8_t)reason_parse(slice_of(str(j, "reason"))),
		.attempts = (uint16_t)num(j, "tries", UINT16_MAX),
		.code = (uint16_t)num(j, "code", 599),
		.next = (int64_t)num(j, "next_us", INT64_MAX),
		.addr = slice_of(str(j, "to")),
		.orcpt = slice_of(str(j, "orcpt")),
		.user = slice_of(str(j, "user")),
		.path = slice_of(str(j, "path")),
		.text = slice_of(str(j, "text")) });
	put_p_env_rcpt(&t->rcpts,
	    &(struct p_env_rcpt){ .addr = slice_of(str(j, "to")),
		.orcpt = slice_of(str(j, "orcpt")),
		.notify = (uint8_t)num(j, "notify", 15) });
	return true;
}

static bool
take_envelope(struct transfer *t)
{
	static const char *const words[] = { "from", "envid", "message_id",
		"protocol", "client_ip", "client_name", "helo", "uid",
		"session" };
	const json_t *j = t->json, *r;
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!is_clean(str(j, words[i])))
			return false;
	put_u8(&t->state, num(j, "held", 1) != 0);
	json_array_foreach(json_object_get(j, "rcpts"), i,
	    r) if (!take_rcpt(t, r)) return false;
	t->envelope = (struct p_envelope){ .received = (int64_t)num(
					       j, "received_us", INT64_MAX),
		.flags = (uint32_t)num(j, "flags", UINT16_MAX),
		.ret = (uint8_t)num(j, "ret", RET_HDRS),
		.sender = slice_of(str(j, "from")),
		.envid = slice_of(str(j, "envid")),
		.message_id = slice_of(str(j, "message_id")),
		.protocol = slice_of(str(j, "protocol")),
		.client_ip = slice_of(str(j, "client_ip")),
		.client_name = slice_of(str(j, "client_name")),
		.helo = slice_of(str(j, "helo")),
		.user = slice_of(str(j, "uid")),
		.session = slice_of(str(j, "session")),
		.size = t->left,
		.state = buf_slice(&t->state),
		.rcpt_n =
		    (uint32_t)json_array_size(json_object_get(j, "rcpts")),
		.rcpts = buf_slice(&t->rcpts) };
	return t->envelope.rcpt_n != 0 && !t->state.bad && !t->rcpts.bad;
}

static void
refuse(struct transfer *t, const char *why)
{
	if (t->why[0] == '\0')
		snprintf(t->why, sizeof(t->why), "%s", why);
}

static void
import_ends(struct client *c, int error)
{
	struct transfer *t = c->transfer;
	char id[MSGID_TEXT + 1];

	c->is_waiting = false;
	msgid_text(t->id, id);
	if (error < 0) {
		control_error(
		    c, "%s could not be written: %s", id, strerror(-error));
	} else {
		control_audit(c, "import", id, 1, 1, false);
		row_begin(c);
		row_str(c, "id", (struct slice){ id, MSGID_TEXT });
		row_bool(c, "done", true);
		row_end(c);
	}
	over(c);
}

static void
import_durable(void *arg, int error)
{
	import_ends(arg, error);
}

/* The record is durable. The journal may know the id from an earlier life
 * here: what it says of that must not touch this one. */
static void
imported(struct queue *q, void *arg, struct msg *m, int error)
{
	struct client *c = arg;

	if (error < 0) {
		import_ends(c, error);
		return;
	}
	c->transfer->body_file = 0; /* the record names it now */
	put_msgid(journal_begin(q->journal, J_IMPORTED), m->id);
	journal_end(q->journal);
	c->commit = (struct commit){ .done = import_durable, .arg = c };
	journal_on_commit(q->journal, &c->commit);
	queue_commit_now(q);
}

static void
finish_import(struct client *c)
{
	struct transfer *t = c->transfer;
	struct writer_done done = { imported, c };
	int rc;

	if (index_find(&c->q->index, t->id) != NULL)
		refuse(t, "this id is in the queue already");
	if (t->why[0] != '\0') {
		control_error(c, "%s", t->why);
		over(c);
		return;
	}
	c->is_waiting = true;
	rc = writer_import(c->q->copier, t->id, &t->envelope,
	    buf_slice(&t->content), t->body_file, done);
	if (rc < 0)
		import_ends(c, rc);
}

/* In the worker: the file with the first piece, its sync with the last. */
static int
run_write(void *arg)
{
	struct transfer *t = ((struct client *)arg)->transfer;
	char name[32];
	int rc;

	if (t->fd < 0) {
		body_name(name, t->body_file);
		t->fd = openat(t->q->body_fd, name,
		    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (t->fd < 0)
			return -errno;
	}
	rc = file_write_all(t->fd, t->piece, t->n);
	t->envelope.body_crc = crc32c(t->envelope.body_crc, t->piece, t->n);
	if (rc < 0 || t->left != 0)
		return rc;
	if (fdatasync(t->fd) < 0)
		return -errno;
	return file_sync_dir(t->q->body_fd);
}

static void
piece_written(void *arg, int rc)
{
	struct client *c = arg;

	c->is_waiting = false;
	if (rc < 0)
		refuse(c->transfer, strerror(-rc));
}

static bool
import_step(struct client *c)
{
	struct transfer *t = c->transfer;

	if (t->left == 0) {
		finish_import(c);
		return false;
	}
	t->n = c->in.len < t->left ? c->in.len : t->left;
	if (t->n > PIECE)
		t->n = PIECE;
	c->needs_input = t->n == 0;
	if (t->n == 0)
		return true;
	t->left -= t->n;
	if (t->why[0] == '\0' && t->body_file == 0) {
		buf_add(&t->content, c->in.data, t->n);
		if (t->content.bad)
			refuse(t, strerror(ENOMEM));
	} else if (t->why[0] == '\0') {
		memcpy(t->piece, c->in.data, t->n);
		c->is_waiting = true;
		if (worker_submit(c->q->disk, run_write, piece_written, c) < 0)
			piece_written(c, -ENOMEM);
	}
	buf_drop(&c->in, t->n);
	return true;
}

static void
op_import(struct client *c, json_t *j)
{
	json_int_t bytes = json_integer_value(json_object_get(j, "bytes"));
	struct transfer *t =
	    bytes > 0 && bytes <= IMPORT_MAX ? transfer_new(c) : NULL;

	if (t == NULL) {
		control_error(c, "\"bytes\" is missing, or too many");
		c->is_closed = true; /* what follows is no request */
		return;
	}
	t->left = (uint64_t)bytes;
	t->json = json_incref(json_object_get(j, "envelope"));
	if (!msgid_parse(slice_of(str(t->json, "id")), &t->id))
		refuse(t, "its id is none");
	else if (index_find(&c->q->index, t->id) != NULL)
		refuse(t, "this id is in the queue already");
	else if (c->q->refuse_code != 0)
		refuse(t, c->q->refuse_text);
	else if (!take_envelope(t))
		refuse(t, "its envelope does not hold together");
	else if (t->left > PIECE)
		t->body_file = c->q->segments.next_body++;
	c->step = import_step;
}

const struct control_op control_move_ops[] = {
	{ "queue.cat", false, op_cat },
	{ "queue.export", true, op_export },
	{ "queue.import", true, op_import },
	{ NULL, false, NULL },
};
