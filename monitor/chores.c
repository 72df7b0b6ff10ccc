#include "chores.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

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
	{ "tidy", NULL, NULL, 60, 86400, NULL, "old sums stay as they are" },
	{ "ledger", "--note", "--now", 5, 600, NULL, "the ledger is not kept" },
};

#define CHORES (sizeof(rows) / sizeof(rows[0]))

struct chore {
	struct chores *all;
	struct event *timer; /* NULL: not wanted */
	bool is_due, was_done, has_complained;
};

struct chores {
	const struct options *options; /* borrowed */
	void (*done)(void *);
	void *arg;
	struct event *child_ended;
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
	if (status == 0)
		c->done(c->arg);
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
add(struct chores *c, struct event_base *base, size_t i)
{
	struct timeval first = { rows[i].first, 0 };
	struct chore *one = &c->chore[i];

	one->all = c;
	if (rows[i].is_wanted != NULL &&
	    !rows[i].is_wanted(c->options->settings))
		return true;
	one->timer = evtimer_new(base, on_due, one);
	return one->timer != NULL && evtimer_add(one->timer, &first) == 0;
}

struct chores *
chores_new(struct event_base *base, const struct options *o,
    void (*done)(void *), void *arg)
{
	struct chores *c = calloc(1, sizeof(*c));
	bool is_good = c != NULL;

	if (c == NULL)
		return NULL;
	c->options = o;
	c->done = done;
	c->arg = arg;
	c->child_ended = evsignal_new(base, SIGCHLD, on_child_ended, c);
	is_good =
	    c->child_ended != NULL && event_add(c->child_ended, NULL) == 0;
	for (size_t i = 0; i < CHORES && is_good; i++)
		is_good = add(c, base, i);
	if (is_good)
		return c;
	chores_free(c);
	return NULL;
}

void
chores_free(struct chores *c)
{
	if (c == NULL)
		return;
	if (c->child != 0) {
		kill(c->child, SIGTERM);
		waitpid(c->child, NULL, 0);
	}
	for (size_t i = 0; i < CHORES; i++)
		if (c->chore[i].timer != NULL)
			event_free(c->chore[i].timer);
	if (c->child_ended != NULL)
		event_free(c->child_ended);
	free(c);
}
