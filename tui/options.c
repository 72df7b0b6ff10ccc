#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "when.h"

enum { EXIT_WRONG = 64 };

const char *const theme_names[THEMES] = { "default16", "high-contrast",
	"cvd-safe", "mono" };

enum {
	OPTION_FIRST = 256,
#define OPTION(id, letter, name, arg, help) OPTION_##id,
#include "options.def"
	OPTIONS_END
};

static const struct row {
	int letter;
	const char *name, *arg, *help;
} rows[] = {
#define OPTION(id, letter, name, arg, help) { letter, name, arg, help },
#include "options.def"
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
usage(FILE *to)
{
	fputs("usage: mtatop [options]\n", to);
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];
		char words[80];

		snprintf(words, sizeof(words), "%c%c%s%s%s%s%s",
		    r->letter ? '-' : ' ', r->letter ? r->letter : ' ',
		    r->letter && r->name ? ", "
			: r->name	 ? "  "
					 : "",
		    r->name ? "--" : "", r->name ? r->name : "",
		    r->arg ? " " : "", r->arg ? r->arg : "");
		fprintf(to, "  %-22s%s\n", words, r->help);
	}
}

/* For getopt_long: both forms of an option have its number. */
struct tables {
	char letters[2 * ROWS + 1];
	struct option name[ROWS + 1];
};

static void
make_tables(struct tables *t)
{
	size_t letters = 0, names = 0;

	memset(t, 0, sizeof(*t));
	for (size_t i = 0; i < ROWS; i++) {
		const struct row *r = &rows[i];

		if (r->letter != 0)
			t->letters[letters++] = (char)r->letter;
		if (r->letter != 0 && r->arg != NULL)
			t->letters[letters++] = ':';
		if (r->name != NULL)
			t->name[names++] = (struct option){ r->name,
				r->arg ? required_argument : no_argument, NULL,
				OPTION_FIRST + 1 + (int)i };
	}
}

static int
number_of(int letter)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].letter == letter)
			return OPTION_FIRST + 1 + (int)i;
	return letter;
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
	for (int t = 0; t < THEMES; t++)
		if (strcmp(theme_names[t], name) == 0) {
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

static bool
take_option(struct options *o, int opt)
{
	switch (opt) {
	case OPTION_ASCII:
		o->is_ascii = true;
		return true;
	case OPTION_BATCH:
		o->is_batch = true;
		return true;
	case OPTION_MONO:
		o->theme = THEME_MONO;
		return true;
	case OPTION_NO_MOUSE:
		o->has_no_mouse = true;
		return true;
	case OPTION_COPY:
		o->may_copy = true;
		return true;
	case OPTION_STORE:
		o->store = optarg;
		return true;
	case OPTION_AT:
		return when_read(optarg, &o->at);
	case OPTION_TRACE:
		o->trace = optarg;
		o->screen = SCREEN_TRACE;
		return true;
	case OPTION_THEME:
		return set_theme(o, optarg);
	case OPTION_READONLY:
		o->is_readonly = true;
		return true;
	case OPTION_CONF:
		o->conf = optarg;
		return true;
	case OPTION_SOCKET:
		o->socket = optarg;
		return true;
	case OPTION_FILTER:
		o->filter = optarg;
		return true;
	case OPTION_EACH:
		return set_interval(o, optarg);
	case OPTION_FRAMES:
		return set_frames(o, optarg);
	case OPTION_SCREEN:
		return set_screen(o, optarg);
	case OPTION_JSON:
		o->is_batch = o->is_json = true;
		return true;
	case OPTION_CHECK:
		o->is_batch = o->is_check = true;
		return true;
	case OPTION_LINEAR:
		o->is_linear = true;
		return true;
	default:
		return false;
	}
}

int
options_read(struct options *o, int argc, char **argv)
{
	struct tables t;
	int opt;

	*o = (struct options){ .frames = -1 };
	from_environment(o);
	make_tables(&t);
	while ((opt = getopt_long(argc, argv, t.letters, t.name, NULL)) != -1) {
		opt = number_of(opt);
		if (opt == OPTION_HELP) {
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
