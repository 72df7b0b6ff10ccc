#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "chan.h"
#include "clock.h"
#include "log.h"
#include "parent.h"

#define SOON (10 * US_SEC) /* a death earlier than this after the start */

/* Who talks to whom. smtpd asks only the first remote for names. */
static const struct {
	enum proto_role a, b;
	bool first_only; /* of b */
} pairs[] = {
	{ R_SMTPD, R_QUEUE, false },
	{ R_SMTPD, R_LOOKUP, false },
	{ R_SMTPD, R_REMOTE, true },
	{ R_QUEUE, R_REMOTE, false },
	{ R_QUEUE, R_LOCAL, false },
	{ R_QUEUE, R_LOOKUP, false },
};

static int child_frame(void *, struct chan *, uint16_t, struct slice, int);
static void child_gone(void *, struct chan *);

static const struct chan_ops child_ops = { child_frame, child_gone };

static void
add_children(struct parent *p, enum proto_role role, int n)
{
	for (int i = 0; i < n; i++) {
		struct child *c = &p->child[p->child_n];

		*c = (struct child){ .parent = p,
			.role = role,
			.index = i,
			.slot = ++p->child_n };
	}
}

void
child_init_all(struct parent *p)
{
	int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	int smtpds = (int)p->conf->SmtpdProcesses;
	int remotes = (int)p->conf->RemoteProcesses;

	cpus = cpus < 1 ? 1 : cpus > 16 ? 16 : cpus;
	add_children(p, R_QUEUE, 1);
	add_children(p, R_LOOKUP, 1);
	add_children(p, R_LOCAL, 1);
	add_children(p, R_REMOTE, remotes ? remotes : cpus);
	add_children(p, R_SMTPD, smtpds ? smtpds : cpus);
}

static int
count(const struct parent *p, enum proto_role role)
{
	int n = 0;

	for (int i = 0; i < p->child_n; i++)
		n += p->child[i].role == role;
	return n;
}

static void
send_frame(struct child *c, int fd)
{
	chan_end(c->chan, fd);
}

#define SEND(c, id, ID, fd, ...)                                               \
	do {                                                                   \
		struct p_##id m_ = { __VA_ARGS__ };                            \
		put_p_##id(chan_begin((c)->chan, P_##ID), &m_);                \
		send_frame((c), (fd));                                         \
	} while (0)

void
child_send_conf(struct child *c, bool is_first)
{
	struct buf b;
	int fd;

	buf_init(&b, (size_t)16 << 20);
	conf_encode(&b, c->parent->conf);
	fd = memfd_create("mtad.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || write(fd, b.data, b.len) != (ssize_t)b.len ||
	    fcntl(fd, F_ADD_SEALS,
		F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		fatal("cannot hand on the configuration: %s", strerror(errno));
	buf_release(&b);
	SEND(c, conf, CONF, fd, .is_first = is_first);
}

static bool
are_pair(const struct child *a, const struct child *b)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if (a->role == pairs[i].a && b->role == pairs[i].b &&
		    (!pairs[i].first_only || b->index == 0))
			return true;
	return false;
}

static void
join(struct child *a, struct child *b)
{
	int sv[2];

	if (b->chan == NULL || a->chan == NULL)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		sv) < 0) {
		log_warn("no channel between processes: %s", strerror(errno));
		return;
	}
	/* a deep pipe: a batch of messages leaves in one call */
	for (int i = 0; i < 2; i++)
		setsockopt(sv[i], SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 },
		    sizeof(int));
	SEND(a, peer, PEER, sv[0], .role = (uint8_t)b->role,
	    .index = (uint8_t)b->index);
	SEND(b, peer, PEER, sv[1], .role = (uint8_t)a->role,
	    .index = (uint8_t)a->index);
	chan_flush(b->chan);
}

static void
send_sockets(struct child *c)
{
	struct parent *p = c->parent;

	if (c->role == R_QUEUE) {
		SEND(c, dir, DIR, dup(p->spool_fd), .which = DIR_SPOOL);
		SEND(c, dir, DIR, dup(p->log_fd), .which = DIR_LOG);
		SEND(c, listen, LISTEN, dup(p->control_fd), .listener = 0);
	}
	if (c->role == R_SMTPD)
		for (size_t i = 0; i < p->conf->listener_n; i++)
			SEND(c, listen, LISTEN, dup(p->listen_fd[i]),
			    .listener = (uint32_t)i);
}

static void
renew_syslog(struct child *c)
{
	enum sysout_kind kind;
	int fd = setup_syslog(c->parent, &kind);

	if (fd >= 0)
		SEND(c, syslog, SYSLOG, fd, .kind = (uint8_t)kind);
}

/* All that it needs before it can say READY. */
static void
equip(struct child *c)
{
	struct parent *p = c->parent;

	SEND(c, world, WORLD, -1, .smtpds = (uint8_t)count(p, R_SMTPD),
	    .remotes = (uint8_t)count(p, R_REMOTE), .is_root = p->is_root,
	    .machine = slice_of(p->machine));
	child_send_conf(c, true);
	SEND(c, stats, STATS, dup(p->stats_fd), .slot = (uint32_t)c->slot);
	renew_syslog(c);
	send_sockets(c);
	for (int i = 0; i < p->child_n; i++) {
		struct child *other = &p->child[i];

		if (are_pair(c, other))
			join(c, other);
		else if (are_pair(other, c))
			join(other, c);
	}
	if (c->chan != NULL) /* else it is dead already */
		chan_flush(c->chan);
}

static void
run_program(const struct child *c, int fd)
{
	const char *name = proto_role_name(c->role);
	char path[4096], index[16];
	char *argv[] = { (char *)name, index, NULL };
	char *envp[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
		"ASAN_OPTIONS=detect_leaks=0", NULL };
	sigset_t none;

	snprintf(path, sizeof(path), "%s/%s", c->parent->libexec, name);
	snprintf(index, sizeof(index), "%d", c->index);
	if (fd == 3)
		fcntl(fd, F_SETFD, 0);
	else if (dup2(fd, 3) < 0)
		_exit(71);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(path, argv, envp);
	log_warn("cannot start %s: %s", path, strerror(errno));
	_exit(71);
}

void
child_start(struct child *c)
{
	struct parent *p = c->parent;
	int sv[2];

	if (p->ending != END_NONE || c->pid != 0)
		return;
	if (socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		fatal("no socket pair: %s", strerror(errno));
	c->pid = fork();
	if (c->pid < 0) {
		log_warn("cannot fork: %s", strerror(errno));
		close(sv[0]);
		close(sv[1]);
		c->pid = 0;
		child_died(c, 0);
		return;
	}
	if (c->pid == 0)
		run_program(c, sv[1]);
	close(sv[1]);
	c->chan = chan_new(p->base, sv[0], &child_ops, c);
	if (c->chan == NULL)
		fatal("no memory");
	c->started = clock_mono();
	c->is_running = c->is_stopping = false;
	c->is_killed = c->is_stuck = c->is_outlaw = false;
	equip(c);
}

static void
on_again(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	child_start(arg);
}

/* At once; then 0.1 s, doubling to 30 s. */
static int64_t
delay(const struct child *c)
{
	int64_t us = US_SEC / 20;

	if (c->deaths <= 1)
		return 0;
	for (int i = 1; i < c->deaths && us < 30 * US_SEC; i++)
		us *= 2;
	return us < 30 * US_SEC ? us : 30 * US_SEC;
}

static void
say_died(struct child *c, int status, pid_t pid, int64_t next)
{
	char cause[64];
	struct event_base *unused = c->parent->base;
	struct event e;

	(void)unused;
	if (WIFSIGNALED(status))
		snprintf(cause, sizeof(cause), "signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(cause, sizeof(cause), "exit %d", WEXITSTATUS(status));
	event_init(&e, EV_SYS_CHILD);
	event_cstr(&e, F_PROG_NAME, proto_role_name(c->role));
	event_num(&e, F_CHILD_PID, (uint64_t)pid);
	event_cstr(&e, F_CAUSE, cause);
	event_num(&e, F_RESTARTS_COUNT, ++c->restarts);
	event_num(&e, F_NEXT_US, (uint64_t)next);
	evlog_emit(c->parent->log, &e);
	log_warn("%s [%d] died: %s", proto_role_name(c->role), (int)pid, cause);
}

/* Events that a writer had made and not written yet went with it. */
static void
say_lost(struct parent *p, const struct stat_slot *s, const char *cause)
{
	struct event e;

	if (s->seq <= s->seq_written)
		return;
	event_init(&e, EV_LOG_GAP);
	event_cstr(&e, F_SOURCE_BOOT, s->boot);
	event_num(&e, F_FROM_SEQ, s->seq_written + 1);
	event_num(&e, F_TO_SEQ, s->seq);
	event_num(&e, F_LOST_COUNT, s->seq - s->seq_written);
	event_cstr(&e, F_CAUSE, cause);
	evlog_emit(p->log, &e);
}

void
child_say_lost(struct parent *p)
{
	for (int i = 0; p->last_stats != NULL && i < STAT_SLOTS; i++) {
		struct stat_slot s = p->last_stats->slot[i];

		s.boot[sizeof(s.boot) - 1] = '\0';
		say_lost(p, &s, "mtad was killed");
	}
	stat_unmap(p->last_stats);
	p->last_stats = NULL;
}

static void
say_gap(struct child *c)
{
	struct stat_slot *s = &c->parent->stats->slot[c->slot];

	say_lost(c->parent, s, "the writer was killed");
	s->seq = s->seq_written = 0;
	s->pid = 0;
	/* What it held open is open no more. */
	s->counter[ST_CONN_IN_OPEN] = s->counter[ST_CONN_OUT_OPEN] = 0;
	s->counter[ST_QUEUE_ACTIVE] = 0;
}

void
child_died(struct child *c, int status)
{
	pid_t pid = c->pid;
	bool was_asked = c->is_stopping || c->parent->ending != END_NONE;
	struct timeval tv;
	int64_t next;

	c->pid = 0;
	if (c->chan != NULL)
		chan_free(c->chan);
	c->chan = NULL;
	c->is_running = false;
	say_gap(c);
	if (was_asked)
		return;
	c->deaths = clock_mono() - c->started < SOON ? c->deaths + 1 : 1;
	next = delay(c);
	say_died(c, status, pid, next);
	if (c->again == NULL)
		c->again = evtimer_new(c->parent->base, on_again, c);
	tv = (struct timeval){ next / US_SEC, next % US_SEC };
	if (c->again == NULL || evtimer_add(c->again, &tv) < 0)
		child_start(c);
}

void
child_stop(struct child *c)
{
	if (c->chan == NULL || c->is_stopping)
		return;
	c->is_stopping = true;
	SEND(c, stop, STOP, -1, .unused = 0);
	chan_flush(c->chan);
}

void
child_free_all(struct parent *p)
{
	for (int i = 0; i < p->child_n; i++) {
		struct child *c = &p->child[i];

		chan_free(c->chan);
		c->chan = NULL;
		if (c->again != NULL)
			event_free(c->again);
		c->again = NULL;
	}
}

/* Only what the configuration names as a mailer's Path. */
static bool
unix_want(struct child *c, struct slice payload)
{
	struct p_unix_want m;
	int fd;

	if (!get_p_unix_want(payload, &m))
		return false;
	fd = setup_mailer(c->parent, m.path);
	SEND(c, unix_give, UNIX_GIVE, fd < 0 ? -1 : fd, .key = m.key,
	    .error = fd < 0 ? (uint32_t)-fd : 0);
	return true;
}

static bool
handle(struct child *c, uint16_t type, struct slice payload, int fd)
{
	struct parent *p = c->parent;
	struct p_order order;
	struct p_evlog evlog;
	struct p_reloaded reloaded;

	switch (type) {
	case P_READY:
		SEND(c, go, GO, -1, .unused = 0);
		c->is_running = true;
		return true;
	case P_SYSLOG_WANT:
		renew_syslog(c);
		return true;
	case P_RELOADED:
		if (!get_p_reloaded(payload, &reloaded))
			return false;
		reload_answered(p, c, reloaded.ok);
		return true;
	case P_EVLOG:
		if (!get_p_evlog(payload, &evlog))
			return false;
		evlog_file(p->log, fd);
		SEND(c, evlog_ok, EVLOG_OK, -1, .number = evlog.number);
		return true;
	case P_UNIX_WANT:
		return unix_want(c, payload);
	case P_ORDER:
		if (!get_p_order(payload, &order))
			return false;
		parent_order(p, order.key, (enum proto_order)order.what);
		return true;
	default:
		return false;
	}
}

static int
child_frame(
    void *arg, struct chan *ch, uint16_t type, struct slice payload, int fd)
{
	struct child *c = arg;

	(void)ch;
	if (!proto_permits(type, c->role, R_PARENT, c->is_running, fd >= 0) ||
	    !handle(c, type, payload, fd)) {
		log_warn("%s sent a bad %s", proto_role_name(c->role),
		    proto_name(type));
		if (fd >= 0)
			close(fd);
		c->is_outlaw = true;
		return -EPROTO;
	}
	if (c->chan != NULL)
		chan_flush(c->chan);
	return 0;
}

static void
end_now(int fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	if (c->chan == NULL && c->pid > 0)
		kill(c->pid, SIGKILL);
}

/* Its end comes with SIGCHLD, and a moment for it, so that what is told is
 * how it ended. One that broke the rules is made to end. */
static void
child_gone(void *arg, struct chan *ch)
{
	const struct timeval moment = { 1, 0 };
	struct child *c = arg;

	chan_free(ch);
	c->chan = NULL;
	if (c->is_outlaw ||
	    event_base_once(
		c->parent->base, -1, EV_TIMEOUT, end_now, c, &moment) < 0)
		end_now(-1, 0, c);
}
