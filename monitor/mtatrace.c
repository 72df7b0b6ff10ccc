/*
 * mtatrace: what became of a message.
 */
#include <errno.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "db.h"
#include "log.h"
#include "trace.h"
#include "when.h"

#define LIST_MAX 50

static int
usage(void)
{
	fputs("usage: mtatrace [-c FILE] [--store DIR] [--since T] [--until T]"
	      " [--json]\n"
	      "         --id ID | --msgid ID | --from ADDRESS | --to ADDRESS |"
	      "\n         --remote-id ID | --host NAME\n",
	    stderr);
	return EXIT_USE;
}

struct args {
	const char *conf, *store;
	struct trace_query query;
};

enum { OPT_BY = 256 }; /* behind it: enum trace_by */

static bool
take(struct args *a, int c)
{
	int64_t *time = c == 'f' ? &a->query.since : &a->query.until;

	switch (c) {
	case 'c':
		a->conf = optarg;
		return true;
	case 's':
		a->store = optarg;
		return true;
	case 'j':
		a->query.is_json = true;
		return true;
	case 'f':
	case 't':
		if (when_read(optarg, time))
			return true;
		log_fail(0, "'%s' is no time: 2026-11-24 12:00, today or 2h",
		    optarg);
		return false;
	default:
		if (c <= OPT_BY || a->query.what != NULL)
			return false;
		a->query.by = (enum trace_by)(c - OPT_BY);
		a->query.what = optarg;
		return true;
	}
}

static bool
read_args(int argc, char **argv, struct args *a)
{
	static const struct option names[] = {
		{ "conf", required_argument, NULL, 'c' },
		{ "store", required_argument, NULL, 's' },
		{ "since", required_argument, NULL, 'f' },
		{ "until", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ "id", required_argument, NULL, OPT_BY + TRACE_ID },
		{ "msgid", required_argument, NULL, OPT_BY + TRACE_MSGID },
		{ "from", required_argument, NULL, OPT_BY + TRACE_FROM },
		{ "to", required_argument, NULL, OPT_BY + TRACE_TO },
		{ "remote-id", required_argument, NULL,
		    OPT_BY + TRACE_REMOTE_ID },
		{ "host", required_argument, NULL, OPT_BY + TRACE_HOST },
		{ NULL, 0, NULL, 0 },
	};
	bool is_timed;
	int c;

	while ((c = getopt_long(argc, argv, "c:", names, NULL)) != -1)
		if (!take(a, c))
			return false;
	is_timed = a->query.since != WHEN_FIRST || a->query.until != WHEN_LAST;
	return optind == argc && (a->query.what != NULL || is_timed);
}

static int
trace(const struct args *a, const struct settings *s)
{
	const char *dir = a->store != NULL ? a->store : s->StoreDirectory;
	struct buf out;
	int found, status = EXIT_OK;

	buf_init(&out, 256 << 20);
	found = trace_find(dir, &a->query, &out);
	if (found < 0)
		status = log_fail(found == -ENOENT ? EXIT_NOINPUT : EXIT_IO,
		    "%s: %s", dir, strerror(-found));
	else if (found == 0)
		status = a->query.is_json
		    ? EXIT_FOUND
		    : log_fail(EXIT_FOUND, "nothing known of %s",
			  a->query.what ? a->query.what : "that time");
	else if (out.bad || fwrite(out.data, 1, out.len, stdout) != out.len ||
	    fflush(stdout) != 0)
		status = EXIT_IO;
	if (found >= LIST_MAX)
		fprintf(stderr,
		    "mtatrace: only the newest %d are shown; "
		    "--since and --until choose\n",
		    LIST_MAX);
	buf_release(&out);
	return status;
}

int
main(int argc, char **argv)
{
	struct args a = { .query = {
			      .since = WHEN_FIRST,
			      .until = WHEN_LAST,
			      .limit = LIST_MAX,
			  } };
	struct settings *s;
	struct buf errors;
	int status;

	log_init("mtatrace");
	setlocale(LC_TIME, "");
	setlocale(LC_CTYPE, "");
	db_setup();
	if (!read_args(argc, argv, &a))
		return usage();
	buf_init(&errors, 65536);
	s = settings_read(a.conf, &errors);
	if (s == NULL) {
		fputs(errors.data, stderr);
		status = log_fail(EXIT_CONFIG, "nothing was done");
	} else {
		status = trace(&a, s);
	}
	settings_free(s);
	buf_release(&errors);
	return status;
}
