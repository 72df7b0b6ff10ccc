#include "resolve.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <resolv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>
#include <sys/random.h>

#include <event2/event.h>
#include <unbound-event.h>

#include "addr.h"
#include "clock.h"
#include "log.h"

/*
 * libunbound's defaults fail the worst day: a name server that was dead for
 * minutes would stay unasked for a quarter of an hour. Each setting was
 * measured; together they come back about a second after the server.
 */
static const struct {
	const char *option, *value;
} settings[] = {
	{ "infra-host-ttl:", "10" }, /* forget soon that it was dead */
	{ "infra-keep-probing:", "yes" }, /* and ask it all the same */
	{ "infra-cache-max-rtt:", "3000" }, /* no waits of two minutes */
	{ "outgoing-range:", "4096" }, /* 16 was a bottleneck of 60 s */
	{ "num-queries-per-thread:", "8192" },
	{ "unblock-lan-zones:", "yes" }, /* private reverse zones are real */
	{ "insecure-lan-zones:", "yes" },
	{ "do-not-query-localhost:", "no" }, /* the local cache is one */
	{ "cache-max-negative-ttl:", "60" }, /* a new domain works soon */
	{ "msg-cache-size:", "1m" },
	{ "rrset-cache-size:", "2m" },
	{ "edns-buffer-size:", "1232" },
};

struct resolver {
	struct proc *proc; /* borrowed */
	struct ub_ctx *ub;
};

enum question_kind { ASK_MX, ASK_A, ASK_AAAA, ASK_PTR };

struct lookup;

struct question {
	struct lookup *lookup; /* borrowed */
	enum question_kind kind;
	int mx; /* for which name */
	int async_id;
	bool is_open;
};

/* One call of resolver_mx() or resolver_name(). */
struct lookup {
	struct resolver *r; /* borrowed */
	void (*done)(void *, const struct targets *);
	void (*named)(void *, enum proto_fcrdns, struct slice);
	void *arg;
	struct event *deadline;
	struct targets targets;
	struct mx mx[MX_MAX];
	int mx_n, open, failed;
	uint16_t port;
	bool is_mx_set, is_calling, is_over;
	char ip[64], name[256]; /* for named */
	struct question q[MX_MAX * 2 + 2];
	int q_n;
};

void
mx_sort(struct mx *v, int n, uint64_t random)
{
	for (int i = n - 1; i > 0; i--) { /* shuffle, then a stable sort */
		int j = (int)(random % (unsigned)(i + 1));
		struct mx t = v[i];

		random = random * 6364136223846793005u + 1442695040888963407u;
		v[i] = v[j];
		v[j] = t;
	}
	for (int i = 1; i < n; i++)
		for (int j = i; j > 0 && v[j].pref < v[j - 1].pref; j--) {
			struct mx t = v[j];

			v[j] = v[j - 1];
			v[j - 1] = t;
		}
}

static void
set_option(struct ub_ctx *ub, const char *option, const char *value)
{
	int rc = ub_ctx_set_option(ub, option, value);

	if (rc != 0)
		log_warn(
		    "libunbound: %s %s: %s", option, value, ub_strerror(rc));
}

static void
on_warm(
    void *arg, int rcode, void *packet, int n, int sec, char *why, int limited)
{
	(void)rcode;
	(void)packet;
	(void)n;
	(void)sec;
	(void)why;
	(void)limited;
	*(bool *)arg = true;
}

static void
add_servers(struct ub_ctx *ub, const struct conf *c)
{
	for (size_t i = 0; i < c->Resolvers.n; i++)
		if (ub_ctx_set_fwd(ub, c->Resolvers.v[i]) != 0)
			log_warn("Resolvers: %s is not ADDRESS or ADDRESS@PORT",
			    c->Resolvers.v[i]);
	if (c->Resolvers.n == 0 && ub_ctx_resolvconf(ub, NULL) != 0)
		log_warn("no name server in /etc/resolv.conf: mail to other "
			 "hosts waits");
}

struct resolver *
resolver_new(struct proc *p)
{
	struct resolver *r = calloc(1, sizeof(*r));
	const struct conf *c = p->conf;
	bool is_warm = false;
	int id;

	if (r == NULL)
		return NULL;
	r->proc = p;
	r->ub = ub_ctx_create_event(p->base);
	if (r->ub == NULL) {
		free(r);
		return NULL;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		set_option(r->ub, settings[i].option, settings[i].value);
	if (strcmp(c->InetProtocols, "ipv4") == 0)
		set_option(r->ub, "do-ip6:", "no");
	add_servers(r->ub, c);
	if (c->HostsFile[0] != '\0')
		ub_ctx_hosts(r->ub, c->HostsFile);
	/* the first question opens files: before the sandbox */
	if (ub_resolve_event(r->ub, "localhost", ns_t_a, ns_c_in, &is_warm,
		on_warm, &id) == 0)
		for (int i = 0; i < 50 && !is_warm; i++)
			event_base_loop(p->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	return r;
}

static void
say_failed(
    struct resolver *r, const char *name, const char *type, const char *rcode)
{
	struct event e;

	event_init(&e, EV_DNS_FAIL);
	event_cstr(&e, F_NAME, name);
	event_cstr(&e, F_TYPE, type);
	event_cstr(&e, F_RCODE, rcode);
	evlog_emit(r->proc->log, &e);
	stat_add(r->proc->slot, ST_DNS_FAILS, 1);
}

static void
lookup_free(struct lookup *l)
{
	for (int i = 0; i < l->q_n; i++)
		if (l->q[i].is_open)
			ub_cancel(l->r->ub, l->q[i].async_id);
	if (l->deadline != NULL)
		event_free(l->deadline);
	free(l);
}

static void
finish(struct lookup *l)
{
	if (l->is_over)
		return;
	l->is_over = true;
	if (l->done != NULL)
		l->done(l->arg, &l->targets);
	else
		l->named(l->arg,
		    l->targets.n     ? FCRDNS_PASS
			: l->name[0] ? FCRDNS_FAIL
			: l->failed  ? FCRDNS_TEMP
				     : FCRDNS_NONE,
		    slice_of(l->name));
	if (!l->is_calling)
		lookup_free(l);
}

static void
fail(struct lookup *l, struct verdict v)
{
	l->targets.n = 0;
	l->targets.verdict = v;
	finish(l);
}

/* Loopback and nothing: no place to send another domain's mail to. */
static bool
is_nowhere(const struct target *t)
{
	if (t->addr.sa.sa_family == AF_INET) {
		uint32_t a = ntohl(t->addr.in.sin_addr.s_addr);

		return a >> 24 == 127 || a == 0;
	}
	return IN6_IS_ADDR_LOOPBACK(&t->addr.in6.sin6_addr) ||
	    IN6_IS_ADDR_UNSPECIFIED(&t->addr.in6.sin6_addr);
}

static void
add_target(struct lookup *l, const char *name, uint16_t pref, int family,
    const void *addr)
{
	struct target *t = &l->targets.v[l->targets.n];

	if (l->targets.n == TARGETS_MAX)
		return;
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->pref = pref;
	if (family == AF_INET) {
		t->addr.in.sin_family = AF_INET;
		t->addr.in.sin_port = htons(l->port);
		memcpy(&t->addr.in.sin_addr, addr, 4);
	} else {
		t->addr.in6.sin6_family = AF_INET6;
		t->addr.in6.sin6_port = htons(l->port);
		memcpy(&t->addr.in6.sin6_addr, addr, 16);
	}
	if (l->is_mx_set && is_nowhere(t))
		return; /* not counted: the next one takes its place */
	l->targets.n++;
}

static int ask(struct lookup *, const char *name, enum question_kind, int mx);

static void
ask_addresses(struct lookup *l, int mx)
{
	const char *proto = l->r->proc->conf->InetProtocols;

	if (strcmp(proto, "ipv4") != 0)
		ask(l, l->mx[mx].name, ASK_AAAA, mx);
	if (strcmp(proto, "ipv6") != 0)
		ask(l, l->mx[mx].name, ASK_A, mx);
}

/* We are one of its MX: only better ones than ourselves may be used (RFC 5321
 * section 5.1), or the mail goes in a circle. */
static void
drop_self(struct lookup *l)
{
	const struct conf *c = l->r->proc->conf;

	for (int i = 0; i < l->mx_n; i++)
		if (slice_ieq(slice_of(l->mx[i].name), slice_of(c->HostName))) {
			uint16_t self = l->mx[i].pref;
			int n = 0;

			while (n < l->mx_n && l->mx[n].pref < self)
				n++;
			l->mx_n = n;
			return;
		}
}

static void
use_mx(struct lookup *l)
{
	bool had_any = l->mx_n != 0;
	uint64_t random = 0;

	if (l->mx_n == 1 && l->mx[0].name[0] == '\0') {
		fail(l,
		    VERDICT(556, "5.1.10", RC_DNS_NULLMX,
			"The domain takes no mail (null MX)"));
		return;
	}
	if (getrandom(&random, sizeof(random), 0) < 0)
		random = (uint64_t)clock_mono();
	mx_sort(l->mx, l->mx_n, random);
	drop_self(l);
	if (had_any && l->mx_n == 0) {
		fail(l,
		    VERDICT(554, "5.4.6", RC_LOOP,
			"The domain's mail comes to this host, which does not "
			"know it"));
		return;
	}
	for (int i = 0; i < l->mx_n; i++)
		ask_addresses(l, i);
}

static void
got_mx(struct lookup *l, ns_msg *msg)
{
	for (int i = 0; i < ns_msg_count(*msg, ns_s_an) && l->mx_n < MX_MAX;
	     i++) {
		struct mx *m = &l->mx[l->mx_n];
		ns_rr rr;

		if (ns_parserr(msg, ns_s_an, i, &rr) < 0 ||
		    ns_rr_type(rr) != ns_t_mx || ns_rr_rdlen(rr) < 3)
			continue;
		m->pref = (uint16_t)ns_get16(ns_rr_rdata(rr));
		if (ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg),
			ns_rr_rdata(rr) + 2, m->name, sizeof(m->name)) < 0)
			continue;
		if (strcmp(m->name, ".") == 0)
			m->name[0] = '\0';
		else if (!addr_domain_ok(slice_of(m->name), false))
			continue;
		l->mx_n++;
	}
	l->is_mx_set = l->mx_n != 0;
	if (l->mx_n == 0) { /* the implicit MX: the domain itself */
		snprintf(l->mx[0].name, sizeof(l->mx[0].name), "%s", l->name);
		l->mx_n = 1;
		l->is_mx_set = true; /* loopback is none either */
		ask_addresses(l, 0);
		return;
	}
	use_mx(l);
}

static void
got_addresses(struct lookup *l, const struct question *q, ns_msg *msg)
{
	int type = q->kind == ASK_A ? ns_t_a : ns_t_aaaa;
	size_t len = q->kind == ASK_A ? 4 : 16;

	for (int i = 0; i < ns_msg_count(*msg, ns_s_an); i++) {
		char text[64];
		ns_rr rr;

		if (ns_parserr(msg, ns_s_an, i, &rr) < 0 ||
		    (int)ns_rr_type(rr) != type || ns_rr_rdlen(rr) != len)
			continue;
		if (l->named != NULL) { /* only: is it the client's own? */
			inet_ntop(q->kind == ASK_A ? AF_INET : AF_INET6,
			    ns_rr_rdata(rr), text, sizeof(text));
			if (strcmp(text, l->ip) == 0)
				l->targets.n = 1;
			continue;
		}
		add_target(l, l->mx[q->mx].name, l->mx[q->mx].pref,
		    q->kind == ASK_A ? AF_INET : AF_INET6, ns_rr_rdata(rr));
	}
}

static void
got_ptr(struct lookup *l, ns_msg *msg)
{
	for (int i = 0; i < ns_msg_count(*msg, ns_s_an); i++) {
		ns_rr rr;

		if (ns_parserr(msg, ns_s_an, i, &rr) < 0 ||
		    ns_rr_type(rr) != ns_t_ptr ||
		    ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg),
			ns_rr_rdata(rr), l->name, sizeof(l->name)) < 0)
			continue;
		if (addr_domain_ok(slice_of(l->name), false)) {
			ask(l, l->name, strchr(l->ip, ':') ? ASK_AAAA : ASK_A,
			    0);
			return;
		}
		l->name[0] = '\0';
	}
}

static int
by_pref(const void *a, const void *b)
{
	const struct target *x = a, *y = b;

	return x->pref < y->pref ? -1 : x->pref > y->pref;
}

/* All questions are answered. */
static void
all_over(struct lookup *l)
{
	if (l->named != NULL || l->targets.n != 0) {
		/* A and AAAA came in any order; a stable order by preference
		 * keeps the shuffle within one preference */
		if (l->named == NULL)
			qsort(l->targets.v, (size_t)l->targets.n,
			    sizeof(l->targets.v[0]), by_pref);
		finish(l);
	} else if (l->failed != 0) {
		fail(l,
		    VERDICT(451, "4.4.3", RC_DNS_TEMP,
			"The name server does not answer for this domain"));
	} else {
		fail(l,
		    VERDICT(550, "5.4.4", RC_DNS_NONE,
			"The domain has no host that could take mail"));
	}
}

static void
nxdomain(struct lookup *l, const struct question *q)
{
	if (q->kind == ASK_MX)
		fail(l,
		    VERDICT(
			550, "5.1.2", RC_DNS_NONE, "There is no such domain"));
}

/* rcode from the packet: libunbound's own is 0 for NXDOMAIN. sec 1 is a
 * bogus answer: not believed, asked again later. */
static void
on_answer(
    void *arg, int rcode, void *packet, int n, int sec, char *why, int limited)
{
	static const char *const types[] = { "MX", "A", "AAAA", "PTR" };
	struct question *q = arg;
	struct lookup *l = q->lookup;
	ns_msg msg;

	(void)why;
	(void)limited;
	q->is_open = false;
	l->open--;
	l->is_calling = true;
	if (rcode == 0 && packet != NULL && n > 0 &&
	    ns_initparse(packet, n, &msg) == 0)
		rcode = (int)ns_msg_getflag(msg, ns_f_rcode);
	else if (rcode == 0)
		rcode = ns_r_servfail;
	if (rcode == ns_r_nxdomain) {
		nxdomain(l, q);
	} else if (rcode != ns_r_noerror || sec == 1) {
		l->failed++;
		say_failed(l->r,
		    q->kind == ASK_MX ? l->name : l->mx[q->mx].name,
		    types[q->kind], sec == 1 ? "bogus" : "servfail");
	} else if (q->kind == ASK_MX) {
		got_mx(l, &msg);
	} else if (q->kind == ASK_PTR) {
		got_ptr(l, &msg);
	} else {
		got_addresses(l, q, &msg);
	}
	if (l->open == 0 && !l->is_over)
		all_over(l);
	l->is_calling = false;
	if (l->is_over)
		lookup_free(l);
}

static int
ask(struct lookup *l, const char *name, enum question_kind kind, int mx)
{
	static const int types[] = { ns_t_mx, ns_t_a, ns_t_aaaa, ns_t_ptr };
	struct question *q = &l->q[l->q_n];
	int rc;

	if (l->q_n == (int)(sizeof(l->q) / sizeof(l->q[0])))
		return -ENOSPC;
	*q = (struct question){
		.lookup = l, .kind = kind, .mx = mx, .is_open = true
	};
	l->q_n++;
	l->open++;
	stat_add(l->r->proc->slot, ST_DNS_QUERIES, 1);
	rc = ub_resolve_event(
	    l->r->ub, name, types[kind], ns_c_in, q, on_answer, &q->async_id);
	if (rc != 0) {
		q->is_open = false;
		l->open--;
		l->failed++;
	}
	return rc;
}

static void
on_deadline(int fd, short what, void *arg)
{
	struct lookup *l = arg;

	(void)fd;
	(void)what;
	say_failed(l->r, l->name[0] ? l->name : l->ip, "any", "timeout");
	l->failed++;
	fail(l,
	    VERDICT(
		451, "4.4.3", RC_DNS_TEMP, "The name server does not answer"));
}

static struct lookup *
lookup_new(struct resolver *r)
{
	int64_t us = r->proc->conf->TimeoutResolver;
	struct timeval tv = { us / US_SEC, us % US_SEC };
	struct lookup *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->r = r;
	l->deadline = evtimer_new(r->proc->base, on_deadline, l);
	if (l->deadline == NULL || evtimer_add(l->deadline, &tv) < 0) {
		lookup_free(l);
		return NULL;
	}
	return l;
}

/* [1.2.3.4], [IPv6:::1], [name]: no MX. True: it is answered or asked. */
static bool
bracketed(struct lookup *l, struct slice host)
{
	char ip[64], name[256];
	unsigned char addr[16];

	if (host.n < 3 || host.p[0] != '[' || host.p[host.n - 1] != ']')
		return false;
	if (addr_literal(host, ip)) {
		int family = strchr(ip, ':') ? AF_INET6 : AF_INET;

		if (inet_pton(family, ip, addr) == 1)
			add_target(l, ip, 0, family, addr);
		all_over(l);
		return true;
	}
	snprintf(name, sizeof(name), "%.*s", (int)host.n - 2, host.p + 1);
	snprintf(l->mx[0].name, sizeof(l->mx[0].name), "%s", name);
	l->mx_n = 1;
	ask_addresses(l, 0);
	return true;
}

void
resolver_mx(struct resolver *r, struct slice domain, struct slice host,
    uint16_t port, void (*done)(void *, const struct targets *), void *arg)
{
	struct lookup *l = lookup_new(r);
	struct slice name = host.n ? host : domain;
	static const struct targets none = { .verdict = { .code = 451,
						 .reason = RC_LOCAL_RESOURCE,
						 .enhanced = { "4.3.0", 5 },
						 .text = {
						     "Out of memory", 13 } } };

	if (l == NULL) {
		done(arg, &none);
		return;
	}
	l->done = done;
	l->arg = arg;
	l->port = port;
	l->is_calling = true;
	if (bracketed(l, name)) {
		;
	} else if (!addr_domain_ok(name, false) || name.n > 254) {
		fail(l,
		    VERDICT(550, "5.1.2", RC_DNS_NONE,
			"That is no name of a domain"));
	} else {
		snprintf(l->name, sizeof(l->name), "%.*s", SLICE_ARG(name));
		ask(l, l->name, ASK_MX, 0);
	}
	if (l->open == 0 && !l->is_over)
		all_over(l);
	l->is_calling = false;
	if (l->is_over)
		lookup_free(l);
}

static bool
reverse_name(const char *ip, char ret[256])
{
	unsigned char a[16];

	if (inet_pton(AF_INET, ip, a) == 1) {
		snprintf(ret, 256, "%u.%u.%u.%u.in-addr.arpa", a[3], a[2], a[1],
		    a[0]);
		return true;
	}
	if (inet_pton(AF_INET6, ip, a) != 1)
		return false;
	for (int i = 15; i >= 0; i--)
		ret += sprintf(ret, "%x.%x.", a[i] & 15, a[i] >> 4);
	sprintf(ret, "ip6.arpa");
	return true;
}

void
resolver_name(struct resolver *r, struct slice ip,
    void (*done)(void *, enum proto_fcrdns, struct slice), void *arg)
{
	struct lookup *l = lookup_new(r);
	char name[256];

	if (l == NULL) {
		done(arg, FCRDNS_TEMP, SLICE(""));
		return;
	}
	l->named = done;
	l->arg = arg;
	l->is_calling = true;
	snprintf(l->ip, sizeof(l->ip), "%.*s", SLICE_ARG(ip));
	if (reverse_name(l->ip, name))
		ask(l, name, ASK_PTR, 0);
	if (l->open == 0 && !l->is_over)
		all_over(l);
	l->is_calling = false;
	if (l->is_over)
		lookup_free(l);
}
