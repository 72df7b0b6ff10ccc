/*
 * mtacollect run: the collector itself.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "command.h"
#include "intake.h"
#include "log.h"
#include "painter.h"
#include "priv.h"

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

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
	rc = priv_drop(s->User, NULL);
	if (rc < 0)
		snprintf(why, 256, "user %s: %s", s->User, strerror(-rc));
	return rc;
}

static int
loop(struct event_base *base, struct intake *in)
{
	static const int signals[] = { SIGTERM, SIGINT };
	struct event *e[2];

	for (int i = 0; i < 2; i++) {
		e[i] = evsignal_new(base, signals[i], on_signal, base);
		if (e[i] != NULL)
			evsignal_add(e[i], NULL);
	}
	say_ready();
	event_base_dispatch(base);
	for (int i = 0; i < 2; i++)
		if (e[i] != NULL)
			event_free(e[i]);
	intake_free(in);
	return EXIT_OK;
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

/* Sockets are bound and keys read by root, the store is opened by the user. */
static int
run(struct settings *s, const struct options *o, struct event_base *base)
{
	const char *dir = o->store;
	struct store *store = NULL;
	struct painter *painter = NULL;
	struct intake *in;
	char why[256];
	int rc, status;

	umask(027);
	signal(SIGPIPE, SIG_IGN);
	rc = intake_open(s, why) ? 0 : -EIO;
	if (rc == 0)
		rc = give_up_root(s, dir, why);
	if (rc == 0)
		rc = be_the_only_one(dir, why);
	if (rc == 0)
		rc = store_open(&store, dir, why);
	if (rc < 0)
		return log_fail(rc == -EBUSY ? EXIT_LATER : EXIT_IO, "%s", why);
	in = intake_new(store, s, base, why);
	if (in != NULL && strcmp(s->RoundRobin, "yes") == 0)
		painter = painter_new(base, o);
	status = in != NULL ? loop(base, in) : log_fail(EXIT_IO, "%s", why);
	painter_free(painter);
	store_close(store);
	return status;
}

int
command_run(const struct options *o)
{
	struct event_base *base = event_base_new();
	int status = base == NULL ? EXIT_IO : run(o->settings, o, base);

	intake_close(o->settings);
	if (base != NULL)
		event_base_free(base);
	return status;
}
