/*
 * sendmail: "ID: " and then pairs, for the message (from=), for recipients
 * (to=), for refusals (ruleset=), or words.
 */
#include <string.h>

#include "sendmail.h"

enum { S_FROM, S_SIZE, S_NRCPTS, S_MSGID, S_PROTO, S_RELAY };
static const struct slice from_names[] = {
	[S_FROM] = TEXT("from"),
	[S_SIZE] = TEXT("size"),
	[S_NRCPTS] = TEXT("nrcpts"),
	[S_MSGID] = TEXT("msgid"),
	[S_PROTO] = TEXT("proto"),
	[S_RELAY] = TEXT("relay"),
};

void
sendmail_settle(struct foreign *f, struct mail *m, struct slice id)
{
	int64_t now = f->out.time_us;

	if (m == NULL || m->arrived_us == 0 || m->is_refused)
		return;
	f->out.time_us = m->arrived_us;
	m->arrived_us = 0;
	tell_received(f, m, id);
	f->out.time_us = now;
}

/*
 * Logged for every MAIL, also where nothing came of it: no recipients, or no
 * message. A filter may still refuse what is logged here, so that it is told
 * with the next line that is no refusal.
 */
static bool
take_from(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(from_names)];
	struct host peer;
	struct mail *m;

	if (!pairs_read(&w->rest, SLICE(", "), from_names, COUNT(v), false, v))
		return false;
	m = work_mail(f, w);
	if (m == NULL)
		return true;
	m->has_begun = true;
	slice_u64(v[S_SIZE], UINT64_MAX, &m->size_bytes);
	slice_u64(v[S_NRCPTS], UINT32_MAX, &m->rcpts);
	texts_set(&m->join.texts, MT_FROM, v[S_FROM]);
	texts_set(&m->join.texts, MT_MESSAGE_ID, v[S_MSGID]);
	texts_set(&m->join.texts, MT_PROTOCOL,
	    v[S_PROTO].p != NULL ? SLICE("smtp") : SLICE("local"));
	if (v[S_RELAY].p != NULL && v[S_PROTO].p != NULL) {
		peer = said_host(v[S_RELAY]);
		texts_set(&m->join.texts, MT_PEER_NAME, peer.name);
		texts_set(&m->join.texts, MT_PEER_IP, peer.ip);
	}
	if (m->rcpts == 0 || m->size_bytes == 0) {
		joins_mail_end(&f->joins, m);
		return true;
	}
	m->arrived_us = w->line->time_us;
	if (m->is_held)
		sendmail_settle(f, m, w->id);
	return true;
}

/* Notices, by what follows "ID: NEWID: ". */
static const struct {
	struct slice begins;
	const char *kind;
	bool is_expiry;
} notices[] = {
	{ TEXT("DSN: Return receipt"), "success", false },
	{ TEXT("DSN: "), "failure", false },
	{ TEXT("return to sender: "), "failure", false },
	{ TEXT("sender notify: Cannot send message for"), "failure", true },
	{ TEXT("sender notify: Warning: "), "delay", false },
	{ TEXT("sender notify: "), "failure", false },
	{ TEXT("postmaster notify: Cannot send message for"), "failure", true },
	{ TEXT("postmaster notify: "), "failure", false },
	{ TEXT("return receipt"), "success", false },
};

/* Of a message that sendmail makes itself no from= is logged. */
static void
tell_made(struct foreign *f, struct work *w, struct slice id, struct slice from,
    struct slice protocol)
{
	struct mail *m =
	    joins_mail_begin(&f->joins, w->line->node, id, w->line->time_us);

	if (m == NULL)
		return;
	texts_set(&m->join.texts, MT_FROM, from);
	texts_set(&m->join.texts, MT_PROTOCOL, protocol);
	tell_received(f, m, id);
}

/* A list's recipients go on in a message of their own, from its owner. */
static void
tell_clone(
    struct foreign *f, struct work *w, struct slice id, struct slice owner)
{
	struct event *e = tell_begin(f, EV_RCPT_EXPAND, w->id);

	event_cstr(e, F_KIND, "list");
	event_str(e, F_INTO_MSG_ID, id);
	tell(f);
	tell_made(f, w, id, owner, SLICE("forward"));
}

/* "NEWID: what": the message has made another. */
static bool
take_offspring(struct foreign *f, struct work *w)
{
	static const struct slice clone = TEXT("clone: owner=");
	size_t colon = slice_find(w->rest, ':'), i = 0;
	struct slice id = slice_sub(w->rest, 0, colon);
	struct slice words = slice_sub(w->rest, colon + 2, w->rest.n);
	struct mail *m = work_mail(f, w);
	struct event *e;

	sendmail_settle(f, m, w->id);
	if (slice_istarts(words, clone)) {
		tell_clone(f, w, id, slice_sub(words, clone.n, words.n));
		return true;
	}
	while (i < COUNT(notices) && !slice_istarts(words, notices[i].begins))
		i++;
	if (i == COUNT(notices))
		return false;
	if (notices[i].is_expiry && m != NULL)
		tell_expired(f, m, w->id,
		    slice_sub(words, slice_find(words, ':') + 2, words.n));
	e = tell_begin(f, EV_DSN_SENT, id);
	event_cstr(e, F_KIND, notices[i].kind);
	event_str(e, F_ABOUT_MSG_ID, w->id);
	if (m != NULL)
		put_known(e, F_TO, texts_get(&m->join.texts, MT_FROM));
	event_str(e, F_TEXT, words);
	tell(f);
	tell_made(f, w, id, SLICE(""), SLICE("dsn"));
	return true;
}

static bool
take_done(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);

	sendmail_settle(f, m, w->id);
	if (m != NULL)
		tell_done(f, m, w->id, NULL);
	return true;
}

/* "connect from NAME [IP]", at log level 13 */
static bool
take_connect(struct foreign *f, struct work *w)
{
	struct host h = said_host(w->rest);
	struct event *e = tell_begin(f, EV_CONN_OPEN, SLICE(""));

	event_cstr(e, F_DIRECTION, "in");
	put_known(e, F_PEER_NAME, h.name);
	put_known(e, F_PEER_IP, h.ip);
	tell(f);
	return true;
}

static const struct row sendmail_row[] = {
	KEEP("to=", sendmail_recipients),
	KEEP("from=", take_from),
	KEEP("ruleset=", sendmail_ruleset),
	KEEP("discarded", sendmail_discarded),
	TAKE("done; ", take_done),
	KEEP("message size (", sendmail_too_large),
	KEEP("<", sendmail_unknown),
	KNOWN("collect: "),
	KNOWN("lost input channel "),
	KNOWN("timeout waiting for "),
	KNOWN("STARTTLS"),
	KNOWN("AUTH"),
	KNOWN("engine="),
	KNOWN("error: "),
	KNOWN("SMTP outgoing connect "),
	KNOWN("stopping daemon"),
	TAKE("Milter: ", sendmail_filter),
	KEEP("milter=", sendmail_filter),
	KNOWN("Milter "),
	TAKE("connect from ", take_connect),
	KNOWN("starting daemon "),
	KNOWN("started as: "),
	KNOWN("restarting "),
	KNOWN("rejecting "),
	KNOWN("accepting "),
	KNOWN("grew WorkList "),
	KNOWN("runqueue: "),
	KNOWN("alias database "),
	KNOWN("SYSERR("),
	KNOWN("return receipt"),
	KNOWN("---"),
};
static const struct rows sendmail_rows = ROWS_OF(sendmail_row);

/* What ends so is a note about a client, an alias file and so on. */
static bool
is_note(struct slice s)
{
	static const struct slice words[] = {
		TEXT("did not issue MAIL/EXPN/VRFY/ETRN"),
		TEXT("probable open proxy"),
		TEXT(" aliases, longest "),
		TEXT("rejecting connections"),
		TEXT("may be forged"),
	};

	for (size_t i = 0; i < COUNT(words); i++)
		if (memmem(s.p, s.n, words[i].p, words[i].n) != NULL)
			return true;
	return false;
}

/* Ids are letters and digits, 14 since 8.12. */
static bool
is_id(struct slice s)
{
	if (s.n < 7 || s.n > 16)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
			(s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			(s.p[i] >= 'a' && s.p[i] <= 'z')))
			return false;
	return s.p[s.n - 1] >= '0' && s.p[s.n - 1] <= '9';
}

static bool
starts_with_id(struct slice s)
{
	size_t colon = slice_find(slice_sub(s, 0, 20), ':');

	return colon + 1 < s.n && s.p[colon + 1] == ' ' &&
	    is_id(slice_sub(s, 0, colon));
}

bool
sendmail_line(struct foreign *f, struct work *w)
{
	if (starts_with_id(w->rest)) {
		size_t colon = slice_find(w->rest, ':');

		w->id = slice_sub(w->rest, 0, colon);
		w->rest = slice_sub(w->rest, colon + 2, w->rest.n);
		if (starts_with_id(w->rest))
			return take_offspring(f, w);
	} else if (slice_istarts(w->rest, SLICE("NOQUEUE: "))) {
		w->rest = slice_sub(w->rest, 9, w->rest.n);
	}
	return rows_take(&sendmail_rows, f, w) || is_note(w->rest) ||
	    sendmail_unknown(f, w);
}
