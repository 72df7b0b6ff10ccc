#include "message.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "clock.h"
#include "header.h"
#include "received.h"
#include "sizes.h"

#define INLINE_MAX ((size_t)2 << 20) /* while no body file is there */
#define WAIT_FOR_BODY (30 * US_SEC)
#define CLIENT_FILES (BODY_FILES_MAX / 4) /* body files of one client */

static void
refuse(struct session *s, const char *text)
{
	struct txn *t = s->txn;
	if (t->is_refused)
		return;
	message_stop_waiting(s);
	t->is_refused = true;
	t->refusal = text;
	buf_release(&t->sub->body); /* the rest is read and dropped */
	submission_count(t->sub);
	if (s->client != NULL && t->sub->body_fd >= 0)
		s->client->body_files--;
	store_drop_body(s->smtpd->store, t->sub);
}

void
message_note_header(struct submission *sub, const struct body *body)
{
	struct slice m = buf_slice(&sub->body);
	struct header_field f;

	if (sub->is_noted)
		return;
	if (header_find(m, SLICE("Message-ID"), &f) && f.value.n < 1000)
		buf_add_slice(&sub->env_message_id, f.value);
	sub->has_date = header_find(m, SLICE("Date"), &f);
	sub->has_from = header_find(m, SLICE("From"), &f);
	sub->is_headless = body->header_size == 0;
	sub->is_noted = true;
}

int
message_spill(struct store *st, struct submission *sub)
{
	if (sub->body_fd < 0 && !store_take_body(st, sub))
		return -EAGAIN;
	return submission_spill(sub);
}

void
message_stop_waiting(struct session *s)
{
	if (s->txn == NULL || s->txn->waits_since == 0)
		return;
	s->txn->waits_since = 0;
	s->smtpd->body_waiters--;
	s->is_waiting = false;
}

void
message_give_up(struct session *s)
{
	budget_count(s, 0);
	if (s->client != NULL && s->txn->sub->body_fd >= 0)
		s->client->body_files--;
	s->smtpd->txns--;
}

/* No file now: there will be one in a moment. Until then in memory, if there
 * is room, else the client waits. */
static void
wait_for_body(struct session *s)
{
	struct txn *t = s->txn;

	if ((t->sub->body.len < INLINE_MAX &&
		s->smtpd->body_bytes < BODIES_MAX) ||
	    t->waits_since != 0)
		return;
	t->waits_since = clock_mono();
	s->smtpd->body_waiters++;
	session_wait(s);
}

static void
say_failed(const struct session *s, int error)
{
	struct event e;

	event_init(&e, EV_SPOOL_ERROR);
	event_cstr(&e, F_PATH, "body file");
	event_cstr(&e, F_ERROR, strerror(-error));
	event_cstr(&e, F_FS, s->smtpd->proc->conf->QueueDirectory);
	evlog_emit(s->smtpd->proc->log, &e);
}

/* Nobody has all the files with what he never sends to its end. */
static bool
may_have_file(const struct session *s)
{
	return s->client == NULL || s->client->body_files < CLIENT_FILES;
}

static void
spill(struct session *s)
{
	struct txn *t = s->txn;
	bool had_file = t->sub->body_fd >= 0;
	int rc = -EAGAIN;

	message_note_header(t->sub, &t->body);
	if (had_file || may_have_file(s))
		rc = message_spill(s->smtpd->store, t->sub);
	if (!had_file && t->sub->body_fd >= 0 && s->client != NULL)
		s->client->body_files++;
	if (rc == -EAGAIN) {
		wait_for_body(s);
	} else if (rc < 0) {
		say_failed(s, rc);
		refuse(s,
		    "452 4.3.1 The message could not be stored, "
		    "try again later");
	}
}

static void
go_on(struct session *s)
{
	message_stop_waiting(s);
	message_look(s);
	if (!s->is_waiting && !s->is_choked)
		conn_resume(s->conn);
}

/* Who has waited longest, of those who may have a file. */
static struct session *
next_waiter(struct smtpd *d)
{
	struct session *s, *first = NULL;

	LIST_FOREACH (s, &d->sessions, link)
		if (s->txn != NULL && s->txn->waits_since != 0 &&
		    may_have_file(s) &&
		    (first == NULL ||
			s->txn->waits_since < first->txn->waits_since))
			first = s;
	return first;
}

void
message_got_body(struct smtpd *d)
{
	struct session *s;

	while (d->body_waiters != 0 && store_has_body(d->store) &&
	    (s = next_waiter(d)) != NULL)
		go_on(s);
}

void
message_tick(struct session *s, int64_t now)
{
	if (s->txn == NULL || s->txn->waits_since == 0 ||
	    now - s->txn->waits_since < WAIT_FOR_BODY)
		return;
	refuse(s,
	    "452 4.3.1 No room for a large message now, "
	    "try again later");
	go_on(s);
}

static void
watch_size(struct session *s)
{
	const struct conf *c = session_conf(s);
	struct txn *t = s->txn;
	size_t limit = (size_t)c->LargeBodySize;

	submission_count(t->sub);
	if (c->MaxMessageSize != 0 &&
	    t->body.size > (uint64_t)c->MaxMessageSize) {
		refuse(s, "552 5.3.4 The message is larger than we take");
		return;
	}
	if (s->smtpd->body_bytes > BODIES_MAX)
		limit = BODY_FREE;
	/* the header stays until it is whole: note_header() reads it */
	if (t->sub->body.len >= limit && !t->body.is_header)
		spill(s);
	else if (t->sub->body.len >= BODY_FREE &&
	    s->smtpd->body_bytes > BODIES_MAX)
		refuse(s, "452 4.3.1 No room for a long header now");
}

/* After bytes went into the body: what of it? */
void
message_look(struct session *s)
{
	struct txn *t = s->txn;

	watch_size(s);
	if (t->sub->body.bad)
		refuse(s, "451 4.3.0 Out of memory, try again later");
	else if (t->body.fault != BODY_FINE)
		refuse(s, body_refusal(t->body.fault));
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

static const char *
protocol_of(const struct session *s)
{
	if (s->kind == KIND_LOCAL)
		return "local";
	if (s->is_lmtp)
		return "lmtp";
	return s->is_esmtp ? "esmtp" : "smtp";
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
	return !k->bad && !sub->rcpts.bad && !sub->trace.bad;
}

/* The whole message is there: to the store, or refused. */
void
message_end(struct session *s)
{
	struct txn *t = s->txn;
	struct submission *sub = t->sub;
	const char *wrong = t->is_refused ? t->refusal : NULL;
	message_stop_waiting(s);
	session_wait(s);
	if (wrong == NULL && sub->body_fd >= 0 && sub->body.len != 0) {
		spill(s);
		wrong = t->is_refused ? t->refusal : NULL;
	}
	if (wrong == NULL)
		message_note_header(sub, &t->body);
	if (wrong == NULL && !fill_envelope(s))
		wrong = "451 4.3.0 Out of memory, try again later";
	if (wrong != NULL) {
		t->rcpt_n = sub->env.rcpt_n;
		answer_end(s, REPLY(atoi(wrong), wrong + 4));
		return;
	}
	sub->host = s->smtpd->host;
	sub->completes = s->kind == KIND_LOCAL || s->kind == KIND_SUBMISSION;
	received_from_session(sub, s);
	sub->head = received_head;
	sub->done = stored;
	sub->arg = s;
	t->rcpt_n = sub->env.rcpt_n;
	message_give_up(s);
	s->flying = sub;
	t->sub = NULL;
	store_submit(s->smtpd->store, sub);
}
