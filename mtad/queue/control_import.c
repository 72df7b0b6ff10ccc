/*
 * control_import: an exported message into this spool: a request with
 * "bytes":N and the envelope, then N bytes. It keeps its id, its times and
 * what its recipients have behind them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "crc32c.h"
#include "file.h"
#include "records.h"
#include "transfer.h"
#include "writer.h"

#define IMPORT_MAX ((json_int_t)2 << 30)

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
	int k = find_name(transfer_kinds, TARGET_COUNT, kind);
	int s = find_name(transfer_states, RS_STATES, str(j, "state"));
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
	const json_t *j = t->json, *list = json_object_get(j, "rcpts");

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!is_clean(str(j, words[i])))
			return false;
	put_u8(&t->state, num(j, "held", 1) != 0);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!take_rcpt(t, json_array_get(list, i)))
			return false;
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
		.rcpt_n = (uint32_t)json_array_size(list),
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
	transfer_over(c);
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
		transfer_over(c);
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
	if (t->n > TRANSFER_PIECE)
		t->n = TRANSFER_PIECE;
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
	else if (t->left > TRANSFER_PIECE)
		t->body_file = segments_draw_body(&c->q->segments);
	c->step = import_step;
}

const struct control_op control_import_ops[] = {
	{ "queue.import", true, op_import },
	{ NULL, false, NULL },
};
