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

/* "n" or "n LAST". */
static bool
parse_chunk(struct slice args, uint64_t *ret_n, bool *ret_is_last)
{
	struct slice number;

	if (!slice_next(&args, ' ', &number) ||
	    !slice_u64(number, UINT64_MAX / 2, ret_n))
		return false;
	args = slice_trim(args);
	*ret_is_last = args.n != 0;
	return args.n == 0 || slice_ieq(args, SLICE("LAST"));
}

/* Where the chunk ends is not known: nothing behind it can be trusted. */
static struct reply
lost_count(struct session *s)
{
	session_reply(s, REPLY(501, "5.5.4 BDAT size [LAST]; closing"));
	s->state = s->after = ST_CLOSED;
	return REPLY_LATER;
}

/* Whatever becomes of it, the bytes that follow are no commands (RFC 3030
 * section 4.2). */
struct reply
bdat_refused(struct session *s, struct slice args, struct reply r)
{
	bool is_last;

	if (!parse_chunk(args, &s->chunk_left, &is_last))
		return lost_count(s);
	if (s->chunk_left != 0) {
		s->skip_to = s->state;
		s->state = ST_SKIP;
	}
	return r;
}

struct reply
verb_bdat(struct session *s, struct slice args)
{
	if (!parse_chunk(args, &s->chunk_left, &s->txn->is_last_chunk))
		return lost_count(s);
	if (s->state == ST_RCPT)
		begin(s, false);
	conn_timeout(s->conn, s->smtpd->t_block);
	s->state = ST_CHUNK;
	if (s->chunk_left == 0)
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
	sub->is_headless = s->txn->body.header_size == 0;
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
	if (sub->body_fd < 0)
		note_header(s);
	if (sub->body_fd < 0 && !store_take_body(s->smtpd->store, sub)) {
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
	/* the header stays until it is whole: note_header() reads it */
	if (t->sub->body.len >= limit && !t->body.is_header)
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
		buf_adds(b, "Received: (from uid ");
		buf_add_u64(b, s->uid);
		buf_adds(b, ")\r\n");
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
	buf_adds(b, ")\r\n");
}

/* "with" of Received: RFC 3848, RFC 6531 section 4.3. */
static const char *
with_of(const struct session *s, bool is_utf8)
{
	if (s->kind == KIND_LOCAL)
		return "local";
	if (s->is_lmtp)
		return is_utf8 ? "UTF8LMTP" : "LMTP";
	if (is_utf8)
		return "UTF8SMTP";
	return s->is_esmtp ? "ESMTP" : "SMTP";
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

/* On submission, what the program left out. */
static void
put_missing(struct submission *sub, const char *id, struct buf *b)
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

/* Received (RFC 5321 section 4.4), and what else stands before the message:
 * an empty line when its first line is no header field. */
static void
put_head(struct submission *sub, struct msgid id, struct buf *b)
{
	struct session *s = sub->arg;
	struct p_envelope *e = &sub->env;
	char text[MSGID_TEXT + 1];

	msgid_text(id, text);
	if (s == NULL) { /* gone since: the message is complete all the same */
		buf_adds(b, "Received: by ");
		buf_adds(b, sub->host);
	} else {
		put_from(b, s);
		buf_adds(b, "\tby ");
		buf_adds(b, sub->host);
		buf_adds(b, " with ");
		buf_adds(b, with_of(s, e->flags & ENV_UTF8));
	}
	buf_adds(b, " id ");
	buf_add(b, text, MSGID_TEXT);
	if (s != NULL && e->rcpt_n == 1) {
		buf_adds(b, "\r\n\tfor <");
		buf_add(b, s->txn->first_rcpt.data, s->txn->first_rcpt.len);
		buf_addc(b, '>');
	}
	buf_adds(b, ";\r\n\t");
	clock_rfc5322(b, e->received);
	buf_adds(b, "\r\n");
	if (sub->completes)
		put_missing(sub, text, b);
	if (sub->is_headless)
		buf_adds(b, "\r\n");
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
		session_put(s, r);
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
	s->errors = 0;
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
	const char *wrong = t->is_refused ? t->refusal : NULL;

	session_wait(s);
	if (wrong == NULL && sub->body_fd >= 0 && sub->body.len != 0) {
		spill(s);
		wrong = t->is_refused ? t->refusal : NULL;
	}
	if (wrong == NULL && !sub->is_noted)
		note_header(s);
	if (wrong == NULL && !fill_envelope(s))
		wrong = "451 4.3.0 Out of memory, try again later";
	if (wrong != NULL) {
		t->rcpt_n = sub->env.rcpt_n;
		answer_end(s, REPLY(atoi(wrong), wrong + 4));
		return;
	}
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

/* After bytes went into the body, which had `before`: what of it? */
static void
look(struct session *s, size_t before)
{
	struct txn *t = s->txn;

	watch_size(s, before);
	if (t->sub->body.bad)
		refuse(s, "451 4.3.0 Out of memory, try again later");
	else if (t->body.fault != BODY_FINE)
		refuse(s, body_refusal(t->body.fault));
}

void
data_chunk_over(struct session *s)
{
	struct txn *t = s->txn;
	size_t before = t->sub->body.len;

	if (t->is_last_chunk) {
		if (!t->is_refused) {
			body_finish(&t->body, &t->sub->body);
			look(s, before);
		}
		message_over(s);
		return;
	}
	s->state = ST_BDAT;
	conn_timeout(s->conn, s->smtpd->t_command);
	session_reply(s,
	    t->is_refused ? REPLY(atoi(t->refusal), t->refusal + 4)
			  : REPLY(250, "2.0.0 Chunk ok"));
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
		look(s, before);
		return n;
	}
	buf_init(&drop, (size_t)1 << 30);
	n = body_feed(&t->body, in, &drop, ret_end);
	buf_release(&drop);
	return n;
}

/* The bytes of a chunk that was refused before it came. */
static size_t
skip(struct session *s, size_t n)
{
	if (n > s->chunk_left)
		n = (size_t)s->chunk_left;
	s->chunk_left -= n;
	if (s->chunk_left == 0)
		s->state = s->skip_to;
	return n;
}

size_t
data_input(struct session *s, struct slice in)
{
	bool is_end;
	size_t n;

	if (s->state == ST_SKIP)
		return skip(s, in.n);
	if (s->state == ST_CHUNK && in.n > s->chunk_left)
		in.n = (size_t)s->chunk_left;
	n = feed(s, in, &is_end);
	if (s->state == ST_CHUNK) {
		s->chunk_left -= n;
		if (s->chunk_left == 0)
			data_chunk_over(s);
	} else if (is_end) {
		message_over(s);
	}
	return n;
}
