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

#define RCPTS_LISTED 20

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

static const char *
rcpt_state_name(const struct rcpt *r)
{
	static const char *const names[RS_STATES] = { "open", "active",
		"failed", "delivered", "bounced", "deleted", "expanded" };

	return r->state == RS_OPEN && r->attempts != 0 ? "deferred"
						       : names[r->state];
}

void
row_msg_rcpt(struct client *c, const struct msg *m, uint32_t i)
{
	const struct rcpt *r = &m->rcpt[i];
	int64_t wait = (int64_t)r->next_try * US_SEC - clock_mono();

	row_begin(c);
	row_num(c, "n", i);
	row_cstr(c, "to", rcpt_addr(m, r));
	if (*rcpt_owner(m, r) != '\0')
		row_cstr(c, "owner", rcpt_owner(m, r));
	else if (*rcpt_path(m, r) != '\0')
		row_cstr(c, "path", rcpt_path(m, r));
	row_cstr(c, "state", rcpt_state_name(r));
	row_num(c, "tries", r->attempts);
	if (rcpt_is_open(r) && r->next_try != 0 && wait > 0)
		row_time(c, "next", clock_wall() + wait);
	row_reply(c, r);
	buf_addc(&c->out, '}');
}

/* Up to its recipients. */
void
row_msg_begin(struct client *c, const struct msg *m)
{
	row_begin(c);
	row_id(c, m->id);
	row_cstr(c, "from", msg_sender(m));
	row_num(c, "size", (int64_t)m->size);
	row_time(c, "received", m->received);
	row_cstr(c, "state", msg_state(m));
	row_num(c, "open", m->open);
	row_num(c, "rcpt_count", m->rcpt_n);
	row_time(c, "until", m->until);
	if (m->act != 0)
		row_num(c, "act", m->act);
	buf_adds(&c->out, ",\"rcpts\":[");
}

/* Its first recipients that are not finished. */
void
row_msg(struct client *c, const struct msg *m)
{
	uint32_t listed = 0;

	row_msg_begin(c, m);
	for (uint32_t i = 0; i < m->rcpt_n && listed < RCPTS_LISTED; i++) {
		if (rcpt_is_finished(&m->rcpt[i]))
			continue;
		if (listed++ != 0)
			buf_addc(&c->out, ',');
		row_msg_rcpt(c, m, i);
	}
	buf_addc(&c->out, ']');
	row_end(c);
}

/* mailq's own lines, made here: a client that only prints is not slowed down
 * by reading a million objects. */
void
row_msg_text(struct client *c, const struct msg *m)
{
	static const struct {
		const char *state;
		char mark;
	} marks[] = { { "active", '*' }, { "held", '!' }, { "deleted", '-' },
		{ "bounced", 'X' }, { "damaged", '?' } };
	char id[MSGID_TEXT + 1], mark = ' ';
	struct buf b;

	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
		if (strcmp(marks[i].state, msg_state(m)) == 0)
			mark = marks[i].mark;
	buf_init(&b, 1 << 20);
	msgid_text(m->id, id);
	buf_addf(&b, "%s%c %8llu ", id, mark, (unsigned long long)m->size);
	clock_rfc5322(&b, m->received);
	buf_addf(&b, " <%s>\n", msg_sender(m));
	for (uint32_t i = 0, n = 0; i < m->rcpt_n; i++) {
		const struct rcpt *r = &m->rcpt[i];

		if (rcpt_is_finished(r))
			continue;
		if (n++ == RCPTS_LISTED) {
			buf_addf(&b, "%17s%u recipients in all\n", "", m->open);
			break;
		}
		if (r->text != NULL)
			buf_addf(&b, "%17s(%u %s)\n", "", r->code, r->text->s);
		buf_addf(&b, "%17s<%s>\n", "", rcpt_addr(m, r));
	}
	row_begin(c);
	row_str(c, "text", buf_slice(&b));
	row_end(c);
	buf_release(&b);
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
	c->is_blocked = false;
	while (c->sent < c->out.len && !c->out.bad) {
		ssize_t n = send(c->fd, c->out.data + c->sent,
		    c->out.len - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			event_add(c->wr, NULL);
			c->is_blocked = true;
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
