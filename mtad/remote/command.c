#include "command.h"

/* xtext of RFC 3461 section 4. */
static void
put_xtext(struct buf *b, struct slice s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < '!' || c > '~' || c == '+' || c == '=') {
			buf_addc(b, '+');
			buf_addc(b, hex[c >> 4]);
			buf_addc(b, hex[c & 15]);
		} else {
			buf_addc(b, (char)c);
		}
	}
}

void
put_mail_command(
    struct buf *b, const struct ehlo *e, const struct p_job *j, uint64_t size)
{
	buf_adds(b, "MAIL FROM:<");
	buf_add_slice(b, j->sender);
	buf_addc(b, '>');
	if (e->has_size) {
		buf_adds(b, " SIZE=");
		buf_add_u64(b, size);
	}
	if (e->has_8bit && (j->flags & ENV_8BIT))
		buf_adds(b, " BODY=8BITMIME");
	if (e->has_utf8 && (j->flags & ENV_UTF8))
		buf_adds(b, " SMTPUTF8");
	if (e->has_dsn && j->ret != RET_NONE)
		buf_adds(b, j->ret == RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (e->has_dsn && j->envid.n != 0) {
		buf_adds(b, " ENVID=");
		put_xtext(b, j->envid);
	}
	buf_adds(b, "\r\n");
}

static void
put_notify(struct buf *b, uint8_t notify)
{
	static const struct {
		uint8_t bit;
		const char *word;
	} words[] = { { NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" }, { NOTIFY_DELAY, "DELAY" } };
	char sep = '=';

	if (notify == 0)
		return;
	buf_adds(b, " NOTIFY");
	for (int i = 0; i < 4; i++)
		if (notify & words[i].bit) {
			buf_addc(b, sep);
			buf_adds(b, words[i].word);
			sep = ',';
		}
}

void
put_rcpt_command(struct buf *b, const struct ehlo *e, struct slice addr,
    struct slice orcpt, uint8_t notify)
{
	size_t semi = slice_find(orcpt, ';');

	buf_adds(b, "RCPT TO:<");
	buf_add_slice(b, addr);
	buf_addc(b, '>');
	if (e->has_dsn)
		put_notify(b, notify);
	if (e->has_dsn && semi < orcpt.n) {
		buf_adds(b, " ORCPT=");
		buf_add_slice(b, slice_sub(orcpt, 0, semi + 1));
		put_xtext(b, slice_sub(orcpt, semi + 1, orcpt.n));
	}
	buf_adds(b, "\r\n");
}
