#include "ctl.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conf_parse.h"
#include "file.h"
#include "log.h"
#include "visible.h"

/* Where the socket is: given, or RunDirectory of the configuration. */
static bool
find_socket(struct ctl *c, char path[4200])
{
	struct buf errors;
	struct conf *conf;

	if (c->socket != NULL) {
		snprintf(path, 4200, "%s", c->socket);
		return true;
	}
	buf_init(&errors, 65536);
	conf = conf_parse(c->conf_path, NULL, &errors);
	if (conf == NULL)
		log_warn("%s", errors.data);
	else
		snprintf(path, 4200, "%s/control", conf->RunDirectory);
	buf_release(&errors);
	if (conf == NULL)
		return false;
	conf_free(conf);
	return true;
}

json_t *
ctl_request(const struct ctl *c, const char *op)
{
	json_t *j = json_pack(
	    "{s:i, s:s, s:s}", "v", CONTROL_VERSION, "op", op, "user", c->user);

	if (c->why != NULL)
		json_object_set_new(j, "why", json_string(c->why));
	return j;
}

const char *
ctl_str(const json_t *row, const char *name)
{
	const char *s = json_string_value(json_object_get(row, name));

	return s ? s : "";
}

long long
ctl_num(const json_t *row, const char *name)
{
	return json_integer_value(json_object_get(row, name));
}

void
ctl_puts(const char *s)
{
	struct buf b;

	buf_init(&b, 4 * strlen(s) + 16);
	visible_put(&b, slice_of(s), MB_CUR_MAX == 1);
	fwrite(b.data, 1, b.len, stdout);
	buf_release(&b);
}

void
ctl_age(char ret[32], const char *text)
{
	struct tm tm = { 0 };
	long s;

	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
		snprintf(ret, 32, "-");
		return;
	}
	s = (long)(time(NULL) - timegm(&tm));
	if (s < 0)
		s = 0;
	if (s < 120)
		snprintf(ret, 32, "%lds", s);
	else if (s < 7200)
		snprintf(ret, 32, "%ldm", s / 60);
	else if (s < 172800)
		snprintf(ret, 32, "%ldh%02ldm", s / 3600, s / 60 % 60);
	else
		snprintf(ret, 32, "%ldd%02ldh", s / 86400, s / 3600 % 24);
}

void
ctl_print_json(const json_t *row)
{
	json_dumpf(row, stdout, JSON_COMPACT);
	putchar('\n');
}

char *
ctl_join(int argc, char **argv)
{
	size_t n = 1;
	char *s;

	for (int i = 0; i < argc; i++)
		n += strlen(argv[i]) + 1;
	s = calloc(1, n);
	if (s == NULL)
		fatal("no memory");
	for (int i = 0; i < argc; i++) {
		if (i != 0)
			strcat(s, " ");
		strcat(s, argv[i]);
	}
	return s;
}

static int
take_last(json_t *row, json_t **ret_last)
{
	const char *error = json_string_value(json_object_get(row, "error"));
	int rc = 0;

	if (error != NULL) {
		log_warn("%s", error);
		rc = CTL_FAILED;
	}
	if (ret_last != NULL && rc == 0)
		*ret_last = row;
	else
		json_decref(row);
	return rc;
}

static int
connect_to(struct ctl *c)
{
	char path[4200];

	if (c->control != NULL)
		return 0;
	if (!find_socket(c, path))
		return CTL_FAILED;
	c->control = control_open(path);
	if (c->control != NULL && c->patience != 0)
		control_patience(c->control, c->patience);
	if (c->control != NULL)
		return 0;
	log_warn("no mtad answers at %s: %s", path, strerror(errno));
	return CTL_NO_DAEMON;
}

void
ctl_release(struct ctl *c)
{
	control_close(c->control);
	c->control = NULL;
}

int
ctl_send(struct ctl *c, json_t *request)
{
	int rc = connect_to(c), sent;

	/* who is sent away at the door is told why, and hears it */
	signal(SIGPIPE, SIG_IGN);
	sent = rc == 0 ? control_send(c->control, request) : 0;
	if (sent < 0 && sent != -EPIPE) {
		log_warn("the daemon went away");
		rc = CTL_NO_DAEMON;
	}
	signal(SIGPIPE, SIG_DFL);
	json_decref(request);
	return rc;
}

int
ctl_answer(
    struct ctl *c, void (*each)(struct ctl *, json_t *row), json_t **ret_last)
{
	json_t *row;

	while ((row = control_next(c->control)) != NULL) {
		if (json_is_true(json_object_get(row, "done")))
			return take_last(row, ret_last);
		if (c->is_json)
			ctl_print_json(row);
		else if (each != NULL)
			each(c, row);
		json_decref(row);
	}
	/* an upgrade or a stop answers by closing */
	if (strcmp(c->command, "upgrade") == 0)
		return 0;
	if (errno == EAGAIN)
		log_warn("mtad runs, and its queue has not answered for %d s: "
			 "what it said at its start is in mtad.err, or in the "
			 "journal",
		    c->patience);
	else
		log_warn("the daemon went away: %s", strerror(errno));
	return CTL_NO_DAEMON;
}

int
ctl_ask(struct ctl *c, json_t *request, void (*each)(struct ctl *, json_t *row),
    json_t **ret_last)
{
	int rc = ctl_send(c, request);

	return rc == 0 ? ctl_answer(c, each, ret_last) : rc;
}

int
ctl_body(struct ctl *c, const json_t *row, int fd, int rc)
{
	long long left = ctl_num(row, "bytes");
	char block[65536];

	while (left > 0) {
		size_t want = left < (long long)sizeof(block) ? (size_t)left
							      : sizeof(block);
		ssize_t n = control_read(c->control, block, want);

		if (n <= 0)
			fatal("the daemon went away");
		if (rc == 0)
			rc = file_write_all(fd, block, (size_t)n);
		left -= n;
	}
	return rc;
}
