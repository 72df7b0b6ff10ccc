/*
 * ctl_queue: mtactl queue …
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "log.h"

#define ASK_ABOVE 100 /* so many at once need the count typed */

static void
print_rcpt(const json_t *r)
{
	printf("      <");
	ctl_puts(ctl_str(r, "to"));
	printf(">");
	if (*ctl_str(r, "path") != '\0') {
		printf(" ");
		ctl_puts(ctl_str(r, "path"));
	}
	printf("  %s", ctl_str(r, "state"));
	if (ctl_num(r, "tries") != 0)
		printf(", tried %lld", ctl_num(r, "tries"));
	if (*ctl_str(r, "next") != '\0')
		printf(", next %.19sZ", ctl_str(r, "next"));
	putchar('\n');
	if (*ctl_str(r, "text") != '\0') {
		printf("        %lld ", ctl_num(r, "code"));
		ctl_puts(ctl_str(r, "text"));
		putchar('\n');
	}
}

static void
print_msg(struct ctl *c, json_t *m)
{
	char age[32];
	json_t *r;
	size_t i;

	(void)c;
	ctl_age(age, ctl_str(m, "received"));
	printf("%s %-8s %7s %9lld  <", ctl_str(m, "id"), ctl_str(m, "state"),
	    age, ctl_num(m, "size"));
	ctl_puts(ctl_str(m, "from"));
	printf(">\n");
	json_array_foreach(json_object_get(m, "rcpts"), i, r) print_rcpt(r);
	if (ctl_num(m, "open") > 20)
		printf("      … %lld recipients in all\n", ctl_num(m, "open"));
}

static int
finish(struct ctl *c, int rc, json_t *last)
{
	if (rc == 0 && c->is_json)
		ctl_print_json(last);
	json_decref(last);
	return rc;
}

int
ctl_list(struct ctl *c, int argc, char **argv)
{
	char *filter = ctl_join(argc, argv);
	json_t *j = ctl_request(c, "queue.list"), *last = NULL;
	int rc;

	json_object_set_new(j, "filter", json_string(filter));
	free(filter);
	rc = ctl_ask(c, j, print_msg, &last);
	if (rc == 0 && !c->is_json)
		printf("%lld of %lld messages\n", ctl_num(last, "matched"),
		    ctl_num(last, "in_queue"));
	return finish(c, rc, last);
}

static json_t *
with_id(struct ctl *c, const char *op, int argc, char **argv)
{
	json_t *j;

	if (argc != 1) {
		log_warn("%s takes one id", c->command);
		return NULL;
	}
	j = ctl_request(c, op);
	json_object_set_new(j, "id", json_string(argv[0]));
	return j;
}

int
ctl_show(struct ctl *c, int argc, char **argv)
{
	json_t *j = with_id(c, "queue.show", argc, argv);

	return j ? ctl_ask(c, j, print_msg, NULL) : CTL_USAGE;
}

static void
print_why(struct ctl *c, json_t *row)
{
	if (*ctl_str(row, "why") == '\0') {
		print_msg(c, row);
		return;
	}
	printf("because ");
	ctl_puts(ctl_str(row, "why"));
	printf("\n     -> ");
	ctl_puts(ctl_str(row, "change"));
	putchar('\n');
}

int
ctl_why(struct ctl *c, int argc, char **argv)
{
	json_t *j = with_id(c, "queue.why", argc, argv);

	return j ? ctl_ask(c, j, print_why, NULL) : CTL_USAGE;
}

static void
print_body(struct ctl *c, json_t *row)
{
	int rc;

	fflush(stdout);
	rc = ctl_body(c, row, STDOUT_FILENO, 0);
	if (rc < 0)
		fatal("cannot write: %s", strerror(-rc));
}

int
ctl_cat(struct ctl *c, int argc, char **argv)
{
	json_t *j = with_id(c, "queue.cat", argc, argv);

	c->is_json = false;
	return j ? ctl_ask(c, j, print_body, NULL) : CTL_USAGE;
}

static int
preview(struct ctl *c, const char *op, const char *filter, long long *ret_n)
{
	json_t *j = ctl_request(c, op), *last = NULL;
	int rc;

	json_object_set_new(j, "filter", json_string(filter));
	json_object_set_new(j, "dry", json_true());
	rc = ctl_ask(c, j, NULL, &last);
	*ret_n = ctl_num(last, "matched");
	json_decref(last);
	return rc;
}

/* Effect in words and count; more than a hundred need the number typed. */
static bool
is_wanted(const struct ctl *c, long long n)
{
	char line[64];

	if (c->is_sure || n == 0)
		return true;
	if (!isatty(STDIN_FILENO)) {
		log_warn(
		    "%lld messages match; without a terminal say --yes", n);
		return false;
	}
	if (n > ASK_ABOVE)
		fprintf(stderr,
		    "%s: %lld messages. Type the number to go on: ", c->command,
		    n);
	else
		fprintf(
		    stderr, "%s: %lld messages. Go on? [y/N] ", c->command, n);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	return n > ASK_ABOVE ? atoll(line) == n : line[0] == 'y';
}

int
ctl_act(struct ctl *c, int argc, char **argv)
{
	char *filter = ctl_join(argc, argv), op[64];
	json_t *j, *last = NULL;
	long long n = 0;
	int rc;

	if (argc == 0) {
		log_warn(
		    "%s takes a filter; all messages are: age>0s", c->command);
		free(filter);
		return CTL_USAGE;
	}
	snprintf(op, sizeof(op), "queue.%s", c->command + strlen("queue "));
	rc = preview(c, op, filter, &n);
	if (rc == 0 && c->is_dry)
		printf("%lld messages match, nothing was changed\n", n);
	if (rc != 0 || c->is_dry || !is_wanted(c, n)) {
		free(filter);
		return rc != 0 ? rc : c->is_dry ? 0 : CTL_FAILED;
	}
	j = ctl_request(c, op);
	json_object_set_new(j, "filter", json_string(filter));
	free(filter);
	rc = ctl_ask(c, j, NULL, &last);
	if (rc == 0 && !c->is_json) {
		printf("%lld of %lld messages changed\n",
		    ctl_num(last, "changed"), ctl_num(last, "matched"));
		if (ctl_num(last, "undo") != 0)
			printf("to take it back: mtactl queue undo %lld\n",
			    ctl_num(last, "undo"));
	}
	return finish(c, rc, last);
}

int
ctl_undo(struct ctl *c, int argc, char **argv)
{
	json_t *j, *last = NULL;
	int rc;

	if (argc != 1 || atoll(argv[0]) <= 0) {
		log_warn("queue undo takes the number that the act printed");
		return CTL_USAGE;
	}
	j = ctl_request(c, "queue.undo");
	json_object_set_new(j, "undo", json_integer(atoll(argv[0])));
	rc = ctl_ask(c, j, NULL, &last);
	if (rc == 0 && !c->is_json)
		printf("%lld messages restored\n", ctl_num(last, "changed"));
	return finish(c, rc, last);
}
