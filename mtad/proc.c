#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "config.h"
#include "clock.h"
#include "log.h"
#include "priv.h"

#define PARENT_FD 3
#define EVENTS_WAIT (20 * 1000) /* us */
#define EVENTS_AT_ONCE ((size_t)16 << 10)

static struct peer *
find_peer(struct proc *p, unsigned role, unsigned index)
{
	switch (role) {
	case R_QUEUE:
		return index == 0 ? &p->queue : NULL;
	case R_LOOKUP:
		return index == 0 ? &p->lookup : NULL;
	case R_LOCAL:
		return index == 0 ? &p->local : NULL;
	case R_SMTPD:
		return index < PROC_MAX ? &p->smtpd[index] : NULL;
	case R_REMOTE:
		return index < PROC_MAX ? &p->remote[index] : NULL;
	default:
		return NULL;
	}
}

/* Every peer there can be, for walks. */
static struct peer *
peer_at(struct proc *p, int i)
{
	struct peer *singles[] = { &p->parent, &p->queue, &p->lookup,
		&p->local };

	if (i < 4)
		return singles[i];
	i -= 4;
	if (i < PROC_MAX)
		return &p->smtpd[i];
	i -= PROC_MAX;
	return i < PROC_MAX ? &p->remote[i] : NULL;
}

/* Its process died, or the channel broke: the parent knows which. */
static void
say_lost(struct proc *p, const struct peer *peer, bool is_breach)
{
	if (p->is_running && !p->is_stopping)
		PROC_SEND(&p->parent, peer_lost, PEER_LOST,
		    .role = (uint8_t)peer->role, .index = (uint8_t)peer->index,
		    .join = peer->join, .is_breach = is_breach);
}

static void
peer_gone(void *arg, struct chan *c)
{
	struct peer *peer = arg;
	struct proc *p = peer->proc;

	peer->chan = NULL;
	if (peer->role != R_PARENT)
		say_lost(p, peer, chan_is_breached(c));
	chan_free(c);
	if (peer->role == R_PARENT)
		proc_exit(p, "the parent is gone");
	else if (p->ops->peer_down != NULL)
		p->ops->peer_down(p, peer);
}

static int peer_frame(void *, struct chan *, uint16_t, struct slice, int);

static size_t
peer_most(void *arg, uint16_t type)
{
	return proto_most(type, ((const struct peer *)arg)->role);
}

static const struct chan_ops peer_ops = { peer_frame, peer_gone, peer_most };

static bool
got_peer(struct proc *p, struct slice payload, int fd)
{
	struct p_peer m;
	struct peer *peer;

	if (!get_p_peer(payload, &m) ||
	    (peer = find_peer(p, m.role, m.index)) == NULL) {
		close(fd);
		return false;
	}
	if (peer->chan != NULL) { /* the old one has not been noticed yet */
		struct chan *old = peer->chan;

		peer_gone(peer, old);
	}
	peer->join = m.join;
	peer->has_crashed = m.has_crashed;
	peer->chan = chan_new(p->base, fd, &peer_ops, peer);
	if (peer->role == R_QUEUE && p->log != NULL)
		evlog_again(p->log);
	if (peer->chan != NULL &&
	    proto_trust(peer->role) < proto_trust(p->ops->role))
		chan_guard(peer->chan);
	if (peer->chan != NULL && !p->is_running)
		chan_pause(peer->chan); /* until GO: it may run already */
	else if (peer->chan != NULL && p->ops->peer_up != NULL)
		p->ops->peer_up(p, peer);
	return true;
}

static struct conf *
read_conf(int fd)
{
	struct conf *c = NULL;
	off_t size = lseek(fd, 0, SEEK_END); /* allowed in every sandbox */
	void *m;

	if (size <= 0)
		return NULL;
	m = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m == MAP_FAILED)
		return NULL;
	c = conf_decode((struct slice){ m, (size_t)size });
	munmap(m, (size_t)size);
	return c;
}

static bool
got_conf(struct proc *p, int fd)
{
	struct conf *c = read_conf(fd), *old = p->conf;

	close(fd);
	if (c == NULL)
		return false;
	p->conf = c;
	if (old == NULL) {
		p->log = evlog_new(c->HostName, proto_role_name(p->ops->role));
		if (p->log != NULL && p->slot != NULL)
			evlog_slot(p->log, p->slot);
		return p->log != NULL;
	}
	if (p->ops->reload != NULL)
		p->ops->reload(p, old);
	conf_free(old);
	PROC_SEND(&p->parent, reloaded, RELOADED, .ok = 1);
	return true;
}

static bool
got_stats(struct proc *p, struct slice payload, int fd)
{
	struct p_stats m;

	if (get_p_stats(payload, &m) && m.slot != 0) { /* 0: the parent's */
		p->stats = stat_map(fd, 0);
		p->slot = stat_map_slot(fd, m.slot);
	}
	close(fd);
	if (p->stats == NULL || p->slot == NULL)
		return false;
	if (p->log != NULL)
		evlog_slot(p->log, p->slot);
	return true;
}

static bool
got_world(struct proc *p, struct slice payload)
{
	struct p_world m;

	if (!get_p_world(payload, &m) || m.smtpds > PROC_MAX ||
	    m.remotes > PROC_MAX || m.machine.n >= sizeof(p->machine))
		return false;
	p->smtpds = m.smtpds;
	p->remotes = m.remotes;
	p->is_root = m.is_root;
	memcpy(p->machine, m.machine.p, m.machine.n);
	p->machine[m.machine.n] = '\0';
	return true;
}

static void
say_start(struct proc *p)
{
	struct event e;

	event_init(&e, EV_SYS_START);
	event_cstr(&e, F_VERSION, PACKAGE_VERSION);
	evlog_emit(p->log, &e);
}

static bool
got_go(struct proc *p)
{
	int rc;

	if (p->conf == NULL || p->slot == NULL)
		return false;
	rc = p->ops->sandbox(p);
	if (rc < 0) {
		log_warn("%s: cannot put on the sandbox: %s",
		    proto_role_name(p->ops->role), strerror(-rc));
		return false;
	}
	p->is_running = true;
	say_start(p);
	p->ops->start(p);
	for (int i = 1; peer_at(p, i) != NULL; i++) {
		struct peer *peer = peer_at(p, i);

		if (peer->chan == NULL)
			continue;
		chan_resume(peer->chan);
		if (p->ops->peer_up != NULL)
			p->ops->peer_up(p, peer);
	}
	return true;
}

static void
got_stop(struct proc *p)
{
	if (p->is_stopping)
		return;
	p->is_stopping = true;
	if (p->is_running && p->ops->stop != NULL)
		p->ops->stop(p);
	else
		proc_exit(p, "stop");
}

static bool
got_syslog(struct proc *p, struct slice payload, int fd)
{
	struct p_syslog m;

	if (!get_p_syslog(payload, &m) || m.kind > SYSOUT_STREAM) {
		close(fd);
		return false;
	}
	evlog_syslog(p->log, fd, (enum sysout_kind)m.kind);
	return true;
}

static bool
got_events_ok(struct proc *p, struct slice payload)
{
	struct p_events_ok m;

	if (!get_p_events_ok(payload, &m))
		return false;
	if (m.batch == 0)
		evlog_again(p->log);
	else
		evlog_written(p->log, m.batch);
	return true;
}

static void
on_events_timer(int fd, short what, void *arg)
{
	struct proc *p = arg;

	(void)fd;
	(void)what;
	p->events_are_due = true;
}

/* Enough of them, or they have waited: a frame for each would cost the queue
 * a turn, and us one for its answer. */
static bool
are_events_due(struct proc *p)
{
	const struct timeval moment = { 0, EVENTS_WAIT };

	if (p->events_are_due || p->is_done ||
	    evlog_waiting(p->log) >= EVENTS_AT_ONCE)
		return true;
	if (evlog_waiting(p->log) != 0 &&
	    !evtimer_pending(p->events_timer, NULL))
		evtimer_add(p->events_timer, &moment);
	return false;
}

/* Ours go through the queue; its own, with the others', into the file. */
static void
send_events(struct proc *p)
{
	uint64_t batch;
	struct slice lines;

	if (p->ops->role == R_QUEUE || p->queue.chan == NULL ||
	    !p->is_running || !are_events_due(p))
		return;
	p->events_are_due = false;
	lines = evlog_batch(p->log, &batch);
	if (lines.n != 0)
		PROC_SEND(
		    &p->queue, events, EVENTS, .batch = batch, .lines = lines);
}

/* Frames that mean the same to all; false: not one of them. */
static bool
common_frame(struct proc *p, enum proto_type type, struct slice payload, int fd,
    bool *ret_ok)
{
	switch (type) {
	case P_CONF:
		*ret_ok = got_conf(p, fd);
		return true;
	case P_STATS:
		*ret_ok = got_stats(p, payload, fd);
		return true;
	case P_WORLD:
		*ret_ok = got_world(p, payload);
		return true;
	case P_PEER:
		*ret_ok = got_peer(p, payload, fd);
		return true;
	case P_SYSLOG:
		*ret_ok = got_syslog(p, payload, fd);
		return true;
	case P_EVENTS_OK:
		*ret_ok = got_events_ok(p, payload);
		return true;
	case P_GO:
		*ret_ok = got_go(p);
		return true;
	case P_STOP:
		got_stop(p);
		*ret_ok = true;
		return true;
	default:
		return false;
	}
}

static int
peer_frame(
    void *arg, struct chan *c, uint16_t type, struct slice payload, int fd)
{
	struct peer *peer = arg;
	struct proc *p = peer->proc;
	bool ok = true;

	(void)c;
	if (!proto_permits(
		type, peer->role, p->ops->role, p->is_running, fd >= 0)) {
		log_warn("%s: %s sent %s out of turn",
		    proto_role_name(p->ops->role), proto_role_name(peer->role),
		    proto_name(type));
		if (fd >= 0)
			close(fd);
		return -EPROTO;
	}
	if (!common_frame(p, (enum proto_type)type, payload, fd, &ok))
		ok = p->ops->frame(p, peer, (enum proto_type)type, payload, fd);
	if (!ok)
		log_warn("%s: bad %s from %s", proto_role_name(p->ops->role),
		    proto_name(type), proto_role_name(peer->role));
	return ok ? 0 : -EPROTO;
}

void
proc_exit(struct proc *p, const char *cause)
{
	struct event e;

	if (p->is_done)
		return;
	p->is_done = true;
	event_init(&e, EV_SYS_STOP);
	event_cstr(&e, F_CAUSE, cause);
	evlog_emit(p->log, &e);
}

static void
note_denied(struct proc *p)
{
	char name[32];
	struct event e;
	int call = priv_denied();

	if (call < 0)
		return;
	event_init(&e, EV_SYS_DENIED);
	event_cstr(&e, F_PROG_NAME, proto_role_name(p->ops->role));
	event_cstr(&e, F_SYSCALL, priv_call_name(call, name));
	evlog_emit(p->log, &e);
	stat_add(p->slot, ST_DENIED, 1);
}

static void
flush(struct proc *p)
{
	struct peer *peer;

	if (p->is_running)
		note_denied(p);
	if (p->log != NULL) {
		if (evlog_wants_syslog(p->log))
			PROC_SEND(
			    &p->parent, syslog_want, SYSLOG_WANT, .unused = 0);
		evlog_flush(p->log);
		send_events(p);
	}
	for (int i = 0; (peer = peer_at(p, i)) != NULL; i++)
		if (peer->chan != NULL)
			chan_flush(peer->chan);
}

static void
init(struct proc *p, const struct proc_ops *ops, void *ctx)
{
	static const enum proto_role singles[] = { R_PARENT, R_QUEUE, R_LOOKUP,
		R_LOCAL };

	*p = (struct proc){ .ops = ops, .ctx = ctx };
	for (int i = 0; peer_at(p, i) != NULL; i++) {
		struct peer *peer = peer_at(p, i);

		peer->proc = p;
		if (i < 4) {
			peer->role = singles[i];
			continue;
		}
		peer->role = i - 4 < PROC_MAX ? R_SMTPD : R_REMOTE;
		peer->index = (i - 4) % PROC_MAX;
	}
}

static void
release(struct proc *p)
{
	struct peer *peer;

	for (int i = 0; (peer = peer_at(p, i)) != NULL; i++)
		chan_free(peer->chan);
	evlog_free(p->log);
	conf_free(p->conf);
	stat_unmap(p->stats);
	event_free(p->events_timer);
	event_base_free(p->base);
}

static void
turn(struct proc *p)
{
	if (event_base_loop(p->base, EVLOOP_ONCE) < 0)
		fatal("%s: event loop: %s", proto_role_name(p->ops->role),
		    strerror(errno));
	if (p->is_running && p->ops->turn != NULL)
		p->ops->turn(p);
	flush(p);
}

static bool
has_said_all(const struct proc *p)
{
	return p->log == NULL || p->queue.chan == NULL ||
	    p->ops->role == R_QUEUE || evlog_is_flushed(p->log);
}

/* The last events are with the queue, or it does not answer. */
static void
wait_for_queue(struct proc *p)
{
	struct timeval most = { 1, 0 };

	event_base_loopexit(p->base, &most);
	while (!has_said_all(p) && !event_base_got_exit(p->base)) {
		if (event_base_loop(p->base, EVLOOP_ONCE) < 0)
			return;
		flush(p);
	}
}

int
proc_main(const struct proc_ops *ops, int argc, char **argv, void *ctx)
{
	struct event_config *cfg = event_config_new();
	struct proc p;
	int rc;

	init(&p, ops, ctx);
	log_init(proto_role_name(ops->role));
	log_dated();
	if (argc > 1)
		p.index = atoi(argv[1]);
	if (fcntl(PARENT_FD, F_SETFD, FD_CLOEXEC) < 0)
		fatal("%s is started by mtad, not by hand",
		    proto_role_name(ops->role));
	tzset(); /* a file, that no sandbox has */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* EFBIG is an answer */
	signal(SIGHUP, SIG_IGN); /* these are the parent's */
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
	p.base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	if (p.base == NULL)
		fatal("no event loop: %s", strerror(errno));
	p.events_timer = evtimer_new(p.base, on_events_timer, &p);
	if (p.events_timer == NULL)
		fatal("no memory");
	p.parent.chan = chan_new(p.base, PARENT_FD, &peer_ops, &p.parent);
	if (p.parent.chan == NULL)
		fatal("no memory");
	while (!p.is_done && (p.conf == NULL || p.slot == NULL))
		turn(&p);
	if (!p.is_done && ops->warm != NULL && (rc = ops->warm(&p)) < 0) {
		log_warn("cannot start: %s", strerror(-rc));
		proc_exit(&p, "cannot start");
	}
	PROC_SEND(&p.parent, ready, READY, .unused = 0);
	flush(&p);
	while (!p.is_done)
		turn(&p);
	flush(&p);
	wait_for_queue(&p);
	release(&p);
	return EXIT_SUCCESS;
}
