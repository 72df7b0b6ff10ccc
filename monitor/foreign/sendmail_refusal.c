/*
 * What sendmail refused: by a ruleset, an unknown address, a size.
 *
 *	ruleset=check_rcpt, arg1=<a@b>, relay=NAME [IP], reject=550 words
 */
#include <string.h>

#include "sendmail.h"

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
tell_quarantined(struct foreign *f, struct work *w, struct slice why)
{
	struct mail *m = work_mail(f, w);
	struct event *e;

	sendmail_settle(f, m, w->id);
	if (m != NULL)
		m->is_held = true;
	e = tell_begin(f, EV_MSG_HOLD, w->id);
	event_cstr(e, F_BY, "policy");
	event_str(e, F_WHY, why);
	tell(f);
	return true;
}

bool
sendmail_ruleset(struct foreign *f, struct work *w)
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
	if (v[R_QUARANTINE].p != NULL && w->id.n != 0)
		return tell_quarantined(f, w, v[R_QUARANTINE]);
	return slice_istarts(w->rest, SLICE("discard"));
}

/* What a filter is asked about, and the word before its answer. */
static const struct {
	struct slice begins, command;
	enum event_field address; /* FIELD_COUNT: none */
} filter_steps[] = {
	{ TEXT("connect"), TEXT("conn"), FIELD_COUNT },
	{ TEXT("helo"), TEXT("ehlo"), FIELD_COUNT },
	{ TEXT("from="), TEXT("mail"), F_MAIL_FROM },
	{ TEXT("to="), TEXT("rcpt"), F_RCPT_TO },
	{ TEXT(""), TEXT("dot"), FIELD_COUNT },
};

static void
tell_filtered(struct foreign *f, struct work *w, struct slice reply)
{
	struct mail *m = work_mail(f, w);
	struct said said = said_reply(reply);
	struct slice address =
	    slice_sub(w->rest, slice_find(w->rest, '=') + 1, w->rest.n);
	struct event *e = tell_begin(f, EV_CONN_REJECT, w->id);
	size_t i = 0;

	while (!slice_istarts(w->rest, filter_steps[i].begins))
		i++;
	event_str(e, F_COMMAND, filter_steps[i].command);
	if (address.n >= 2 && address.p[0] == '<')
		address = slice_sub(address, 1, address.n - 1);
	if (filter_steps[i].address != FIELD_COUNT)
		event_str(e, filter_steps[i].address, address);
	else if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	if (m != NULL)
		put_known(e, F_PEER_IP, texts_get(&m->join.texts, MT_PEER_IP));
	event_cstr(e, F_POLICY, "milter");
	said_put(e, &said, SLICE(""));
	tell(f);
	if (m != NULL && slice_eq(filter_steps[i].command, SLICE("dot")))
		m->is_refused = true;
}

/*
 * "from=<a>, reject=550 words", "data, reject=451 words", "data, discard",
 * "milter=NAME, quarantine=words"
 */
bool
sendmail_filter(struct foreign *f, struct work *w)
{
	static const struct {
		struct slice words;
		bool is_refusal;
	} answers[] = {
		{ TEXT(", reject="), true },
		{ TEXT(", quarantine="), false },
	};

	for (size_t i = 0; i < COUNT(answers); i++) {
		struct slice words = answers[i].words, said;
		const char *p = memmem(w->rest.p, w->rest.n, words.p, words.n);

		if (p == NULL)
			continue;
		said = slice_sub(
		    w->rest, (size_t)(p - w->rest.p) + words.n, w->rest.n);
		w->rest = slice_sub(w->rest, 0, (size_t)(p - w->rest.p));
		if (!answers[i].is_refusal)
			return tell_quarantined(f, w, said);
		tell_filtered(f, w, said);
		return true;
	}
	if (slice_iends(w->rest, SLICE(", discard")))
		return sendmail_discarded(f, w);
	return true;
}

/* Never ours either; what is logged of it later says no more. */
bool
sendmail_discarded(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);
	struct event *e;

	if (m != NULL && m->is_refused)
		return true;
	e = tell_begin(f, EV_DLV_DISCARD, w->id);
	if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	event_cstr(e, F_REASON_CLASS, reason_name(RC_POLICY));
	tell(f);
	if (m != NULL)
		m->is_refused = true;
	return true;
}

/* "<x@y>... User unknown" to a client that said RCPT */
bool
sendmail_unknown(struct foreign *f, struct work *w)
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

bool
sendmail_too_large(struct foreign *f, struct work *w)
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
	if (m != NULL)
		m->is_refused = true;
	return true;
}
