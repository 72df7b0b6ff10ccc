#include "session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "access.h"
#include "asks.h"
#include "clock.h"

/* Verbs: one file each, registered here. is_junk: counts against a limit. */
static const struct {
	struct reply (*run)(struct session *, struct slice args);
	bool is_junk;
} verbs[V_COUNT] = {
	[V_HELO] = { verb_hello, false },
	[V_EHLO] = { verb_hello, false },
	[V_LHLO] = { verb_hello, false },
	[V_MAIL] = { verb_mail, false },
	[V_RCPT] = { verb_rcpt, false },
	[V_DATA] = { verb_data, false },
	[V_BDAT] = { verb_bdat, false },
	[V_RSET] = { verb_rset, false },
	[V_NOOP] = { verb_noop, true },
	[V_QUIT] = { verb_quit, false },
	[V_HELP] = { verb_help, true },
	[V_VRFY] = { verb_vrfy, true },
	[V_EXPN] = { verb_vrfy, true },
};

const struct conf *
session_conf(const struct session *s)
{
	return s->smtpd->proc->conf;
}

static void
event_common(
    struct event *e, enum event_type t, const struct session *s, char id[17])
{
	event_init(e, t);
	snprintf(id, 17, "%016llx", (unsigned long long)s->id);
	event_cstr(e, F_SESSION_ID, id);
	event_cstr(e, F_PEER_IP, s->ip[0] ? s->ip : "local");
}

static void
say_open(struct session *s)
{
	char id[17];
	struct event e;

	event_common(&e, EV_CONN_OPEN, s, id);
	event_cstr(&e, F_DIRECTION, "in");
	if (s->port != 0)
		event_num(&e, F_PEER_PORT, s->port);
	event_cstr(&e, F_LISTENER, s->listener->title);
	evlog_emit(s->smtpd->proc->log, &e);
}

static void
say_close(struct session *s, const char *cause)
{
	char id[17];
	struct event e;

	event_common(&e, EV_CONN_CLOSE, s, id);
	event_cstr(&e, F_DIRECTION, "in");
	event_num(&e, F_DURATION_US, (uint64_t)(clock_mono() - s->opened));
	event_num(&e, F_IN_BYTES, conn_bytes_in(s->conn));
	event_num(&e, F_OUT_BYTES, conn_bytes_out(s->conn));
	event_num(&e, F_COMMANDS_COUNT, s->commands);
	event_num(&e, F_MESSAGES_COUNT, s->messages);
	event_cstr(&e, F_CAUSE, cause);
	evlog_emit(s->smtpd->proc->log, &e);
}

static void
say_reject(struct session *s, struct reply r)
{
	struct slice text = slice_of(r.text), enhanced;
	char id[17];
	struct event e;

	event_common(&e, EV_CONN_REJECT, s, id);
	event_cstr(&e, F_COMMAND, smtp_verb_name(s->verb));
	event_num(&e, F_CODE, (uint64_t)r.code);
	if (verdict_cut_enhanced(r.code, &text, &enhanced))
		event_str(&e, F_ENHANCED, enhanced);
	event_str(&e, F_TEXT, text);
	if (s->txn != NULL)
		event_str(&e, F_MAIL_FROM, buf_slice(&s->txn->sender));
	if (s->asked != NULL)
		event_cstr(&e, F_RCPT_TO, s->asked->local);
	event_cstr(&e, F_HELO, s->helo);
	evlog_emit(s->smtpd->proc->log, &e);
	stat_add(s->smtpd->proc->slot, ST_CONN_REJECTED, 1);
}

void
txn_free(struct session *s)
{
	struct txn *t = s->txn;

	if (t == NULL)
		return;
	s->txn = NULL;
	if (t->sub != NULL) {
		s->smtpd->body_bytes -= t->sub->body.len;
		submission_free(s->smtpd->store, t->sub);
	}
	buf_release(&t->sender);
	buf_release(&t->envid);
	buf_release(&t->first_rcpt);
	free(t);
}

void
session_end(struct session *s, const char *cause)
{
	struct smtpd *d = s->smtpd;

	if (s->is_ended)
		return;
	s->is_ended = true;
	conn_flush(s->conn);
	say_close(s, cause);
	asks_drop(d->asks, s->ask_key);
	if (s->flying != NULL)
		s->flying->arg = NULL; /* the message stands, nobody is told */
	txn_free(s);
	access_close(d->access, s->client);
	LIST_REMOVE(s, link);
	d->sessions_n--;
	stat_add(d->proc->slot, ST_CONN_IN_OPEN, -1);
	conn_free(s->conn);
	free(s->helo);
	free(s->name);
	free(s->asked);
	free(s->orcpt);
	free(s);
}

static void
put_reply(struct session *s, int code, const char *text)
{
	struct buf *b = conn_out(s->conn);

	buf_add_u64(b, (uint64_t)code);
	buf_addc(b, ' ');
	buf_adds(b, text);
	buf_add(b, "\r\n", 2);
}

void
session_reply(struct session *s, struct reply r)
{
	const struct conf *c = session_conf(s);

	if (r.code == 0)
		return;
	if (r.text != NULL && r.text[0] != '\0')
		put_reply(s, r.code, r.text);
	if (r.code < 400)
		return;
	say_reject(s, r);
	if (r.code >= 500 && ++s->errors >= c->MaxBadCommands &&
	    s->state != ST_CLOSED) {
		put_reply(s, 421, "4.7.0 Too many errors, closing");
		s->state = ST_CLOSED;
	}
}

void
session_wait(struct session *s)
{
	s->is_waiting = true;
	conn_pause(s->conn);
}

void
session_answer(struct session *s, struct reply r)
{
	s->is_waiting = false;
	if (r.code / 100 == 2 || r.code / 100 == 3)
		s->state = s->after;
	session_reply(s, r);
	if (conn_is_reading(s->conn)) { /* on_input() goes on, or ends it */
		conn_resume(s->conn);
		conn_timeout(s->conn, s->smtpd->t_command);
		return;
	}
	if (s->state == ST_CLOSED) {
		session_end(s, "limit");
		return;
	}
	conn_timeout(s->conn, s->smtpd->t_command);
	if (!conn_has_input(s->conn))
		conn_flush(s->conn);
	conn_resume(s->conn);
}

static void
run_verb(struct session *s, enum smtp_verb v, struct slice args)
{
	struct smtp_step step = smtp_step(s->state, v);
	struct reply r;

	s->verb = v;
	s->commands++;
	if (step.code != 0) {
		session_reply(s, REPLY(step.code, step.text));
		return;
	}
	if (verbs[v].is_junk &&
	    ++s->errors >= session_conf(s)->MaxBadCommands) {
		session_reply(s, REPLY(421, "4.7.0 Too many idle commands"));
		s->state = ST_CLOSED;
		return;
	}
	s->after = step.next;
	r = verbs[v].run(s, args);
	if (r.code == 0)
		return;
	if (r.code / 100 == 2 || r.code / 100 == 3)
		s->state = s->after;
	session_reply(s, r);
}

/* The first line of another protocol (cross-protocol attacks, lost
 * browsers): no dialogue. */
static bool
is_foreign(struct slice line)
{
	static const char *const words[] = { "GET ", "POST ", "PUT ", "HEAD ",
		"OPTIONS ", "CONNECT ", "SSH-", "Host:", "\x16\x03" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_istarts(line, slice_of(words[i])))
			return true;
	return false;
}

static void
run_line(struct session *s, struct slice line)
{
	struct slice args;
	enum smtp_verb v;

	if (s->state == ST_HELO && is_foreign(line)) {
		s->verb = V_BAD;
		session_reply(s, REPLY(421, "4.7.0 This is SMTP"));
		s->state = ST_CLOSED;
		return;
	}
	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') {
			s->verb = V_BAD;
			s->commands++;
			session_reply(s,
			    REPLY(
				500, "5.5.2 Control characters in a command"));
			return;
		}
	v = smtp_verb(line, &args);
	run_verb(s, v, args);
}

/* One command off the input; 0: it is not whole yet. */
static size_t
take_line(struct session *s, struct slice in)
{
	size_t max = (size_t)session_conf(s)->MaxCommandLine;
	size_t nl = slice_find(in, '\n');
	struct slice line = slice_sub(in, 0, nl);

	if (nl == in.n) {
		if (in.n < max && !s->is_skipping)
			return 0;
		s->is_skipping = true;
		return in.n;
	}
	if (s->is_skipping || nl + 1 > max) {
		s->is_skipping = false;
		s->verb = V_BAD;
		session_reply(s, REPLY(500, "5.5.2 Command line too long"));
		return nl + 1;
	}
	if (line.n != 0 && line.p[line.n - 1] == '\r')
		line.n--;
	run_line(s, line);
	return nl + 1;
}

static size_t
on_input(void *arg, struct slice in)
{
	struct session *s = arg;
	size_t used = 0;

	while (used < in.n && s->state != ST_CLOSED && !s->is_waiting) {
		struct slice rest = slice_sub(in, used, in.n);
		size_t n = s->state == ST_DATA || s->state == ST_CHUNK
		    ? data_input(s, rest)
		    : take_line(s, rest);

		if (n == 0)
			break;
		used += n;
	}
	if (s->state == ST_CLOSED) {
		session_end(s, s->verb == V_QUIT ? "quit" : "limit");
		return in.n;
	}
	conn_flush(s->conn);
	return used;
}

static void
on_ended(void *arg, const char *cause)
{
	struct session *s = arg;

	if (strcmp(cause, "timeout") == 0)
		put_reply(s, 421, "4.4.2 Idle for too long, closing");
	session_end(s, cause);
}

static const struct conn_ops conn_ops = { on_input, on_ended, NULL };

static void
greet(struct session *s)
{
	struct buf *b = conn_out(s->conn);

	buf_addf(b, "220 %s %s\r\n", session_conf(s)->HostName,
	    session_conf(s)->Banner);
	conn_flush(s->conn);
}

static enum listener_kind
kind_of(const char *word)
{
	static const char *const words[] = { "smtp", "lmtp", "submission",
		"local" };

	for (int k = 0; k < 4; k++)
		if (strcmp(word, words[k]) == 0)
			return (enum listener_kind)k;
	return KIND_SMTP;
}

/* Who it is: address and port, or the user behind a Unix socket. */
static void
identify(struct session *s, int fd)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage ss;
	} u;
	socklen_t n = sizeof(u);
	struct ucred cr;

	memset(&u, 0, sizeof(u));
	if (getpeername(fd, &u.sa, &n) < 0)
		return;
	if (u.sa.sa_family == AF_INET) {
		inet_ntop(AF_INET, &u.in.sin_addr, s->ip, sizeof(s->ip));
		s->port = ntohs(u.in.sin_port);
	} else if (u.sa.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &u.in6.sin6_addr, s->ip, sizeof(s->ip));
		s->port = ntohs(u.in6.sin6_port);
	} else {
		n = sizeof(cr);
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cr, &n) == 0)
			s->uid = cr.uid;
	}
}

/* Too many in all, or of this client: 421 before anything else. */
static const char *
too_many(struct session *s)
{
	const struct conf *c = session_conf(s);
	struct smtpd *d = s->smtpd;
	uint32_t share = (uint32_t)d->proc->smtpds;

	if (d->sessions_n > (uint32_t)c->MaxSessions / share + 1)
		return "4.7.0 Too many connections, try again later";
	if (s->ip[0] == '\0' || s->is_trusted)
		return NULL;
	if (s->client != NULL &&
	    s->client->n > (uint32_t)c->MaxSessionsPerClient / share + 1)
		return "4.7.0 Too many connections from your address";
	return NULL;
}

static void
ask_name(struct session *s)
{
	if (s->ip[0] == '\0' || strncmp(s->ip, "127.", 4) == 0 ||
	    strcmp(s->ip, "::1") == 0)
		return;
	PROC_SEND(&s->smtpd->proc->remote[0], name_ask, NAME_ASK, .key = s->id,
	    .ip = slice_of(s->ip));
}

void
session_new(struct smtpd *d, int fd, const struct conf_listener *l)
{
	struct session *s = calloc(1, sizeof(*s));
	const char *refusal;

	if (s == NULL) {
		close(fd);
		return;
	}
	*s = (struct session){ .smtpd = d,
		.listener = l,
		.kind = kind_of(l->Kind),
		.state = ST_HELO,
		.id = d->next_id++,
		.opened = clock_mono() };
	identify(s, fd);
	s->is_lmtp = s->kind == KIND_LMTP;
	s->is_trusted = s->kind == KIND_LOCAL ||
	    (s->ip[0] != '\0' && access_is_trusted(d->access, s->ip)) ||
	    (s->ip[0] == '\0' && s->is_lmtp);
	s->conn = conn_new(d->proc->base, fd, &conn_ops, s, d->t_command);
	if (s->conn == NULL) {
		free(s);
		return;
	}
	if (s->ip[0] != '\0' && !s->is_trusted)
		s->client = access_open(d->access, s->ip);
	LIST_INSERT_HEAD(&d->sessions, s, link);
	d->sessions_n++;
	stat_add(d->proc->slot, ST_CONN_IN, 1);
	stat_add(d->proc->slot, ST_CONN_IN_OPEN, 1);
	say_open(s);
	refusal = too_many(s);
	if (refusal != NULL) {
		s->verb = V_BAD;
		session_reply(s, REPLY(421, refusal));
		session_end(s, "limit");
		return;
	}
	ask_name(s);
	if (session_conf(s)->GreetPause == 0 || s->is_trusted)
		greet(s);
	else
		session_pause_greeting(s);
}

static const struct timeval *
pause_time(struct session *s)
{
	int64_t us = session_conf(s)->GreetPause;

	s->smtpd->t_pause = (struct timeval){ us / US_SEC, us % US_SEC };
	return &s->smtpd->t_pause;
}

struct pause {
	struct smtpd *d;
	uint64_t id;
};

static void
on_pause_over(int fd, short what, void *arg)
{
	struct pause *p = arg;
	struct session *s;

	(void)fd;
	(void)what;
	LIST_FOREACH (s, &p->d->sessions, link)
		if (s->id == p->id)
			break;
	free(p);
	if (s == NULL)
		return;
	if (conn_has_input(s->conn)) { /* who talks first is no mail server */
		s->verb = V_BAD;
		session_reply(
		    s, REPLY(554, "5.7.0 You talk before the greeting"));
		session_end(s, "limit");
		return;
	}
	greet(s);
	conn_resume(s->conn);
}

void
session_pause_greeting(struct session *s)
{
	struct pause *p = malloc(sizeof(*p));

	if (p == NULL) {
		greet(s);
		return;
	}
	*p = (struct pause){ s->smtpd, s->id };
	conn_pause(s->conn);
	event_base_once(s->smtpd->proc->base, -1, EV_TIMEOUT, on_pause_over, p,
	    pause_time(s));
}

void
session_stop(struct session *s)
{
	if (s->state == ST_DATA || s->state == ST_CHUNK || s->is_waiting)
		return;
	put_reply(s, 421, "4.3.2 The mail server is stopping, try again later");
	session_end(s, "shutdown");
}

void
session_tick(struct session *s, int64_t now)
{
	if (now - s->opened < session_conf(s)->TimeoutSession || s->is_waiting)
		return;
	put_reply(s, 421, "4.4.2 The session lasts too long, closing");
	session_end(s, "limit");
}
