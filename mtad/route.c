#include "route.h"

#include <stdlib.h>
#include <string.h>

#define LMTP_PORT 24

static bool
in_list(const struct conf_list *l, struct slice domain)
{
	for (size_t i = 0; i < l->n; i++)
		if (slice_ieq(slice_of(l->v[i]), domain))
			return true;
	return false;
}

static bool
is_below(struct slice domain, struct slice parent)
{
	return domain.n > parent.n && slice_iends(domain, parent) &&
	    domain.p[domain.n - parent.n - 1] == '.';
}

static const struct conf_virtual *
find_virtual(const struct conf *c, struct slice domain)
{
	for (size_t i = 0; i < c->virtual_n; i++)
		if (slice_ieq(slice_of(c->virtual_[i].title), domain))
			return &c->virtual_[i];
	return NULL;
}

enum route_class
route_class(const struct conf *c, struct slice domain)
{
	if (domain.n == 0 || in_list(&c->LocalDomains, domain) ||
	    slice_ieq(domain, slice_of(c->HostName)))
		return ROUTE_LOCAL;
	if (find_virtual(c, domain) != NULL)
		return ROUTE_VIRTUAL;
	for (size_t i = 0; i < c->RelayDomains.n; i++) {
		struct slice d = slice_of(c->RelayDomains.v[i]);

		if (slice_ieq(d, domain) || is_below(domain, d))
			return ROUTE_RELAY;
	}
	return ROUTE_OTHER;
}

/* The closest row: the domain, then .parent from the longest on, then *. */
static const struct conf_route *
find_row(const struct conf *c, struct slice domain)
{
	const struct conf_route *best = NULL;
	size_t best_n = 0;

	for (size_t i = 0; i < c->route_n; i++) {
		struct slice t = slice_of(c->route[i].title);

		if (slice_ieq(t, domain))
			return &c->route[i];
		if (t.n > 1 && t.p[0] == '.' && t.n > best_n &&
		    is_below(domain, slice_sub(t, 1, t.n))) {
			best = &c->route[i];
			best_n = t.n;
		}
		if (best == NULL && slice_eq(t, SLICE("*")))
			best = &c->route[i];
	}
	return best;
}

static const struct conf_mailer *
find_mailer(const struct conf *c, struct slice name)
{
	for (size_t i = 0; i < c->mailer_n; i++)
		if (slice_eq(slice_of(c->mailer[i].title), name))
			return &c->mailer[i];
	return NULL;
}

static enum proto_mailer
kind_of(struct slice name)
{
	static const char *const kinds[] = { [MAILER_SMTP] = "smtp",
		[MAILER_LMTP] = "lmtp",
		[MAILER_LOCAL] = "local",
		[MAILER_VIRTUAL] = "virtual" };

	for (int k = 0; k < 4; k++)
		if (slice_eq(name, slice_of(kinds[k])))
			return (enum proto_mailer)k;
	return MAILER_SMTP;
}

/* host, [host], host:port, [host]:port */
static void
set_host(struct route *r, struct slice text)
{
	size_t close = slice_rfind(text, ']'), at = slice_rfind(text, ':');
	uint64_t port;

	r->host = text;
	if (at == text.n || (close != text.n && at < close) ||
	    (close == text.n && slice_find(text, ':') != at))
		return;
	if (slice_u64(slice_sub(text, at + 1, text.n), 65535, &port)) {
		r->host = slice_sub(text, 0, at);
		r->port = (uint16_t)port;
	}
}

static void
use_mailer(const struct conf *c, struct route *r, struct slice name)
{
	const struct conf_mailer *m = find_mailer(c, name);

	r->mailer = name;
	r->kind = kind_of(m ? slice_of(m->Kind) : name);
	if (m == NULL)
		return;
	set_host(r, slice_of(m->Host));
	r->path = slice_of(m->Path);
	r->max_concurrency = m->MaxConcurrency;
	r->max_size = m->MaxSize;
	if (m->Port != 0)
		r->port = (uint16_t)m->Port;
}

void
route_find(const struct conf *c, struct slice domain, struct route *r)
{
	const struct conf_route *row;
	enum route_class class;

	if (domain.n > 1 && domain.p[domain.n - 1] == '.')
		domain.n--;
	*r = (struct route){ .domain = domain };
	class = route_class(c, domain);
	row = find_row(c, domain);
	if (row != NULL && (class > ROUTE_VIRTUAL || row->title[0] != '*')) {
		use_mailer(c, r, slice_of(row->Mailer));
		if (row->Host[0] != '\0')
			set_host(r, slice_of(row->Host));
		if (row->Port != 0)
			r->port = (uint16_t)row->Port;
	} else if (class == ROUTE_LOCAL) {
		use_mailer(c, r, SLICE("local"));
	} else if (class == ROUTE_VIRTUAL) {
		use_mailer(c, r, SLICE("virtual"));
		r->virtual_ = find_virtual(c, domain);
	} else {
		use_mailer(c, r, SLICE("smtp"));
		if (c->SmartHost[0] != '\0' && r->host.n == 0)
			set_host(r, slice_of(c->SmartHost));
	}
	if (r->port == 0)
		r->port =
		    r->kind == MAILER_LMTP ? LMTP_PORT : (uint16_t)c->SmtpPort;
}

void
route_key(struct buf *b, const struct route *r)
{
	buf_add_slice(b, r->mailer);
	buf_addc(b, ':');
	if (r->kind == MAILER_LOCAL)
		return;
	if (r->kind == MAILER_VIRTUAL)
		buf_add_slice(b, r->domain);
	else if (r->path.n != 0)
		buf_add_slice(b, r->path);
	else if (r->host.n != 0)
		buf_addf(b, "%.*s:%u", SLICE_ARG(r->host), r->port);
	else
		for (size_t i = 0; i < r->domain.n; i++)
			buf_addc(b, ascii_lower(r->domain.p[i]));
}

static void
put_lower(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		buf_addc(b, ascii_lower(s.p[i]));
}

bool
route_virtual_path(const struct conf_virtual *v, struct slice local,
    struct slice domain, struct buf *b)
{
	if (local.n == 0 || local.p[0] == '.' ||
	    slice_find(local, '/') != local.n)
		return false;
	for (const char *p = v->Mailbox; *p != '\0'; p++) {
		if (p[0] == '$' && p[1] == 'u')
			put_lower(b, local);
		else if (p[0] == '$' && p[1] == 'd')
			put_lower(b, domain);
		else {
			buf_addc(b, *p);
			continue;
		}
		p++;
	}
	return !b->bad;
}
