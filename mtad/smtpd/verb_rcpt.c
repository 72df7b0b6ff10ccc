/*
 * RCPT: RFC 5321 section 4.1.1.3, and who may send to whom.
 *
 * Our own domains: lookup says whether the user is there; without its answer
 * the client comes again. Domains of RelayDomains: yes. All others only for
 * trusted clients, in whatever spelling: a percent hack, a route, quotes or
 * a bang path to one of our domains asks for the same thing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "asks.h"
#include "budget.h"
#include "params.h"
#include "route.h"
#include "session.h"

#define RCPT_MOST ((size_t)2048) /* one in the envelope: addr, params.h */

static struct reply
bad_rcpt(int error)
{
	switch (error) {
	case -ENAMETOOLONG:
		return REPLY(501, "5.1.3 The address is too long");
	case -EILSEQ:
		return REPLY(553, "5.6.7 This address needs SMTPUTF8");
	default:
		return REPLY(
		    501, "5.1.3 That is no address: RCPT TO:<user@domain>");
	}
}

static bool
is_postmaster(const struct addr *a)
{
	return slice_ieq(slice_of(a->local), SLICE("postmaster"));
}

/* An address literal of ours is this host, and becomes its name, so that
 * nothing later takes it for another one; others are elsewhere. */
static enum route_class
class_of(const struct session *s, struct addr *a)
{
	const struct conf *c = session_conf(s);
	struct slice domain = slice_of(a->domain);
	bool is_ours = false;
	char ip[64];

	if (domain.n == 0 || domain.p[0] != '[')
		return route_class(c, domain);
	if (!addr_literal(domain, ip))
		return ROUTE_OTHER;
	for (size_t i = 0; i < c->listener_n && !is_ours; i++)
		is_ours = strcmp(c->listener[i].Address, ip) == 0;
	if (!is_ours && !session_is_ours(s, ip))
		return ROUTE_OTHER;
	a->domain[0] = '\0'; /* HostName, once it is kept */
	return ROUTE_LOCAL;
}

static void
keep(struct session *s, const struct addr *a, uint8_t notify, const char *orcpt)
{
	struct txn *t = s->txn;
	struct p_env_rcpt r = { .orcpt = slice_of(orcpt), .notify = notify };
	struct buf addr;

	buf_init(&addr, 2048);
	addr_put(&addr, slice_of(a->local),
	    slice_of(a->domain[0] ? a->domain : session_conf(s)->HostName));
	r.addr = buf_slice(&addr);
	put_p_env_rcpt(&t->sub->rcpts, &r);
	t->sub->env.rcpt_n++;
	submission_count(t->sub);
	budget_count(s, t->sub->rcpts.len);
	buf_release(&addr);
	if (s->errors != 0)
		s->errors--; /* a list may hold some dead ones */
}

static void
forget(struct session *s)
{
	free(s->asked);
	free(s->orcpt);
	s->asked = NULL;
	s->orcpt = NULL;
}

static struct reply
decided(struct session *s, const struct verdict *v)
{
	size_t n = 0;

	if (verdict_is_ok(v)) {
		keep(s, s->asked, s->notify, s->orcpt);
		return REPLY(250, "2.1.5 Recipient ok");
	}
	if (v->enhanced.n != 0 && v->enhanced.n < 16) {
		memcpy(s->scratch, v->enhanced.p, v->enhanced.n);
		n = v->enhanced.n;
		s->scratch[n++] = ' ';
	}
	for (size_t i = 0; i < v->text.n && n < sizeof(s->scratch) - 1; i++)
		s->scratch[n++] =
		    (unsigned char)v->text.p[i] < 0x20 ? ' ' : v->text.p[i];
	s->scratch[n] = '\0';
	return REPLY(v->code, s->scratch);
}

void
rcpt_answered(struct session *s, const struct verdict *v)
{
	struct reply r = decided(s, v);

	s->ask_key = 0;
	if (verdict_is_ok(v)) {
		asks_know(s->smtpd->asks, slice_of(s->asked->local),
		    slice_of(s->asked->domain));
		forget(s);
	} else if (s->state == ST_MAIL) {
		s->after = ST_MAIL;
	}
	/* a refusal's event names the recipient: forgotten at the next one */
	session_answer(s, r);
}

static void
send_ask(struct session *s)
{
	PROC_SEND(&s->smtpd->proc->lookup, rcpt_ask, RCPT_ASK,
	    .key = s->ask_key, .what = ASK_RCPT,
	    .local = slice_of(s->asked->local),
	    .domain = slice_of(s->asked->domain));
}

void
rcpt_ask_again(struct session *s)
{
	if (s->ask_key == 0 || s->verb != V_RCPT || s->is_asked_again)
		return;
	s->is_asked_again = true; /* once: it may be what lookup died of */
	send_ask(s);
}

/* To lookup, or from what it said a moment ago. */
static struct reply
ask(struct session *s)
{
	struct slice local = slice_of(s->asked->local);
	struct slice domain = slice_of(s->asked->domain);
	const struct verdict ok = VERDICT(250, "2.1.5", RC_NONE, "ok");
	struct reply r;

	if (is_postmaster(s->asked) ||
	    asks_is_known(s->smtpd->asks, local, domain)) {
		r = decided(s, &ok);
		forget(s);
		return r;
	}
	if (s->smtpd->proc->lookup.chan != NULL)
		s->ask_key = asks_add(s->smtpd->asks, s);
	if (s->ask_key == 0) {
		forget(s);
		return REPLY(451,
		    "4.3.0 The user database does not answer, try again later");
	}
	s->is_asked_again = false;
	send_ask(s);
	session_wait(s);
	return REPLY_LATER;
}

/* A relay domain's server trusts this host, so a route inside the local part
 * is refused for it, too. */
static bool
may_relay(const struct session *s, const struct addr *a, enum route_class c)
{
	return s->is_trusted ||
	    (c != ROUTE_OTHER && !local_part_relays(slice_of(a->local)));
}

/* What stands on the line; code 0: it is an address and may be asked for. */
static struct reply
parse(
    struct session *s, struct slice args, struct addr *a, struct rcpt_params *p)
{
	bool is_utf8 = s->txn->sub->env.flags & ENV_UTF8;
	const char *wrong;
	int rc;

	if (!slice_istarts(args, SLICE("TO:")))
		return REPLY(501, "5.5.4 RCPT TO:<address>");
	args = slice_trim(slice_sub(args, 3, args.n));
	rc = addr_parse_path(
	    &args, ADDR_BARE_OK | (is_utf8 ? ADDR_UTF8_OK : 0), a);
	if (rc < 0 || (args.n != 0 && args.p[0] != ' '))
		return bad_rcpt(rc < 0 ? rc : -EINVAL);
	if (a->domain[0] == '\0' && !is_postmaster(a) && !s->is_trusted)
		return REPLY(550, "5.1.3 An address with a domain is wanted");
	wrong = rcpt_params(args, is_utf8, p);
	if (wrong != NULL)
		return REPLY(atoi(wrong), wrong + 4);
	return REPLY(0, NULL);
}

/* No error: RFC 5321 section 4.5.3.1.10 has the client send the rest again. */
static struct reply
too_many(struct session *s, const char *text)
{
	struct reply r = REPLY(452, text);

	if (!s->txn->is_full)
		session_say_reject(s, r);
	s->txn->is_full = true;
	return r;
}

/* As many as one message may have, or as the envelope holds (sizes.h). */
static bool
is_full(const struct session *s)
{
	const struct submission *sub = s->txn->sub;

	return sub->env.rcpt_n >=
	    (uint32_t)session_conf(s)->MaxRecipientsPerMessage ||
	    sub->rcpts.len + RCPT_MOST > sub->rcpts.max;
}

struct reply
verb_rcpt(struct session *s, struct slice args)
{
	struct rcpt_params p;
	enum route_class class;
	struct reply no;
	struct addr a;

	forget(s);
	no = parse(s, args, &a, &p);
	if (no.code != 0)
		return no;
	if (is_full(s))
		return too_many(
		    s, "4.5.3 Too many recipients, send the rest again");
	if (!budget_allows(s->smtpd->rcpt_bytes,
		s->client ? s->client->rcpt_bytes : 0, s->txn->sub->rcpts.len))
		return too_many(s, "4.3.1 No room for more now, send those");
	class = class_of(s, &a);
	s->asked = malloc(sizeof(a));
	if (s->asked == NULL)
		return REPLY(451, "4.3.0 Out of memory, try again later");
	*s->asked = a;
	if (!may_relay(s, &a, class))
		return REPLY(550, "5.7.1 Relaying is not permitted");
	/* A program that calls sendmail reads no replies: what its user
	 * mistyped comes back as a notice. */
	if (class == ROUTE_RELAY || class == ROUTE_OTHER ||
	    s->kind == KIND_LOCAL) {
		keep(s, &a, p.notify, p.orcpt);
		forget(s);
		return REPLY(250, "2.1.5 Recipient ok");
	}
	s->notify = p.notify;
	s->orcpt = slice_dup(slice_of(p.orcpt));
	if (s->orcpt == NULL)
		return REPLY(451, "4.3.0 Out of memory, try again later");
	return ask(s);
}
