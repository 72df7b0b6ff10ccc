#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/event.h>

#include "classify.h"
#include "clock.h"
#include "remote.h"

#define BLOCK ((size_t)64 << 10)

static const struct conf *
conf_of(const struct link *l)
{
	return l->remote->proc->conf;
}

static void
event_common(
    struct event *e, enum event_type t, const struct link *l, char id[17])
{
	event_init(e, t);
	snprintf(id, 17, "%016llx", (unsigned long long)l->id);
	event_cstr(e, F_SESSION_ID, id);
	event_cstr(e, F_DIRECTION, "out");
	event_cstr(e, F_PEER_NAME, l->target.name);
}

static void
put_ip(const struct target *t, char ip[64])
{
	ip[0] = '\0';
	if (t->addr.sa.sa_family == AF_INET)
		inet_ntop(AF_INET, &t->addr.in.sin_addr, ip, 64);
	else if (t->addr.sa.sa_family == AF_INET6)
		inet_ntop(AF_INET6, &t->addr.in6.sin6_addr, ip, 64);
}

static void
say_open(struct link *l)
{
	char id[17], ip[64];
	struct event e;

	put_ip(&l->target, ip);
	event_common(&e, EV_CONN_OPEN, l, id);
	event_cstr(&e, F_PEER_IP, ip);
	evlog_emit(l->remote->proc->log, &e);
	stat_add(l->remote->proc->slot, ST_CONN_OUT, 1);
	stat_add(l->remote->proc->slot, ST_CONN_OUT_OPEN, 1);
}

static void
say_close(struct link *l, const char *cause)
{
	char id[17], ip[64];
	struct event e;

	put_ip(&l->target, ip);
	event_common(&e, EV_CONN_CLOSE, l, id);
	event_cstr(&e, F_PEER_IP, ip);
	event_num(&e, F_DURATION_US, (uint64_t)(clock_mono() - l->opened));
	event_num(&e, F_IN_BYTES, conn_bytes_in(l->conn));
	event_num(&e, F_OUT_BYTES, conn_bytes_out(l->conn));
	event_num(&e, F_MESSAGES_COUNT, l->messages);
	event_num(&e, F_COMMANDS_COUNT, l->messages);
	event_cstr(&e, F_CAUSE, cause);
	evlog_emit(l->remote->proc->log, &e);
	stat_add(l->remote->proc->slot, ST_CONN_OUT_OPEN, -1);
}

static void
on_gone(int fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	event_free(l->gone);
	free(l->key);
	free(l);
}

/* Closed now; the memory goes after this turn, as callers look at state. */
void
link_close(struct link *l, const char *cause)
{
	struct timeval now = { 0, 0 };

	if (l->state == L_DEAD)
		return;
	if (l->state == L_IDLE) {
		TAILQ_REMOVE(&l->remote->idle, l, idle);
		l->remote->idle_n--;
	}
	l->state = L_DEAD;
	event_free(l->connected);
	say_close(l, cause);
	conn_free(l->conn);
	l->conn = NULL;
	l->remote->links_n--;
	if (l->delivery != NULL)
		l->delivery->link = NULL;
	l->delivery = NULL;
	event_add(l->gone, &now);
}

void
link_quit(struct link *l)
{
	if (l->state == L_DEAD)
		return;
	buf_adds(conn_out(l->conn), "QUIT\r\n");
	conn_flush(l->conn);
	link_close(l, "quit"); /* nobody waits for 221 */
}

void
link_drop_delivery(struct link *l)
{
	l->delivery = NULL;
	link_close(l, "shutdown");
}

/* The server's reply as a verdict; texts point into it. */
static struct verdict
verdict_of(const struct server_reply *r)
{
	struct verdict v = { .code = r->code,
		.enhanced = { "", 0 },
		.text = { r->text, r->n } };

	verdict_cut_enhanced(r->code, &v.text, &v.enhanced);
	v.reason = classify(r->code, v.enhanced, v.text);
	return v;
}

/* It ended under a transaction, or before one. What had been answered
 * counts; the rest depends on how far it was. */
static void
broke(struct link *l, const struct verdict *v)
{
	struct delivery *d = l->delivery;
	bool was_early = l->state == L_ENVELOPE && l->step == 0 && d->is_reused;
	enum link_state st = l->state;

	l->delivery = NULL;
	if (d != NULL)
		d->link = NULL;
	link_close(l, v->reason == RC_CONN_TIMEOUT ? "timeout" : "reset");
	if (d == NULL)
		return;
	if (st <= L_HELO || was_early) {
		delivery_failed(d, v, was_early);
		return;
	}
	delivery_decide_all(d, st == L_ENVELOPE ? "mail" : "dot", v);
	delivery_over(d);
}

static void
on_ended(void *arg, const char *cause)
{
	struct link *l = arg;
	struct verdict v =
	    VERDICT(451, "4.4.2", RC_PEER_CLOSED, "The connection broke");
	int error = conn_error(l->conn);

	if (strcmp(cause, "timeout") == 0)
		v = VERDICT(451, "4.4.2", RC_CONN_TIMEOUT,
		    "The server did not answer in time");
	else if (l->state == L_DOT)
		v = VERDICT(451, "4.4.2", RC_PEER_CLOSED,
		    "The connection broke after the message was sent: it may "
		    "arrive twice");
	if (l->state == L_GREETING) {
		if (error == ECONNREFUSED)
			v = VERDICT(451, "4.4.1", RC_CONN_REFUSED,
			    "Connection refused");
		else if (error == ENETUNREACH || error == EHOSTUNREACH)
			v = VERDICT(451, "4.4.1", RC_NET_UNREACHABLE,
			    "No route to the host");
		else if (strcmp(cause, "timeout") == 0)
			v = VERDICT(451, "4.4.1", RC_CONN_TIMEOUT,
			    "The host does not answer");
	}
	broke(l, &v);
}

static void
protocol_error(struct link *l)
{
	const struct verdict v = VERDICT(
	    451, "4.5.0", RC_PROTOCOL, "The server does not speak SMTP");

	broke(l, &v);
}

static void
send_line(struct link *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_addv(conn_out(l->conn), fmt, ap);
	va_end(ap);
	buf_adds(conn_out(l->conn), "\r\n");
	conn_flush(l->conn);
}

static void
perform_ehlo(struct link *l)
{
	l->state = L_EHLO;
	l->is_first_line = true;
	conn_timeout(l->conn, l->remote->t_helo);
	send_line(
	    l, "%s %s", l->is_lmtp ? "LHLO" : "EHLO", conf_of(l)->HostName);
}

static void
got_greeting(struct link *l)
{
	struct verdict v = verdict_of(&l->reply);

	if (l->reply.code / 100 == 2) {
		perform_ehlo(l);
		return;
	}
	/* 554 at the greeting is about this host, not about the mail: the
	 * next one may be better, and if none is, later */
	if (v.code / 100 == 5)
		v.code = 451;
	v.enhanced = SLICE("4.3.2");
	broke(l, &v);
}

/* A line of the answer to EHLO: RFC 5321 section 4.1.1.1. */
static void
got_extension(void *arg, struct slice text)
{
	struct link *l = arg;
	struct slice word = slice_sub(text, 0, slice_find(text, ' '));
	uint64_t size;

	if (l->is_first_line) {
		l->is_first_line = false;
		return;
	}
	l->has_pipelining |= slice_ieq(word, SLICE("PIPELINING"));
	l->has_8bit |= slice_ieq(word, SLICE("8BITMIME"));
	l->has_utf8 |= slice_ieq(word, SLICE("SMTPUTF8"));
	l->has_dsn |= slice_ieq(word, SLICE("DSN"));
	l->has_chunking |= slice_ieq(word, SLICE("CHUNKING"));
	if (slice_ieq(word, SLICE("SIZE"))) {
		l->has_size = true;
		if (slice_u64(slice_trim(slice_sub(text, word.n, text.n)),
			UINT64_MAX, &size))
			l->max_size = size;
	}
}

static void
got_ehlo(struct link *l)
{
	struct verdict v;

	if (l->reply.code / 100 == 2) {
		l->delivery->conn_done = clock_mono();
		link_deliver(l, l->delivery);
		return;
	}
	if (l->reply.code / 100 == 5 && l->state == L_EHLO && !l->is_lmtp) {
		l->state = L_HELO;
		send_line(l, "HELO %s", conf_of(l)->HostName);
		return;
	}
	v = verdict_of(&l->reply);
	if (v.code / 100 == 5)
		v.code = 451;
	broke(l, &v);
}

/* xtext of RFC 3461 section 4. */
static void
put_xtext(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < '!' || c > '~' || c == '+' || c == '=')
			buf_addf(b, "+%02X", c);
		else
			buf_addc(b, (char)c);
	}
}

static void
put_mail(struct link *l, const struct p_job *j)
{
	struct buf *b = conn_out(l->conn);

	buf_adds(b, "MAIL FROM:<");
	buf_add_slice(b, j->sender);
	buf_addc(b, '>');
	if (l->has_size) {
		buf_adds(b, " SIZE=");
		buf_add_u64(b, j->size);
	}
	if (l->has_8bit && (j->flags & ENV_8BIT))
		buf_adds(b, " BODY=8BITMIME");
	if (l->has_utf8 && (j->flags & ENV_UTF8))
		buf_adds(b, " SMTPUTF8");
	if (l->has_dsn && j->ret != RET_NONE)
		buf_adds(b, j->ret == RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (l->has_dsn && j->envid.n != 0) {
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

static void
put_rcpt(struct link *l, const struct delivery_rcpt *r)
{
	struct buf *b = conn_out(l->conn);
	size_t semi = slice_find(r->orcpt, ';');

	buf_adds(b, "RCPT TO:<");
	buf_add_slice(b, r->addr);
	buf_addc(b, '>');
	if (l->has_dsn) {
		put_notify(b, r->notify);
		if (r->orcpt.n != 0 && semi < r->orcpt.n) {
			buf_adds(b, " ORCPT=");
			buf_add_slice(b, slice_sub(r->orcpt, 0, semi + 1));
			put_xtext(b, slice_sub(r->orcpt, semi + 1, r->orcpt.n));
		}
	}
	buf_adds(b, "\r\n");
}

/* Steps: 0 MAIL, 1..n RCPT, n+1 DATA. */
static void
put_step(struct link *l, uint32_t step)
{
	struct delivery *d = l->delivery;

	if (step == 0)
		put_mail(l, &d->job);
	else if (step <= d->n)
		put_rcpt(l, &d->rcpt[step - 1]);
	else
		buf_adds(conn_out(l->conn), "DATA\r\n");
}

static const struct timeval *
step_time(const struct link *l)
{
	if (l->step == 0)
		return l->remote->t_mail;
	return l->step <= l->delivery->n ? l->remote->t_rcpt
					 : l->remote->t_datainit;
}

/* What this server cannot take is not sent. */
static bool
refuses(struct link *l, struct delivery *d)
{
	const struct verdict utf8 = VERDICT(553, "5.6.7", RC_CONTENT,
	    "The server does not take addresses in UTF-8");
	const struct verdict size = VERDICT(552, "5.3.4", RC_SIZE,
	    "The message is larger than the server takes");

	if ((d->job.flags & ENV_UTF8) && !l->has_utf8)
		delivery_decide_all(d, "ehlo", &utf8);
	else if (l->max_size != 0 && d->job.size > l->max_size)
		delivery_decide_all(d, "ehlo", &size);
	else
		return false;
	return true;
}

static void
end_transaction(struct link *l)
{
	struct delivery *d = l->delivery;

	l->delivery = NULL;
	d->link = NULL;
	l->messages++;
	if (l->state != L_DEAD)
		remote_link_idle(l->remote, l);
	delivery_over(d);
}

void
link_deliver(struct link *l, struct delivery *d)
{
	if (l->state == L_IDLE) {
		TAILQ_REMOVE(&l->remote->idle, l, idle);
		l->remote->idle_n--;
		d->is_reused = true;
		d->conn_done = clock_mono();
	}
	l->delivery = d;
	d->link = l;
	snprintf(d->session, sizeof(d->session), "%016llx",
	    (unsigned long long)l->id);
	l->state = L_ENVELOPE;
	l->step = 0;
	l->is_chunked = l->has_chunking;
	server_reply_init(&l->reply);
	if (refuses(l, d)) {
		end_transaction(l);
		return;
	}
	conn_timeout(l->conn, l->remote->t_mail);
	put_step(l, 0);
	for (uint32_t i = 1; l->has_pipelining && i <= d->n; i++)
		put_step(l, i);
	if (l->has_pipelining && !l->is_chunked)
		put_step(l, d->n + 1);
	conn_flush(l->conn);
}

static bool
any_accepted(const struct delivery *d)
{
	for (uint32_t i = 0; i < d->n; i++)
		if (d->rcpt[i].result == RR_ACCEPTED)
			return true;
	return false;
}

/* Stuff dots; CR and LF only leave together (they do so in the spool). */
static void
put_dotted(struct link *l, struct slice s)
{
	struct buf *b = conn_out(l->conn);

	if (s.n == 0)
		return;
	if (l->at_line_start && s.p[0] == '.')
		buf_addc(b, '.');
	for (;;) {
		const char *at = memmem(s.p, s.n, "\n.", 2);
		size_t n = at ? (size_t)(at - s.p) + 1 : s.n;

		buf_add(b, s.p, n);
		if (at == NULL)
			break;
		buf_addc(b, '.');
		s = slice_sub(s, n, s.n);
	}
	l->at_line_start = s.p[s.n - 1] == '\n';
}

static void
put_body(struct link *l, struct slice s)
{
	if (l->is_chunked)
		buf_add_slice(conn_out(l->conn), s);
	else
		put_dotted(l, s);
}

static void
body_over(struct link *l)
{
	struct delivery *d = l->delivery;

	if (!l->is_chunked) {
		if (!l->at_line_start)
			buf_adds(conn_out(l->conn), "\r\n");
		buf_adds(conn_out(l->conn), ".\r\n");
	}
	l->state = L_DOT;
	d->data_done = clock_mono();
	conn_timeout(l->conn, l->remote->t_final);
	conn_flush(l->conn);
}

/* From the descriptor, a block at a time, as the socket takes it. */
static void
send_blocks(struct link *l)
{
	struct delivery *d = l->delivery;
	char block[BLOCK];

	while (l->state == L_BODY && !conn_is_stuck(l->conn)) {
		ssize_t n = pread(d->fd, block, sizeof(block), l->body_at);

		if (n < 0 ||
		    (n == 0 &&
			l->body_at + (off_t)d->job.body.n <
			    (off_t)d->job.size)) {
			const struct verdict v = VERDICT(451, "4.3.0",
			    RC_LOCAL_IO, "The message could not be read");

			broke(l, &v);
			return;
		}
		if (n == 0) {
			body_over(l);
			return;
		}
		l->body_at += n;
		put_body(l, (struct slice){ block, (size_t)n });
		conn_flush(l->conn);
	}
}

static void
on_drained(void *arg)
{
	struct link *l = arg;

	if (l->state == L_BODY)
		send_blocks(l);
}

static void
perform_body(struct link *l)
{
	struct delivery *d = l->delivery;

	d->envelope_done = clock_mono();
	l->state = L_BODY;
	l->at_line_start = true;
	l->body_at = 0;
	l->dots = 0;
	for (uint32_t i = 0; i < d->n; i++)
		l->dots += d->rcpt[i].result == RR_ACCEPTED;
	if (!l->is_lmtp)
		l->dots = 1;
	conn_timeout(l->conn, l->remote->t_block);
	if (l->is_chunked)
		buf_addf(conn_out(l->conn), "BDAT %llu LAST\r\n",
		    (unsigned long long)d->job.size);
	put_body(l, d->job.body);
	if (d->fd < 0) {
		body_over(l);
		return;
	}
	conn_flush(l->conn);
	send_blocks(l);
}

/* DATA was pipelined and got 354 though no recipient was taken: RFC 2920
 * wants the dot. What the server says to it means nothing. */
static void
perform_empty(struct link *l)
{
	l->state = L_DOT;
	l->dots = 1;
	buf_adds(conn_out(l->conn), ".\r\n");
	conn_flush(l->conn);
}

/* 552 to RCPT is what 452 should be: too many (RFC 5321 4.5.3.1.10). */
static void
got_rcpt(struct delivery_rcpt *r, struct verdict v)
{
	if (v.code / 100 == 2) {
		if (r->result == RR_OPEN)
			r->result = RR_ACCEPTED;
		return;
	}
	if (v.code == 552)
		v.code = 452;
	delivery_decide(r, "rcpt", &v);
}

static void
got_data(struct link *l)
{
	struct delivery *d = l->delivery;
	struct verdict v = verdict_of(&l->reply);

	if (l->reply.code == 354) {
		if (any_accepted(d))
			perform_body(l);
		else
			perform_empty(l);
		return;
	}
	if (v.code / 100 == 2 || v.code / 100 == 3) {
		protocol_error(l);
		return;
	}
	delivery_decide_all(d, "data", &v);
	end_transaction(l);
}

/* All replies to RCPT are there and DATA was not sent with them. */
static void
after_rcpts(struct link *l)
{
	struct delivery *d = l->delivery;

	if (!any_accepted(d)) {
		buf_adds(conn_out(l->conn), "RSET\r\n");
		conn_flush(l->conn);
		l->state = L_DOT; /* its reply is read and forgotten */
		l->dots = 1;
		return;
	}
	if (l->is_chunked) {
		perform_body(l);
		return;
	}
	put_step(l, l->step);
	conn_timeout(l->conn, step_time(l));
	conn_flush(l->conn);
}

static void
got_envelope(struct link *l)
{
	struct delivery *d = l->delivery;
	struct verdict v = verdict_of(&l->reply);

	if (l->reply.code == 421) { /* it goes away in the midst */
		broke(l, &v);
		return;
	}
	if (l->step == 0 && v.code / 100 != 2)
		delivery_decide_all(d, "mail", &v);
	else if (l->step > 0 && l->step <= d->n)
		got_rcpt(&d->rcpt[l->step - 1], v);
	else if (l->step > d->n) {
		got_data(l);
		return;
	}
	l->step++;
	if (l->has_pipelining && (l->step <= d->n || !l->is_chunked)) {
		conn_timeout(l->conn, step_time(l));
		return;
	}
	if (l->step == 1 && v.code / 100 != 2 && !l->has_pipelining)
		l->step = d->n + 1;
	if (l->step > d->n) {
		after_rcpts(l);
		return;
	}
	put_step(l, l->step);
	conn_timeout(l->conn, step_time(l));
	conn_flush(l->conn);
}

static void
keep_remote_id(struct delivery *d, const struct verdict *v)
{
	if (d->remote_id == NULL && verdict_is_ok(v))
		d->remote_id = slice_dup(reply_remote_id(v->text));
}

static void
got_dot(struct link *l)
{
	struct delivery *d = l->delivery;
	struct verdict v = verdict_of(&l->reply);

	keep_remote_id(d, &v);
	if (v.code / 100 == 3)
		v.code = 451;
	for (uint32_t i = 0; i < d->n; i++) {
		struct delivery_rcpt *r = &d->rcpt[i];

		if (r->result != RR_ACCEPTED)
			continue;
		delivery_decide(r, "dot", &v);
		if (l->is_lmtp)
			break; /* one reply, one recipient */
	}
	if (--l->dots == 0)
		end_transaction(l);
}

static void
got_reply(struct link *l)
{
	switch (l->state) {
	case L_GREETING:
		got_greeting(l);
		return;
	case L_EHLO:
	case L_HELO:
		got_ehlo(l);
		return;
	case L_ENVELOPE:
		got_envelope(l);
		return;
	case L_DOT:
		got_dot(l);
		return;
	case L_BODY: { /* before the body is over: it will not be taken */
		struct verdict v = verdict_of(&l->reply);

		if (v.code / 100 < 4)
			v = VERDICT(451, "4.5.0", RC_PROTOCOL,
			    "The server answered in the midst of the message");
		broke(l, &v);
		return;
	}
	default: /* 421 to an idle connection, or noise */
		link_close(l, "reset");
	}
}

static size_t
on_input(void *arg, struct slice in)
{
	struct link *l = arg;
	size_t used = 0, all = 0;

	while (all < in.n && l->state != L_DEAD) {
		struct slice rest = slice_sub(in, all, in.n);
		enum reply_state st = server_reply_feed_lines(&l->reply, rest,
		    &used, l->state == L_EHLO ? got_extension : NULL, l);

		all += used;
		if (st == REPLY_BAD) {
			protocol_error(l);
			break;
		}
		if (st == REPLY_MORE)
			break;
		got_reply(l);
		if (l->state != L_DEAD)
			server_reply_init(&l->reply);
	}
	return in.n;
}

/* From here on it is the greeting that is waited for. */
static void
on_connected(int fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (l->state == L_GREETING)
		conn_timeout(l->conn, l->remote->t_initial);
}

static const struct conn_ops link_ops = { on_input, on_ended, on_drained };

static int
connect_to(const struct delivery *d, const struct target *t)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const struct sockaddr *sa = &t->addr.sa;
	socklen_t n =
	    sa->sa_family == AF_INET ? sizeof(t->addr.in) : sizeof(t->addr.in6);
	int fd, one = 1;

	if (d->job.path.n != 0) {
		if (d->job.path.n >= sizeof(un.sun_path))
			return -ENAMETOOLONG;
		memcpy(un.sun_path, d->job.path.p, d->job.path.n);
		sa = (struct sockaddr *)&un;
		n = sizeof(un);
	}
	fd = socket(
	    sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (sa->sa_family != AF_UNIX)
		setsockopt(
		    fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof(one));
	if (connect(fd, sa, n) < 0 && errno != EINPROGRESS) {
		int e = errno;

		close(fd);
		return -e;
	}
	return fd;
}

static void
no_socket(struct delivery *d, int error)
{
	struct verdict v = VERDICT(
	    451, "4.4.1", RC_NET_UNREACHABLE, "The host cannot be reached");

	if (error == -ECONNREFUSED || error == -ENOENT)
		v = VERDICT(
		    451, "4.4.1", RC_CONN_REFUSED, "Connection refused");
	else if (error == -EMFILE || error == -ENFILE || error == -ENOMEM)
		v = VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE,
		    "No resources for another connection");
	delivery_failed(d, &v, false);
}

void
link_open(struct remote *r, struct delivery *d)
{
	const struct target *t = &d->targets.v[d->target];
	struct link *l = calloc(1, sizeof(*l));
	int fd = l ? connect_to(d, t) : -ENOMEM;

	if (fd < 0) {
		free(l);
		no_socket(d, fd);
		return;
	}
	*l = (struct link){ .remote = r,
		.state = L_GREETING,
		.target = *t,
		.id = r->next_id++,
		.opened = clock_mono(),
		.is_lmtp = d->job.mailer == MAILER_LMTP };
	l->gone = evtimer_new(r->proc->base, on_gone, l);
	l->connected = event_new(r->proc->base, fd, EV_WRITE, on_connected, l);
	l->conn = conn_new(r->proc->base, fd, &link_ops, l, r->t_connect);
	if (l->gone == NULL || l->conn == NULL || l->connected == NULL ||
	    event_add(l->connected, NULL) < 0) {
		if (l->gone != NULL)
			event_free(l->gone);
		if (l->connected != NULL)
			event_free(l->connected);
		if (l->conn != NULL)
			conn_free(l->conn);
		free(l);
		no_socket(d, -ENOMEM);
		return;
	}
	r->links_n++;
	l->key = delivery_key(d);
	l->delivery = d;
	d->link = l;
	d->is_reused = false;
	say_open(l);
}
