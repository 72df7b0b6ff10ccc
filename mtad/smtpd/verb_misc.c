/* RSET, NOOP, QUIT, HELP, VRFY, EXPN: RFC 5321 sections 4.1.1.5 to 10. */
#include <stdio.h>
#include <string.h>

#include "asks.h"
#include "route.h"
#include "session.h"

struct reply
verb_rset(struct session *s, struct slice args)
{
	if (args.n != 0)
		return REPLY(501, "5.5.4 RSET takes nothing");
	txn_free(s);
	return REPLY(250, "2.0.0 Reset");
}

struct reply
verb_noop(struct session *s, struct slice args)
{
	(void)s;
	(void)args;
	return REPLY(250, "2.0.0 Ok");
}

struct reply
verb_quit(struct session *s, struct slice args)
{
	(void)s;
	(void)args;
	return REPLY(221, "2.0.0 Bye");
}

struct reply
verb_help(struct session *s, struct slice args)
{
	(void)s;
	(void)args;
	return REPLY(214,
	    "2.0.0 EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT HELP VRFY "
	    "EXPN; see RFC 5321");
}

/* Lookup's words and, for EXPN, the members, one a line. */
void
vrfy_answered(struct session *s, const struct verdict *v, struct slice lines)
{
	struct buf *b = conn_out(s->conn);
	struct slice one, next;

	s->ask_key = 0;
	if (s->verb == V_EXPN && verdict_is_ok(v) &&
	    slice_next(&lines, '\n', &one)) {
		while (slice_next(&lines, '\n', &next)) {
			buf_addf(b, "250-2.1.5 <%.*s>\r\n", SLICE_ARG(one));
			one = next;
		}
		snprintf(s->scratch, sizeof(s->scratch), "2.1.5 <%.*s>",
		    SLICE_ARG(one));
	} else {
		snprintf(s->scratch, sizeof(s->scratch), "%.*s %.*s",
		    SLICE_ARG(v->enhanced), SLICE_ARG(v->text));
	}
	s->after = s->state;
	session_answer(s, REPLY(v->code, s->scratch));
}

/* Strangers learn nothing that RCPT would not tell them: 252. */
struct reply
verb_vrfy(struct session *s, struct slice args)
{
	struct smtpd *d = s->smtpd;
	bool has_angle = args.n != 0 && args.p[0] == '<';
	struct slice domain;
	struct addr a;

	if (!s->is_trusted)
		return s->verb == V_VRFY
		    ? REPLY(252, "2.5.1 Send some mail, it will be tried")
		    : REPLY(502, "5.7.0 Lists are not shown to strangers");
	if ((has_angle ? addr_parse_path(&args, ADDR_BARE_OK, &a)
		       : addr_parse(args, ADDR_BARE_OK, &a)) < 0)
		return REPLY(501, "5.1.3 That is no address");
	domain = slice_of(a.domain);
	if (route_class(session_conf(s), domain) > ROUTE_VIRTUAL)
		return REPLY(252, "2.5.1 Not one of our domains");
	if (d->proc->lookup.chan != NULL)
		s->ask_key = asks_add(d->asks, s);
	if (s->ask_key == 0)
		return REPLY(451,
		    "4.3.0 The user database does not answer, try again later");
	PROC_SEND(&d->proc->lookup, rcpt_ask, RCPT_ASK, .key = s->ask_key,
	    .what = s->verb == V_VRFY ? ASK_VRFY : ASK_EXPN,
	    .local = slice_of(a.local), .domain = domain);
	session_wait(s);
	return REPLY_LATER;
}
