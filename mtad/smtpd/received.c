#include "received.h"

#include <string.h>

#include "clock.h"

static void
put_by(struct submission *sub, const char *with)
{
	struct buf *b = &sub->trace;

	buf_adds(b, "\r\n\tby ");
	buf_adds(b, sub->host);
	buf_adds(b, " with ");
	buf_adds(b, with);
	buf_adds(b, " id ");
}

void
received_from_user(struct submission *sub, uint32_t uid)
{
	buf_adds(&sub->trace, "Received: (from uid ");
	buf_add_u64(&sub->trace, uid);
	buf_addc(&sub->trace, ')');
	put_by(sub, "local");
}

/* "with": RFC 3848, RFC 6531 section 4.3. */
static const char *
with_of(const struct session *s, bool is_utf8)
{
	if (s->is_lmtp)
		return is_utf8 ? "UTF8LMTP" : "LMTP";
	if (is_utf8)
		return "UTF8SMTP";
	return s->is_esmtp ? "ESMTP" : "SMTP";
}

void
received_from_session(struct submission *sub, const struct session *s)
{
	static const char *const fcrdns[] = { [FCRDNS_FAIL] =
						  " (may be forged)",
		[FCRDNS_PASS] = "",
		[FCRDNS_NONE] = "",
		[FCRDNS_TEMP] = "" };
	struct buf *b = &sub->trace;

	if (s->kind == KIND_LOCAL) {
		received_from_user(sub, s->uid);
		return;
	}
	buf_adds(b, "Received: from ");
	buf_adds(b, s->helo ? s->helo : "unknown");
	buf_adds(b, " (");
	if (s->name != NULL) {
		buf_adds(b, s->name);
		buf_addc(b, ' ');
	}
	buf_adds(b, strchr(s->ip, ':') ? "[IPv6:" : "[");
	buf_adds(b, s->ip[0] ? s->ip : "local");
	buf_addc(b, ']');
	if (s->has_name)
		buf_adds(b, fcrdns[s->fcrdns]);
	buf_addc(b, ')');
	put_by(sub, with_of(s, sub->env.flags & ENV_UTF8));
}

/* A single recipient is named; of several none, as some may be blind. */
static void
put_for(const struct submission *sub, struct buf *b)
{
	struct rd r = rd_of(buf_slice(&sub->rcpts));
	struct p_env_rcpt rcpt;

	if (sub->env.rcpt_n != 1 || !get_p_env_rcpt(&r, &rcpt))
		return;
	buf_adds(b, "\r\n\tfor <");
	buf_add_slice(b, rcpt.addr);
	buf_addc(b, '>');
}

static void
put_missing(const struct submission *sub, const char *id, struct buf *b)
{
	if (!sub->has_date) {
		buf_adds(b, "Date: ");
		clock_rfc5322(b, sub->env.received);
		buf_adds(b, "\r\n");
	}
	if (sub->env_message_id.len == 0)
		buf_addf(b, "Message-ID: <%s@%s>\r\n", id, sub->host);
	if (!sub->has_from)
		buf_addf(b, "From: <%.*s>\r\n", SLICE_ARG(sub->env.sender));
}

/* With an empty line when the message's first line is no header field. */
void
received_head(struct submission *sub, struct msgid id, struct buf *b)
{
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	buf_add_slice(b, buf_slice(&sub->trace));
	buf_add(b, text, MSGID_TEXT);
	put_for(sub, b);
	buf_adds(b, ";\r\n\t");
	clock_rfc5322(b, sub->env.received);
	buf_adds(b, "\r\n");
	if (sub->completes)
		put_missing(sub, text, b);
	if (sub->is_headless)
		buf_adds(b, "\r\n");
	sub->env.size += b->len;
	sub->env.header_size += (uint32_t)b->len;
}
