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
	snprintf(why, 200, "%s%s", text, arg);
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

static void
set_value(struct sendmail_options *o, char c, const char *v)
{
	switch (c) {
	case 'f':
	case 'r':
		o->sender = v;
		return;
	case 'F':
		o->full_name = v;
		return;
	case 'N':
		o->notify = v;
		return;
	case 'R':
		o->ret = v;
		return;
	case 'V':
		o->envid = v;
		return;
	case 'C':
		o->conf_path = v;
		return;
	default:
		return; /* accepted, as programs give it out of habit */
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
			set_value(o, *p, v);
			return 0;
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
