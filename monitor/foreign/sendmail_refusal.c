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
	if (v[R_QUARANTINE].p != NULL && w->id.n != 0) {
		struct event *e = tell_begin(f, EV_MSG_HOLD, w->id);

		event_cstr(e, F_BY, "policy");
		event_str(e, F_WHY, v[R_QUARANTINE]);
		tell(f);
		return true;
	}
	return slice_istarts(w->rest, SLICE("discard"));
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
	return true;
}
