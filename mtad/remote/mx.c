/*
 * Steps: (literal) or MX -> A and AAAA of the names used -> the order.
 * A name that answers SERVFAIL is followed along its CNAMEs, to tell a loop
 * by its name from a server that fails.
 */
#include "mx.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <idn2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "addr.h"
#include "answer.h"
#include "clock.h"

#define PER_HOST 8 /* addresses of a family used of one host */
#define CNAMES_MAX 12

/* One host of the set, and what its names led to. */
struct mx_host {
	struct mx_lookup *lookup; /* borrowed */
	struct mx mx;
	struct question a, aaaa;
	unsigned char v4[PER_HOST][4], v6[PER_HOST][16];
	int v4_n, v6_n;
};

struct mx_lookup {
	struct resolver *resolver; /* borrowed */
	const struct self *self; /* borrowed */
	mx_done_fn *done;
	void *arg;
	struct question mx_question, cname_question;
	char name[NAME_MAX_DNS]; /* as it is asked for */
	char seen[CNAMES_MAX][NAME_MAX_DNS]; /* along a chain of CNAMEs */
	int seen_n;
	struct mx_host *host; /* owned */
	int host_n, open, temp, mx_all;
	uint16_t port;
	bool is_of_operator; /* the host is configured */
	bool is_nxdomain, is_busy, is_over;
};

static void
lookup_free(struct mx_lookup *l)
{
	question_cancel(&l->mx_question);
	question_cancel(&l->cname_question);
	for (int i = 0; i < l->host_n; i++) {
		question_cancel(&l->host[i].a);
		question_cancel(&l->host[i].aaaa);
	}
	free(l->host);
	free(l);
}

static void
finish(struct mx_lookup *l, struct targets *t)
{
	l->is_over = true;
	l->done(l->arg, t);
}

static void
fail(struct mx_lookup *l, int code, const char *enhanced, enum reason reason,
    const char *fmt, const char *name)
{
	finish(l, targets_none(code, enhanced, reason, fmt, name));
}

static void
add_address(struct targets *t, const struct mx *mx, int family,
    const void *addr, uint16_t port)
{
	struct target *one = &t->v[t->n];

	if (t->n == TARGETS_MAX)
		return;
	one->pref = mx->pref;
	memcpy(one->name, mx->name, sizeof(one->name));
	target_inet(one, family, addr, port);
	t->n++;
}

/* A host's addresses in the order of the answer, the families in turns: one
 * that does not work from here costs one try before the other comes. */
static void
add_host(struct targets *t, const struct mx_host *h, uint16_t port)
{
	for (int i = 0; i < PER_HOST; i++) {
		if (i < h->v6_n)
			add_address(t, &h->mx, AF_INET6, h->v6[i], port);
		if (i < h->v4_n)
			add_address(t, &h->mx, AF_INET, h->v4[i], port);
	}
}

static void
no_address(struct mx_lookup *l)
{
	if (l->temp != 0)
		fail(l, 451, "4.4.3", RC_DNS_TEMP,
		    "The name server does not answer for %s", l->name);
	else if (l->is_nxdomain)
		fail(l, 550, "5.1.2", RC_DNS_NONE, "There is no domain %s",
		    l->name);
	else
		fail(l, 550, "5.4.4", RC_DNS_NONE,
		    "%s has no host that could take mail", l->name);
}

static void
fail_self(struct mx_lookup *l, const char *name)
{
	if (l->is_of_operator)
		fail(l, 451, "4.4.6", RC_LOOP,
		    "The next host %s is this host: mail would go in a circle",
		    name);
	else
		fail(l, 554, "5.4.6", RC_LOOP,
		    "The mail of %s comes to this host, which does not know it",
		    name);
}

/* All questions are answered. */
static void
order(struct mx_lookup *l)
{
	struct targets *t = targets_new(TARGETS_MAX);
	char nowhere_name[NAME_MAX_DNS];
	const char *nowhere = NULL;
	bool is_self;

	if (t == NULL) {
		finish(l, NULL);
		return;
	}
	for (int i = 0; i < l->host_n; i++)
		add_host(t, &l->host[i], l->port);
	is_self = self_cut(l->self, t);
	if (!l->is_of_operator)
		nowhere = targets_cut_nowhere(t, nowhere_name);
	if (l->mx_all > MX_USED_MAX)
		snprintf(t->why, sizeof(t->why),
		    "the best %d of %d MX are used", MX_USED_MAX, l->mx_all);
	if (t->n != 0) {
		finish(l, t);
		return;
	}
	targets_unref(t);
	if (l->temp != 0)
		no_address(l);
	else if (is_self)
		fail_self(l, l->name);
	else if (nowhere != NULL)
		fail(l, 550, "5.4.4", RC_DNS_NONE,
		    "The domain's mail host %s has a loopback address",
		    nowhere);
	else
		no_address(l);
}

static void
maybe_order(struct mx_lookup *l)
{
	if (l->open == 0 && !l->is_over)
		order(l);
}

/* Every entry from outside ends with this, so that what is over is freed in
 * one place, by the outermost. */
static void
leave(struct mx_lookup *l, bool was_busy)
{
	l->is_busy = was_busy;
	if (l->is_over && !was_busy)
		lookup_free(l);
}

static void
got_address(struct mx_host *h, const struct answer *a, int family)
{
	struct mx_lookup *l = h->lookup;
	bool was_busy = l->is_busy;

	l->open--;
	l->is_busy = true;
	if (a->kind == ANSWER_TEMP)
		l->temp++;
	else if (a->kind == ANSWER_OK && family == AF_INET)
		h->v4_n =
		    answer_addresses(a->packet, AF_INET, h->v4[0], PER_HOST);
	else if (a->kind == ANSWER_OK)
		h->v6_n =
		    answer_addresses(a->packet, AF_INET6, h->v6[0], PER_HOST);
	maybe_order(l);
	leave(l, was_busy);
}

static void
got_a(void *arg, const struct answer *a)
{
	got_address(arg, a, AF_INET);
}

static void
got_aaaa(void *arg, const struct answer *a)
{
	got_address(arg, a, AF_INET6);
}

static void
ask_host(struct mx_host *h)
{
	struct mx_lookup *l = h->lookup;
	const char *proto = resolver_proc(l->resolver)->conf->InetProtocols;

	if (strcmp(proto, "ipv4") != 0) {
		l->open++;
		question_ask(
		    &h->aaaa, l->resolver, h->mx.name, ns_t_aaaa, got_aaaa, h);
	}
	if (strcmp(proto, "ipv6") != 0) {
		l->open++;
		question_ask(&h->a, l->resolver, h->mx.name, ns_t_a, got_a, h);
	}
}

/* The addresses of these names; is_busy is set, so nothing ends within. */
static void
ask_hosts(struct mx_lookup *l, const struct mx *mx, int n)
{
	l->host = calloc((size_t)n, sizeof(*l->host));
	if (l->host == NULL) {
		finish(l, NULL);
		return;
	}
	l->host_n = n;
	l->open++; /* answers that come at once do not end it in the midst */
	for (int i = 0; i < n; i++) {
		l->host[i].lookup = l;
		l->host[i].mx = mx[i];
		ask_host(&l->host[i]);
	}
	l->open--;
	maybe_order(l);
}

/* No MX: the domain itself is the host. */
static void
ask_itself(struct mx_lookup *l)
{
	struct mx mx = { .pref = 0 };

	memcpy(mx.name, l->name, sizeof(mx.name));
	ask_hosts(l, &mx, 1);
}

static void
use_mx(struct mx_lookup *l, struct mx *mx, int n)
{
	const char *me = resolver_proc(l->resolver)->conf->HostName;
	uint64_t random = 0;
	int left;

	if (n == 1 && mx[0].name[0] == '\0') {
		fail(l, 556, "5.1.10", RC_DNS_NULLMX,
		    "The domain %s takes no mail (null MX)", l->name);
		return;
	}
	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)clock_mono();
	mx_sort(mx, n, random);
	left = mx_before_self(mx, n, slice_of(me));
	if (left == 0) {
		fail_self(l, l->name);
		return;
	}
	ask_hosts(l, mx, left < MX_USED_MAX ? left : MX_USED_MAX);
}

static void
take_mx(struct mx_lookup *l, struct slice packet)
{
	struct mx *mx = malloc(MX_READ_MAX * sizeof(*mx));
	int n;

	if (mx == NULL) {
		finish(l, NULL);
		return;
	}
	n = answer_mx(packet, mx, MX_READ_MAX, &l->mx_all);
	if (n > 0)
		use_mx(l, mx, n);
	else if (n == 0 && l->mx_all == 0)
		ask_itself(l);
	else if (n == 0) /* there are, and none is a name of a host */
		fail(l, 550, "5.4.4", RC_DNS_NONE,
		    "No MX of %s is a name of a host", l->name);
	else
		no_address(l);
	free(mx);
}

static bool
was_seen(const struct mx_lookup *l, const char *name)
{
	for (int i = 0; i < l->seen_n; i++)
		if (slice_ieq(slice_of(l->seen[i]), slice_of(name)))
			return true;
	return false;
}

static void got_cname(void *, const struct answer *);

static void
ask_cname(struct mx_lookup *l, const char *name)
{
	memcpy(l->seen[l->seen_n++], name, NAME_MAX_DNS);
	question_ask(&l->cname_question, l->resolver, l->seen[l->seen_n - 1],
	    ns_t_cname, got_cname, l);
}

static void
got_cname(void *arg, const struct answer *a)
{
	char next[1][NAME_MAX_DNS];
	struct mx_lookup *l = arg;
	bool was_busy = l->is_busy;

	l->is_busy = true;
	if (a->kind != ANSWER_OK ||
	    answer_names(a->packet, ns_t_cname, next, 1) != 1)
		no_address(l);
	else if (was_seen(l, next[0]))
		fail(l, 451, "4.4.3", RC_DNS_TEMP,
		    "The name %s is an alias (CNAME) of itself", next[0]);
	else if (l->seen_n == CNAMES_MAX)
		fail(l, 451, "4.4.3", RC_DNS_TEMP,
		    "The name %s has too many aliases (CNAME)", l->name);
	else
		ask_cname(l, next[0]);
	leave(l, was_busy);
}

static void
got_mx(void *arg, const struct answer *a)
{
	struct mx_lookup *l = arg;
	bool was_busy = l->is_busy;

	l->is_busy = true;
	if (a->kind == ANSWER_OK) {
		take_mx(l, a->packet);
	} else if (a->kind == ANSWER_NXDOMAIN) {
		/* HostsFile may know it all the same */
		l->is_nxdomain = true;
		ask_itself(l);
	} else {
		l->temp++;
		if (strcmp(a->why, "servfail") == 0)
			ask_cname(l, l->name);
		else
			no_address(l);
	}
	leave(l, was_busy);
}

static void
literal(struct mx_lookup *l, const char *ip)
{
	struct targets *t = targets_new(1);
	int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
	unsigned char addr[16];
	struct mx mx = { .pref = 0 };

	if (t == NULL || inet_pton(family, ip, addr) != 1) {
		finish(l, t);
		return;
	}
	snprintf(mx.name, sizeof(mx.name), "%s", ip);
	add_address(t, &mx, family, addr, l->port);
	if (!self_cut(l->self, t)) {
		finish(l, t);
		return;
	}
	targets_unref(t);
	fail_self(l, ip);
}

/* In text that DNS knows: names in UTF-8 become A-labels (RFC 5891). */
static bool
dns_name(struct slice s, char ret[NAME_MAX_DNS])
{
	char text[NAME_MAX_DNS], *ascii = NULL;
	bool ok;

	if (s.n == 0 || s.n >= sizeof(text) || !addr_domain_ok(s, true))
		return false;
	memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	if (addr_domain_ok(s, false)) {
		memcpy(ret, text, s.n + 1);
		return true;
	}
	if (idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	ok = strlen(ascii) < NAME_MAX_DNS;
	if (ok)
		memcpy(ret, ascii, strlen(ascii) + 1);
	idn2_free(ascii);
	return ok;
}

static void
begin(struct mx_lookup *l, struct slice name)
{
	bool has_brackets =
	    name.n > 2 && name.p[0] == '[' && name.p[name.n - 1] == ']';
	char ip[64], given[NAME_MAX_DNS];

	if (has_brackets && addr_literal(name, ip)) {
		literal(l, ip);
		return;
	}
	if (has_brackets)
		name = slice_sub(name, 1, name.n - 1);
	if (!dns_name(name, l->name)) {
		snprintf(given, sizeof(given), "%.*s", SLICE_ARG(name));
		fail(l, 550, "5.1.2", RC_DNS_NONE, "%s is no name of a domain",
		    given);
	} else if (has_brackets) {
		ask_itself(l);
	} else {
		question_ask(
		    &l->mx_question, l->resolver, l->name, ns_t_mx, got_mx, l);
	}
}

struct mx_lookup *
mx_lookup(struct resolver *r, const struct self *self, struct slice domain,
    struct slice host, uint16_t port, mx_done_fn *done, void *arg)
{
	struct mx_lookup *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		done(arg, NULL);
		return NULL;
	}
	*l = (struct mx_lookup){ .resolver = r,
		.self = self,
		.done = done,
		.arg = arg,
		.port = port,
		.is_of_operator = host.n != 0,
		.is_busy = true };
	begin(l, host.n != 0 ? host : domain);
	l->is_busy = false;
	if (!l->is_over)
		return l;
	lookup_free(l);
	return NULL;
}

void
mx_cancel(struct mx_lookup *l)
{
	lookup_free(l);
}
