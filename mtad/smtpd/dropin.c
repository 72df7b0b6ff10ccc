/*
 * dropin: files that sendmail left, made into messages. The descriptor is
 * read-only and was checked to be a regular file; its bytes are a stranger's.
 */
#include "dropin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "drop.h"
#include "file.h"
#include "header.h"
#include "params.h"

#define FILE_MAX ((off_t)64 << 20)

struct dropin {
	struct smtpd *d; /* borrowed */
	uint64_t number;
	uint32_t uid;
};

static void
answer(struct smtpd *d, uint64_t number, int code, const char *text)
{
	PROC_SEND(&d->proc->queue, drop_done, DROP_DONE, .number = number,
	    .code = (uint16_t)code, .text = slice_of(text));
}

static void
put_head(struct submission *sub, struct msgid id, struct buf *b)
{
	struct p_envelope *e = &sub->env;
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	buf_addf(b, "Received: (from uid %.*s)\r\n\tby %s id %s;\r\n\t",
	    SLICE_ARG(e->user), sub->host, text);
	clock_rfc5322(b, e->received);
	buf_adds(b, "\r\n");
	if (!sub->has_date) {
		buf_adds(b, "Date: ");
		clock_rfc5322(b, e->received);
		buf_adds(b, "\r\n");
	}
	if (sub->env_message_id.len == 0)
		buf_addf(b, "Message-ID: <%s@%s>\r\n", text, sub->host);
	if (!sub->has_from)
		buf_addf(b, "From: <%.*s>\r\n", SLICE_ARG(e->sender));
	e->size += b->len;
	e->header_size += (uint32_t)b->len;
}

static void
stored(struct submission *sub, struct msgid id, int code, const char *text)
{
	struct dropin *in = sub->arg;

	(void)id;
	answer(in->d, in->number, code, text);
	free(in);
}

static bool
put_addr(struct buf *b, struct slice text, const char *host, unsigned flags)
{
	struct addr a;

	if (addr_parse(text, flags | ADDR_BARE_OK | ADDR_UTF8_OK, &a) < 0)
		return false;
	if (!a.is_null)
		addr_put(b, slice_of(a.local),
		    slice_of(a.domain[0] ? a.domain : host));
	return true;
}

static bool
put_rcpts(struct submission *sub, const struct drop *d, const char *host)
{
	struct rcpt_params p = { 0 };
	struct slice text;
	size_t pos = 0;
	struct buf notify, addr;
	bool ok = true;

	buf_init(&notify, 256);
	if (d->notify.n != 0)
		buf_addf(&notify, "NOTIFY=%.*s", SLICE_ARG(d->notify));
	ok = rcpt_params(buf_slice(&notify), &p) == NULL;
	buf_release(&notify);
	buf_init(&addr, 2048);
	while (ok && drop_next_rcpt(d, &pos, &text)) {
		struct p_env_rcpt r = { .notify = p.notify };

		buf_clear(&addr);
		ok = put_addr(&addr, text, host, 0);
		r.addr = buf_slice(&addr);
		if (ok) {
			put_p_env_rcpt(&sub->rcpts, &r);
			sub->env.rcpt_n++;
		}
	}
	buf_release(&addr);
	return ok && sub->env.rcpt_n != 0;
}

static void
fill(struct submission *sub, const struct drop *d, const char *host,
    uint32_t uid, const struct body *body)
{
	struct p_envelope *e = &sub->env;
	struct header_field f;
	struct buf *k = &sub->kept;
	struct slice envid = d->envid.n <= ENVID_MAX ? d->envid : SLICE("");
	size_t at, envid_at;

	if (header_find(buf_slice(&sub->body), SLICE("Message-ID"), &f) &&
	    f.value.n < 1000)
		buf_add_slice(&sub->env_message_id, f.value);
	sub->has_date = header_find(buf_slice(&sub->body), SLICE("Date"), &f);
	sub->has_from = header_find(buf_slice(&sub->body), SLICE("From"), &f);
	put_addr(k, d->sender, host, ADDR_NULL_OK);
	at = k->len;
	buf_addf(k, "%u", uid);
	envid_at = k->len;
	buf_add_slice(k, envid);
	e->sender = (struct slice){ k->data, at };
	e->user = (struct slice){ k->data + at, envid_at - at };
	e->envid = (struct slice){ k->data + envid_at, envid.n };
	e->protocol = SLICE("local");
	e->message_id = buf_slice(&sub->env_message_id);
	e->ret = slice_ieq(d->ret, SLICE("full")) ? RET_FULL
	    : slice_ieq(d->ret, SLICE("hdrs"))	  ? RET_HDRS
						  : RET_NONE;
	e->flags = body->has_8bit ? ENV_8BIT : 0;
	e->received = clock_wall();
	e->size = sub->body.len;
	e->header_size = body->header_size;
}

static int
submit(struct smtpd *d, uint64_t number, uint32_t uid, struct slice file)
{
	struct submission *sub = submission_new();
	struct dropin *in = malloc(sizeof(*in));
	struct body body;
	struct drop drop;
	bool is_end;

	if (sub == NULL || in == NULL || drop_parse(file, &drop) < 0 ||
	    !put_rcpts(sub, &drop, d->host)) {
		int code = sub == NULL || in == NULL ? 451 : 554;

		submission_free(d->store, sub);
		free(in);
		return code;
	}
	body_init(&body, false);
	body.is_normal = true; /* LF is what programs write */
	body_feed(&body, drop.message, &sub->body, &is_end);
	body_finish(&body, &sub->body);
	*in = (struct dropin){ d, number, uid };
	fill(sub, &drop, d->host, uid, &body);
	sub->host = d->host;
	sub->head = put_head;
	sub->done = stored;
	sub->arg = in;
	store_submit(d->store, sub);
	return 0;
}

bool
dropin_take(struct smtpd *d, struct slice payload, int fd)
{
	struct p_drop m;
	off_t size = lseek(fd, 0, SEEK_END);
	struct buf b;
	char *room;
	ssize_t n = 0;
	int code = 554;

	if (!get_p_drop(payload, &m)) {
		close(fd);
		return false;
	}
	buf_init(&b, (size_t)FILE_MAX);
	lseek(fd, 0, SEEK_SET);
	if (size > 0 && size < FILE_MAX &&
	    (room = buf_room(&b, (size_t)size)) != NULL) {
		while ((off_t)b.len < size &&
		    (n = read(fd, b.data + b.len, (size_t)size - b.len)) > 0)
			b.len += (size_t)n;
		code = (off_t)b.len == size
		    ? submit(d, m.number, m.uid, buf_slice(&b))
		    : 451;
	}
	if (code != 0)
		answer(d, m.number, code, "not a whole drop file");
	buf_release(&b);
	close(fd);
	return true;
}
