/*
 * DATA and BDAT: RFC 5321 section 4.1.1.4, RFC 3030; what becomes of the
 * bytes, and the end of a message.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "header.h"
#include "session.h"

#define BUDGET ((size_t)64 << 20) /* bodies in memory, of all sessions */
#define EARLY ((size_t)16 << 10) /* over it, a body moves to a file early */

static void
begin(struct session *s, bool is_dotted)
{
	const struct conf *c = session_conf(s);
	struct body *b = &s->txn->body;

	body_init(b, is_dotted);
	b->is_normal = strcmp(c->BareNewlines, "normalize") == 0;
	b->max_line = (size_t)c->MaxTextLine;
	b->max_header = (size_t)c->MaxHeadersLength;
	b->max_hops = (unsigned)c->MaxHopCount;
	conn_timeout(s->conn, s->smtpd->t_block);
}

struct reply
verb_data(struct session *s, struct slice args)
{
	if (args.n != 0)
		return REPLY(501, "5.5.4 DATA takes nothing");
	if (s->txn->sub->env.rcpt_n == 0)
		return REPLY(503, "5.5.1 No valid recipients");
	begin(s, true);
	return REPLY(354, "End the message with a dot on a line of its own");
}

struct reply
verb_bdat(struct session *s, struct slice args)
{
	struct slice number;
	uint64_t n;

	if (!slice_next(&args, ' ', &number) ||
	    !slice_u64(number, UINT64_MAX / 2, &n) ||
	    (args.n != 0 && !slice_ieq(slice_trim(args), SLICE("LAST"))))
		return REPLY(501, "5.5.4 BDAT size [LAST]");
	if (s->state == ST_RCPT)
		begin(s, false);
	s->txn->chunk_left = n;
	s->txn->is_last_chunk = args.n != 0;
	conn_timeout(s->conn, s->smtpd->t_block);
	s->state = ST_CHUNK;
	if (n == 0)
		data_chunk_over(s);
	return REPLY_LATER;
}

static void
refuse(struct session *s, const char *text)
{
	struct txn *t = s->txn;

	if (t->is_refused)
		return;
	t->is_refused = true;
	t->refusal = text;
	s->smtpd->body_bytes -= t->sub->body.len;
	buf_release(&t->sub->body); /* the rest is read and dropped */
}

/* Message-ID, while the header is in memory. */
static void
note_header(struct session *s)
{
	struct submission *sub = s->txn->sub;
	struct header_field f;

	if (sub->env_message_id.len == 0 &&
	    header_find(buf_slice(&sub->body), SLICE("Message-ID"), &f) &&
	    f.value.n < 1000)
		buf_add_slice(&sub->env_message_id, f.value);
	sub->has_date = header_find(buf_slice(&sub->body), SLICE("Date"), &f);
	sub->has_from = header_find(buf_slice(&sub->body), SLICE("From"), &f);
	sub->is_noted = true;
}

/* Into a file of its own, or further into it. */
static void
spill(struct session *s)
{
	struct txn *t = s->txn;
	struct submission *sub = t->sub;
	int rc;

	if (sub->body_fd < 0) {
		note_header(s);
		sub->body_fd =
		    store_take_body(s->smtpd->store, &sub->body_file);
	}
	if (sub->body_fd < 0) {
		refuse(s,
		    "452 4.3.1 No room for a large message now, try again "
		    "later");
		return;
	}
	rc = file_write_all(sub->body_fd, sub->body.data, sub->body.len);
	if (rc < 0) {
		refuse(s,
		    "452 4.3.1 The message could not be stored, try again "
		    "later");
		return;
	}
	sub->env.body_crc = 0;
	s->smtpd->body_bytes -= sub->body.len;
	buf_clear(&sub->body);
}

static void
watch_size(struct session *s, size_t before)
{
	const struct conf *c = session_conf(s);
	struct txn *t = s->txn;
	size_t limit = (size_t)c->LargeBodySize;

	s->smtpd->body_bytes += t->sub->body.len - before;
	if (c->MaxMessageSize != 0 &&
	    t->body.size > (uint64_t)c->MaxMessageSize) {
		refuse(s, "552 5.3.4 The message is larger than we take");
		return;
	}
	if (s->smtpd->body_bytes > BUDGET)
		limit = EARLY;
	if (t->sub->body.len >= limit)
		spill(s);
}

static void
put_from(struct buf *b, const struct session *s)
{
	static const char *const fcrdns[] = { [FCRDNS_FAIL] =
						  " (may be forged)",
		[FCRDNS_PASS] = "",
		[FCRDNS_NONE] = "",
		[FCRDNS_TEMP] = "" };

	if (s->kind == KIND_LOCAL) {
		buf_addf(b, "Received: (from uid %u)\r\n", s->uid);
		return;
	}
	buf_addf(b, "Received: from %s (%s%s[%s%s]%s)\r\n",
	    s->helo ? s->helo : "unknown", s->name ? s->name : "",
	    s->name ? " " : "", strchr(s->ip, ':') ? "IPv6:" : "",
	    s->ip[0] ? s->ip : "local", s->has_name ? fcrdns[s->fcrdns] : "");
}

static const char *
protocol_of(const struct session *s)
{
	if (s->kind == KIND_LOCAL)
		return "local";
	if (s->is_lmtp)
		return "lmtp";
	return s->is_esmtp ? "esmtp" : "smtp";
}

/* Received (RFC 5321 section 4.4), and on submission what is missing. */
static void
put_head(struct submission *sub, struct msgid id, struct buf *b)
{
	struct session *s = sub->arg;
	struct p_envelope *e = &sub->env;
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	if (s == NULL) { /* gone since: the message is complete all the same */
		buf_addf(b, "Received: by %s id %s; ", sub->host, text);
	} else {
		put_from(b, s);
		buf_addf(b, "\tby %s with %s%s id %s", sub->host,
		    e->flags & ENV_UTF8 ? "UTF8" : "",
		    s->is_lmtp	      ? "LMTP"
			: s->is_esmtp ? "ESMTP"
				      : "SMTP",
		    text);
		if (e->rcpt_n == 1)
			buf_addf(b, "\r\n\tfor <%s>", s->txn->first_rcpt.data);
		buf_adds(b, ";\r\n\t");
	}
	clock_rfc5322(b, e->received);
	buf_adds(b, "\r\n");
	if (sub->completes) {
		if (!sub->has_date) {
			buf_adds(b, "Date: ");
			clock_rfc5322(b, e->received);
			buf_adds(b, "\r\n");
		}
		if (sub->env_message_id.len == 0)
			buf_addf(b, "Message-ID: <%s@%s>\r\n", text, sub->host);
		if (!sub->has_from)
			buf_addf(b, "From: <%.*s>\r\n", SLICE_ARG(e->sender));
	}
	e->size += b->len;
	e->header_size += (uint32_t)b->len;
}

/* LMTP: a reply for each recipient, the same for all (RFC 2033 section 4.2). */
static void
answer_end(struct session *s, struct reply r)
{
	uint32_t n = s->txn && s->is_lmtp ? s->txn->rcpt_n : 1;

	s->after = ST_READY;
	s->state = ST_READY;
	txn_free(s);
	for (uint32_t i = 1; i < n; i++)
		session_reply(s, r);
	session_answer(s, r);
}

static void
stored(struct submission *sub, struct msgid id, int code, const char *text)
{
	struct session *s = sub->arg;
	char id_text[MSGID_TEXT + 1];

	if (s == NULL)
		return;
	s->flying = NULL;
	if (code != 250) {
		answer_end(s, REPLY(code, text));
		return;
	}
	s->messages++;
	msgid_text(id, id_text);
	snprintf(s->scratch, sizeof(s->scratch), "2.0.0 %s Message accepted",
	    id_text);
	answer_end(s, REPLY(250, s->scratch));
}

/* The strings of the envelope outlive the session: copies. */
static bool
fill_envelope(struct session *s)
{
	struct txn *t = s->txn;
	struct submission *sub = t->sub;
	struct p_envelope *e = &sub->env;
	struct buf *k = &sub->kept;
	char session[17], uid[16];
	size_t at[8];
	const char *texts[] = { t->sender.data, t->envid.data, protocol_of(s),
		s->ip, s->name ? s->name : "", s->helo ? s->helo : "",
		s->kind == KIND_LOCAL ? uid : "", session };
	struct slice *to[] = { &e->sender, &e->envid, &e->protocol,
		&e->client_ip, &e->client_name, &e->helo, &e->user,
		&e->session };

	snprintf(
	    session, sizeof(session), "%016llx", (unsigned long long)s->id);
	snprintf(uid, sizeof(uid), "%u", s->uid);
	for (int i = 0; i < 8; i++) {
		at[i] = k->len;
		buf_adds(k, texts[i]);
	}
	for (int i = 0; i < 8 && !k->bad; i++)
		*to[i] = (struct slice){ k->data + at[i], strlen(texts[i]) };
	e->message_id = buf_slice(&sub->env_message_id);
	e->received = clock_wall();
	e->recv_us = (uint32_t)(clock_mono() - t->started);
	e->size = t->body.size;
	e->header_size = t->body.header_size;
	if (t->body.has_8bit)
		e->flags |= ENV_8BIT;
	return !k->bad && !sub->rcpts.bad;
}

/* The whole message is there: to the store, or refused. */
static void
message_over(struct session *s)
{
	struct txn *t = s->txn;
	struct submission *sub = t->sub;
	const char *wrong = t->is_refused ? t->refusal
	    : t->body.fault != BODY_FINE  ? body_refusal(t->body.fault)
					  : NULL;

	session_wait(s);
	if (wrong == NULL && sub->body_fd >= 0 && sub->body.len != 0) {
		spill(s);
		wrong = t->is_refused ? t->refusal : NULL;
	}
	if (wrong == NULL && !fill_envelope(s))
		wrong = "451 4.3.0 Out of memory, try again later";
	if (wrong != NULL) {
		t->rcpt_n = sub->env.rcpt_n;
		answer_end(s, REPLY(atoi(wrong), wrong + 4));
		return;
	}
	if (!sub->is_noted)
		note_header(s);
	sub->host = s->smtpd->host;
	sub->completes = s->kind == KIND_LOCAL || s->kind == KIND_SUBMISSION;
	sub->head = put_head;
	sub->done = stored;
	sub->arg = s;
	t->rcpt_n = sub->env.rcpt_n;
	s->smtpd->body_bytes -= sub->body.len;
	s->flying = sub;
	t->sub = NULL;
	store_submit(s->smtpd->store, sub);
}

void
data_chunk_over(struct session *s)
{
	struct txn *t = s->txn;

	if (t->is_last_chunk) {
		body_finish(&t->body, &t->sub->body);
		message_over(s);
		return;
	}
	s->state = ST_BDAT;
	conn_timeout(s->conn, s->smtpd->t_command);
	session_reply(s, REPLY(250, "2.0.0 Chunk ok"));
}

/* A refused message is read to its true end, into nothing. */
static size_t
feed(struct session *s, struct slice in, bool *ret_end)
{
	struct txn *t = s->txn;
	struct buf drop, *to = &t->sub->body;
	size_t before = to->len, n;

	if (!t->is_refused) {
		n = body_feed(&t->body, in, to, ret_end);
		watch_size(s, before);
		return n;
	}
	buf_init(&drop, (size_t)1 << 30);
	n = body_feed(&t->body, in, &drop, ret_end);
	buf_release(&drop);
	return n;
}

size_t
data_input(struct session *s, struct slice in)
{
	struct txn *t = s->txn;
	bool is_end;
	size_t n;

	if (s->state == ST_CHUNK && in.n > t->chunk_left)
		in.n = (size_t)t->chunk_left;
	n = feed(s, in, &is_end);
	if (s->state == ST_CHUNK) {
		t->chunk_left -= n;
		if (t->chunk_left == 0)
			data_chunk_over(s);
	} else if (is_end) {
		message_over(s);
	}
	return n;
}
