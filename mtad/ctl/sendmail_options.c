#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "sendmail.h"

/* Letters that take an argument, attached or as the next word. Those that
 * only take one attached are handled by hand. */
static const char with_value[] = "BCDFfhLNOprRVX";
/* Accepted for old callers; nothing here depends on them. */
static const char without_value[] = "AGImnsUc7T";

static int
bad(char why[200], const char *text, const char *arg)
{
	snprintf(why, 200, "%s%.100s", text, arg);
	return EX_USAGE;
}

static int
set_mode(struct sendmail_options *o, char c, char why[200])
{
	switch (c) {
	case 'm':
	case 'a':
		o->mode = MODE_DELIVER;
		return 0;
	case 's':
		o->mode = MODE_SMTP;
		return 0;
	case 'p':
		o->mode = MODE_QUEUE_LIST;
		return 0;
	case 'i':
		o->mode = MODE_ALIASES;
		return 0;
	case 'v':
		o->mode = MODE_VERIFY;
		return 0;
	case 'd':
	case 'D':
		o->mode = MODE_DAEMON;
		return 0;
	case 'h':
	case 'H':
		o->mode = MODE_HOSTS;
		return 0;
	default:
		return bad(why, "mode -b is one of m s p i v d", "");
	}
}

/* NOTIFY and RET go into a command of SMTP: only what RFC 3461 has. */
static bool
is_notify(const char *v)
{
	struct slice rest = slice_of(v), word;

	if (slice_ieq(rest, SLICE("never")))
		return true;
	if (rest.n == 0 || rest.p[rest.n - 1] == ',')
		return false;
	while (slice_next(&rest, ',', &word))
		if (!slice_ieq(word, SLICE("success")) &&
		    !slice_ieq(word, SLICE("failure")) &&
		    !slice_ieq(word, SLICE("delay")))
			return false;
	return true;
}

static bool
is_ret(const char *v)
{
	return strcasecmp(v, "full") == 0 || strcasecmp(v, "hdrs") == 0;
}

static int
set_value(struct sendmail_options *o, char c, const char *v, char why[200])
{
	switch (c) {
	case 'f':
	case 'r':
		o->sender = v;
		return 0;
	case 'F':
		o->full_name = v;
		return 0;
	case 'N':
		if (!is_notify(v))
			return bad(why,
			    "-N is never, or a list of success, failure and "
			    "delay; not ",
			    v);
		o->notify = v;
		return 0;
	case 'R':
		if (!is_ret(v))
			return bad(why, "-R is full or hdrs; not ", v);
		o->ret = v;
		return 0;
	case 'V':
		if (*v == '\0' || strlen(v) > 100)
			return bad(why, "-V wants 1 to 100 characters", "");
		o->envid = v;
		return 0;
	case 'C':
		o->conf_path = v;
		return 0;
	default:
		return 0; /* accepted, as programs give it out of habit */
	}
}

static void
set_run(struct sendmail_options *o, const char *v)
{
	if (o->mode == MODE_DAEMON)
		return; /* -bd -q30m */
	o->mode = MODE_QUEUE_RUN;
	if (*v != '\0' && strchr("IRS", *v) != NULL) {
		o->run_kind = *v;
		o->run_text = v + 1;
	}
}

/* -oX…: the short form of options. */
static void
set_old(struct sendmail_options *o, const char *v)
{
	if (*v == 'i')
		o->ignores_dots = true;
}

static int
take(struct sendmail_options *o, int argc, char **argv, int *i, char why[200])
{
	const char *p = argv[*i] + 1;

	for (; *p != '\0'; p++) {
		if (strchr(with_value, *p) != NULL) {
			const char *v = p + 1;

			if (*v == '\0' && *i + 1 >= argc)
				return bad(why, "a value is missing behind ",
				    argv[*i]);
			if (*v == '\0')
				v = argv[++*i];
			return set_value(o, *p, v, why);
		}
		switch (*p) {
		case 'b':
			return set_mode(o, p[1], why);
		case 'q':
			set_run(o, p + 1);
			return 0;
		case 'o':
			set_old(o, p + 1);
			return 0;
		case 'e':
		case 'd':
		case 'M':
			return 0; /* attached, and of no effect */
		case 't':
			o->reads_header = true;
			break;
		case 'i':
			o->ignores_dots = true;
			break;
		case 'v':
			o->is_verbose = true;
			break;
		default:
			if (strchr(without_value, *p) == NULL)
				return bad(why, "unknown option ", argv[*i]);
		}
	}
	return 0;
}

int
sendmail_options(
    int argc, char **argv, struct sendmail_options *ret, char why[200])
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash ? slash + 1 : argc > 0 ? argv[0] : "";
	struct sendmail_options o = { .mode = MODE_DELIVER };
	int i, rc = 0;

	why[0] = '\0';
	if (strcmp(name, "mailq") == 0)
		o.mode = MODE_QUEUE_LIST;
	else if (strcmp(name, "newaliases") == 0)
		o.mode = MODE_ALIASES;
	for (i = 1; i < argc && argv[i][0] == '-' && rc == 0; i++) {
		if (strcmp(argv[i], "--") == 0) {
			i++;
			break;
		}
		rc = take(&o, argc, argv, &i, why);
	}
	o.first_rcpt = i;
	*ret = o;
	return rc;
}
