#include "session.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "asks.h"
#include "budget.h"
#include "clock.h"
#include "message.h"

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

#define OUT_AT_ONCE ((size_t)64 << 10) /* of replies, before a look */

const struct conf *
session_conf(const struct session *s)
{
	return s->smtpd->proc->conf;
}

void
txn_free(struct session *s)
{
	struct txn *t = s->txn;
	if (t == NULL)
		return;
	message_stop_waiting(s);
	if (t->sub != NULL)
		message_give_up(s);
	s->txn = NULL;
	if (t->sub != NULL)
		store_forget(s->smtpd->store, t->sub);
	buf_release(&t->sender);
	buf_release(&t->envid);
	free(t);
}

void
session_end(struct session *s, const char *cause)
{
	struct smtpd *d = s->smtpd;

	if (s->is_ended)
		return;
	s->is_ended = true;
	if (s->verb == V_QUIT)
		conn_flush_last(s->conn);
	else
		conn_flush(s->conn);
	session_say_close(s, cause);
	asks_drop(d->asks, s->ask_key);
	if (s->flying != NULL)
		s->flying->arg = NULL; /* the message stands, nobody is told */
	txn_free(s);
	access_close(d->access, s->client);
	LIST_REMOVE(s, link);
	map_del(&d->by_id, s);
	d->sessions_n--;
	d->class_n[s->class]--;
	stat_add(d->proc->slot, ST_CONN_IN_OPEN, -1);
	conn_free(s->conn);
	free(s->helo);
	free(s->name);
	free(s->asked);
	free(s->orcpt);
	free(s);
}

void
session_put(struct session *s, struct reply r)
{
	struct buf *b = conn_out(s->conn);

	buf_add_u64(b, (uint64_t)r.code);
	buf_addc(b, ' ');
	buf_adds(b, r.text);
	buf_add(b, "\r\n", 2);
}

/*
 * A 4yz is nobody's fault. Recipients that a trusted client's user mistyped
 * are none of the client's; from others many of them are a harvest.
 */
static void
count_error(struct session *s, struct reply r)
{
	if (r.code < 500 || (s->verb == V_RCPT && s->is_trusted))
		return;
	if (++s->errors < session_conf(s)->MaxBadCommands ||
	    s->state == ST_CLOSED)
		return;
	session_put(s, REPLY(421, "4.7.0 Too many errors, closing"));
	s->state = ST_CLOSED;
}

void
session_reply(struct session *s, struct reply r)
{
	if (r.code == 0)
		return;
	if (r.text != NULL && r.text[0] != '\0')
		session_put(s, r);
	if (r.code < 400)
		return; /* a client may pipeline any number of recipients: told once */
	if (s->txn == NULL || !s->txn->is_full || r.code != 452)
		session_say_reject(s, r);
	count_error(s, r);
}

void
session_wait(struct session *s)
{
	s->is_waiting = true;
	conn_pause(s->conn);
}

static bool
is_in_message(const struct session *s)
{
	return s->state == ST_DATA || s->state == ST_CHUNK ||
	    s->state == ST_BDAT || s->is_waiting;
}

/* Over, or stopping with nothing begun: the session ends. True: it is gone. */
static bool
ended_now(struct session *s)
{
	if (s->state == ST_CLOSED) {
		session_end(s, s->verb == V_QUIT ? "quit" : "limit");
		return true;
	}
	if (!s->smtpd->proc->is_stopping || is_in_message(s))
		return false;
	session_stop(s, false);
	return true;
}

/* Replies that the client does not read stop the reading of commands. */
static void
flush(struct session *s)
{
	conn_flush(s->conn);
	if (!conn_is_stuck(s->conn))
		return;
	s->is_choked = true;
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
	if (ended_now(s))
		return;
	conn_timeout(s->conn, s->smtpd->t_command);
	if (!conn_has_input(s->conn))
		flush(s);
	if (!s->is_choked)
		conn_resume(s->conn);
}

static void
on_drained(void *arg)
{
	struct session *s = arg;

	s->is_choked = false;
	if (!s->is_waiting)
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
		r = REPLY(step.code, step.text);
		session_reply(s, v == V_BDAT ? bdat_refused(s, args, r) : r);
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
 * browsers), or a byte that begins none of ours (a TLS hello has no line):
 * no dialogue. */
static bool
is_foreign(struct slice line)
{
	static const char *const words[] = { "GET ", "POST ", "PUT ", "HEAD ",
		"OPTIONS ", "CONNECT ", "DELETE ", "PATCH ", "TRACE ",
		"PRI * HTTP", "SSH-", "Host:", "USER ", "PROXY " };

	if (line.n != 0 &&
	    ((unsigned char)line.p[0] & 0x80 ||
		((unsigned char)line.p[0] < 0x20 && line.p[0] != '\r' &&
		    line.p[0] != '\n')))
		return true;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_istarts(line, slice_of(words[i])))
			return true;
	return false;
}

static void
refuse_line(struct session *s, int code, const char *text)
{
	s->verb = V_BAD;
	s->commands++;
	session_reply(s, REPLY(code, text));
}

static void
run_line(struct session *s, struct slice line)
{
	struct slice args;
	enum smtp_verb v;

	for (size_t i = 0; i < line.n; i++)
		if ((unsigned char)line.p[i] < 0x20 && line.p[i] != '\t') {
			refuse_line(
			    s, 500, "5.5.2 Control characters in a command");
			return;
		}
	v = smtp_verb(line, &args);
	run_verb(s, v, args);
}

/*
 * One command off the input; 0: it is not whole yet. A line that ends with a
 * LF alone may have been slipped into an address by whoever wrote it, so it
 * is no command unless BareNewlines says so (RFC 5321 section 2.3.8).
 */
static size_t
take_line(struct session *s, struct slice in)
{
	size_t max = (size_t)session_conf(s)->MaxCommandLine;
	size_t nl = slice_find(in, '\n');
	struct slice line = slice_sub(in, 0, nl);
	bool has_cr = line.n != 0 && line.p[line.n - 1] == '\r';

	if (s->commands == 0 && !s->is_skipping && is_foreign(line)) {
		refuse_line(s, 421, "4.7.0 This is SMTP");
		s->state = ST_CLOSED;
		return in.n;
	}
	if (nl == in.n) {
		if (in.n < max && !s->is_skipping)
			return 0;
		s->is_skipping = true;
		return in.n;
	}
	if (s->is_skipping || nl + 1 > max) {
		s->is_skipping = false;
		refuse_line(s, 500, "5.5.2 Command line too long");
	} else if (!has_cr && session_conf(s)->BareNewlines[0] == 'r') {
		refuse_line(s, 500, "5.5.2 A command line ends with CRLF");
	} else {
		line.n -= has_cr;
		run_line(s, line);
	}
	return nl + 1;
}

static bool
is_reading_data(const struct session *s)
{
	return s->state == ST_DATA || s->state == ST_CHUNK ||
	    s->state == ST_SKIP;
}

static size_t
on_input(void *arg, struct slice in)
{
	struct session *s = arg;
	size_t used = 0;

	while (used < in.n && s->state != ST_CLOSED && !s->is_waiting &&
	    !s->is_choked) {
		struct slice rest = slice_sub(in, used, in.n);
		size_t n = is_reading_data(s) ? data_input(s, rest)
					      : take_line(s, rest);

		if (n == 0)
			break;
		used += n;
		if (conn_out(s->conn)->len > OUT_AT_ONCE)
			flush(s);
	}
	if (ended_now(s))
		return in.n;
	s->taken += used;
	if (!s->is_waiting) /* the replies of a batch leave in one write */
		flush(s);
	return used;
}

static void
on_ended(void *arg, const char *cause)
{
	struct session *s = arg;

	if (strcmp(cause, "timeout") == 0)
		session_put(s, REPLY(421, "4.4.2 Idle for too long, closing"));
	session_end(s, cause);
}

const struct conn_ops session_conn_ops = { on_input, on_ended, on_drained };

void
session_stop(struct session *s, bool is_last_call)
{
	if (is_in_message(s) && !is_last_call)
		return;
	session_put(s,
	    REPLY(421, "4.3.2 The mail server is stopping, try again later"));
	session_end(s, "shutdown");
}

void
session_tick(struct session *s, int64_t now)
{
	if (now - s->opened < session_conf(s)->TimeoutSession || s->is_waiting)
		return;
	session_put(s, REPLY(421, "4.4.2 The session lasts too long, closing"));
	session_end(s, "limit");
}
