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
#include "copy.h"
#include "talk.h"
#include "linear.h"
#include "log.h"
#include "options.h"
#include "place.h"
#include "postfix.h"
#include "script.h"
#include "settings.h"
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
	struct archive archive;
	struct talk *talk; /* NULL: a Postfix */
	struct postfix *postfix;
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
	const char *term = getenv("TERM");
	int rows = number_of("LINES", 24), cols = number_of("COLUMNS", 80);

	if (!t->o.is_linear &&
	    (term == NULL || strcmp(term, "dumb") == 0 ||
		!isatty(STDOUT_FILENO)))
		t->o.is_batch = true;
	if (t->o.is_linear)
		linear_open(&t->linear, stdout);
	if (!t->o.is_batch && !t->o.is_linear) {
		t->term = term_open(!t->o.has_no_mouse);
		if (t->term == NULL)
			return EXIT_FAILURE;
		term_size(t->term, &rows, &cols);
		t->console.has_colours = term_has_colours(t->term);
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

static int
click(struct top *t)
{
	int y, x;

	term_click(t->term, &y, &x);
	return console_click(&t->console, y, x);
}

/* What comes from the daemon, or from Postfix, and from the store. True: more
 * has come than was taken. */
static bool
turn(struct top *t, int64_t now, bool *ret_draw)
{
	bool has_more =
	    t->talk ? talk_turn(t->talk, now) : postfix_turn(t->postfix, now);

	*ret_draw |= console_turn(&t->console, now);
	*ret_draw |= archive_turn(&t->archive, now, clock_wall());
	return has_more || archive_has_more(&t->archive);
}

/* A name that a key chose goes to the terminal's clipboard. */
static void
give_copy(struct top *t)
{
	if (t->console.copy[0] != '\0')
		copy_give(stdout, t->console.copy);
	t->console.copy[0] = '\0';
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
		flags =
		    code == K_CLICK ? click(t) : console_key(&t->console, code);
		if (flags & KEY_LEAVE)
			return false;
		give_copy(t);
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
		term_theme(t->term, t->console.theme);
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
	struct pollfd p[TALK_CHANNELS + 2];
	int n = t->talk ? talk_poll(t->talk, p) : postfix_poll(t->postfix, p);
	int keys = -1;

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
		    (t->model.has_counters || t->model.is_postfix);
	return console_is_ready(&t->console);
}

/* Frames for scripts: the first when there is all to show, or in the end
 * what there is. */
static int
run_batch(struct top *t)
{
	int64_t start = clock_mono(), next = 0, now;
	bool has_more, is_late, key = false, draw = false;

	for (;;) {
		now = clock_mono();
		has_more = turn(t, now, &draw);
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
	int64_t next = 0, now, rest;
	bool draw = true, has_more, key = true;

	for (;;) {
		now = clock_mono();
		has_more = turn(t, now, &draw);
		if (key && !take_keys(t, &draw))
			return;
		key = false;
		/* a key that wants something is answered in this turn, or, by
		 * the store, in the next one */
		if (draw) {
			console_turn(&t->console, now);
			has_more = true;
		}
		if (draw || now >= next) {
			show(t, now);
			next = now + t->console.interval;
			draw = false;
			if (t->o.frames > 0 && --t->o.frames == 0)
				return;
		}
		if (t->talk != NULL)
			talk_send(t->talk, now);
		rest = archive_rest(&t->archive, now);
		if (rest > next - now)
			rest = next - now;
		if (!wait_for_any(t, has_more ? 0 : rest, &key))
			return;
	}
}

static void
release(struct top *t)
{
	term_close(t->term);
	if (t->o.is_linear)
		linear_close(&t->linear);
	talk_free(t->talk);
	postfix_free(t->postfix);
	archive_release(&t->archive);
	console_release(&t->console);
	for (int k = 0; k < ASKS; k++)
		asks_put(&t->asks, (enum ask)k, NULL);
	model_release(&t->model);
	grid_release(&t->grid);
}

/* The store that is named, or that of mtacollect.conf. */
static void
set_store(struct top *t)
{
	struct settings *s;
	struct buf errors;

	archive_setup();
	buf_init(&errors, 65536);
	s = t->o.store ? NULL : settings_read(NULL, &errors);
	archive_init(&t->archive,
	    t->o.store ? t->o.store
		: s    ? s->StoreDirectory
		       : NULL,
	    "mtacollect.conf does not read");
	settings_free(s);
	buf_release(&errors);
}

static void
set_up(struct top *t)
{
	struct console *c = &t->console;

	set_store(t);
	model_init(&t->model);
	console_init(c, &t->model, &t->asks, &t->archive);
	c->screen = t->o.screen;
	c->theme = t->o.theme;
	c->may_copy = t->o.may_copy;
	c->is_readonly = t->o.is_readonly;
	if (t->o.interval != 0)
		c->interval = t->o.interval;
	if (t->o.filter != NULL)
		console_filter(c, t->o.filter);
	if (t->o.trace != NULL)
		archive_set_trace(&t->archive, t->o.trace);
	archive_set_at(&t->archive, t->o.at);
	set_locale(t);
}

/* The daemon; without its folder a Postfix, if there is one. */
static bool
set_source(struct top *t, const char *run)
{
	if (t->o.conf == NULL && t->o.socket == NULL && access(run, F_OK) != 0)
		t->postfix = postfix_new(&t->model, &t->asks);
	if (t->postfix == NULL)
		t->talk = talk_new(run, t->o.socket, &t->model, &t->asks);
	return t->postfix != NULL || t->talk != NULL;
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
	if (!set_source(&t, run))
		fatal("no memory");
	rc = open_screen(&t);
	if (rc == 0 && t.o.is_batch)
		rc = run_batch(&t);
	else if (rc == 0)
		run_screen(&t);
	release(&t);
	return rc;
}
