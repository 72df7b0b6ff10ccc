/*
 * ctl_hosts: everything of mtactl that is not about single messages.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf_parse.h"
#include "ctl.h"
#include "log.h"

static const char *
plural(const json_t *row, const char *name)
{
	return ctl_num(row, name) == 1 ? "" : "s";
}

/* Rounded up, as df does. */
static long long
used(const json_t *s, const char *free, const char *all)
{
	long long n = ctl_num(s, all);

	return n > 0 ? ((n - ctl_num(s, free)) * 100 + n - 1) / n : 0;
}

static void
print_disk(const json_t *s)
{
	if (ctl_num(s, "disk_size") == 0)
		return;
	printf("  disk of the queue: %lld of %lld bytes free, %lld%% used",
	    ctl_num(s, "disk_free"), ctl_num(s, "disk_size"),
	    used(s, "disk_free", "disk_size"));
	if (ctl_num(s, "inodes") != 0)
		printf(
		    "; inodes %lld%% used", used(s, "inodes_free", "inodes"));
	putchar('\n');
}

static void
print_status(struct ctl *c, json_t *s)
{
	char age[32], up[32];

	(void)c;
	printf("%s: ", ctl_str(s, "host"));
	ctl_puts(ctl_str(s, "state"));
	ctl_age(up, ctl_str(s, "started"));
	ctl_age(age, ctl_str(s, "oldest"));
	printf("\n  mtad %s, up %s, last stop %s\n", ctl_str(s, "version"), up,
	    json_is_true(json_object_get(s, "clean_start")) ? "in order"
							    : "unclean");
	if (ctl_num(s, "messages") == 0)
		printf("  queue: empty\n");
	else
		printf("  queue: %lld message%s, %lld recipient%s, %lld bytes; "
		       "oldest %s\n",
		    ctl_num(s, "messages"), plural(s, "messages"),
		    ctl_num(s, "recipients"), plural(s, "recipients"),
		    ctl_num(s, "bytes"), age);
	printf("  deliveries under way: %lld; destinations known: %lld\n",
	    ctl_num(s, "active"), ctl_num(s, "destinations"));
	print_disk(s);
	printf("  this start: recovered %lld, incomplete %lld, lost %lld, "
	       "damaged %lld\n",
	    ctl_num(s, "recovered"), ctl_num(s, "incomplete"),
	    ctl_num(s, "lost"), ctl_num(s, "damaged"));
	if (json_object_get(s, "msg_in") != NULL)
		printf("  since the start: in %lld, delivered %lld, deferred "
		       "%lld, failed %lld, refused %lld\n",
		    ctl_num(s, "msg_in"), ctl_num(s, "rcpt_ok"),
		    ctl_num(s, "rcpt_defer"), ctl_num(s, "rcpt_fail"),
		    ctl_num(s, "conn_rejected"));
}

int
ctl_status(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	c->patience = 5; /* who asks this wants to know whether it is well */
	return ctl_ask(c, ctl_request(c, "status"), print_status, NULL);
}

static void
print_host(struct ctl *c, json_t *h)
{
	char ago[32];

	(void)c;
	ctl_age(ago, ctl_str(h, "last_ok"));
	printf("%-8s %-40s queued %lld, active %lld/%lld, last ok %s",
	    ctl_str(h, "state"), ctl_str(h, "host"), ctl_num(h, "queued"),
	    ctl_num(h, "active"), ctl_num(h, "window"), ago);
	if (*ctl_str(h, "next") != '\0')
		printf(", next %.19sZ", ctl_str(h, "next"));
	putchar('\n');
	if (*ctl_str(h, "text") != '\0') {
		printf("         ");
		ctl_puts(ctl_str(h, "text"));
		putchar('\n');
	}
}

int
ctl_hosts(struct ctl *c, int argc, char **argv)
{
	json_t *j = ctl_request(c, "hosts.list");

	if (argc > 0)
		json_object_set_new(j, "host", json_string(argv[0]));
	return ctl_ask(c, j, print_host, NULL);
}

int
ctl_host_act(struct ctl *c, int argc, char **argv)
{
	char op[64];
	json_t *j, *last = NULL;
	int rc;

	if (argc != 1) {
		log_warn(
		    "%s takes a destination, as mtactl hosts list shows it",
		    c->command);
		return CTL_USAGE;
	}
	snprintf(op, sizeof(op), "hosts.%s", c->command + strlen("hosts "));
	j = ctl_request(c, op);
	json_object_set_new(j, "host", json_string(argv[0]));
	rc = ctl_ask(c, j, NULL, &last);
	if (rc == 0 && c->is_json)
		ctl_print_json(last);
	else if (rc == 0)
		printf("%lld destination%s changed\n", ctl_num(last, "changed"),
		    plural(last, "changed"));
	json_decref(last);
	return rc;
}

int
ctl_delivery(struct ctl *c, int argc, char **argv)
{
	bool is_hold = strcmp(c->command, "delivery hold") == 0;
	char *why = argc > 0 ? ctl_join(argc, argv) : NULL;
	int rc;

	if (why != NULL)
		c->why = why;
	rc = ctl_ask(c,
	    ctl_request(c, is_hold ? "delivery.hold" : "delivery.release"),
	    NULL, NULL);
	free(why);
	return rc;
}

static void
print_route(struct ctl *c, json_t *r)
{
	(void)c;
	if (*ctl_str(r, "mailer") == '\0') {
		printf("  %lld ", ctl_num(r, "code"));
		ctl_puts(ctl_str(r, "text"));
		putchar('\n');
		fputs(ctl_str(r, "hosts"), stdout);
		return;
	}
	printf("%s: mailer %s, destination %s\n", ctl_str(r, "address"),
	    ctl_str(r, "mailer"), ctl_str(r, "destination"));
}

int
ctl_route(struct ctl *c, int argc, char **argv)
{
	json_t *j;

	if (argc != 1)
		return CTL_USAGE;
	j = ctl_request(c, "route");
	json_object_set_new(j, "address", json_string(argv[0]));
	return ctl_ask(c, j, print_route, NULL);
}

int
ctl_simple(struct ctl *c, int argc, char **argv)
{
	char op[64];

	(void)argc;
	(void)argv;
	snprintf(op, sizeof(op), "%s", c->command);
	for (char *p = op; *p != '\0'; p++)
		if (*p == ' ')
			*p = '.';
	return ctl_ask(c, ctl_request(c, op), NULL, NULL);
}

int
ctl_watch(struct ctl *c, int argc, char **argv)
{
	(void)argc;
	(void)argv;
	c->is_json = true;
	setvbuf(stdout, NULL, _IOLBF, 0);
	return ctl_ask(c, ctl_request(c, "subscribe"), NULL, NULL);
}

int
ctl_config_check(struct ctl *c, int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : c->conf_path;
	struct buf errors;
	struct conf *conf;

	buf_init(&errors, 65536);
	conf = conf_parse(path, NULL, &errors);
	fputs(errors.data, stderr);
	buf_release(&errors);
	if (conf == NULL)
		return CTL_FAILED;
	printf("%s: right\n", path);
	conf_free(conf);
	return 0;
}

/* Lines at which options are set, in the order of the file. */
struct lines {
	struct {
		const struct conf_opt *opt;
		char title[128];
		int line;
	} at[1024];
	size_t n;
};

static void
note_line(void *arg, const struct conf_section *s, const char *title,
    const struct conf_opt *o, int line)
{
	struct lines *l = arg;

	(void)s;
	if (l->n == sizeof(l->at) / sizeof(l->at[0]))
		return;
	l->at[l->n].opt = o;
	l->at[l->n].line = line;
	snprintf(l->at[l->n++].title, sizeof(l->at[0].title), "%s", title);
}

static void
print_opt(const struct lines *l, const char *title, const struct conf_opt *o,
    const void *field, const char *path)
{
	struct buf b;
	int line = 0;

	for (size_t i = 0; i < l->n; i++)
		if (l->at[i].opt == o && strcmp(l->at[i].title, title) == 0)
			line = l->at[i].line;
	buf_init(&b, 1 << 20);
	conf_value_text(&b, o, field);
	printf("%s%s%s = %s", title, *title ? "." : "", o->name, b.data);
	if (line != 0)
		printf("  # %s:%d, default %s\n", path, line,
		    *o->def ? o->def : "\"\"");
	else
		printf("  # default\n");
	buf_release(&b);
}

int
ctl_config_show(struct ctl *c, int argc, char **argv)
{
	static struct lines lines;
	struct conf_seen seen = { note_line, &lines };
	struct buf errors;
	struct conf *conf;

	buf_init(&errors, 65536);
	conf = conf_parse(c->conf_path, &seen, &errors);
	fputs(errors.data, stderr);
	buf_release(&errors);
	if (conf == NULL)
		return CTL_FAILED;
	for (int k = 0; k < CONF_SECTIONS; k++) {
		const struct conf_section *s = &conf_sections[k];
		const char *array = s->size
		    ? *(char **)((char *)conf + s->array_at)
		    : (char *)conf;
		size_t n =
		    s->size ? *(size_t *)((char *)conf + s->count_at) : 1;

		for (size_t i = 0; i < n; i++)
			for (size_t o = 0; o < s->opt_n; o++) {
				const char *at = array + i * s->size;

				if (argc > 0 &&
				    strcasecmp(argv[0], s->opt[o].name) != 0)
					continue;
				print_opt(&lines,
				    s->size ? *(char *const *)at : "",
				    &s->opt[o], at + s->opt[o].offset,
				    c->conf_path);
			}
	}
	conf_free(conf);
	return 0;
}
