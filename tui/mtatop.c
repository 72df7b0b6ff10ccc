/*
 * mtatop: the console. This file reads the words of the command line and
 * turns the loop: what came from the daemon, what was typed, a frame.
 */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "clock.h"
#include "console.h"
#include "feed.h"
#include "linear.h"
#include "log.h"
#include "options.h"
#include "place.h"
#include "script.h"
#include "term.h"

enum { EXIT_NO_DATA = 3 };

/* For scripts, which cannot wait on: for a connection, for an answer. */
#define NO_DAEMON_AFTER (2 * US_SEC)
#define NO_DATA_AFTER (5 * US_SEC)

struct top {
	struct model model;
	struct asks asks;
	struct console console;
	struct grid grid;
	struct feed *feed;
	struct term *term; /* NULL: batch or linear */
	struct linear linear;
	int signals;
	struct options o; /* frames: left */
};

/* A locale that is asked for and not installed is no reason for ASCII. */
static void
set_locale(struct top *t)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *asked = NULL;

	for (int i = 2; i >= 0; i--)
		if (getenv(names[i]) != NULL && *getenv(names[i]) != '\0')
			asked = getenv(names[i]);
	if (setlocale(LC_CTYPE, "") == NULL && asked != NULL &&
	    (strcasestr(asked, "utf-8") || strcasestr(asked, "utf8")))
		setlocale(LC_CTYPE, "C.UTF-8");
	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		t->o.is_ascii = true;
}

static int
number_of(const char *name, int otherwise)
{
	const char *s = getenv(name);
	int n = s ? atoi(s) : 0;

	return n > 0 ? n : otherwise;
}

static int
open_screen(struct top *t)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
	int rows = number_of("LINES", 24), cols = number_of("COLUMNS", 80);

	if (no_colour != NULL && *no_colour != '\0')
		t->o.is_mono = true;
	if (!t->o.is_linear &&
	    (term == NULL || strcmp(term, "dumb") == 0 ||
		!isatty(STDOUT_FILENO)))
		t->o.is_batch = true;
	if (t->o.is_linear)
		linear_open(&t->linear, stdout);
	if (!t->o.is_batch && !t->o.is_linear) {
		t->term = term_open(t->o.is_mono);
		if (t->term == NULL)
			return EXIT_FAILURE;
		term_size(t->term, &rows, &cols);
	} else if (getenv("COLUMNS") == NULL && t->o.is_linear) {
		cols = 160; /* lines are not cut for the sake of columns */
	}
	if (t->o.is_linear && t->o.interval == 0)
		t->console.interval = 10 * US_SEC;
	if (grid_init(&t->grid, rows, cols) < 0)
		fatal("no memory");
	t->grid.is_ascii = t->o.is_ascii;
	t->grid.is_plain = t->o.is_linear;
	return 0;
}

static void
catch_signals(struct top *t)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (t->signals < 0)
		fatal("signalfd: %s", strerror(errno));
}

/* False: leave. */
static bool
take_keys(struct top *t, bool *ret_draw)
{
	int code, flags;

	for (;;) {
		code = t->term ? term_key(t->term) : linear_key(&t->linear);
		if (code == -1)
			return true;
		if (code == -2)
			return false;
		*ret_draw = true;
		if (code == 0)
			continue;
		flags = console_key(&t->console, code);
		if (flags & KEY_LEAVE)
			return false;
	}
}

static void
show(struct top *t, int64_t now)
{
	int rows, cols;

	if (t->o.is_json) {
		script_json(&t->console, stdout, now, clock_wall());
		fflush(stdout);
		return;
	}
	if (t->term != NULL) {
		term_size(t->term, &rows, &cols);
		if (rows != t->grid.rows || cols != t->grid.cols)
			grid_resize(&t->grid, rows, cols);
	}
	console_draw(&t->console, &t->grid, now, clock_wall());
	if (t->term != NULL) {
		term_show(t->term, &t->grid);
	} else if (t->o.is_linear) {
		linear_show(&t->linear, &t->grid);
	} else {
		/* the keys are not there */
		for (int x = 0; x < t->grid.cols; x++)
			grid_put(
			    &t->grid, t->grid.rows - 1, x, 1, LOOK_PLAIN, " ");
		grid_print(&t->grid, stdout);
		fflush(stdout);
	}
}

/* Waits for the daemon, a key, a signal, or the time; false: leave. */
static bool
wait_for_any(struct top *t, int64_t us, bool *ret_key)
{
	struct pollfd p[4];
	int n = feed_poll(t->feed, p), keys = -1;

	p[n++] = (struct pollfd){ t->signals, POLLIN, 0 };
	if (t->term != NULL || t->linear.is_terminal) {
		keys = n;
		p[n++] = (struct pollfd){ STDIN_FILENO, POLLIN, 0 };
	}
	if (poll(p, (nfds_t)n, us > 0 ? (int)(us / 1000) + 1 : 0) < 0) {
		*ret_key = true; /* the size may have changed */
		return errno == EINTR;
	}
	*ret_key |= keys >= 0 && p[keys].revents != 0;
	return (p[keys >= 0 ? keys - 1 : n - 1].revents & POLLIN) == 0;
}

static bool
is_ready(const struct top *t)
{
	if (t->o.is_check)
		return t->model.is_connected && t->model.has_status &&
		    t->model.has_counters;
	return console_is_ready(&t->console);
}

/* Frames for scripts: the first when there is all to show, or in the end
 * what there is. */
static int
run_batch(struct top *t)
{
	int64_t start = clock_mono(), next = 0, now;
	bool has_more, is_late, key = false;

	for (;;) {
		now = clock_mono();
		has_more = feed_turn(t->feed, now);
		console_turn(&t->console, now);
		is_late = now - start >
		    (t->model.is_connected ? NO_DATA_AFTER : NO_DAEMON_AFTER);
		if (now >= next && (is_ready(t) || is_late)) {
			if (t->o.is_check)
				return script_check(
				    &t->model, stdout, clock_wall());
			show(t, now);
			if (t->o.frames > 0 && --t->o.frames == 0)
				return is_ready(t) ? 0 : EXIT_NO_DATA;
			next = now + t->console.interval;
		}
		if (!wait_for_any(t, has_more ? 0 : US_SEC / 20, &key))
			return 0;
	}
}

static void
run_screen(struct top *t)
{
	int64_t next = 0, now;
	bool draw = true, has_more, key = true;

	for (;;) {
		now = clock_mono();
		has_more = feed_turn(t->feed, now);
		draw |= console_turn(&t->console, now);
		if (key && !take_keys(t, &draw))
			return;
		key = false;
		/* a key that wants something is answered in this turn */
		if (draw)
			console_turn(&t->console, now);
		if (draw || now >= next) {
			show(t, now);
			next = now + t->console.interval;
			draw = false;
			if (t->o.frames > 0 && --t->o.frames == 0)
				return;
		}
		feed_send(t->feed, now);
		if (!wait_for_any(t, has_more ? 0 : next - now, &key))
			return;
	}
}

static void
release(struct top *t)
{
	term_close(t->term);
	if (t->o.is_linear)
		linear_close(&t->linear);
	feed_free(t->feed);
	for (int k = 0; k < ASKS; k++)
		asks_put(&t->asks, (enum ask)k, NULL);
	model_release(&t->model);
	grid_release(&t->grid);
}

static void
set_up(struct top *t)
{
	struct console *c = &t->console;

	model_init(&t->model);
	console_init(c, &t->model, &t->asks);
	c->screen = t->o.screen;
	c->is_readonly = t->o.is_readonly;
	if (t->o.interval != 0)
		c->interval = t->o.interval;
	if (t->o.filter != NULL)
		snprintf(c->filter[c->screen], sizeof(c->filter[0]), "%s",
		    t->o.filter);
	if (c->screen == SCREEN_HOSTS)
		model_filter_hosts(&t->model, c->filter[c->screen]);
	set_locale(t);
}

int
main(int argc, char **argv)
{
	static struct top t; /* big: histories and texts */
	char run[PLACE_MAX];
	int rc;

	log_init("mtatop");
	rc = options_read(&t.o, argc, argv);
	if (rc >= 0)
		return rc;
	set_up(&t);
	if (!place_run(t.o.conf, t.o.socket, run))
		return EXIT_NO_DATA;
	catch_signals(&t);
	t.feed = feed_new(run, t.o.socket, &t.model, &t.asks);
	if (t.feed == NULL)
		fatal("no memory");
	rc = open_screen(&t);
	if (rc == 0 && t.o.is_batch)
		rc = run_batch(&t);
	else if (rc == 0)
		run_screen(&t);
	release(&t);
	return rc;
}
