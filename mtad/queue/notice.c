/*
 * notice: tells the sender what failed (RFC 3461, RFC 3464, RFC 6522).
 *
 * One notice a message and turn, from <>, to the sender (or to the owner of
 * the list that a recipient came from); never in answer to a notice. What
 * cannot be returned goes to the postmaster. The notice's record names the
 * recipients that it reports and is durable before they count as finished:
 * recovery finishes them from it, so that a crash neither loses nor doubles a
 * notice. The journal says it, too, for when the notice is delivered and its
 * segment gone.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "header.h"
#include "queue.h"
#include "records.h"
#include "writer.h"

#define FULL_MAX ((uint64_t)64 << 10) /* returned whole without RET=FULL */
#define NOTICE_MAX ((size_t)8 << 20)

struct notice {
	struct msg *m; /* pinned */
	bool is_double;
	uint32_t n, rcpt[];
};

void
notice_want(struct queue *q, struct msg *m)
{
	if (m->flags & (MSG_NOTIFY | MSG_KILLED))
		return;
	m->flags |= MSG_NOTIFY;
	TAILQ_INSERT_TAIL(&q->notify, m, notify);
	queue_schedule(q);
}

/* No memory, or the disk failed: again in a second. */
static void
notice_later(struct queue *q, struct msg *m)
{
	if (m->flags & MSG_NOTIFY)
		return;
	m->flags |= MSG_NOTIFY;
	TAILQ_INSERT_TAIL(&q->notify_later, m, notify);
}

/* Does the sender want to know about this one? RFC 3461 section 4.1 */
static bool
wants_notice(const struct rcpt *r)
{
	return r->notify == 0 || (r->notify & NOTIFY_FAILURE);
}

static void
finish_one(struct queue *q, struct msg *m, uint32_t i)
{
	m->rcpt[i].in_notice = false;
	outcome_finish_rcpt(q, m, i, RS_BOUNCED);
}

/* Failed and over, says the journal. */
static void
finish_rcpts(struct queue *q, struct msg *m, const uint32_t *rcpt, uint32_t n)
{
	struct buf *b = journal_begin(q->journal, J_GONE);

	put_msgid(b, m->id);
	put_u32(b, n);
	for (uint32_t k = 0; k < n; k++) {
		put_u32(b, rcpt[k]);
		finish_one(q, m, rcpt[k]);
	}
	journal_end(q->journal);
	queue_commit_soon(q);
}

/* Failed, and nobody is to be told. */
static void
finish_silent(struct queue *q, struct msg *m)
{
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		struct rcpt *r = &m->rcpt[i];

		if (r->state == RS_FAILED && !r->in_notice && !wants_notice(r))
			finish_rcpts(q, m, &i, 1);
	}
}

bool
notice_gone_replay(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct msgid id = get_msgid(&r);
	struct msg *m = index_find(&q->index, id);

	for (uint32_t n = get_u32(&r); n != 0 && !r.bad; n--) {
		uint32_t i = get_u32(&r);

		if (m != NULL && i < m->rcpt_n)
			finish_one(q, m, i);
	}
	return m != NULL;
}

/* Who is told. Borrowed from the message. */
static const char *
sender_of(const struct notice *n)
{
	return rcpt_sender(n->m, &n->m->rcpt[n->rcpt[0]]);
}

/* What failed, of one sender: others get their own. */
static struct notice *
collect(struct msg *m)
{
	struct notice *n = malloc(sizeof(*n) + m->rcpt_n * sizeof(uint32_t));

	if (n == NULL)
		return NULL;
	*n = (struct notice){ .m = m };
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		struct rcpt *r = &m->rcpt[i];

		if (r->state != RS_FAILED || r->in_notice ||
		    (n->n != 0 && strcmp(rcpt_sender(m, r), sender_of(n)) != 0))
			continue;
		r->in_notice = true;
		n->rcpt[n->n++] = i;
	}
	return n;
}

static bool
is_to_owner(const struct notice *n)
{
	return rcpt_is_listed(n->m, &n->m->rcpt[n->rcpt[0]]);
}

static const char *
status_of(const struct rcpt *r, char tmp[16])
{
	struct slice s = rcpt_enhanced(r);

	if (r->is_expired)
		return "4.4.7";
	if (s.n == 0 || s.n > 15)
		return "5.0.0";
	memcpy(tmp, s.p, s.n);
	tmp[s.n] = '\0';
	return tmp;
}

static void
put_head(const struct queue *q, struct buf *b, const struct notice *n,
    const char *to, const char *boundary, bool is_utf8)
{
	const char *host = q->proc->conf->HostName;

	buf_adds(b, "Date: ");
	clock_rfc5322(b, clock_wall());
	buf_addf(b,
	    "\r\nFrom: Mail Delivery System <MAILER-DAEMON@%s>\r\nTo: <%s>\r\n",
	    host, to);
	buf_addf(b, "Message-ID: <%016llx.%016llx@%s>\r\n",
	    (unsigned long long)clock_wall(), (unsigned long long)draw_random(),
	    host);
	buf_addf(b,
	    "Subject: %s\r\nAuto-Submitted: auto-replied\r\nMIME-Version: "
	    "1.0\r\n",
	    n->is_double ? "Mail could not be delivered, nor returned"
			 : "Your mail could not be delivered");
	buf_addf(b,
	    "Content-Type: multipart/report; report-type=delivery-status;\r\n"
	    "\tboundary=\"%s\"\r\n%s\r\n",
	    boundary, is_utf8 ? "Content-Transfer-Encoding: 8bit\r\n" : "");
}

static void
put_words(const struct queue *q, struct buf *b, const struct notice *n,
    const char *boundary)
{
	const struct msg *m = n->m;

	buf_addf(b,
	    "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
	    "This is the mail system at %s.\r\n\r\n"
	    "The message of ",
	    boundary, q->proc->conf->HostName);
	clock_rfc5322(b, m->received);
	buf_addf(
	    b, "\r\nfrom <%s> was not delivered to:\r\n\r\n", msg_sender(m));
	for (uint32_t k = 0; k < n->n; k++) {
		const struct rcpt *r = &m->rcpt[n->rcpt[k]];
		struct slice text = rcpt_text(r);

		buf_addf(b, "  <%s>\r\n    ", rcpt_addr(m, r));
		if (r->is_expired) {
			buf_adds(b, "Not delivered within ");
			clock_span(b, q->proc->conf->TimeoutQueuereturn);
			buf_adds(b, "; the last answer was:\r\n    ");
		}
		buf_addf(b, "%u %.*s\r\n\r\n", r->code, SLICE_ARG(text));
	}
	if (n->is_double)
		buf_adds(b,
		    "The sender could not be told: the message is itself a "
		    "notice, or has\r\nno sender.\r\n\r\n");
}

/* RFC 3464 section 2. Text that is typed as given: no folds needed. */
static void
put_status(const struct queue *q, struct buf *b, const struct notice *n,
    const char *boundary, bool is_utf8)
{
	const struct msg *m = n->m;
	char tmp[16];

	buf_addf(b, "--%s\r\nContent-Type: message/%sdelivery-status\r\n\r\n",
	    boundary, is_utf8 ? "global-" : "");
	buf_addf(b, "Reporting-MTA: dns; %s\r\n", q->proc->conf->HostName);
	if (*msg_envid(m) != '\0' && !is_to_owner(n))
		buf_addf(b, "Original-Envelope-Id: %s\r\n", msg_envid(m));
	buf_adds(b, "Arrival-Date: ");
	clock_rfc5322(b, m->received);
	buf_adds(b, "\r\n");
	for (uint32_t k = 0; k < n->n; k++) {
		const struct rcpt *r = &m->rcpt[n->rcpt[k]];
		struct slice text = rcpt_text(r);

		buf_adds(b, "\r\n");
		if (*rcpt_orcpt(m, r) != '\0')
			buf_addf(
			    b, "Original-Recipient: %s\r\n", rcpt_orcpt(m, r));
		buf_addf(b,
		    "Final-Recipient: %s; %s\r\nAction: failed\r\nStatus: "
		    "%s\r\n",
		    is_utf8 ? "utf-8" : "rfc822", rcpt_addr(m, r),
		    status_of(r, tmp));
		if (r->code != 0)
			buf_addf(b, "Diagnostic-Code: smtp; %u %.*s\r\n",
			    r->code, SLICE_ARG(text));
	}
	buf_adds(b, "\r\n");
}

static bool
is_returned_whole(const struct notice *n)
{
	const struct msg *m = n->m;
	uint8_t ret = is_to_owner(n) ? 0 : m->ret;

	if (m->body_file != 0 || ret == RET_HDRS)
		return false;
	return ret == RET_FULL || m->size <= FULL_MAX;
}

static void
put_original(struct buf *b, const struct notice *n, const struct body *body,
    const char *boundary, bool is_utf8)
{
	struct slice content = body_content(body);
	bool is_whole = is_returned_whole(n);
	const char *type = is_whole
	    ? (is_utf8 ? "message/global" : "message/rfc822")
	    : (is_utf8 ? "message/global-headers" : "text/rfc822-headers");

	buf_addf(b, "--%s\r\nContent-Type: %s\r\n\r\n", boundary, type);
	if (!is_whole)
		content.n = header_size(content);
	buf_add_slice(b, content);
	buf_addf(b, "\r\n--%s--\r\n", boundary);
}

/* The envelope of the notice; about goes with it into the record. */
static void
fill_envelope(struct p_envelope *e, const struct notice *n, const char *to,
    struct buf *rcpts, struct buf *about, size_t size)
{
	struct p_env_rcpt one = { .addr = slice_of(to),
		.notify = NOTIFY_NEVER };
	struct buf list;
	struct p_about a = { .id = n->m->id };

	if (n->is_double)
		one.notify = 0;
	buf_init(&list, NOTICE_MAX);
	for (uint32_t k = 0; k < n->n; k++)
		put_u32(&list, n->rcpt[k]);
	a.rcpts = buf_slice(&list);
	put_p_about(about, &a);
	put_p_env_rcpt(rcpts, &one);
	*e = (struct p_envelope){ .received = clock_wall(),
		.flags = ENV_NOTICE | (n->is_double ? ENV_DOUBLE : 0) |
		    (n->m->env_flags & ENV_UTF8),
		.protocol = SLICE("dsn"),
		.size = size,
		.rcpt_n = 1,
		.rcpts = buf_slice(rcpts),
		.about = buf_slice(about) };
	buf_release(&list);
}

static void
say_sent(struct queue *q, const struct notice *n, const struct msg *notice)
{
	char id[MSGID_TEXT + 1], about[MSGID_TEXT + 1];
	struct event e;

	queue_event_msg(
	    &e, n->is_double ? EV_DSN_DOUBLE : EV_DSN_SENT, notice, id);
	msgid_text(n->m->id, about);
	event_cstr(&e, F_ABOUT_MSG_ID, about);
	event_cstr(&e, F_KIND, "failure");
	event_cstr(&e, F_TO, rcpt_addr(notice, &notice->rcpt[0]));
	event_num(&e, F_COUNT, n->n);
	event_num(&e, F_FULL, is_returned_whole(n));
	queue_emit(q, &e);
	stat_add(q->proc->slot, ST_NOTICES, 1);
}

static void
notice_written(struct queue *q, void *arg, struct msg *notice, int error)
{
	struct notice *n = arg;
	struct msg *m = n->m;

	if (error == 0 && notice != NULL) {
		say_sent(q, n, notice);
		finish_rcpts(q, m, n->rcpt, n->n);
	} else {
		for (uint32_t k = 0; k < n->n; k++)
			m->rcpt[n->rcpt[k]].in_notice = false;
		notice_later(q, m);
	}
	free(n);
	msg_unpin(q, m);
}

static void
give_up(struct queue *q, struct notice *n)
{
	for (uint32_t k = 0; k < n->n; k++)
		n->m->rcpt[n->rcpt[k]].in_notice = false;
	notice_later(q, n->m);
	free(n);
}

static void
compose(struct queue *q, struct msg *m, struct body *body, void *arg)
{
	struct notice *n = arg;
	const struct conf *c = q->proc->conf;
	const char *to = n->is_double ? c->DoubleBounceAddress : sender_of(n);
	bool is_utf8 = m->env_flags & ENV_UTF8;
	struct buf b, rcpts, about, full;
	struct p_envelope e;
	char boundary[64];

	buf_init(&b, NOTICE_MAX);
	buf_init(&rcpts, 8192);
	buf_init(&about, NOTICE_MAX);
	buf_init(&full, 1024);
	buf_adds(&full, to);
	if (strchr(to, '@') == NULL)
		buf_addf(&full, "@%s", c->HostName);
	buf_addf(&b, "%016llx%016llx", (unsigned long long)draw_random(),
	    (unsigned long long)draw_random());
	memcpy(boundary, b.data, b.len + 1);
	buf_clear(&b);
	put_head(q, &b, n, full.data, boundary, is_utf8);
	put_words(q, &b, n, boundary);
	put_status(q, &b, n, boundary, is_utf8);
	if (body->error == 0)
		put_original(&b, n, body, boundary, is_utf8);
	else
		buf_addf(&b, "--%s--\r\n", boundary);
	fill_envelope(&e, n, full.data, &rcpts, &about, b.len);
	if (b.bad ||
	    writer_add(q->writer, &e, buf_slice(&b),
		(struct writer_done){ notice_written, n }) < 0) {
		give_up(q, n);
	} else {
		m->pins++; /* until notice_written() */
	}
	buf_release(&full);
	buf_release(&about);
	buf_release(&rcpts);
	buf_release(&b);
}

/* A notice to the postmaster that cannot be delivered: kept and held, as
 * there is nobody left to tell. */
static void
keep(struct queue *q, struct msg *m)
{
	for (uint32_t i = 0; i < m->rcpt_n; i++)
		if (m->rcpt[i].state == RS_FAILED)
			m->rcpt[i].state = RS_OPEN;
	m->flags |= MSG_HELD;
	sched_remove(&q->sched, m);
}

/* Takes the notice. */
static void
tell(struct queue *q, struct notice *n)
{
	struct msg *m = n->m;

	if (!n->is_double || q->proc->conf->DoubleBounceAddress[0] != '\0') {
		body_read_header(q, m, compose, n);
		return;
	}
	for (uint32_t k = 0; k < n->n; k++)
		outcome_say_discard(
		    q, m, n->rcpt[k], "DoubleBounceAddress is empty");
	finish_rcpts(q, m, n->rcpt, n->n);
	free(n);
}

static void
write_notices(struct queue *q, struct msg *m)
{
	struct notice *n = NULL;

	finish_silent(q, m);
	if (m->env_flags & ENV_DOUBLE) {
		keep(q, m);
		return;
	}
	while (
	    !(m->flags & MSG_NOTIFY) && (n = collect(m)) != NULL && n->n != 0) {
		n->is_double = *msg_sender(m) == '\0';
		tell(q, n);
		n = NULL;
	}
	if (n == NULL)
		notice_later(q, m);
	free(n);
	msg_settle(q, m);
}

void
notice_turn(struct queue *q)
{
	struct msg *m;

	while ((m = TAILQ_FIRST(&q->notify)) != NULL) {
		TAILQ_REMOVE(&q->notify, m, notify);
		m->flags &= (uint8_t)~MSG_NOTIFY;
		write_notices(q, m);
	}
}

/* Recovery: a notice is there, so what it reports is finished. */
void
notice_replay(struct queue *q, struct slice about)
{
	struct rd r = rd_of(about), list;
	struct p_about a;
	struct msg *m;

	if (about.n == 0 || !get_p_about(&r, &a) ||
	    (m = index_find(&q->index, a.id)) == NULL)
		return;
	for (list = rd_of(a.rcpts); !rd_end(&list);) {
		uint32_t i = get_u32(&list);

		if (!list.bad && i < m->rcpt_n)
			finish_one(q, m, i);
	}
}
