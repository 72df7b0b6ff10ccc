#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

enum { EXIT_WRONG = 64 };

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
set_screen(struct options *o, const char *name)
{
	static const char *const names[SCREENS] = { "flow", "messages",
		"hosts" };

	for (int s = 0; s < SCREENS; s++)
		if (strcmp(names[s], name) == 0) {
			o->screen = (enum tab)s;
			return true;
		}
	return false;
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
		o->is_mono = true;
		return true;
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
	while ((opt = getopt_long(
		    argc, argv, "AbCRc:d:n:s:h", long_options, NULL)) != -1) {
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
