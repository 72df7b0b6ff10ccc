/*
 * mtad-smtpd: the server side of SMTP, submission and LMTP.
 *
 * Gives up: every file, every path, every call that could change what it has
 * written (LIBRARIES.md). It appends to the segment that it was handed.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "access.h"
#include "asks.h"
#include "budget.h"
#include "clock.h"
#include "dropin.h"
#include "log.h"
#include "message.h"
#include "priv.h"
#include "sandbox.h"
#include "session.h"
#include "sizes.h"

#define ACCEPT_AT_ONCE 32
#define LOOKUP_WAIT (10 * US_SEC)
#define STOP_WAIT (6 * US_SEC) /* the parent kills after 8 (mtad.c) */

/* The last descriptors are the spool's, and of who speaks for this host. */
static bool
is_crowded(const struct smtpd *d, const struct conf_listener *row)
{
	return d->sessions_n >= d->files_max && strcmp(row->Kind, "local") != 0;
}

/* Clients wait in the kernel's queue until the next second. */
static void
listen_pause(struct smtpd *d, int fd)
{
	log_warn("no descriptors left for clients");
	for (int i = 0; i < d->listeners; i++)
		if (d->listener[i].fd == fd)
			event_del(d->listener[i].ev);
}

static void
on_accept(int fd, short what, void *arg)
{
	struct smtpd *d = arg;
	const struct conf_listener *row = NULL;

	(void)what;
	for (int i = 0; i < d->listeners; i++)
		if (d->listener[i].fd == fd)
			row = &d->proc->conf->listener[d->listener[i].row];
	for (int n = 0; row != NULL && n < ACCEPT_AT_ONCE; n++) {
		union sockaddr_any from = { .sa.sa_family = AF_UNSPEC };
		socklen_t len = sizeof(from);
		int one;

		if (is_crowded(d, row)) {
			listen_pause(d, fd);
			return;
		}
		one = accept4(fd, &from.sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (one < 0) {
			if (errno == EMFILE || errno == ENFILE)
				listen_pause(d, fd);
			return;
		}
		session_new(d, one, &from, row);
	}
}

/* Only when a message could be taken, or must be refused: whoever connects
 * earlier waits in the kernel's queue for a moment instead of being sent
 * away. */
static void
listen_all(struct smtpd *d)
{
	if (d->is_listening || d->proc->is_stopping)
		return;
	d->is_listening = true;
	for (int i = 0; i < d->listeners; i++) {
		d->listener[i].ev = event_new(d->proc->base, d->listener[i].fd,
		    EV_READ | EV_PERSIST, on_accept, d);
		if (d->listener[i].ev != NULL)
			event_add(d->listener[i].ev, NULL);
	}
}

static void
listen_in_time(struct smtpd *d)
{
	const char *text;

	if (store_has_segment(d->store) || store_refuses(d->store, &text) != 0)
		listen_all(d);
}

static void
listen_again(struct smtpd *d)
{
	for (int i = 0; i < d->listeners; i++)
		if (d->listener[i].ev != NULL)
			event_add(d->listener[i].ev, NULL);
}

static void
listen_none(struct smtpd *d)
{
	for (int i = 0; i < d->listeners; i++) {
		if (d->listener[i].ev != NULL)
			event_free(d->listener[i].ev);
		d->listener[i].ev = NULL;
		close(d->listener[i].fd);
	}
	d->listeners = 0;
}

static int
warm(struct proc *p)
{
	struct smtpd *d = p->ctx;
	int rc = smtpd_init(d, p);
	struct rlimit rl;

	if (rc == 0 && getrlimit(RLIMIT_NOFILE, &rl) == 0)
		d->files_max = (uint32_t)(rl.rlim_cur < 4 * BODY_FILES_MAX
			? rl.rlim_cur / 2
			: rl.rlim_cur - 2 * BODY_FILES_MAX);
	return rc;
}

static int
sandbox(struct proc *p)
{
	int rc = priv_drop(p->conf->SmtpdUser, "");

	return rc < 0 ? rc : priv_filter(smtpd_calls);
}

static void
on_second(int fd, short what, void *arg)
{
	const struct verdict late = VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE,
	    "The user database does not answer, try again later");
	struct smtpd *d = arg;
	struct session *s, *next;
	int64_t now = clock_mono();

	(void)fd;
	(void)what;
	listen_in_time(d);
	listen_again(d);
	budget_trim(d, BUFFERS_MAX);
	message_got_body(d); /* who waits may have one now */
	while ((s = asks_overdue(d->asks, now - LOOKUP_WAIT)) != NULL) {
		if (s->verb == V_RCPT)
			rcpt_answered(s, &late);
		else
			vrfy_answered(s, &late, SLICE(""));
	}
	for (s = LIST_FIRST(&d->sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (d->stop_at != 0 && now > d->stop_at)
			session_stop(s, true);
		else if (s->txn != NULL && s->txn->waits_since != 0)
			message_tick(s, now);
		else
			session_tick(s, now);
	}
}

static void
start(struct proc *p)
{
	struct smtpd *d = p->ctx;
	struct timeval second = { 1, 0 };

	d->second = event_new(p->base, -1, EV_PERSIST, on_second, d);
	if (d->second == NULL || event_add(d->second, &second) < 0)
		fatal("no memory");
}

static bool
got_listener(struct smtpd *d, struct slice payload, int fd)
{
	struct p_listen m;

	if (!get_p_listen(payload, &m) ||
	    m.listener >= d->proc->conf->listener_n || d->listeners == 64) {
		close(fd);
		return false;
	}
	d->listener[d->listeners].fd = fd;
	d->listener[d->listeners++].row = m.listener;
	return true;
}

/* For the Received line, when it comes in time. */
static bool
got_name(struct smtpd *d, struct slice payload)
{
	struct p_name_answer m;
	struct session *s;

	if (!get_p_name_answer(payload, &m) || m.result > FCRDNS_TEMP)
		return false;
	s = session_find(d, m.key);
	if (s == NULL || s->has_name || !addr_domain_ok(m.name, false))
		return true;
	s->name = slice_dup(m.name);
	s->has_name = s->name != NULL;
	s->fcrdns = m.result;
	return true;
}

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct smtpd *d = p->ctx;

	(void)peer;
	switch (type) {
	case P_LISTEN:
		return got_listener(d, payload, fd);
	case P_RCPT_ANSWER:
		return smtpd_answer(d, payload);
	case P_NAME_ANSWER:
		return got_name(d, payload);
	case P_DROP:
		return dropin_take(d, payload, fd);
	default:
		if (!store_frame(d->store, type, payload, fd))
			return false;
		listen_in_time(d);
		if (type == P_BODY_GIVE)
			message_got_body(d);
		return true;
	}
}

static void
peer_up(struct proc *p, struct peer *peer)
{
	struct smtpd *d = p->ctx;
	struct session *s;

	if (peer->role == R_QUEUE)
		store_queue_up(d->store);
	if (peer->role == R_LOOKUP)
		LIST_FOREACH (s, &d->sessions, link)
			rcpt_ask_again(s);
}

static void
peer_down(struct proc *p, struct peer *peer)
{
	struct smtpd *d = p->ctx;

	if (peer->role == R_QUEUE)
		store_queue_down(d->store);
}

static void
turn(struct proc *p)
{
	struct smtpd *d = p->ctx;

	store_turn(d->store, d->txns != 0);
	if (p->is_stopping && LIST_EMPTY(&d->sessions) &&
	    store_is_idle(d->store)) {
		store_stop(d->store);
		proc_exit(p, "stop");
	}
}

static void
stop(struct proc *p)
{
	struct smtpd *d = p->ctx;
	struct session *s, *next;

	listen_none(d);
	d->stop_at = clock_mono() + STOP_WAIT;
	for (s = LIST_FIRST(&d->sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		session_stop(s, false);
	}
}

static void
reload(struct proc *p, const struct conf *old)
{
	struct smtpd *d = p->ctx;
	struct session *s;

	(void)old;
	access_reload(d->access, p->conf);
	asks_forget(d->asks);
	smtpd_set_timeouts(d);
	/* listeners are the same number, in the same order */
	LIST_FOREACH (s, &d->sessions, link)
		for (size_t i = 0; i < old->listener_n; i++)
			if (s->listener == &old->listener[i])
				s->listener = &p->conf->listener[i];
}

static const struct proc_ops ops = {
	.role = R_SMTPD,
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
	static struct smtpd d;

	return proc_main(&ops, argc, argv, &d);
}
