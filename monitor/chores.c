#include "chores.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "intake.h"
#include "log.h"

static bool
wants_rrd(const struct settings *s)
{
	return strcmp(s->RoundRobin, "yes") == 0;
}

static bool
wants_privacy(const struct settings *s)
{
	return strcmp(s->Privacy, "keep") != 0;
}

static const struct row {
	const char *word, *more, *at_first; /* arguments, or NULL */
	int first, every; /* seconds */
	bool (*is_wanted)(const struct settings *); /* NULL: always */
	const char *failed;
} rows[] = {
	{ "rrd", "--note", NULL, 1, 60, wants_rrd,
	    "the round robin files are not drawn" },
	{ "privacy", NULL, NULL, 2, 600, wants_privacy,
	    "names are not hidden" },
	{ "tidy", NULL, NULL, 60, 86400, NULL, "old days stay as they are" },
	{ "ledger", "--note", "--now", 5, 600, NULL, "the ledger is not kept" },
};

#define CHORES (sizeof(rows) / sizeof(rows[0]))

struct chore {
	struct chores *all;
	struct event *timer; /* NULL: not wanted */
	bool is_due, was_done, has_complained;
};

/* Of the helper. */
struct chores {
	const struct options *options; /* borrowed */
	int fd; /* to the collector */
	struct event_base *base;
	struct event *child_ended, *parent_ended, *told[2];
	struct chore chore[CHORES];
	size_t running; /* of which child is */
	pid_t child; /* 0: none */
};

static size_t
put(const char **args, size_t n, const char *one)
{
	if (one != NULL)
		args[n++] = one;
	return n;
}

/* Its words on what it did are for people: only complaints are kept. */
static void
start(struct chores *c, size_t which)
{
	const struct options *o = c->options;
	const struct row *r = &rows[which];
	const char *args[9] = { "mtacollect", r->word, "--store", o->store };
	posix_spawn_file_actions_t files;
	size_t n = put(args, 4, o->conf != NULL ? "-c" : NULL);
	int rc = posix_spawn_file_actions_init(&files);

	n = put(args, n, o->conf);
	n = put(args, n, r->more);
	put(args, n, c->chore[which].was_done ? NULL : r->at_first);
	if (rc == 0) {
		posix_spawn_file_actions_addopen(
		    &files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
		rc = posix_spawn(&c->child, "/proc/self/exe", &files, NULL,
		    (char *const *)args, environ);
		posix_spawn_file_actions_destroy(&files);
	}
	c->running = which;
	c->chore[which].was_done = true;
	if (rc != 0) {
		log_warn("%s: %s", r->word, strerror(rc));
		c->child = 0;
	}
}

static void
start_next(struct chores *c)
{
	for (size_t i = 0; i < CHORES && c->child == 0; i++)
		if (c->chore[i].is_due) {
			c->chore[i].is_due = false;
			start(c, i);
		}
}

/* The first failure is told; its own words are in the log. */
static void
judge(struct chores *c, int status)
{
	struct chore *one = &c->chore[c->running];

	if (status != 0 && !one->has_complained)
		log_warn("%s (status %d)", rows[c->running].failed,
		    WIFEXITED(status) ? WEXITSTATUS(status) : status);
	one->has_complained = status != 0;
}

static void
on_child_ended(evutil_socket_t fd, short what, void *arg)
{
	struct chores *c = arg;
	int status = 0;

	(void)fd;
	(void)what;
	if (c->child == 0 || waitpid(c->child, &status, WNOHANG) != c->child)
		return;
	c->child = 0;
	judge(c, status);
	start_next(c);
}

static void
on_due(evutil_socket_t fd, short what, void *arg)
{
	struct chore *one = arg;
	struct chores *c = one->all;
	struct timeval next = { rows[one - c->chore].every, 0 };

	(void)fd;
	(void)what;
	one->is_due = true;
	evtimer_add(one->timer, &next);
	start_next(c);
}

static bool
add(struct chores *c, size_t i)
{
	struct timeval first = { rows[i].first, 0 };
	struct chore *one = &c->chore[i];

	one->all = c;
	if (rows[i].is_wanted != NULL &&
	    !rows[i].is_wanted(c->options->settings))
		return true;
	one->timer = evtimer_new(c->base, on_due, one);
	return one->timer != NULL && evtimer_add(one->timer, &first) == 0;
}

static void
on_parent_ended(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	event_base_loopbreak(arg);
}

/* TERM and INT go to the collector, too: it ends first. */
static void
on_told(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
}

static bool
add_events(struct chores *c)
{
	static const int signals[] = { SIGTERM, SIGINT };

	c->child_ended = evsignal_new(c->base, SIGCHLD, on_child_ended, c);
	c->parent_ended =
	    event_new(c->base, c->fd, EV_READ, on_parent_ended, c->base);
	if (c->child_ended == NULL || event_add(c->child_ended, NULL) < 0 ||
	    c->parent_ended == NULL || event_add(c->parent_ended, NULL) < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		c->told[i] = evsignal_new(c->base, signals[i], on_told, NULL);
		if (c->told[i] == NULL || event_add(c->told[i], NULL) < 0)
			return false;
	}
	for (size_t i = 0; i < CHORES; i++)
		if (!add(c, i))
			return false;
	return true;
}

/* The helper's whole life; the process frees what is left. */
static int
help(const struct options *o, int fd)
{
	struct chores c = { .options = o, .fd = fd, .base = event_base_new() };

	setpriority(PRIO_PROCESS, 0, 10); /* mail goes first */
	if (c.base == NULL || !add_events(&c))
		return EXIT_IO;
	event_base_dispatch(c.base);
	if (c.child != 0) {
		kill(c.child, SIGTERM);
		waitpid(c.child, NULL, 0);
	}
	return EXIT_OK;
}

int
helper_start(struct helper *h, const struct options *o)
{
	int fd[2];

	if (socketpair(
		AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fd) < 0)
		return -errno;
	h->pid = fork();
	if (h->pid == 0) {
		close(fd[0]);
		intake_close(o->settings);
		_exit(help(o, fd[1]));
	}
	close(fd[1]);
	h->fd = fd[0];
	if (h->pid > 0)
		return 0;
	close(h->fd);
	return -errno;
}

void
helper_stop(struct helper *h)
{
	close(h->fd);
	waitpid(h->pid, NULL, 0);
}
