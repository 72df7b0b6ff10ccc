/*
 * ask: from an address of ours to what it is. Aliases first, the whole
 * address before its local part, user+detail before user; then the users.
 *
 * root and postmaster are never unknown: they are taken at RCPT, and what
 * cannot be delivered to anybody waits for an alias that can.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lookup.h"
#include "route.h"

#define SIEVE_MAX 4096 /* bytes of targets; one may call the next */

static const struct verdict unknown = { .code = 550,
	.reason = RC_MAILBOX_UNKNOWN,
	.enhanced = { "5.1.1", 5 },
	.text = { "There is no such user here", 26 } };

static const struct verdict no_aliases = { .code = 451,
	.reason = RC_LOCAL_RESOURCE,
	.enhanced = { "4.3.5", 5 },
	.text = { "The aliases cannot be read now", 30 } };

static bool
is_named(const struct ask *a, const char *name)
{
	return slice_ieq(slice_of(a->local), slice_of(name));
}

static bool
is_special(const struct ask *a)
{
	return is_named(a, "postmaster") || is_named(a, "root");
}

static void
no_alias_yet(struct ask *a)
{
	char text[100];
	struct verdict v = { .code = 451,
		.reason = RC_LOCAL_RESOURCE,
		.enhanced = SLICE("4.2.1") };

	snprintf(text, sizeof(text),
	    "%.10s has no alias yet that delivers: its mail waits for one",
	    is_named(a, "root") ? "root" : "postmaster");
	v.text = slice_of(text);
	answer_verdict(a, v);
}

/* user+detail: once, behind the full form. */
static bool
strip_detail(struct ask *a)
{
	const char *d = a->l->proc->conf->RecipientDelimiter;
	char *at = d[0] ? strchr(a->local, d[0]) : NULL;

	if (at == NULL || at == a->local || a->is_stripped)
		return false;
	*at = '\0';
	a->is_stripped = true;
	return true;
}

/*
 * Members of postmaster and root, one after the other: those that are surely
 * no address of anybody are left out, so that no mail of theirs comes back.
 */
struct sieve {
	struct ask *a; /* owned */
	struct buf targets, good;
	struct rd rest; /* in targets */
	struct p_target now; /* the one that is looked at */
};

static void sieve_go_on(struct sieve *);

static void
sieve_end(struct sieve *s)
{
	struct ask *a = s->a;

	if (s->good.len != 0 && !s->good.bad)
		answer_targets(a, buf_slice(&s->good));
	else
		no_alias_yet(a);
	buf_release(&s->targets);
	buf_release(&s->good);
	free(s);
}

static void
sieve_told(void *arg, const struct verdict *v)
{
	struct sieve *s = arg;

	if (!verdict_is_perm(v))
		put_p_target(&s->good, &s->now);
	sieve_go_on(s);
}

static void
sieve_look(struct sieve *s)
{
	struct asker by = { .what = ASK_VRFY, .told = sieve_told, .arg = s };
	struct ask *a = s->a;
	struct slice local = s->now.text, domain = SLICE("");
	const struct verdict ok = VERDICT(250, "2.1.5", RC_NONE, "ok");

	addr_split(s->now.text, &local, &domain);
	if (s->now.kind == TARGET_MAILBOX) /* \root is root's own mailbox */
		domain = SLICE("");
	else if (s->now.kind != TARGET_ADDRESS ||
	    route_class(a->l->proc->conf, domain) > ROUTE_VIRTUAL) {
		sieve_told(s, &ok);
		return;
	}
	if (slice_ieq(local, slice_of(a->local)) &&
	    route_class(a->l->proc->conf, domain) == ROUTE_LOCAL)
		sieve_told(s, &unknown); /* itself */
	else
		ask_begin(a->l, &by, local, domain);
}

static void
sieve_go_on(struct sieve *s)
{
	if (rd_end(&s->rest) || !get_p_target(&s->rest, &s->now))
		sieve_end(s);
	else
		sieve_look(s);
}

static void
sieve_begin(struct ask *a, struct slice targets)
{
	struct sieve *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		answer_verdict(a, no_aliases);
		return;
	}
	s->a = a;
	buf_init(&s->targets, targets.n + 1);
	buf_init(&s->good, targets.n + 1);
	buf_add_slice(&s->targets, targets);
	s->rest = rd_of(buf_slice(&s->targets));
	sieve_go_on(s);
}

static void
got_members(struct ask *a, const struct members *all, char why[300])
{
	if (all == NULL) {
		tables_complain(a->l, "", why);
		answer_verdict(a,
		    VERDICT(451, "4.3.5", RC_LOCAL_RESOURCE,
			"The list cannot be read now"));
	} else if (!a->by.is_expand) {
		answer_lines(a, buf_slice(&all->targets));
	} else if (is_special(a) && all->targets.len < SIEVE_MAX) {
		sieve_begin(a, buf_slice(&all->targets));
	} else {
		answer_targets(a, buf_slice(&all->targets));
	}
}

static void
got_alias(struct ask *a, struct slice text)
{
	if (!a->by.is_expand && a->by.what != ASK_EXPN)
		answer_ok(a);
	else
		list_collect(a, text, got_members);
}

/* The whole address, then the local part. */
static bool
find_alias(const struct ask *a, bool has_bare, struct slice *ret)
{
	char full[ADDR_LOCAL_MAX + ADDR_DOMAIN_MAX + 2];

	if (a->by.is_self)
		return false;
	snprintf(full, sizeof(full), "%s@%s", a->local, a->domain);
	if (a->domain[0] != '\0' &&
	    aliases_find(a->l->aliases, slice_of(full), ret))
		return true;
	return has_bare && aliases_find(a->l->aliases, slice_of(a->local), ret);
}

static void ask_local(struct ask *);

static void
got_user(void *arg, enum user_answer u, const char *name, bool is_root)
{
	struct ask *a = arg;

	if (u == USER_YES && is_root)
		no_alias_yet(a);
	else if (u == USER_YES)
		answer_user(a, EXPAND_USER, name, "");
	else if (u == USER_NOT_NOW)
		answer_verdict(a,
		    VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE,
			"The user database does not answer, try again later"));
	else if (is_special(a))
		no_alias_yet(a);
	else if (strip_detail(a))
		ask_local(a);
	else
		answer_verdict(a, unknown);
}

static void
ask_local(struct ask *a)
{
	struct lookup *l = a->l;
	struct slice members;

	if (l->aliases == NULL)
		answer_verdict(a, no_aliases);
	else if (find_alias(a, true, &members))
		got_alias(a, members);
	else
		users_ask(l->users, slice_of(a->local), got_user, a);
}

static void
ask_virtual(struct ask *a, const struct conf_virtual *v)
{
	struct lookup *l = a->l;
	const struct userlist *list = &l->lists[v - l->proc->conf->virtual_];
	struct slice members;
	struct buf path;

	if (l->aliases == NULL) {
		answer_verdict(a, no_aliases); /* it may be in there */
		return;
	}
	if (find_alias(a, false, &members)) {
		got_alias(a, members);
		return;
	}
	if (!userlist_is_readable(list)) {
		answer_verdict(a,
		    VERDICT(451, "4.3.5", RC_LOCAL_RESOURCE,
			"The list of users cannot be read now"));
		return;
	}
	buf_init(&path, 4096);
	if (userlist_has(list, slice_of(a->local)) &&
	    route_virtual_path(
		v, slice_of(a->local), slice_of(a->domain), &path))
		answer_user(a, EXPAND_VIRTUAL, v->User, path.data);
	else if (strip_detail(a))
		ask_virtual(a, v);
	else if (is_named(a, "postmaster")) /* this host's */
		ask_local(a);
	else
		answer_verdict(a, unknown);
	buf_release(&path);
}

/* Envelope addresses are quoted where they must be; tables are not. */
static bool
take_local(struct ask *a, struct slice s)
{
	size_t n = 0;
	bool is_quoted = s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"';

	if (is_quoted)
		s = slice_sub(s, 1, s.n - 1);
	for (size_t i = 0; i < s.n; i++) {
		if (is_quoted && s.p[i] == '\\' && i + 1 < s.n)
			i++;
		if (n == ADDR_LOCAL_MAX || s.p[i] == '\0')
			return false;
		a->local[n++] = s.p[i];
	}
	return true;
}

void
ask_begin(struct lookup *l, const struct asker *by, struct slice local,
    struct slice domain)
{
	struct ask *a = calloc(1, sizeof(*a));
	struct route r;

	if (a == NULL || domain.n > ADDR_DOMAIN_MAX || !take_local(a, local)) {
		answer_to(by, a ? unknown : no_aliases);
		free(a);
		return;
	}
	a->l = l;
	a->by = *by;
	memcpy(a->domain, domain.p ? domain.p : "", domain.n);
	tables_refresh(l);
	route_find(l->proc->conf, domain, &r);
	if (!by->is_expand && by->what == ASK_RCPT &&
	    (is_named(a, "postmaster") ||
		(is_named(a, "root") && r.virtual_ == NULL)))
		answer_ok(a);
	else if (r.virtual_ != NULL &&
	    (size_t)(r.virtual_ - l->proc->conf->virtual_) < l->lists_n)
		ask_virtual(a, r.virtual_);
	else
		ask_local(a);
}
