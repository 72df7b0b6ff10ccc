/*
 * control_row: how an answer on the control socket is written, member by
 * member, one JSON object a line, and how it leaves.
 */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "clock.h"
#include "control_server.h"

void
row_begin(struct client *c)
{
	buf_addc(&c->out, '{');
}

static void
name(struct client *c, const char *n)
{
	if (c->out.data[c->out.len - 1] != '{')
		buf_addc(&c->out, ',');
	buf_addc(&c->out, '"');
	buf_adds(&c->out, n);
	buf_add(&c->out, "\":", 2);
}

void
row_str(struct client *c, const char *n, struct slice s)
{
	name(c, n);
	put_json(&c->out, s);
}

void
row_cstr(struct client *c, const char *n, const char *s)
{
	row_str(c, n, slice_of(s));
}

void
row_num(struct client *c, const char *n, int64_t v)
{
	name(c, n);
	if (v < 0) {
		buf_addc(&c->out, '-');
		v = -v;
	}
	buf_add_u64(&c->out, (uint64_t)v);
}

void
row_bool(struct client *c, const char *n, bool v)
{
	name(c, n);
	buf_adds(&c->out, v ? "true" : "false");
}

void
row_time(struct client *c, const char *n, int64_t wall)
{
	if (wall == 0)
		return;
	name(c, n);
	buf_addc(&c->out, '"');
	clock_rfc3339(&c->out, wall);
	buf_addc(&c->out, '"');
}

void
row_id(struct client *c, struct msgid id)
{
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	row_str(c, "id", (struct slice){ text, MSGID_TEXT });
}

void
row_reply(struct client *c, const struct rcpt *r)
{
	if (r->text == NULL)
		return;
	row_num(c, "code", r->code);
	row_str(c, "text", (struct slice){ r->text->s, r->text->n });
	row_cstr(c, "reason", reason_name((enum reason)r->reason));
}

void
row_end(struct client *c)
{
	buf_add(&c->out, "}\n", 2);
}

bool
control_is_full(const struct client *c)
{
	return c->out.len - c->sent >= OUT_FULL;
}

/* An answer that met the ceiling is not whole: better none than that. */
void
control_flush(struct client *c)
{
	while (c->sent < c->out.len && !c->out.bad) {
		ssize_t n = send(c->fd, c->out.data + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			event_add(c->wr, NULL);
			return;
		}
		if (n < 0)
			break;
		c->sent += (size_t)n;
		c->active = clock_mono();
	}
	if (c->sent < c->out.len || c->out.bad) {
		c->is_closed = true;
		return;
	}
	c->sent = 0;
	buf_clear(&c->out);
	if (c->out.cap > OUT_FULL)
		buf_shrink(&c->out);
}

void
control_done(struct client *c)
{
	buf_adds(&c->out, "{\"done\":true}\n");
}

void
control_error(struct client *c, const char *fmt, ...)
{
	struct buf b;
	va_list ap;

	buf_init(&b, 65536);
	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	row_begin(c);
	row_str(c, "error", buf_slice(&b));
	row_bool(c, "done", true);
	row_end(c);
	buf_release(&b);
}
