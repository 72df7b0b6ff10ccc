/* MAIL: RFC 5321 section 4.1.1.2. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "params.h"
#include "session.h"

/* "501 5.5.4 words" to a reply. */
static struct reply
split(const char *text)
{
	return REPLY(atoi(text), text + 4);
}

static struct reply
bad_sender(int error)
{
	switch (error) {
	case -ENAMETOOLONG:
		return REPLY(501, "5.1.7 The sender's address is too long");
	case -EILSEQ:
		return REPLY(553, "5.6.7 This address needs SMTPUTF8");
	default:
		return REPLY(
		    501, "5.1.7 That is no address: MAIL FROM:<user@domain>");
	}
}

static struct txn *
txn_new(void)
{
	struct txn *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->sub = submission_new();
	if (t->sub == NULL) {
		free(t);
		return NULL;
	}
	buf_init(&t->sender, 2048);
	buf_init(&t->envid, 512);

	t->started = clock_mono();
	return t;
}

static void
set_sender(struct session *s, const struct addr *a)
{
	struct txn *t = s->txn;

	if (a->is_null)
		return;
	addr_put(&t->sender, slice_of(a->local),
	    slice_of(a->domain[0] ? a->domain : session_conf(s)->HostName));
}

/* What can be refused before anything is kept. */
static struct reply
refuse(struct session *s, const struct mail_params *p)
{
	const struct conf *c = session_conf(s);
	const char *text;
	int code = store_refuses(s->smtpd->store, &text);

	if (code != 0)
		return REPLY(code, text);
	if (c->MaxMessageSize != 0 && p->size > (uint64_t)c->MaxMessageSize)
		return REPLY(552, "5.3.4 The message is larger than we take");
	if (c->MaxTransactions != 0 &&
	    s->messages >= (uint32_t)c->MaxTransactions)
		return REPLY(452, "4.5.3 Enough messages for one connection");
	return REPLY(0, NULL);
}

/* SMTPUTF8 changes how the path is read, so it is looked for first. */
static bool
asks_utf8(struct slice args)
{
	struct slice one;

	while (slice_next(&args, ' ', &one))
		if (slice_ieq(one, SLICE("SMTPUTF8")))
			return true;
	return false;
}

struct reply
verb_mail(struct session *s, struct slice args)
{
	unsigned flags = ADDR_NULL_OK | (s->is_trusted ? ADDR_BARE_OK : 0);
	struct mail_params p;
	const char *wrong;
	struct reply no;
	struct addr a;
	int rc;

	if (!slice_istarts(args, SLICE("FROM:")))
		return REPLY(501, "5.5.4 MAIL FROM:<address>");
	args = slice_trim(slice_sub(args, 5, args.n));
	if (s->is_esmtp && asks_utf8(args))
		flags |= ADDR_UTF8_OK;
	rc = addr_parse_path(&args, flags, &a);
	if (rc < 0)
		return bad_sender(rc);
	if (args.n != 0 && args.p[0] != ' ')
		return bad_sender(-EINVAL);
	wrong = mail_params(args, &p);
	if (wrong != NULL)
		return split(wrong);
	no = refuse(s, &p);
	if (no.code != 0)
		return no;
	s->txn = txn_new();
	if (s->txn == NULL)
		return REPLY(451, "4.3.0 Out of memory, try again later");
	s->smtpd->txns++;
	s->txn->sub->body_bytes = &s->smtpd->body_bytes;
	s->txn->sub->rcpt_bytes = &s->smtpd->rcpt_bytes;
	set_sender(s, &a);
	s->txn->declared = p.size;
	buf_adds(&s->txn->envid, p.envid);
	s->txn->sub->env.flags = p.flags;
	s->txn->sub->env.ret = p.ret;
	return REPLY(250, "2.1.0 Sender ok");
}
