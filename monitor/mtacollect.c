/*
 * mtacollect: every event kept, countable and findable.
 */
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "db.h"
#include "log.h"
#include "when.h"

/* A command is one row: its word, what it takes, what it does. */
static const struct command {
	const char *word, *args, *doc;
	int (*run)(const struct options *);
	int files_min, files_max;
} commands[] = {
	{ "run", "", "follow the event log, listen to syslog", command_run, 0,
	    0 },
	{ "import", "FILE...|-", "files of events or log lines, in any order",
	    command_import, 1, 1 << 20 },
	{ "totals", "[--from T] [--to T] [--json]",
	    "what happened, and how much of it is known", command_totals, 0,
	    0 },
	{ "ledger", "[--from T] [--to T] [--json] | --note [--now]",
	    "recipients in are recipients out, or which messages are not so",
	    command_ledger, 0, 0 },
	{ "check", "", "verify the store, and say what is missing",
	    command_check, 0, 0 },
	{ "rebuild", "", "sums, messages and recipients anew from the events",
	    command_rebuild, 0, 0 },
	{ "privacy", "", "names out of old days, as configured",
	    command_privacy, 0, 0 },
	{ "tidy", "",
	    "old days lose the events of mail, older sums become coarser",
	    command_tidy, 0, 0 },
	{ "erase", "ADDRESS...", "one person's name out of all days",
	    command_erase, 1, 1000 },
	{ "rrd", "[--remake] [--note]", "draw the sums into round robin files",
	    command_rrd, 0, 0 },
};

static int
usage(FILE *to)
{
	fputs("usage: mtacollect COMMAND [-c FILE] [--store DIR] ...\n\n", to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-8s%-30s%s\n", commands[i].word,
		    commands[i].args, commands[i].doc);
	fputs("\nT: 2026-11-24 [12:00], RFC 3339, today, yesterday, or 2h: so "
	      "long ago\n",
	    to);
	return to == stdout ? EXIT_OK : EXIT_USE;
}

static bool
read_time(const char *text, int64_t *ret)
{
	if (when_read(text, ret))
		return true;
	log_fail(EXIT_USE,
	    "'%s' is no time: 2026-11-24 12:00, RFC 3339, today or 2h", text);
	return false;
}

static bool
read_options(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "from", required_argument, NULL, 'f' },
		{ "to", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "remake", no_argument, NULL, 'r' },
		{ "note", no_argument, NULL, 'n' },
		{ "now", no_argument, NULL, 'w' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:", names, NULL)) != -1)
		switch (c) {
		case 'c':
			o->conf = optarg;
			break;
		case 's':
			o->store = optarg;
			break;
		case 'f':
			if (!read_time(optarg, &o->from))
				return false;
			break;
		case 't':
			if (!read_time(optarg, &o->to))
				return false;
			break;
		case 'j':
			o->is_json = true;
			break;
		case 'n':
			o->is_noted = true;
			break;
		case 'w':
			o->is_now = true;
			break;
		case 'r':
			o->is_anew = true;
			break;
		default:
			return false;
		}
	o->file = argv + optind;
	o->files = argc - optind;
	return true;
}

/* With what the configuration says, which every command may need. */
static int
start(const struct command *c, struct options *o)
{
	struct settings *s;
	struct buf errors;
	int status;

	buf_init(&errors, 65536);
	s = settings_read(o->conf, &errors);
	if (s == NULL) {
		fputs(errors.data, stderr);
		status = log_fail(EXIT_CONFIG, "nothing was done");
	} else {
		o->settings = s;
		if (o->store == NULL)
			o->store = s->StoreDirectory;
		status = c->run(o);
	}
	settings_free(s);
	buf_release(&errors);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o = { .from = WHEN_FIRST, .to = WHEN_LAST };
	const char *word = argc > 1 ? argv[1] : "";

	setlocale(LC_TIME, "");
	log_init("mtacollect");
	db_setup();
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return usage(stdout);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->word, word) != 0)
			continue;
		if (!read_options(argc - 1, argv + 1, &o) ||
		    o.files < c->files_min || o.files > c->files_max)
			return usage(stderr);
		return start(c, &o);
	}
	return usage(stderr);
}
