/*
 * mtad: starts, watches and restarts the other processes; reload, stop and
 * upgrade. Parses nothing from the network and touches no mail.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "config.h"
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "chan.h"
#include "clock.h"
#include "conf_parse.h"
#include "file.h"
#include "log.h"
#include "parent.h"

#define STOP_STAGE (7 * US_SEC) /* for sessions; then what is left is ended */
#define STOP_QUEUE (9 * US_SEC) /* it is told last and needs a sync or two */
#define FILES_WANTED 65536
#define ERRORS_FILE "mtad.err" /* in LogDirectory */
#define ERRORS_MAX (1 << 20) /* bytes; then it is another one's turn */

static void
notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, state);
#else
	(void)state;
#endif
}

static bool
any_left(const struct parent *p, unsigned roles)
{
	for (int i = 0; i < p->child_n; i++)
		if ((p->child[i].role & roles) && p->child[i].pid != 0 &&
		    !p->child[i].is_stuck)
			return true;
	return false;
}

static void
stop_roles(struct parent *p, unsigned roles)
{
	for (int i = 0; i < p->child_n; i++)
		if (p->child[i].role & roles)
			child_stop(&p->child[i]);
}

/* Upstream first: who takes mail, who delivers it, who keeps it. */
static void
stop_next(struct parent *p)
{
	static const unsigned stages[] = { R_SMTPD, R_REMOTE | R_LOCAL,
		R_LOOKUP, R_QUEUE };

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
		if (!any_left(p, stages[i]))
			continue;
		stop_roles(p, stages[i]);
		return;
	}
	event_base_loopbreak(p->base);
}

/* One that waits in the kernel for a disk or a file server that hangs ends
 * when that answers; until then it holds what it holds. */
static void
end_child(struct child *c)
{
	if (!c->is_killed) {
		kill(c->pid, SIGKILL);
		c->is_killed = true;
	} else if (!c->is_stuck) {
		log_warn("%s [%d] was killed and is left behind: it waits for "
			 "a disk that does not answer",
		    proto_role_name(c->role), (int)c->pid);
		c->is_stuck = true;
	}
}

static void
on_stop_timer(int fd, short what, void *arg)
{
	struct parent *p = arg;
	struct timeval again = { 0, 400000 };
	int64_t elapsed = clock_mono() - p->stop_began;

	(void)fd;
	(void)what;
	for (int i = 0; i < p->child_n; i++) {
		struct child *c = &p->child[i];

		if (c->pid != 0 && c->is_stopping &&
		    (c->role != R_QUEUE || elapsed >= STOP_QUEUE))
			end_child(c);
	}
	evtimer_add(p->stop_timer, &again);
	stop_next(p);
}

void
parent_stop(struct parent *p, enum parent_end end)
{
	struct timeval tv = { STOP_STAGE / US_SEC, 0 };

	if (p->ending != END_NONE)
		return;
	p->ending = end;
	p->stop_began = clock_mono();
	notify("STOPPING=1");
	p->stop_timer = evtimer_new(p->base, on_stop_timer, p);
	if (p->stop_timer != NULL)
		evtimer_add(p->stop_timer, &tv);
	stop_next(p);
}

void
parent_order(struct parent *p, uint32_t key, enum proto_order what)
{
	switch (what) {
	case ORDER_RELOAD:
		reload_begin(p, true, key);
		return;
	case ORDER_UPGRADE:
		parent_stop(p, END_UPGRADE);
		return;
	case ORDER_STOP:
		parent_stop(p, END_STOP);
		return;
	}
}

static void
on_sigchld(int fd, short what, void *arg)
{
	struct parent *p = arg;
	int status;
	pid_t pid;

	(void)fd;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < p->child_n; i++)
			if (p->child[i].pid == pid)
				child_died(&p->child[i], status);
	if (p->ending != END_NONE)
		stop_next(p);
}

static void
on_sighup(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	notify("RELOADING=1");
	reload_begin(arg, false, 0);
	notify("READY=1");
}

static void
on_sigterm(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	parent_stop(arg, END_STOP);
}

static void
on_sigusr2(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	parent_stop(arg, END_UPGRADE);
}

static void
add_signals(struct parent *p)
{
	static const struct {
		int sig;
		event_callback_fn fn;
	} rows[] = { { SIGCHLD, on_sigchld }, { SIGHUP, on_sighup },
		{ SIGTERM, on_sigterm }, { SIGINT, on_sigterm },
		{ SIGUSR2, on_sigusr2 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct event *ev =
		    evsignal_new(p->base, rows[i].sig, rows[i].fn, p);

		if (ev == NULL || event_add(ev, NULL) < 0)
			fatal("cannot catch signals");
	}
	signal(SIGPIPE, SIG_IGN);
}

static void
find_programs(struct parent *p)
{
	char self[PATH_MAX], path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	p->self = strdup(self);
	if (!file_libexec("mtad-queue", path))
		fatal("mtad-queue and the others are neither beside %s nor at "
		      "%s",
		    self, path);
	*strrchr(path, '/') = '\0';
	p->libexec = strdup(path);
}

static void
raise_limits(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return;
	if (geteuid() == 0 && rl.rlim_max < FILES_WANTED)
		rl.rlim_max = FILES_WANTED;
	rl.rlim_cur = rl.rlim_max < FILES_WANTED ? rl.rlim_max : FILES_WANTED;
	setrlimit(RLIMIT_NOFILE, &rl);
}

/* What standard error is when nobody looks at it; -1: nothing. The folder is
 * the queue's user's, who shall not choose what we write to. */
static int
open_errors(int log_fd)
{
	struct stat st;
	int fd;

	if (fstatat(log_fd, ERRORS_FILE, &st, 0) == 0 &&
	    st.st_size > ERRORS_MAX)
		renameat(log_fd, ERRORS_FILE, log_fd, ERRORS_FILE ".old");
	fd = openat(log_fd, ERRORS_FILE,
	    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0640);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_nlink == 1 && st.st_uid == geteuid())
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void
daemonize(const struct parent *p)
{
	int fd, errors = open_errors(p->log_fd);
	pid_t pid = fork();

	if (pid < 0)
		fatal("cannot fork: %s", strerror(errno));
	if (pid > 0)
		_exit(EXIT_SUCCESS);
	setsid();
	fd = open("/dev/null", O_RDWR);
	if (fd >= 0) {
		dup2(fd, 0);
		dup2(fd, 1);
		dup2(errors >= 0 ? errors : fd, 2);
		if (fd > 2)
			close(fd);
	}
	if (errors > 2)
		close(errors);
	log_dated();
}

static void
flush(struct parent *p)
{
	evlog_flush(p->log);
	for (int i = 0; i < p->child_n; i++)
		if (p->child[i].chan != NULL)
			chan_flush(p->child[i].chan);
}

static void
run(struct parent *p)
{
	struct event e;

	event_init(&e, EV_SYS_START);
	event_cstr(&e, F_VERSION, PACKAGE_VERSION);
	evlog_emit(p->log, &e);
	for (int i = 0; i < p->child_n; i++)
		child_start(&p->child[i]);
	notify("READY=1");
	while (!event_base_got_break(p->base)) {
		if (event_base_loop(p->base, EVLOOP_ONCE) < 0)
			fatal("event loop: %s", strerror(errno));
		flush(p);
	}
	event_init(&e, EV_SYS_STOP);
	event_cstr(&e, F_CAUSE, p->ending == END_UPGRADE ? "upgrade" : "stop");
	evlog_emit(p->log, &e);
	evlog_flush(p->log);
	child_free_all(p);
}

static void
usage(void)
{
	fputs("usage: mtad [-F] [-f mtad.conf]\n"
	      "       mtad -t [-f mtad.conf]\n"
	      "  -F  stay in the foreground (systemd wants this)\n"
	      "  -t  check the configuration and say what is wrong with it\n"
	      "  -V  print the version\n",
	    stderr);
	exit(EXIT_FAILURE);
}

static void
prepare(struct parent *p)
{
	struct buf errors;

	buf_init(&errors, 65536);
	p->conf = conf_parse(p->conf_path, NULL, &errors);
	if (p->conf == NULL)
		fatal("the configuration is not right, nothing was started\n%s",
		    errors.data);
	buf_release(&errors);
	p->is_root = geteuid() == 0;
	umask(022);
	find_programs(p);
	raise_limits();
	setup_dirs(p);
	setup_sockets(p);
}

static void
open_syslog(struct parent *p)
{
	enum sysout_kind kind;
	int fd = setup_syslog(p, &kind);

	evlog_syslog(p->log, fd, kind);
}

int
main(int argc, char **argv)
{
	static struct parent p;
	const char *path = conf_default_path(0);
	bool is_foreground = false, is_check = false;
	int opt;

	log_init("mtad");
	while ((opt = getopt(argc, argv, "Ff:tV")) != -1) {
		switch (opt) {
		case 'F':
			is_foreground = true;
			break;
		case 'f':
			path = optarg;
			break;
		case 't':
			is_check = true;
			break;
		case 'V':
			puts("mtad " PACKAGE_VERSION);
			return EXIT_SUCCESS;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	if (is_check)
		return check_only(path);
	p.conf_path = path;
	p.argv = argv;
	prepare(&p);
	log_dated();
	if (!is_foreground && getenv("LISTEN_PID") == NULL)
		daemonize(&p);
	setup_pid(&p);
	p.base = event_base_new();
	p.log = evlog_new(p.conf->HostName, "mtad");
	if (p.base == NULL || p.log == NULL)
		fatal("no memory");
	evlog_slot(p.log, &p.stats->slot[0]);
	open_syslog(&p);
	child_say_lost(&p);
	child_init_all(&p);
	add_signals(&p);
	run(&p);
	if (p.ending != END_UPGRADE)
		return EXIT_SUCCESS;
	setup_pass_on(&p);
	execv(p.self, p.argv);
	fatal("cannot start the new %s: %s", p.self, strerror(errno));
}
