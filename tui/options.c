#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "when.h"

enum { EXIT_WRONG = 64 };

static void
usage(FILE *to)
{
	fputs("usage: mtatop [-AbCMR] [-c mtad.conf] [-d seconds] [-n frames] "
	      "[-s socket]\n"
	      "              [--screen flow|messages|hosts|trace|log] "
	      "[--filter WORDS]\n"
	      "              [--store FOLDER] [--at TIME] [--trace ID] "
	      "[--theme NAME]\n"
	      "              [--json | --check | --linear]\n"
	      "  -b            print frames as text, no keys (until -n)\n"
	      "  --json        print frames as JSON, one object a line\n"
	      "  --check       print one line; exit 0 good, 1 warning, "
	      "2 critical, 3 no data\n"
	      "  --linear      for screen readers: plain lines, only changes\n"
	      "  -A, --ascii   ASCII only        -C, --mono   no colour\n"
	      "  -R, --readonly  no acts         -M, --no-mouse\n"
	      "  --at          the past, as the store of mtacollect has it\n"
	      "  --theme       default16, high-contrast, cvd-safe, mono\n",
	    to);
}

static bool
set_screen(struct options *o, const char *name)
{
	for (int s = 0; s < SCREENS; s++)
		if (strcmp(screen_names[s], name) == 0) {
			o->screen = (enum tab)s;
			return true;
		}
	return false;
}

static bool
set_theme(struct options *o, const char *name)
{
	static const char *const names[THEMES] = { "default16", "high-contrast",
		"cvd-safe", "mono" };

	for (int t = 0; t < THEMES; t++)
		if (strcmp(names[t], name) == 0) {
			o->theme = (enum theme)t;
			return true;
		}
	return false;
}

/* What the environment wants, and the command line may change. */
static void
from_environment(struct options *o)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *theme = getenv("MTATOP_THEME");

	if (theme != NULL)
		set_theme(o, theme);
	if (no_colour != NULL && *no_colour != '\0')
		o->theme = THEME_MONO;
}

static bool
set_interval(struct options *o, const char *text)
{
	char *end;
	double d = strtod(text, &end);

	if (*end != '\0' || !(d >= 0.1 && d <= 60))
		return false;
	o->interval = (int64_t)(d * (double)US_SEC);
	return true;
}

static bool
set_frames(struct options *o, const char *text)
{
	char *end;

	o->frames = strtol(text, &end, 10);
	return *end == '\0' && o->frames > 0;
}

static const struct option long_options[] = {
	{ "json", no_argument, NULL, 'j' },
	{ "check", no_argument, NULL, 'k' },
	{ "linear", no_argument, NULL, 'l' },
	{ "screen", required_argument, NULL, 'S' },
	{ "filter", required_argument, NULL, 'F' },
	{ "store", required_argument, NULL, 'T' },
	{ "at", required_argument, NULL, '@' },
	{ "trace", required_argument, NULL, 't' },
	{ "theme", required_argument, NULL, 'H' },
	{ "no-mouse", no_argument, NULL, 'M' },
	{ "ascii", no_argument, NULL, 'A' },
	{ "mono", no_argument, NULL, 'C' },
	{ "readonly", no_argument, NULL, 'R' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static bool
take_option(struct options *o, int opt)
{
	switch (opt) {
	case 'A':
		o->is_ascii = true;
		return true;
	case 'b':
		o->is_batch = true;
		return true;
	case 'C':
		o->theme = THEME_MONO;
		return true;
	case 'M':
		o->has_no_mouse = true;
		return true;
	case 'T':
		o->store = optarg;
		return true;
	case '@':
		return when_read(optarg, &o->at);
	case 't':
		o->trace = optarg;
		o->screen = SCREEN_TRACE;
		return true;
	case 'H':
		return set_theme(o, optarg);
	case 'R':
		o->is_readonly = true;
		return true;
	case 'c':
		o->conf = optarg;
		return true;
	case 's':
		o->socket = optarg;
		return true;
	case 'F':
		o->filter = optarg;
		return true;
	case 'd':
		return set_interval(o, optarg);
	case 'n':
		return set_frames(o, optarg);
	case 'S':
		return set_screen(o, optarg);
	case 'j':
		o->is_batch = o->is_json = true;
		return true;
	case 'k':
		o->is_batch = o->is_check = true;
		return true;
	case 'l':
		o->is_linear = true;
		return true;
	default:
		return false;
	}
}

int
options_read(struct options *o, int argc, char **argv)
{
	int opt;

	*o = (struct options){ .frames = -1 };
	from_environment(o);
	while ((opt = getopt_long(
		    argc, argv, "AbCMRc:d:n:s:h", long_options, NULL)) != -1) {
		if (opt == 'h') {
			usage(stdout);
			return 0;
		}
		if (!take_option(o, opt)) {
			usage(stderr);
			return EXIT_WRONG;
		}
	}
	if (optind == argc)
		return -1;
	usage(stderr);
	return EXIT_WRONG;
}
