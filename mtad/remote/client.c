#include "client.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"
#include "content.h"

#define AHEAD ((size_t)64 << 10) /* of commands, before a look at replies */

/* Steps of the envelope; between MAIL and DATA one for each recipient. */
enum { STEP_RSET, STEP_MAIL, STEP_RCPT };

static uint32_t
step_data(const struct link *l)
{
	return STEP_RCPT + l->delivery->n;
}

/* The step at or behind this one that this transaction has. */
static uint32_t
step_from(const struct link *l, uint32_t step)
{
	const struct delivery *d = l->delivery;

	if (step == STEP_RSET && !l->is_dirty)
		step++;
	while (step >= STEP_RCPT && step < step_data(l) &&
	    !d->rcpt[step - STEP_RCPT].is_in_transaction)
		step++;
	if (step == step_data(l) && l->is_chunked)
		step++;
	return step;
}

static bool
is_past_envelope(const struct link *l, uint32_t step)
{
	return step > step_data(l);
}

static enum wait
step_wait(const struct link *l, uint32_t step)
{
	if (step <= STEP_MAIL)
		return W_MAIL;
	return step < step_data(l) ? W_RCPT : W_DATAINIT;
}

const char *
client_command(const struct link *l)
{
	static const char *const names[L_STATES] = { [L_WAIT] = "conn",
		[L_CONNECT] = "conn",
		[L_GREETING] = "conn",
		[L_EHLO] = "ehlo",
		[L_HELO] = "ehlo",
		[L_IDLE] = "conn",
		[L_BODY] = "data",
		[L_DOT] = "dot",
		[L_EMPTY] = "data",
		[L_QUIT] = "quit",
		[L_DEAD] = "conn" };

	if (l->state != L_ENVELOPE)
		return names[l->state];
	if (l->got <= STEP_MAIL)
		return "mail";
	return l->got < step_data(l) ? "rcpt" : "data";
}

static void
put_step(struct link *l, uint32_t step)
{
	const struct delivery *d = l->delivery;
	struct buf *b = conn_out(l->conn);

	l->commands++;
	if (step == STEP_RSET) {
		buf_adds(b, "RSET\r\n");
	} else if (step == STEP_MAIL) {
		put_mail_command(b, &l->ehlo, &d->job, d->size);
	} else if (step < step_data(l)) {
		const struct delivery_rcpt *r = &d->rcpt[step - STEP_RCPT];

		put_rcpt_command(b, &l->ehlo, r->addr, r->orcpt, r->notify);
	} else {
		buf_adds(b, "DATA\r\n");
	}
}

/*
 * Say what may be said now: all of it with PIPELINING, as far as the output
 * is not full of it, else one command and then its reply.
 */
static void
perform_envelope(struct link *l)
{
	while (!is_past_envelope(l, l->put) && !conn_is_stuck(l->conn)) {
		while (!is_past_envelope(l, l->put) &&
		    conn_out(l->conn)->len < AHEAD &&
		    (l->ehlo.has_pipelining || l->put == l->got)) {
			put_step(l, l->put);
			l->put = step_from(l, l->put + 1);
		}
		if (conn_out(l->conn)->len == 0)
			break; /* a reply comes first */
		conn_flush(l->conn);
	}
}

/* The transaction is over, the server is ready for another. */
static void
end_transaction(struct link *l)
{
	struct delivery *d = l->delivery;

	l->delivery = NULL;
	d->link = NULL;
	l->messages++;
	link_idle(l);
	delivery_over(d);
}

/* The transaction stays as it was: on a fresh connection again. */
static void
again(struct link *l)
{
	struct delivery *d = l->delivery;

	l->delivery = NULL;
	d->link = NULL;
	link_close(l, "reset");
	delivery_again(d);
}

/* What this server cannot take is not sent. */
static bool
is_refused(const struct link *l, struct delivery *d)
{
	const struct verdict utf8 = VERDICT(553, "5.6.7", RC_CONTENT,
	    "The server does not take mail with addresses or headers in UTF-8");
	const struct verdict size = VERDICT(552, "5.3.4", RC_SIZE,
	    "The message is larger than the server takes");

	if ((d->job.flags & ENV_UTF8) && !l->ehlo.has_utf8)
		delivery_decide_all(d, "ehlo", &utf8);
	else if (l->ehlo.max_size != 0 && d->size > l->ehlo.max_size)
		delivery_decide_all(d, "ehlo", &size);
	else
		return false;
	return true;
}

void
client_perform(struct link *l)
{
	struct delivery *d = l->delivery;

	snprintf(d->session, sizeof(d->session), "%016llx",
	    (unsigned long long)l->id);
	delivery_begin(d);
	l->state = L_ENVELOPE;
	l->is_chunked = l->ehlo.has_chunking && !d->avoids_bdat;
	l->put = l->got = step_from(l, STEP_RSET);
	if (is_refused(l, d)) {
		end_transaction(l);
		return;
	}
	link_wait(l, W_MAIL);
	perform_envelope(l);
}

static void
send_hello(struct link *l, enum link_state next, const char *verb)
{
	struct buf *b = conn_out(l->conn);

	l->state = next;
	l->commands++;
	link_wait(l, W_HELO);
	buf_adds(b, verb);
	buf_adds(b, l->remote->proc->conf->HostName);
	buf_adds(b, "\r\n");
	conn_flush(l->conn);
}

/*
 * No is about this host, not about the mail: the next one may be better, and
 * when there is none it is a matter for later. RFC 5321 section 3.1 would
 * let 554 end it; in the field it is an overloaded or half-configured host.
 */
static void
refused_session(struct link *l)
{
	struct verdict v = server_reply_verdict(&l->reply);

	if (!verdict_is_temp(&v))
		v.code = 451;
	if (v.enhanced.n == 0 || v.enhanced.p[0] != '4')
		v.enhanced = SLICE("4.3.2");
	link_broke(l, &v, "error");
}

static void
got_greeting(struct link *l)
{
	if (l->reply.code == 220)
		send_hello(
		    l, L_EHLO, l->mailer == MAILER_LMTP ? "LHLO " : "EHLO ");
	else
		refused_session(l);
}

static void
got_hello(struct link *l)
{
	bool has_helo = l->state == L_EHLO && l->mailer != MAILER_LMTP;

	if (l->reply.code / 100 == 2) {
		l->delivery->conn_done = clock_mono();
		client_perform(l);
	} else if (l->reply.code / 100 == 5 && has_helo) {
		l->ehlo = (struct ehlo){ .max_size = 0 };
		send_hello(l, L_HELO, "HELO ");
	} else {
		refused_session(l);
	}
}

void
client_drained(struct link *l)
{
	if (l->state == L_BODY) {
		link_wait(l, W_BLOCK);
		content_go_on(l);
	} else if (l->state == L_DOT) {
		link_wait(l, W_FINAL);
	} else if (l->state == L_ENVELOPE) {
		perform_envelope(l);
	}
}

/* DATA was sent ahead and got its 354 though no recipient was taken: RFC 2920
 * section 3.1 wants the dot. What the server says to it means nothing. */
static void
perform_empty(struct link *l)
{
	l->state = L_EMPTY;
	link_wait(l, W_FINAL);
	buf_adds(conn_out(l->conn), ".\r\n");
	conn_flush(l->conn);
}

static void
got_empty(struct link *l)
{
	l->is_dirty = true; /* who knows what it made of that */
	end_transaction(l);
}

static void
got_mail(struct link *l, const struct verdict *v)
{
	if (verdict_is_ok(v))
		l->is_dirty = true; /* until the end of data */
	else
		delivery_decide_all(l->delivery, "mail", v);
}

/* 552 to RCPT is what 452 should be: too many (RFC 5321 section
 * 4.5.3.1.10). After a no to MAIL it says nothing new. */
static void
got_rcpt(struct delivery_rcpt *r, struct verdict v)
{
	if (r->has_word)
		return;
	if (verdict_is_ok(&v)) {
		r->is_accepted = true;
		return;
	}
	if (v.code == 552) {
		v.code = 452;
		v.enhanced = SLICE("4.5.3");
	}
	delivery_decide(r, "rcpt", &v);
}

/* A no to DATA that was sent ahead may only say that nobody was accepted. */
static void
got_data(struct link *l)
{
	struct delivery *d = l->delivery;
	struct verdict v = server_reply_verdict(&l->reply);
	bool has_any = delivery_accepted(d) != 0;

	if (v.code == 354 && has_any) {
		content_begin(l);
		return;
	}
	if (v.code == 354) {
		perform_empty(l);
		return;
	}
	if (v.code / 100 < 4) { /* out of step: nothing it says can be used */
		v = VERDICT(451, "4.5.0", RC_PROTOCOL,
		    "The server gave an answer out of place");
		link_broke(l, &v, "error");
		return;
	}
	if (has_any)
		for (uint32_t i = 0; i < d->n; i++)
			if (d->rcpt[i].is_accepted)
				delivery_decide(&d->rcpt[i], "data", &v);
	end_transaction(l);
}

/* An old connection whose server has had enough of it (too many messages,
 * state of its own): not a word about this mail. */
static bool
is_stale(const struct link *l, const struct verdict *v)
{
	return l->delivery->is_reused && !l->delivery->has_retried &&
	    (verdict_is_temp(v) || v->code == 503);
}

/* All replies up to DATA are there; what comes now? */
static void
envelope_goes_on(struct link *l)
{
	bool is_data_next =
	    is_past_envelope(l, l->got) || l->got == step_data(l);
	bool is_data_said = is_past_envelope(l, l->put) && !l->is_chunked;

	if (is_data_next && !is_data_said &&
	    delivery_accepted(l->delivery) == 0) {
		end_transaction(l);
		return;
	}
	if (is_past_envelope(l, l->got)) {
		content_begin(l);
		return;
	}
	link_wait(l, step_wait(l, l->got));
	perform_envelope(l);
}

static void
got_envelope(struct link *l)
{
	struct verdict v = server_reply_verdict(&l->reply);
	struct delivery *d = l->delivery;
	uint32_t step = l->got;

	if (v.code == 421) { /* it goes away in the midst */
		link_broke(l, &v, "reset");
		return;
	}
	if (step == STEP_MAIL && is_stale(l, &v)) {
		again(l);
		return;
	}
	if (step == step_data(l)) {
		got_data(l);
		return;
	}
	l->got = step_from(l, step + 1);
	if (step == STEP_RSET)
		l->is_dirty = false;
	else if (step == STEP_MAIL)
		got_mail(l, &v);
	else
		got_rcpt(&d->rcpt[step - STEP_RCPT], v);
	if (step == STEP_MAIL && !verdict_is_ok(&v) &&
	    !l->ehlo.has_pipelining) {
		end_transaction(l);
		return;
	}
	envelope_goes_on(l);
}

/* BDAT was offered and is not known: a box between us and the server. */
static bool
is_bdat_unknown(const struct link *l, const struct verdict *v)
{
	return l->is_chunked && !l->delivery->avoids_bdat && v->code >= 500 &&
	    v->code <= 504 && v->code != 501;
}

/* A reply while the body is going out: it will not be taken. */
static void
got_early(struct link *l)
{
	struct verdict v = server_reply_verdict(&l->reply);

	if (is_bdat_unknown(l, &v)) {
		l->delivery->avoids_bdat = true;
		again(l);
		return;
	}
	if (v.code / 100 < 4)
		v = VERDICT(451, "4.5.0", RC_PROTOCOL,
		    "The server answered in the midst of the message");
	link_broke(l, &v, "error");
}

/* One reply for all; with LMTP one for each that was accepted, in order. */
static void
got_dot(struct link *l)
{
	struct verdict v = server_reply_verdict(&l->reply);
	struct delivery *d = l->delivery;

	if (conn_is_stuck(l->conn) || is_bdat_unknown(l, &v)) {
		got_early(l);
		return;
	}
	if (verdict_is_ok(&v) && d->remote_id == NULL)
		d->remote_id = slice_dup(reply_remote_id(v.text));
	for (uint32_t i = 0; i < d->n; i++) {
		struct delivery_rcpt *r = &d->rcpt[i];

		if (!r->is_accepted || !r->is_in_transaction)
			continue;
		delivery_decide(r, "dot", &v);
		if (l->mailer == MAILER_LMTP) {
			r->is_accepted = false; /* has had its reply */
			break;
		}
	}
	if (--l->dots == 0) {
		l->is_dirty = false;
		end_transaction(l);
	}
}

/* 421 to an idle connection, or noise; the answer to QUIT. */
static void
got_last(struct link *l)
{
	link_close(l, l->state == L_QUIT ? "quit" : "reset");
}

void
client_got_reply(struct link *l)
{
	static void (*const got[L_STATES])(struct link *) = {
		[L_CONNECT] = got_greeting,
		[L_GREETING] = got_greeting,
		[L_EHLO] = got_hello,
		[L_HELO] = got_hello,
		[L_IDLE] = got_last,
		[L_ENVELOPE] = got_envelope,
		[L_BODY] = got_early,
		[L_DOT] = got_dot,
		[L_EMPTY] = got_empty,
		[L_QUIT] = got_last,
	};

	if (got[l->state] != NULL)
		got[l->state](l);
}
