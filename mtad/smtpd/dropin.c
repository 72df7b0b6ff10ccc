#include "dropin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "clock.h"
#include "drop.h"
#include "message.h"
#include "params.h"
#include "received.h"

#define HEAD_MAX ((size_t)4 << 20) /* DROP_RCPTS_MAX addresses and more */
#define AT_ONCE ((size_t)64 << 10)

struct dropin {
	struct smtpd *d; /* borrowed */
	uint64_t number;
	uint32_t uid, generation; /* of the queue that handed it out */
	int fd;
	off_t size; /* of the file */
	uint64_t max_size, left; /* of the message: allowed; not yet read */
	struct buf start; /* owned: the file up to somewhere in the message */
	struct drop drop; /* points into start */
	struct body body;
	struct submission *sub; /* owned until it is submitted */
	int code; /* 0: it may become a message; else the answer */
	const char *text;
};

static void
answer(struct smtpd *d, uint64_t number, int code, const char *text)
{
	PROC_SEND(&d->proc->queue, drop_done, DROP_DONE, .number = number,
	    .code = (uint16_t)code, .text = slice_of(text));
}

static void
dropin_free(struct dropin *in)
{
	buf_release(&in->start);
	store_forget(in->d->store, in->sub);
	free(in);
}

static void
stored(struct submission *sub, struct msgid id, int code, const char *text)
{
	struct dropin *in = sub->arg;

	(void)id;
	if (in->generation == store_generation(in->d->store))
		answer(in->d, in->number, code, text);
	in->sub = NULL; /* the store's */
	dropin_free(in);
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
	ok = rcpt_params(buf_slice(&notify), true, &p) == NULL;
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

/* The strings of the envelope are copies: start goes away. */
static bool
fill(struct dropin *in)
{
	struct submission *sub = in->sub;
	struct p_envelope *e = &sub->env;
	const struct drop *d = &in->drop;
	struct buf *k = &sub->kept;
	struct slice envid = d->envid.n <= ENVID_MAX ? d->envid : SLICE("");
	size_t at, envid_at;

	put_addr(k, d->sender, in->d->host, ADDR_NULL_OK);
	at = k->len;
	buf_add_u64(k, in->uid);
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
	e->flags = in->body.has_8bit ? ENV_8BIT : 0;
	e->received = clock_wall();
	e->size = in->body.size;
	e->header_size = in->body.header_size;
	received_from_user(sub, in->uid);
	sub->completes = true;
	return !k->bad && !sub->trace.bad;
}

/* Bytes of the message, as they come off the file. A body file is there when
 * the message can be large at all. */
static int
take(struct dropin *in, struct slice bytes)
{
	struct submission *sub = in->sub;
	bool is_end;

	body_feed(&in->body, bytes, &sub->body, &is_end);
	if (sub->body.bad)
		return -ENOMEM;
	if (sub->body_fd < 0 || sub->body.len < AT_ONCE || in->body.is_header)
		return 0;
	message_note_header(sub, &in->body);
	return submission_spill(sub);
}

/* The lines and the end, which says that nothing is missing. */
static bool
read_ends(struct dropin *in)
{
	char tail[DROP_TAIL_MAX];
	size_t want =
	    in->size < DROP_TAIL_MAX ? (size_t)in->size : DROP_TAIL_MAX;
	size_t trailer, begin;
	ssize_t n;
	int rc;

	if (lseek(in->fd, in->size - (off_t)want, SEEK_SET) < 0 ||
	    read(in->fd, tail, want) != (ssize_t)want ||
	    drop_parse_tail((struct slice){ tail, want }, &in->left, &trailer) <
		0 ||
	    lseek(in->fd, 0, SEEK_SET) != 0)
		return false;
	do {
		char *room = buf_room(&in->start, AT_ONCE);

		n = room ? read(in->fd, room, AT_ONCE) : -1;
		if (n <= 0)
			return false;
		in->start.len += (size_t)n;
		rc = drop_parse_head(buf_slice(&in->start), &in->drop);
	} while (rc == -EAGAIN);
	if (rc != 0)
		return false;
	begin = (size_t)(in->drop.message.p - in->start.data);
	return begin + in->left + trailer == (uint64_t)in->size;
}

static int
read_message(struct dropin *in)
{
	char *block = malloc(AT_ONCE);
	struct slice bytes = in->drop.message;
	int rc = block ? 0 : -ENOMEM;

	while (rc == 0 && in->left != 0 && in->body.fault == BODY_FINE) {
		if (bytes.n > in->left)
			bytes.n = (size_t)in->left;
		rc = take(in, bytes);
		in->left -= bytes.n;
		if (rc == 0 && in->left != 0) {
			ssize_t n = read(in->fd, block, AT_ONCE);

			if (n <= 0)
				rc = -EIO;
			bytes = (struct slice){ block, n > 0 ? (size_t)n : 0 };
		}
	}
	free(block);
	if (rc != 0 || in->body.fault != BODY_FINE)
		return rc;
	body_finish(&in->body, &in->sub->body);
	message_note_header(in->sub, &in->body);
	if (in->sub->body_fd >= 0)
		rc = submission_spill(in->sub);
	return in->sub->body.bad ? -ENOMEM : rc;
}

static void
refuse(struct dropin *in, int code, const char *text)
{
	in->code = code;
	in->text = text;
}

/*
 * In the thread: the whole file, whatever its disk takes for it. What can
 * never be taken is 5yz and stands aside for good: of all that a message may
 * be too large for, nothing gets as far as the queue.
 */
static int
run_read(void *arg)
{
	struct dropin *in = arg;
	const char *wrong;

	if (!read_ends(in)) {
		refuse(in, 554, "not a whole drop file");
	} else if (in->max_size != 0 && in->left > in->max_size) {
		refuse(in, 552, "larger than MaxMessageSize");
	} else if (!put_rcpts(in->sub, &in->drop, in->d->host)) {
		refuse(in, 554, "no valid recipients, or bad options");
	} else if (in->sub->rcpts.bad) {
		refuse(in, 552, "too many recipients for one message");
	} else if (read_message(in) < 0) {
		refuse(in, 451, "no room for it now");
	} else if (in->body.fault != BODY_FINE) {
		wrong = body_refusal(in->body.fault);
		refuse(in, atoi(wrong), wrong + 4);
	}
	return 0;
}

/* Of a queue that is gone: the next one hands the file out again. */
static void
was_read(void *arg, int result)
{
	struct dropin *in = arg;

	(void)result;
	close(in->fd);
	if (in->generation != store_generation(in->d->store)) {
		dropin_free(in);
		return;
	}
	if (in->code == 0 && !fill(in))
		refuse(in, 451, "no memory");
	if (in->code != 0) {
		answer(in->d, in->number, in->code, in->text);
		dropin_free(in);
		return;
	}
	buf_release(&in->start);
	in->sub->head = received_head;
	in->sub->done = stored;
	in->sub->arg = in;
	store_submit(in->d->store, in->sub);
}

static struct dropin *
dropin_new(struct smtpd *d, const struct p_drop *m, int fd)
{
	const struct conf *c = d->proc->conf;
	struct dropin *in = calloc(1, sizeof(*in));

	if (in == NULL)
		return NULL;
	*in = (struct dropin){ .d = d,
		.number = m->number,
		.uid = m->uid,
		.fd = fd,
		.size = lseek(fd, 0, SEEK_END),
		.max_size = (uint64_t)c->MaxMessageSize,
		.generation = store_generation(d->store) };
	buf_init(&in->start, HEAD_MAX + AT_ONCE);
	body_init(&in->body, false);
	in->body.is_normal = true; /* LF is what programs write */
	in->body.max_hops = (unsigned)c->MaxHopCount;
	in->body.max_header = (size_t)c->MaxHeadersLength;
	in->sub = submission_new();
	if (in->sub == NULL) {
		dropin_free(in);
		return NULL;
	}
	in->sub->host = d->host;
	return in;
}

/* LF becomes CRLF: it may grow to twice its size. */
static bool
has_room(struct dropin *in)
{
	return in->size < in->d->proc->conf->LargeBodySize / 2 ||
	    store_take_body(in->d->store, in->sub);
}

bool
dropin_take(struct smtpd *d, struct slice payload, int fd)
{
	struct p_drop m;
	struct dropin *in;

	if (!get_p_drop(payload, &m)) {
		close(fd);
		return false;
	}
	in = dropin_new(d, &m, fd);
	if (in != NULL && has_room(in) &&
	    worker_submit(d->reader, run_read, was_read, in) == 0)
		return true;
	answer(d, m.number, 451, "no room for it now");
	if (in != NULL)
		dropin_free(in);
	close(fd);
	return true;
}
