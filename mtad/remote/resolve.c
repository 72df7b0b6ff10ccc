#include "resolve.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unbound.h>

#include <event2/event.h>
#include <unbound-event.h>

#include "answer.h"
#include "clock.h"
#include "log.h"

/*
 * libunbound's defaults fail the worst day: a name server that was dead for
 * minutes would stay unasked for a quarter of an hour. Each setting was
 * measured; together a server that comes back is asked within a second.
 *
 * With infra-cache-max-rtt 3000 and infra-host-ttl 10 a server that had timed
 * out was blocked for up to 8 s after its return, and every question got
 * SERVFAIL unasked, which the library then keeps for 5 s. Forgotten after 2 s
 * the waits never grow that far, so nothing needs to cut them.
 */
static const struct {
	const char *option, *value;
} settings[] = {
	{ "infra-host-ttl:", "2" }, /* forget at once that it was dead */
	{ "infra-keep-probing:", "yes" }, /* and ask it all the same */
	{ "infra-cache-max-rtt:", "30000" }, /* reached: SERVFAIL unasked */
	{ "outgoing-range:", "4096" }, /* 16 was a bottleneck of 60 s */
	{ "num-queries-per-thread:", "8192" },
	{ "unblock-lan-zones:", "yes" }, /* private reverse zones are real */
	{ "insecure-lan-zones:", "yes" },
	{ "do-not-query-localhost:", "no" }, /* the local cache is one */
	{ "cache-max-negative-ttl:", "60" }, /* a new domain works soon */
	{ "msg-cache-size:", "1m" }, { "rrset-cache-size:", "2m" },
	{ "edns-buffer-size:", "1232" }, /* larger ones get lost on the way */
};

/* Zones that the library answers with NXDOMAIN by itself, though a site may
 * well serve them. */
static const char *const open_zones[] = { "test.", "home.arpa." };

/*
 * A question that failed is asked again for a while, so that a hiccup of the
 * name server defers no mail.
 */
#define INSIST (4 * US_SEC)
#define REST (US_SEC / 2)

struct resolver {
	struct proc *proc; /* borrowed */
	struct ub_ctx *ub;
};

static void
set_option(struct ub_ctx *ub, const char *option, const char *value)
{
	int rc = ub_ctx_set_option(ub, option, value);

	if (rc != 0)
		log_warn(
		    "libunbound: %s %s: %s", option, value, ub_strerror(rc));
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

/* The first question opens files: it is asked before the sandbox. localhost
 * is answered by the library itself. */
static void
warm(struct ub_ctx *ub, struct event_base *base)
{
	bool is_warm = false;
	int id;

	if (ub_resolve_event(
		ub, "localhost", ns_t_a, ns_c_in, &is_warm, on_warm, &id) != 0)
		return;
	for (int i = 0; i < 50 && !is_warm; i++)
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
set_up(struct ub_ctx *ub, const struct conf *c)
{
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
		set_option(ub, settings[i].option, settings[i].value);
	if (strcmp(c->InetProtocols, "ipv4") == 0)
		set_option(ub, "do-ip6:", "no");
	if (strcmp(c->InetProtocols, "ipv6") == 0)
		set_option(ub, "do-ip4:", "no");
	add_servers(ub, c);
	if (c->HostsFile[0] != '\0')
		ub_ctx_hosts(ub, c->HostsFile);
	/* last: it closes the configuration */
	for (size_t i = 0; i < sizeof(open_zones) / sizeof(open_zones[0]); i++)
		ub_ctx_zone_add(ub, open_zones[i], "transparent");
}

struct resolver *
resolver_new(struct proc *p)
{
	struct resolver *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->proc = p;
	r->ub = ub_ctx_create_event(p->base);
	if (r->ub == NULL) {
		log_warn("libunbound cannot start");
		free(r);
		return NULL;
	}
	set_up(r->ub, p->conf);
	warm(r->ub, p->base);
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	ub_ctx_delete(r->ub);
	free(r);
}

struct proc *
resolver_proc(const struct resolver *r)
{
	return r->proc;
}

static const char *
type_name(int type)
{
	static const struct {
		int type;
		const char *name;
	} names[] = { { ns_t_mx, "MX" }, { ns_t_a, "A" }, { ns_t_aaaa, "AAAA" },
		{ ns_t_ptr, "PTR" }, { ns_t_cname, "CNAME" } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return "?";
}

static void
say_failed(const struct question *q, const char *why)
{
	struct proc *p = q->resolver->proc;
	struct event e;

	event_init(&e, EV_DNS_FAIL);
	event_cstr(&e, F_NAME, q->name);
	event_cstr(&e, F_TYPE, type_name(q->type));
	event_cstr(&e, F_RCODE, why);
	event_num(&e, F_ELAPSED_US, (uint64_t)(clock_mono() - q->asked));
	evlog_emit(p->log, &e);
	stat_add(p->slot, ST_DNS_FAILS, 1);
}

static void
answered(struct question *q, const struct answer *a)
{
	q->is_open = false;
	if (q->deadline != NULL)
		event_free(q->deadline);
	q->deadline = NULL;
	if (a->kind == ANSWER_TEMP)
		say_failed(q, a->why);
	q->answered(q->arg, a); /* q may be gone after this */
}

/* sec 1 is a bogus answer: not believed, asked again later. */
static struct answer
judge(int rcode, struct slice packet, int sec)
{
	struct answer a = { .kind = ANSWER_TEMP, .why = "servfail" };

	if (rcode == 0)
		rcode = answer_rcode(packet);
	if (sec == 1) {
		a.why = "bogus";
	} else if (rcode == ns_r_noerror) {
		a.kind = ANSWER_OK;
		a.packet = packet;
	} else if (rcode == ns_r_nxdomain) {
		a.kind = ANSWER_NXDOMAIN;
	} else if (rcode == ns_r_refused) {
		a.why = "refused";
	} else if (rcode != ns_r_servfail) {
		a.why = "bad answer";
	}
	return a;
}

static void arm(struct question *, int64_t us);
static int64_t time_left(const struct question *);

static void
on_answer(
    void *arg, int rcode, void *packet, int n, int sec, char *why, int limited)
{
	struct slice s = { packet, packet != NULL && n > 0 ? (size_t)n : 0 };
	struct answer a = judge(rcode, s, sec);
	struct question *q = arg;

	(void)why;
	(void)limited;
	if (a.kind == ANSWER_TEMP && time_left(q) > REST &&
	    clock_mono() - q->asked < INSIST) {
		q->is_resting = true;
		arm(q, REST);
		return;
	}
	answered(q, &a);
}

/* The timer for what is left of the question's time, or for its rest. */
static void
arm(struct question *q, int64_t us)
{
	struct timeval tv = { us / US_SEC, us % US_SEC };

	event_add(q->deadline, &tv);
}

static int64_t
time_left(const struct question *q)
{
	int64_t left = q->resolver->proc->conf->TimeoutResolver -
	    (clock_mono() - q->asked);

	return left > 0 ? left : 0;
}

static void
ask(struct question *q)
{
	const struct answer none = { .kind = ANSWER_TEMP, .why = "memory" };
	struct resolver *r = q->resolver;
	int rc;

	q->is_resting = false;
	q->async_id = 0;
	stat_add(r->proc->slot, ST_DNS_QUERIES, 1);
	/* after a failure, and only then, there is no callback */
	rc = ub_resolve_event(
	    r->ub, q->name, q->type, ns_c_in, q, on_answer, &q->async_id);
	if (rc != 0)
		answered(q, &none);
}

static void
on_timer(int fd, short what, void *arg)
{
	const struct answer late = { .kind = ANSWER_TEMP, .why = "timeout" };
	struct question *q = arg;

	(void)fd;
	(void)what;
	if (q->is_resting) {
		arm(q, time_left(q));
		ask(q);
		return;
	}
	ub_cancel(q->resolver->ub, q->async_id);
	answered(q, &late);
}

void
question_ask(struct question *q, struct resolver *r, const char *name, int type,
    void (*done)(void *, const struct answer *), void *arg)
{
	const struct answer none = { .kind = ANSWER_TEMP, .why = "memory" };

	*q = (struct question){ .resolver = r,
		.answered = done,
		.arg = arg,
		.type = type,
		.asked = clock_mono(),
		.is_open = true };
	snprintf(q->name, sizeof(q->name), "%s", name);
	q->deadline = evtimer_new(r->proc->base, on_timer, q);
	if (q->deadline == NULL) {
		answered(q, &none);
		return;
	}
	arm(q, time_left(q));
	ask(q);
}

void
question_cancel(struct question *q)
{
	if (!q->is_open)
		return;
	q->is_open = false;
	if (!q->is_resting)
		ub_cancel(q->resolver->ub, q->async_id);
	if (q->deadline != NULL)
		event_free(q->deadline);
	q->deadline = NULL;
}
