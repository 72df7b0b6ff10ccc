#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "join.h"
#include "log.h"
#include "parent.h"
#include "sizes.h"

#define SOON (10 * US_SEC) /* a death earlier than this after the start */

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

	siphash_draw(&p->job_key);
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

/*
 * The largest file that a smtpd can make of a segment or a body that it was
 * handed, however broken it is. Events are files, too. Who is not root could
 * not raise it again at a reload, and has no limit.
 */
static void
limit_files(const struct child *c)
{
	const struct conf *conf = c->parent->conf;
	uint64_t most = (uint64_t)conf->SegmentSize + RECORD_MAX;
	struct rlimit rl;

	if (c->role != R_SMTPD || !c->parent->is_root)
		return;
	if (most < (uint64_t)conf->MaxMessageSize + CONTENT_MAX)
		most = (uint64_t)conf->MaxMessageSize + CONTENT_MAX;
	if (most < (uint64_t)conf->EventLogFileSize * 2)
		most = (uint64_t)conf->EventLogFileSize * 2;
	if (conf->MaxMessageSize == 0)
		most = RLIM_INFINITY;
	rl = (struct rlimit){ most, most };
	if (prlimit(c->pid, RLIMIT_FSIZE, &rl, NULL) < 0)
		log_warn("no limit for the files of %s: %s",
		    proto_role_name(c->role), strerror(errno));
}

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
	CHILD_SEND(c, conf, CONF, fd, .is_first = is_first);
	if (!is_first)
		limit_files(c);
	c->reloads_due += !is_first;
}

static void
send_sockets(struct child *c)
{
	struct parent *p = c->parent;

	if (c->role == R_QUEUE) {
		CHILD_SEND(c, key, KEY, -1, .k0 = p->job_key.k[0],
		    .k1 = p->job_key.k[1]);
		CHILD_SEND(c, dir, DIR, dup(p->spool_fd), .which = DIR_SPOOL);
		CHILD_SEND(c, dir, DIR, dup(p->log_fd), .which = DIR_LOG);
		CHILD_SEND(
		    c, listen, LISTEN, dup(p->control_fd), .listener = 0);
	}
	if (c->role == R_SMTPD)
		for (size_t i = 0; i < p->conf->listener_n; i++)
			CHILD_SEND(c, listen, LISTEN, dup(p->listen_fd[i]),
			    .listener = (uint32_t)i);
}

/* All that it needs before it can say READY. */
static void
equip(struct child *c)
{
	struct parent *p = c->parent;

	CHILD_SEND(c, world, WORLD, -1, .smtpds = (uint8_t)count(p, R_SMTPD),
	    .remotes = (uint8_t)count(p, R_REMOTE), .is_root = p->is_root,
	    .machine = slice_of(p->machine));
	child_send_conf(c, true);
	CHILD_SEND(
	    c, stats, STATS, dup(p->stats_fd), .slot = (uint32_t)c->slot);
	child_renew_syslog(c);
	send_sockets(c);
	join_all(c);
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

/* The program, and our end of its channel; -1: not now. */
static int
spawn(struct child *c)
{
	int sv[2];

	if (socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) < 0)
		return -1;
	c->pid = fork();
	if (c->pid == 0)
		run_program(c, sv[1]);
	close(sv[1]);
	if (c->pid > 0)
		return sv[0];
	c->pid = 0;
	close(sv[0]);
	return -1;
}

void
child_start(struct child *c)
{
	struct parent *p = c->parent;
	int fd;

	if (p->ending != END_NONE || c->pid != 0)
		return;
	fd = spawn(c);
	if (fd < 0) {
		log_warn("cannot start %s: %s", proto_role_name(c->role),
		    strerror(errno));
		child_died(c, 0);
		return;
	}
	c->chan = chan_new(p->base, fd, &child_chan_ops, c);
	if (c->chan == NULL)
		fatal("no memory");
	chan_guard(c->chan);
	limit_files(c);
	c->started = clock_mono();
	c->is_running = c->is_stopping = false;
	c->is_killed = c->is_stuck = c->is_outlaw = false;
	c->reloads_due = 0;
	c->syslog_at = 0;
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
put_cause(const struct child *c, int status, char cause[128])
{
	if (c->is_outlaw)
		snprintf(cause, 128, "ended: it %s", c->outlaw_why);
	else if (WIFSIGNALED(status))
		snprintf(cause, 128, "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(cause, 128, "exit %d", WEXITSTATUS(status));
}

static void
say_died(struct child *c, int status, pid_t pid, int64_t next)
{
	char cause[128];
	struct event e;

	put_cause(c, status, cause);
	event_init(&e, EV_SYS_CHILD);
	event_cstr(&e, F_PROG_NAME, proto_role_name(c->role));
	event_num(&e, F_CHILD_PID, (uint64_t)pid);
	event_cstr(&e, F_CAUSE, cause);
	event_num(&e, F_RESTARTS_COUNT, ++c->restarts);
	event_num(&e, F_NEXT_US, (uint64_t)next);
	evlog_emit(c->parent->log, &e);
	log_warn("%s [%d] died: %s", proto_role_name(c->role), (int)pid, cause);
}

/* By what it met, and not by somebody's kill -9 or the machine's want of
 * memory: what it had in hand is suspect (queue/suspect.c). */
static bool
is_own_fault(const struct child *c, int status)
{
	if (c->is_outlaw)
		return true;
	if (WIFSIGNALED(status))
		return WTERMSIG(status) != SIGKILL &&
		    WTERMSIG(status) != SIGTERM;
	return WEXITSTATUS(status) != 0;
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
	c->has_crashed = is_own_fault(c, status);
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
	CHILD_SEND(c, stop, STOP, -1, .unused = 0);
	chan_flush(c->chan);
}

/* It is ended, and why. */
void
child_outlaw(struct child *c, const char *verb, const char *what)
{
	if (c->is_outlaw)
		return;
	c->is_outlaw = true;
	snprintf(c->outlaw_why, sizeof(c->outlaw_why), "%s %s", verb, what);
	log_warn(
	    "%s [%d] %s", proto_role_name(c->role), (int)c->pid, c->outlaw_why);
	if (c->pid > 0)
		kill(c->pid, SIGKILL);
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
