#include "painter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

struct painter {
	const struct options *options; /* borrowed */
	struct event *tick;
	pid_t child; /* 0: none */
	bool has_complained;
};

/* Is it done? The first failure is told; its own words are in the log. */
static bool
is_done(struct painter *p, int how)
{
	int status = 0;
	pid_t got = p->child == 0 ? 0 : waitpid(p->child, &status, how);

	if (p->child != 0 && got == 0)
		return false;
	if (status != 0 && !p->has_complained)
		log_warn("the round robin files are not drawn (status %d)",
		    WIFEXITED(status) ? WEXITSTATUS(status) : status);
	if (got > 0)
		p->has_complained = status != 0;
	p->child = 0;
	return true;
}

/* Its words on what it did are for people: only complaints are kept. */
static void
start(struct painter *p)
{
	const struct options *o = p->options;
	char *args[] = { (char *)"mtacollect", (char *)"rrd", (char *)"--store",
		(char *)o->store, o->conf != NULL ? (char *)"-c" : NULL,
		(char *)o->conf, NULL };
	posix_spawn_file_actions_t files;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc == 0) {
		posix_spawn_file_actions_addopen(
		    &files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
		rc = posix_spawn(
		    &p->child, "/proc/self/exe", &files, NULL, args, environ);
		posix_spawn_file_actions_destroy(&files);
	}
	if (rc != 0) {
		log_warn("round robin files: %s", strerror(rc));
		p->child = 0;
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval minute = { 60, 0 };
	struct painter *p = arg;

	(void)fd;
	(void)what;
	if (is_done(p, WNOHANG))
		start(p);
	evtimer_add(p->tick, &minute);
}

struct painter *
painter_new(struct event_base *base, const struct options *o)
{
	static const struct timeval soon = { 1, 0 };
	struct painter *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	p->options = o;
	p->tick = evtimer_new(base, on_tick, p);
	if (p->tick == NULL) {
		free(p);
		return NULL;
	}
	evtimer_add(p->tick, &soon);
	return p;
}

void
painter_free(struct painter *p)
{
	if (p == NULL)
		return;
	if (!is_done(p, WNOHANG)) {
		kill(p->child, SIGTERM);
		is_done(p, 0);
	}
	event_free(p->tick);
	free(p);
}
