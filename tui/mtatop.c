/*
 * mtatop: the console. This file reads the words of the command line and
 * turns the loop: what came from the daemon, what was typed, a frame.
 */
#include <errno.h>
#include <getopt.h>
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
#include "place.h"
#include "script.h"
#include "term.h"

enum { EXIT_NO_DATA = 3, EXIT_WRONG = 64 };

#define NO_DATA_AFTER (5 * US_SEC) /* for scripts, which cannot wait on */

struct top {
	struct model model;
	struct asks asks;
	struct console console;
	struct grid grid;
	struct feed *feed;
	struct term *term; /* NULL: batch or linear */
	struct linear linear;
	int signals;
	bool is_batch, is_json, is_check, is_linear, is_ascii, is_mono;
	bool has_interval;
	long frames; /* left; -1: no end */
};

static void
usage(FILE *to)
{
	fputs("usage: mtatop [-AbCR] [-c mtad.conf] [-d seconds] [-n frames] "
	      "[-s socket]\n"
	      "              [--screen flow|messages|hosts] [--filter WORDS]\n"
	      "              [--json | --check | --linear]\n"
	      "  -b            print frames as text, no keys (until -n)\n"
	      "  --json        print frames as JSON, one object a line\n"
	      "  --check       print one line; exit 0 good, 1 warning, "
	      "2 critical, 3 no data\n"
	      "  --linear      for screen readers: plain lines, only changes\n"
	      "  -A, --ascii   ASCII only        -C, --mono   no colour\n"
	      "  -R, --readonly  no acts\n",
	    to);
}

static bool
set_screen(struct console *c, const char *name)
{
	static const char *const names[SCREENS] = { "flow", "messages",
		"hosts" };

	for (int s = 0; s < SCREENS; s++)
		if (strcmp(names[s], name) == 0) {
			c->screen = (enum tab)s;
			return true;
		}
	return false;
}

static bool
set_interval(struct top *t, const char *text)
{
	char *end;
	double d = strtod(text, &end);

	if (*end != '\0' || !(d >= 0.1 && d <= 60))
		return false;
	t->console.interval = (int64_t)(d * (double)US_SEC);
	t->has_interval = true;
	return true;
}

static bool
set_frames(struct top *t, const char *text)
{
	char *end;

	t->frames = strtol(text, &end, 10);
	return *end == '\0' && t->frames > 0;
}

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "check", no_argument, NULL, 'k' },
	{ "linear", no_argument, NULL, 'l' },
	{ "screen", required_argument, NULL, 'S' },
	{ "filter", required_argument, NULL, 'F' },
	{ "ascii", no_argument, NULL, 'A' },
	{ "mono", no_argument, NULL, 'C' },
	{ "readonly", no_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

struct words { /* of the command line */
	const char *conf, *socket, *filter;
};

static bool
take_option(struct top *t, struct words *w, int opt)
{
	switch (opt) {
	case 'A':
		t->is_ascii = true;
		return true;
	case 'b':
		t->is_batch = true;
		return true;
	case 'C':
		t->is_mono = true;
		return true;
	case 'R':
		t->console.is_readonly = true;
		return true;
	case 'c':
		w->conf = optarg;
		return true;
	case 's':
		w->socket = optarg;
		return true;
	case 'F':
		w->filter = optarg;
		return true;
	case 'd':
		return set_interval(t, optarg);
	case 'n':
		return set_frames(t, optarg);
	case 'S':
		return set_screen(&t->console, optarg);
	case 'j':
		t->is_batch = t->is_json = true;
		return true;
	case 'k':
		t->is_batch = t->is_check = true;
		return true;
	case 'l':
		t->is_linear = true;
		return true;
	default:
		return false;
	}
}

static void
read_options(struct top *t, struct words *w, int argc, char **argv)
{
	int opt;

	while ((opt = getopt_long(
		    argc, argv, "AbCRc:d:n:s:h", long_options, NULL)) != -1) {
		if (opt == 'h') {
			usage(stdout);
			exit(EXIT_SUCCESS);
		}
		if (!take_option(t, w, opt)) {
			usage(stderr);
			exit(EXIT_WRONG);
		}
	}
	if (optind != argc) {
		usage(stderr);
		exit(EXIT_WRONG);
	}
	if (w->filter != NULL)
		snprintf(t->console.filter[t->console.screen],
		    sizeof(t->console.filter[0]), "%s", w->filter);
}

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
		t->is_ascii = true;
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
		t->is_mono = true;
	if (!t->is_linear &&
	    (term == NULL || strcmp(term, "dumb") == 0 ||
		!isatty(STDOUT_FILENO)))
		t->is_batch = true;
	if (t->is_linear)
		linear_open(&t->linear, stdout);
	if (!t->is_batch && !t->is_linear) {
		t->term = term_open(t->is_mono);
		if (t->term == NULL)
			return EXIT_FAILURE;
		term_size(t->term, &rows, &cols);
	} else if (getenv("COLUMNS") == NULL && t->is_linear) {
		cols = 160; /* lines are not cut for the sake of columns */
	}
	if (t->is_linear && !t->has_interval)
		t->console.interval = 10 * US_SEC;
	if (grid_init(&t->grid, rows, cols) < 0)
		fatal("no memory");
	t->grid.is_ascii = t->is_ascii;
	t->grid.is_plain = t->is_linear;
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

	if (t->is_json) {
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
	} else if (t->is_linear) {
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
	if (t->is_check)
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
		is_late = now - start > NO_DATA_AFTER;
		if (now >= next && (is_ready(t) || is_late)) {
			if (t->is_check)
				return script_check(
				    &t->model, stdout, clock_wall());
			show(t, now);
			if (t->frames > 0 && --t->frames == 0)
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
			if (t->frames > 0 && --t->frames == 0)
				return;
		}
		if (!wait_for_any(t, has_more ? 0 : next - now, &key))
			return;
	}
}

static void
release(struct top *t)
{
	term_close(t->term);
	if (t->is_linear)
		linear_close(&t->linear);
	feed_free(t->feed);
	for (int k = 0; k < ASKS; k++)
		asks_put(&t->asks, (enum ask)k, NULL);
	model_release(&t->model);
	grid_release(&t->grid);
}

int
main(int argc, char **argv)
{
	static struct top t; /* big: histories and texts */
	struct words w = { NULL, NULL, NULL };
	char run[PLACE_MAX];
	int rc = 0;

	log_init("mtatop");
	t.frames = -1;
	model_init(&t.model);
	console_init(&t.console, &t.model, &t.asks);
	read_options(&t, &w, argc, argv);
	set_locale(&t);
	if (!place_run(w.conf, w.socket, run))
		return EXIT_NO_DATA;
	catch_signals(&t);
	t.feed = feed_new(run, w.socket, &t.model, &t.asks);
	if (t.feed == NULL)
		fatal("no memory");
	rc = open_screen(&t);
	if (rc == 0 && t.is_batch)
		rc = run_batch(&t);
	else if (rc == 0)
		run_screen(&t);
	release(&t);
	return rc;
}
