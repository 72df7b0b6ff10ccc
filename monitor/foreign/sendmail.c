/*
 * sendmail: "ID: " and then pairs, for the message (from=), for recipients
 * (to=), for refusals (ruleset=), or words.
 */
#include <string.h>

#include "mailer.h"

enum { S_FROM, S_SIZE, S_NRCPTS, S_MSGID, S_PROTO, S_RELAY };
static const struct slice from_names[] = {
	[S_FROM] = TEXT("from"),
	[S_SIZE] = TEXT("size"),
	[S_NRCPTS] = TEXT("nrcpts"),
	[S_MSGID] = TEXT("msgid"),
	[S_PROTO] = TEXT("proto"),
	[S_RELAY] = TEXT("relay"),
};

/* Logged for every MAIL, also where nothing came of it: no recipients, or no
 * message. */
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
	if (!m->is_refused)
		tell_received(f, m, w->id);
	return true;
}

enum {
	D_TO,
	D_CTLADDR,
	D_DELAY,
	D_XDELAY,
	D_MAILER,
	D_RELAY,
	D_DSN,
	D_REPLY,
	D_STAT
};
static const struct slice to_names[] = {
	[D_TO] = TEXT("to"),
	[D_CTLADDR] = TEXT("ctladdr"),
	[D_DELAY] = TEXT("delay"),
	[D_XDELAY] = TEXT("xdelay"),
	[D_MAILER] = TEXT("mailer"),
	[D_RELAY] = TEXT("relay"),
	[D_DSN] = TEXT("dsn"),
	[D_REPLY] = TEXT("reply"),
	[D_STAT] = TEXT("stat"),
};

/* EV_COUNT: not tried, only queued. */
static const struct {
	struct slice begins;
	enum event_type type;
} stats[] = {
	{ TEXT("Sent"), EV_DLV_OK },
	{ TEXT("Deferred"), EV_DLV_DEFER },
	{ TEXT("queued"), EV_COUNT },
	{ TEXT("quarantined"), EV_COUNT },
};

static enum event_type
stat_type(const struct slice *v)
{
	size_t i = 0;

	while (i < COUNT(stats) && !slice_istarts(v[D_STAT], stats[i].begins))
		i++;
	if (i < COUNT(stats) && stats[i].type == EV_COUNT)
		return EV_COUNT;
	/* dsn stands before what the other side said, stat behind it */
	switch (v[D_DSN].n != 0 ? v[D_DSN].p[0] : 0) {
	case '2':
		return EV_DLV_OK;
	case '4':
		return EV_DLV_DEFER;
	case '5':
		return EV_DLV_FAIL;
	default:
		return i < COUNT(stats) ? stats[i].type : EV_DLV_FAIL;
	}
}

/* "Sent (Ok: queued as 1)", "Deferred: words": the words. */
static struct slice
words_of(struct slice stat)
{
	size_t open = slice_find(stat, '('), colon = slice_find(stat, ':');

	if (slice_istarts(stat, SLICE("Sent (")) && stat.p[stat.n - 1] == ')')
		return slice_sub(stat, open + 1, stat.n - 1);
	if (slice_istarts(stat, SLICE("Deferred: ")))
		return slice_sub(stat, colon + 2, stat.n);
	return stat;
}

/* reply= is the server's own answer, where it was logged. */
static void
put_answer(struct event *e, const struct slice *v, enum event_type type)
{
	struct said said;

	if (v[D_REPLY].p != NULL) {
		said = said_reply(v[D_REPLY]);
	} else if (type == EV_DLV_OK && v[D_RELAY].p != NULL) {
		/* only the text of a 250 is kept */
		said = (struct said){ .code = 250,
			.enhanced = { "", 0 },
			.text = words_of(v[D_STAT]) };
	} else {
		said = said_reply(words_of(v[D_STAT]));
	}
	said_put(e, &said, v[D_DSN].p != NULL ? v[D_DSN] : SLICE(""));
}

static void
tell_rcpt(struct foreign *f, struct work *w, const struct slice *v,
    struct slice rcpt, enum event_type type)
{
	struct mail *m = work_mail(f, w);
	struct event *e = tell_begin(f, type, w->id);
	uint64_t us;
	struct host h;

	if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	event_str(e, F_RCPT_TO, rcpt);
	put_known(e, F_MAILER, v[D_MAILER]);
	if (v[D_RELAY].p != NULL) {
		h = said_host(v[D_RELAY]);
		said_put_host(e, &h);
	}
	if (m != NULL && m->size_bytes != 0)
		event_num(e, F_SIZE_BYTES, m->size_bytes);
	if (v[D_DELAY].p != NULL && when_days(v[D_DELAY], &us))
		event_num(e, F_TOTAL_US, us);
	if (v[D_XDELAY].p != NULL && when_days(v[D_XDELAY], &us))
		event_num(e, F_STAGE_DATA_US, us);
	put_answer(e, v, type);
	tell(f);
	if (m != NULL)
		mail_count(m, type, rcpt);
}

/* "<a@b>,<c@d>" or one without brackets, or one in quotes with any commas */
static bool
next_rcpt(struct slice *list, struct slice *ret)
{
	size_t end;

	if (list->n == 0)
		return false;
	if (list->p[0] == '"') {
		*ret = *list;
		list->n = 0;
		return true;
	}
	end = slice_find(*list, ',');
	if (list->p[0] == '<') {
		const char *p = memmem(list->p, list->n, ">,", 2);

		end = p != NULL ? (size_t)(p - list->p) + 1 : list->n;
	}
	*ret = slice_sub(*list, 0, end);
	*list = slice_sub(*list, end + 1, list->n);
	if (ret->n >= 2 && ret->p[0] == '<' && ret->p[ret->n - 1] == '>')
		*ret = slice_sub(*ret, 1, ret->n - 1);
	return true;
}

/* pairs_read() took the brackets of the list's ends; give them back. */
static struct slice
whole_list(struct slice list)
{
	if (list.n != 0 && memmem(list.p, list.n, ">,<", 3) != NULL)
		return (struct slice){ list.p - 1, list.n + 2 };
	return list;
}

/* reply= and stat= are anybody's words, with any commas. */
static void
cut_words(struct slice *s, struct slice name, struct slice *ret)
{
	const char *p = memmem(s->p, s->n, name.p, name.n);
	size_t at;

	if (p == NULL)
		return;
	at = (size_t)(p - s->p);
	*ret = slice_sub(*s, at + name.n, s->n);
	*s = slice_sub(*s, 0, at);
}

static bool
take_to(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(to_names)], list, rcpt;
	struct slice stat = { NULL, 0 }, reply = { NULL, 0 };
	struct mail *m = work_mail(f, w);
	enum event_type type;

	cut_words(&w->rest, SLICE(", stat="), &stat);
	cut_words(&w->rest, SLICE(", reply="), &reply);
	if (!pairs_read(&w->rest, SLICE(", "), to_names, COUNT(v), false, v) ||
	    v[D_TO].p == NULL || stat.n == 0)
		return false;
	v[D_STAT] = stat;
	v[D_REPLY] = reply;
	type = stat_type(v);
	/* a refused message was never ours */
	if (type == EV_COUNT || (m != NULL && m->is_refused))
		return true;
	list = whole_list(v[D_TO]);
	while (next_rcpt(&list, &rcpt))
		tell_rcpt(f, w, v, rcpt, type);
	return true;
}

enum { R_RULESET, R_ARG1, R_ARG2, R_RELAY, R_REJECT, R_QUARANTINE };
static const struct slice ruleset_names[] = {
	[R_RULESET] = TEXT("ruleset"),
	[R_ARG1] = TEXT("arg1"),
	[R_ARG2] = TEXT("arg2"),
	[R_RELAY] = TEXT("relay"),
	[R_REJECT] = TEXT("reject"),
	[R_QUARANTINE] = TEXT("quarantine"),
};

static const struct {
	struct slice ruleset, command;
} rulesets[] = {
	{ TEXT("check_relay"), TEXT("conn") },
	{ TEXT("check_mail"), TEXT("mail") },
	{ TEXT("check_rcpt"), TEXT("rcpt") },
	{ TEXT("check_data"), TEXT("data") },
	{ TEXT("check_vrfy"), TEXT("vrfy") },
	{ TEXT("check_expn"), TEXT("expn") },
	{ TEXT("check_etrn"), TEXT("etrn") },
	{ TEXT("tls_client"), TEXT("tls") },
	{ TEXT("check_eoh"), TEXT("dot") },
	{ TEXT("check_eom"), TEXT("dot") },
};

/* Header checks have names of their own. */
static struct slice
command_of(struct slice ruleset)
{
	for (size_t i = 0; i < COUNT(rulesets); i++)
		if (slice_ieq(ruleset, rulesets[i].ruleset))
			return rulesets[i].command;
	return SLICE("dot");
}

static void
tell_refused(struct foreign *f, struct work *w, const struct slice *v)
{
	struct slice command = command_of(v[R_RULESET]);
	struct said said = said_reply(v[R_REJECT]);
	struct host h = said_host(v[R_RELAY]);
	struct event *e = tell_begin(f, EV_CONN_REJECT, w->id);

	event_str(e, F_COMMAND, command);
	put_known(e, F_PEER_NAME, h.name);
	put_known(e, F_PEER_IP, h.ip);
	if (slice_eq(command, SLICE("mail")))
		put_known(e, F_MAIL_FROM, v[R_ARG1]);
	else if (slice_eq(command, SLICE("rcpt")))
		put_known(e, F_RCPT_TO, v[R_ARG1]);
	said_put(e, &said, SLICE(""));
	tell(f);
}

static bool
take_ruleset(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(ruleset_names)];
	struct mail *m;

	if (!pairs_read(
		&w->rest, SLICE(", "), ruleset_names, COUNT(v), false, v))
		return false;
	if (v[R_REJECT].p != NULL) {
		tell_refused(f, w, v);
		if (slice_eq(command_of(v[R_RULESET]), SLICE("dot")) &&
		    w->id.n != 0 && (m = work_mail(f, w)) != NULL)
			m->is_refused = true;
		return true;
	}
	if (v[R_QUARANTINE].p != NULL && w->id.n != 0) {
		struct event *e = tell_begin(f, EV_MSG_HOLD, w->id);

		event_cstr(e, F_BY, "policy");
		event_str(e, F_WHY, v[R_QUARANTINE]);
		tell(f);
		return true;
	}
	return slice_istarts(w->rest, SLICE("discard"));
}

static bool
take_discarded(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);
	struct event *e = tell_begin(f, EV_DLV_DISCARD, w->id);

	if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	event_cstr(e, F_REASON_CLASS, reason_name(RC_POLICY));
	tell(f);
	if (m != NULL) {
		m->discarded++;
		tell_done(f, m, w->id, NULL);
	}
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

	if (m != NULL)
		tell_done(f, m, w->id, NULL);
	return true;
}

/* "<x@y>... User unknown" to a client that said RCPT */
static bool
tell_unknown(struct foreign *f, struct work *w)
{
	const char *p = memmem(w->rest.p, w->rest.n, "... ", 4);
	struct slice rcpt, words;
	struct said said;
	struct event *e;

	if (p == NULL)
		return false;
	rcpt = slice_sub(w->rest, 0, (size_t)(p - w->rest.p));
	words = slice_sub(w->rest, rcpt.n + 4, w->rest.n);
	if (rcpt.n < 2 || rcpt.p[0] != '<' || rcpt.p[rcpt.n - 1] != '>')
		return slice_find(rcpt, ' ') == rcpt.n;
	said = said_reply(words);
	e = tell_begin(f, EV_CONN_REJECT, w->id);
	event_cstr(e, F_COMMAND, "rcpt");
	event_str(e, F_RCPT_TO, slice_sub(rcpt, 1, rcpt.n - 1));
	said_put(e, &said, SLICE(""));
	tell(f);
	return true;
}

static bool
take_too_large(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);
	struct event *e = tell_begin(f, EV_CONN_REJECT, w->id);

	event_cstr(e, F_COMMAND, "dot");
	if (m != NULL) {
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
		put_known(e, F_PEER_IP, texts_get(&m->join.texts, MT_PEER_IP));
	}
	event_str(e, F_TEXT, w->rest);
	event_cstr(e, F_REASON_CLASS, reason_name(RC_SIZE));
	tell(f);
	return true;
}

static const struct row sendmail_row[] = {
	KEEP("to=", take_to),
	KEEP("from=", take_from),
	KEEP("ruleset=", take_ruleset),
	KEEP("discarded", take_discarded),
	TAKE("done; ", take_done),
	KEEP("message size (", take_too_large),
	KEEP("<", tell_unknown),
	KNOWN("collect: "),
	KNOWN("lost input channel "),
	KNOWN("timeout waiting for "),
	KNOWN("STARTTLS"),
	KNOWN("AUTH="),
	KNOWN("Milter"),
	KNOWN("milter"),
	KNOWN("connect from "),
	KNOWN("starting daemon "),
	KNOWN("started as: "),
	KNOWN("restarting "),
	KNOWN("rejecting "),
	KNOWN("accepting "),
	KNOWN("grew WorkList "),
	KNOWN("runqueue: "),
	KNOWN("alias database "),
	KNOWN("SYSERR("),
	KNOWN("NOQUEUE: "),
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
	    tell_unknown(f, w);
}
