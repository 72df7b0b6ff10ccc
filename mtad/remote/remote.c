/*
 * mtad-remote: the client side of SMTP and LMTP, and the names of hosts.
 *
 * Gives up: every file and path (the resolver is warm), every call that opens
 * one. What it sends, it was handed.
 *
 * Diagnostics: "cannot start" when libunbound or memory is missing; a server
 * is never a reason to end. Stop: deliveries whose end of data is out wait
 * up to 5 s for the server's word, others are deferred at once (4.3.2).
 */
#include "remote.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/random.h>

#include <event2/event.h>

#include "asks.h"
#include "clock.h"
#include "delivery.h"
#include "link.h"
#include "log.h"
#include "priv.h"

#define STOP_WAIT (5 * US_SEC)
#define ACK_WAIT (2 * US_SEC) /* more, for the queue's word */

/* The turn's end does the work. */
static void
on_stop_timer(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void
on_second(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	deliveries_expire(arg);
}

static int
warm(struct proc *p)
{
	struct remote *r = p->ctx;

	r->proc = p;
	TAILQ_INIT(&r->deliveries);
	TAILQ_INIT(&r->asks);
	TAILQ_INIT(&r->waiting);
	TAILQ_INIT(&r->quitting);
	TAILQ_INIT(&r->dead);
	cache_init(&r->cache);
	outbox_init(&r->outbox);
	wait_load(r);
	if (getrandom(&r->next_link, sizeof(r->next_link), 0) < 0)
		r->next_link = (uint64_t)clock_wall();
	r->next_link &= ~UINT64_C(0xffffffff); /* rises within a start */
	idle_init(r);
	r->stop_timer = event_new(p->base, -1, EV_PERSIST, on_stop_timer, r);
	r->second = event_new(p->base, -1, EV_PERSIST, on_second, r);
	r->self = self_new(p->conf);
	r->resolver = resolver_new(p);
	return r->resolver && r->self && r->idle_timer && r->stop_timer &&
		r->second
	    ? 0
	    : -ENOMEM;
}

/* socket and connect for servers and resolvers, bind for the random source
 * ports of questions, pread64 for bodies that are files. */
static int
sandbox(struct proc *p)
{
	static const int calls[] = { SCMP_SYS(socket), SCMP_SYS(connect),
		SCMP_SYS(bind), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
		SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(pread64),
		SCMP_SYS(fcntl), SCMP_SYS(ioctl), SCMP_SYS(shutdown), -1 };
	int rc = priv_drop(p->conf->RemoteUser, "");

	return rc < 0 ? rc : priv_filter(calls);
}

static void
start(struct proc *p)
{
	const struct timeval second = { 1, 0 };
	struct remote *r = p->ctx;

	event_add(r->second, &second);
}

static bool
got_ack(struct remote *r, struct slice payload)
{
	struct p_result_ack m;

	if (!get_p_result_ack(payload, &m))
		return false;
	outbox_ack(&r->outbox, m.serial);
	return true;
}

/* An operator wants a destination tried afresh: no old connections. */
static bool
host_close(struct remote *r, struct slice payload)
{
	struct p_host_close m;
	struct link *l, *next;

	if (!get_p_host_close(payload, &m))
		return false;
	for (l = cache_oldest(&r->cache); l != NULL; l = next) {
		next = TAILQ_NEXT(l, list);
		if (l->domain == NULL ||
		    slice_ieq(slice_of(l->domain), m.domain) ||
		    slice_ieq(slice_of(l->target->name), m.domain))
			link_quit(l);
	}
	return true;
}

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct remote *r = p->ctx;

	switch (type) {
	case P_JOB:
		return delivery_take(r, payload, fd);
	case P_UNIX_GIVE:
		return link_got_unix(r, payload, fd);
	case P_RESULT_ACK:
		return got_ack(r, payload);
	case P_NAME_ASK:
		return asks_name(r, peer, payload);
	case P_MX_ASK:
		return asks_mx(r, peer, payload);
	case P_HOST_CLOSE:
		return host_close(r, payload);
	default:
		return false;
	}
}

/* A queue: it may be a new one, which knows nothing of what is in our hands
 * (SPOOL.md, journal). */
static void
peer_up(struct proc *p, struct peer *peer)
{
	struct remote *r = p->ctx;
	struct delivery *d;

	if (peer->role != R_QUEUE)
		return;
	TAILQ_FOREACH (d, &r->deliveries, all)
		delivery_say_holding(d);
	outbox_resend(&r->outbox, peer);
	PROC_SEND(peer, holding_end, HOLDING_END, .unused = 0);
}

static void
peer_down(struct proc *p, struct peer *peer)
{
	asks_forget(p->ctx, peer);
}

/* Deliveries end now; those past the dot only when their time is up. */
static void
drop(struct remote *r, bool is_late)
{
	const struct verdict v = VERDICT(451, "4.3.2", RC_LOCAL_RESOURCE,
	    "The mail server stopped before this was delivered");
	const struct verdict unknown = VERDICT(451, "4.3.2", RC_LOCAL_RESOURCE,
	    "The mail server stopped after the message was sent: it may arrive "
	    "twice");
	struct delivery *d, *next;

	for (d = TAILQ_FIRST(&r->deliveries); d != NULL; d = next) {
		bool is_past_dot = d->link != NULL && link_is_past_dot(d->link);

		next = TAILQ_NEXT(d, all);
		if (!is_past_dot || is_late)
			delivery_drop(d, is_past_dot ? &unknown : &v);
	}
}

static void
stop(struct proc *p)
{
	struct remote *r = p->ctx;
	struct timeval tick = { 0, 200000 };
	struct link *l;

	r->stop_at = clock_mono() + STOP_WAIT;
	event_add(r->stop_timer, &tick);
	while ((l = cache_oldest(&r->cache)) != NULL)
		link_quit(l);
	drop(r, false);
}

/* The queue may be gone already: its next one gets the outcomes, or the mail
 * is tried again. */
static void
maybe_exit(struct remote *r)
{
	int64_t now = clock_mono();
	bool is_told = outbox_count(&r->outbox) == 0 ||
	    r->proc->queue.chan == NULL || now >= r->stop_at + ACK_WAIT;

	if (now >= r->stop_at)
		drop(r, true);
	if (TAILQ_EMPTY(&r->deliveries) && is_told)
		proc_exit(r->proc, "stop");
}

static void
turn(struct proc *p)
{
	struct remote *r = p->ctx;

	links_bury(r);
	if (r->stop_at != 0)
		maybe_exit(r);
}

static void
reload(struct proc *p, const struct conf *old)
{
	(void)old;
	wait_load(p->ctx);
}

static const struct proc_ops ops = {
	.role = R_REMOTE,
	.warm = warm,
	.sandbox = sandbox,
	.start = start,
	.frame = frame,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.reload = reload,
	.stop = stop,
	.turn = turn,
};

int
main(int argc, char **argv)
{
	static struct remote r;

	return proc_main(&ops, argc, argv, &r);
}
