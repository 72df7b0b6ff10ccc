/*
 * What Exim refused, and its connections.
 *
 *	"H=(helo) [ip] F=<a> rejected RCPT <b>: words"
 *	"rejected MAIL FROM:<a> H=(helo) [ip]: words"
 *	id " rejected from <a> H=(helo) [ip]: words"
 */
#include <string.h>

#include "exim.h"
#include "reason.h"

/* What follows "rejected ", and where the address then is. */
static const struct {
	struct slice begins, command;
	bool has_from, has_to;
} stages[] = {
	{ TEXT("RCPT"), TEXT("rcpt"), false, true },
	{ TEXT("MAIL"), TEXT("mail"), true, false },
	{ TEXT("connection"), TEXT("conn"), false, false },
	{ TEXT("EHLO"), TEXT("ehlo"), false, false },
	{ TEXT("HELO"), TEXT("ehlo"), false, false },
	{ TEXT("after DATA"), TEXT("dot"), false, false },
	{ TEXT("from "), TEXT("dot"), true, false },
	{ TEXT("by "), TEXT("dot"), false, false },
	{ TEXT("DATA"), TEXT("data"), false, false },
	{ TEXT("AUTH"), TEXT("auth"), false, false },
	{ TEXT("VRFY"), TEXT("vrfy"), false, true },
	{ TEXT("EXPN"), TEXT("expn"), false, true },
	{ TEXT("ETRN"), TEXT("etrn"), false, false },
	{ TEXT("STARTTLS"), TEXT("tls"), false, false },
	{ TEXT("PRDR"), TEXT("dot"), false, false },
	{ TEXT(""), TEXT("other"), false, false },
};

static struct slice
in_brackets(struct slice s)
{
	size_t open = slice_find(s, '<');
	struct slice v = slice_sub(s, open + 1, s.n);
	size_t close = slice_find(v, '>');

	if (open == s.n || close == v.n)
		return (struct slice){ NULL, 0 };
	return slice_sub(v, 0, close);
}

static void
end_refused(struct foreign *f, struct work *w)
{
	struct mail *m;

	if (w->id.n != 0 && (m = work_mail(f, w)) != NULL)
		joins_mail_end(&f->joins, m);
}

/* No code is logged, and the words are the administrator's: what they do not
 * say is a rule's doing. */
static void
put_refusal_words(struct event *e, struct slice words)
{
	enum reason r = reason_classify(0, SLICE(""), words);

	event_str(e, F_TEXT, words);
	event_cstr(
	    e, F_REASON_CLASS, reason_name(r == RC_UNKNOWN ? RC_POLICY : r));
}

bool
exim_refusal(struct foreign *f, struct work *w)
{
	const char *p = memmem(w->rest.p, w->rest.n, "rejected ", 9);
	struct slice what, words, helo,
	    from = exim_field(w->rest, SLICE(" F="));
	struct host h = exim_host(w->rest, &helo);
	struct event *e;
	size_t i = 0, colon;

	if (p == NULL)
		return false;
	what = slice_sub(w->rest, (size_t)(p - w->rest.p) + 9, w->rest.n);
	p = memmem(what.p, what.n, ": ", 2);
	colon = p != NULL ? (size_t)(p - what.p) : what.n;
	words = slice_sub(what, colon + 2, what.n);
	what = slice_sub(what, 0, colon);
	while (!slice_istarts(what, stages[i].begins))
		i++;
	if (stages[i].has_from)
		from = in_brackets(what);
	e = tell_begin(f, EV_CONN_REJECT, w->id);
	event_str(e, F_COMMAND, stages[i].command);
	put_known(e, F_PEER_NAME, h.name);
	put_known(e, F_PEER_IP, h.ip);
	put_known(e, F_HELO, helo);
	put_known(e, F_MAIL_FROM, from);
	if (stages[i].has_to)
		put_known(e, F_RCPT_TO, in_brackets(what));
	put_refusal_words(e, words);
	tell(f);
	end_refused(f, w);
	return true;
}

/* "SMTP connection from [ip] (TCP/IP connection count = 1)" and its ends,
 * which are logged when log_selector has smtp_connection, or went wrong. */
static const struct {
	const char *words;
	enum event_type type;
	const char *cause;
} ends[] = {
	{ "(TCP/IP connection count", EV_CONN_OPEN, NULL },
	{ "closed by QUIT", EV_CONN_CLOSE, "quit" },
	{ "closed by DROP", EV_CONN_CLOSE, "limit" },
	{ "closed after SIGTERM", EV_CONN_CLOSE, "shutdown" },
	{ " lost", EV_CONN_CLOSE, "reset" },
	{ "unexpected disconnection", EV_CONN_CLOSE, "reset" },
	{ "timeout on connection", EV_CONN_CLOSE, "timeout" },
	{ "timeout (message abandoned)", EV_CONN_CLOSE, "timeout" },
};

bool
exim_connection(struct foreign *f, struct work *w)
{
	size_t open = slice_find(w->rest, '['), i = 0;
	struct slice s = slice_sub(w->rest, open, w->rest.n);
	struct event *e;
	struct host h;

	while (i < COUNT(ends) &&
	    memmem(w->rest.p, w->rest.n, ends[i].words,
		strlen(ends[i].words)) == NULL)
		i++;
	if (i == COUNT(ends))
		return true;
	h = said_host(slice_sub(s, 0, slice_find(s, ' ')));
	e = tell_begin(f, ends[i].type, SLICE(""));
	event_cstr(e, F_DIRECTION, "in");
	put_known(e, F_PEER_IP, h.ip);
	put_number(e, F_PEER_PORT, h.port);
	event_cstr(e, F_CAUSE, ends[i].cause);
	tell(f);
	return true;
}
