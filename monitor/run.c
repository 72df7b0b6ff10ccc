/*
 * mtacollect run: the collector itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "chores.h"
#include "command.h"
#include "intake.h"
#include "log.h"
#include "priv.h"

static void
say_ready(void)
{
#ifdef HAVE_SYSTEMD
	sd_notify(0, "READY=1");
#endif
}

/* Root makes the folder and gives it away with itself. */
static int
give_up_root(const struct settings *s, const char *dir, char why[256])
{
	const struct passwd *pw;
	int rc;

	if (geteuid() != 0 || *s->User == '\0')
		return 0;
	pw = getpwnam(s->User);
	if (pw == NULL) {
		snprintf(
		    why, 256, "there is no user %s (option User)", s->User);
		return -ENOENT;
	}
	if ((mkdir(dir, 02750) < 0 && errno != EEXIST) ||
	    chown(dir, pw->pw_uid, pw->pw_gid) < 0) {
		snprintf(why, 256, "%s: %s", dir, strerror(errno));
		return -errno;
	}
	rc = priv_become(s->User);
	if (rc < 0)
		snprintf(why, 256, "user %s: %s", s->User, strerror(-rc));
	return rc;
}

/* The collector as it runs. */
struct run {
	struct event_base *base;
	struct intake *intake;
	struct helper helper;
	int status;
};

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(r->base);
}

static void
on_helper(evutil_socket_t fd, short what, void *arg)
{
	struct run *r = arg;

	(void)fd;
	(void)what;
	r->status = log_fail(EXIT_IO, "the helper died");
	event_base_loopbreak(r->base);
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	char name[32];
	int call = priv_denied();

	(void)fd;
	(void)what;
	(void)arg;
	if (call >= 0)
		log_warn("the system call %s was refused",
		    priv_call_name(call, name));
}

/* It reads and writes files that it is given by name, and what was opened
 * before: it starts no programs and opens no sockets. */
static int
sandbox(void)
{
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(open),
		SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(stat),
		SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(statfs),
		SCMP_SYS(fstatfs), SCMP_SYS(access), SCMP_SYS(faccessat),
		SCMP_SYS(faccessat2), SCMP_SYS(getdents64), SCMP_SYS(getcwd),
		SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(unlink),
		SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
		SCMP_SYS(renameat2), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
		SCMP_SYS(utimensat), SCMP_SYS(fchmod), SCMP_SYS(fchown),
		SCMP_SYS(ftruncate), SCMP_SYS(fallocate), SCMP_SYS(fsync),
		SCMP_SYS(fdatasync), SCMP_SYS(fadvise64), SCMP_SYS(pread64),
		SCMP_SYS(pwrite64), SCMP_SYS(readv), SCMP_SYS(fcntl),
		SCMP_SYS(flock), SCMP_SYS(ioctl), SCMP_SYS(accept4),
		SCMP_SYS(recvmmsg), SCMP_SYS(shutdown), SCMP_SYS(getsockopt),
		SCMP_SYS(setsockopt), SCMP_SYS(getsockname),
		SCMP_SYS(getpeername), SCMP_SYS(inotify_init1),
		SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_rm_watch),
		SCMP_SYS(epoll_create1), SCMP_SYS(name_to_handle_at),
		SCMP_SYS(nanosleep), SCMP_SYS(clock_nanosleep),
		SCMP_SYS(rt_sigaction), SCMP_SYS(sigaltstack), SCMP_SYS(wait4),
		SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrusage),
		SCMP_SYS(geteuid), SCMP_SYS(getuid), SCMP_SYS(prlimit64), -1 };
	static const struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	return priv_filter(calls);
}

#define EVENTS 4
#define TRIES 30 /* of a tenth of a second */

static bool
add_events(struct run *r, struct event *e[EVENTS])
{
	static const struct timeval minute = { 60, 0 };

	e[0] = evsignal_new(r->base, SIGTERM, on_signal, r);
	e[1] = evsignal_new(r->base, SIGINT, on_signal, r);
	e[2] = event_new(
	    r->base, r->helper.fd, EV_READ | EV_PERSIST, on_helper, r);
	e[3] = event_new(r->base, -1, EV_PERSIST, on_look, r);
	for (int i = 0; i < EVENTS; i++)
		if (e[i] == NULL ||
		    event_add(e[i], i == 3 ? &minute : NULL) < 0)
			return false;
	return true;
}

static void
loop(struct run *r)
{
	struct event *e[EVENTS] = { NULL };
	int rc = add_events(r, e) ? 0 : -ENOMEM;

	if (rc == 0) {
		say_ready(); /* by a socket */
		rc = sandbox();
	}
	if (rc < 0) {
		r->status = log_fail(EXIT_IO, "sandbox: %s", strerror(-rc));
	} else {
		event_base_dispatch(r->base);
		on_look(-1, 0, r);
	}
	for (int i = 0; i < EVENTS; i++)
		if (e[i] != NULL)
			event_free(e[i]);
}

/* Commands may write beside it, but not another one of its kind. */
static int
be_the_only_one(const char *dir, char why[256])
{
	char *path = buf_text("%s/run", dir);
	int fd = path == NULL || (mkdir(dir, 0750) < 0 && errno != EEXIST)
	    ? -1
	    : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		free(path); /* fd stays open to the end */
		return 0;
	}
	if (fd >= 0 && errno == EWOULDBLOCK)
		snprintf(why, 256, "%s: another mtacollect runs here", dir);
	else
		snprintf(why, 256, "%s/run: %s", dir, strerror(errno));
	free(path);
	return fd >= 0 && errno == EWOULDBLOCK ? -EBUSY : -EIO;
}

/* A command of root's that reads makes the files beside the database, and gives
 * them to its owner a moment later: until then it cannot be written. */
static int
open_store(struct store **ret, const char *dir, char why[256])
{
	int rc = store_open(ret, dir, why);

	for (int i = 0; i < TRIES && rc == -EROFS; i++) {
		poll(NULL, 0, 100);
		rc = store_open(ret, dir, why);
	}
	return rc;
}

/* The store is opened by the user, and the helper has nothing of it. */
static int
collect(struct settings *s, const struct options *o, struct run *r)
{
	struct store *store = NULL;
	char why[256];
	int rc = be_the_only_one(o->store, why);

	if (rc == 0)
		rc = open_store(&store, o->store, why);
	if (rc < 0)
		return r->status = log_fail(
			   rc == -EBUSY ? EXIT_LATER : EXIT_IO, "%s", why);
	r->base = event_base_new();
	snprintf(why, sizeof(why), "no memory");
	if (r->base != NULL)
		r->intake = intake_new(store, s, r->base, why);
	if (r->intake != NULL)
		loop(r);
	else
		r->status = log_fail(EXIT_IO, "%s", why);
	intake_free(r->intake);
	store_close(store);
	if (r->base != NULL)
		event_base_free(r->base);
	return r->status;
}

/* Sockets are bound and keys read by root. */
static int
run(struct settings *s, const struct options *o)
{
	struct run r = { .status = EXIT_OK };
	char why[256];
	int rc;

	umask(027);
	signal(SIGPIPE, SIG_IGN);
	rc = intake_open(s, why) ? 0 : -EIO;
	if (rc == 0)
		rc = give_up_root(s, o->store, why);
	if (rc < 0)
		return log_fail(EXIT_IO, "%s", why);
	rc = helper_start(&r.helper, o);
	if (rc < 0)
		return log_fail(EXIT_IO, "helper: %s", strerror(-rc));
	collect(s, o, &r);
	helper_stop(&r.helper);
	return r.status;
}

int
command_run(const struct options *o)
{
	int status = run(o->settings, o);

	intake_close(o->settings);
	return status;
}
