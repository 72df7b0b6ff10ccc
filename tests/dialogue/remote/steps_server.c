/*
 * The server that mtad-remote talks to, word by word.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "story.h"

static void
do_hear(struct story *s, const char *pattern)
{
	char line[4096];

	server_line(&s->server, line, sizeof(line));
	if (!story_matches(pattern, line))
		story_fail("the client says \"%s\"", line);
}

static void
compare(const struct story *s, const struct buf *got)
{
	if (got->len != s->body.len ||
	    memcmp(got->data, s->body.data, got->len) != 0)
		story_fail("the message has changed: %zu bytes for %zu",
		    got->len, s->body.len);
}

static void
do_data(struct story *s)
{
	struct buf got;

	buf_init(&got, 128 << 20);
	server_data(&s->server, &got);
	compare(s, &got);
	buf_release(&got);
}

static void
do_bdat(struct story *s)
{
	unsigned long n = 0;
	char line[256];
	struct buf got;

	buf_init(&got, 128 << 20);
	server_line(&s->server, line, sizeof(line));
	if (sscanf(line, "BDAT %lu LAST", &n) != 1)
		story_fail("the client says \"%s\"", line);
	server_take(&s->server, n, &got);
	compare(s, &got);
	buf_release(&got);
}

static void
say_text(struct story *s, const char *text, bool is_line)
{
	struct buf b;

	buf_init(&b, 65536);
	story_unescape(&b, text);
	if (is_line)
		buf_adds(&b, "\r\n");
	server_say(&s->server, b.data, b.len);
	buf_release(&b);
}

/* The one place where a story takes its time: slowness is what it is about. */
static void
do_drip(struct story *s, char *rest)
{
	int ms = atoi(story_word(&rest));

	for (; *rest != '\0'; rest++) {
		server_say(&s->server, rest, 1);
		usleep((useconds_t)ms * 1000);
	}
}

static void
do_flood(struct story *s, size_t n)
{
	char block[1000];

	memset(block, 'x', sizeof(block));
	while (n > 0) {
		size_t some = n < sizeof(block) ? n : sizeof(block);

		server_say(&s->server, block, some);
		n -= some;
	}
}

static void
do_listen(struct story *s, char *rest)
{
	server_listen(&s->server, rest);
}

/* A listener of our own at that place: mail there would come back. */
static void
do_ours(struct story *s, char *rest)
{
	struct conf_listener *l = NULL;

	for (int i = 0; i < CONF_SECTIONS; i++)
		if (strcmp(conf_sections[i].name, "listener") == 0)
			l = conf_add_section(
			    s->conf, &conf_sections[i], "ours");
	if (l == NULL)
		story_fail("no listener");
	free(l->Address);
	l->Address = strdup(rest);
	l->Port = s->server.port;
}

static void
do_deaf(struct story *s, char *rest)
{
	server_deaf(&s->server, rest);
}

static void
do_unix(struct story *s, char *rest)
{
	(void)rest;
	server_listen_unix(&s->server);
	s->is_unix = true;
}

static void
do_accept(struct story *s, char *rest)
{
	if (s->is_unix)
		daemon_give_unix(&s->daemon, s->server.path);
	server_accept(&s->server, *rest ? rest : NULL);
}

static void
do_say(struct story *s, char *rest)
{
	say_text(s, rest, true);
}

static void
do_raw(struct story *s, char *rest)
{
	say_text(s, rest, false);
}

static void
step_flood(struct story *s, char *rest)
{
	do_flood(s, strtoul(rest, NULL, 10));
}

static void
step_hear(struct story *s, char *rest)
{
	do_hear(s, rest);
}

static void
step_data(struct story *s, char *rest)
{
	(void)rest;
	do_data(s);
}

static void
step_bdat(struct story *s, char *rest)
{
	(void)rest;
	do_bdat(s);
}

static void
step_close(struct story *s, char *rest)
{
	(void)rest;
	server_close(&s->server, false);
}

static void
step_reset(struct story *s, char *rest)
{
	(void)rest;
	server_close(&s->server, true);
}

static void
step_closed(struct story *s, char *rest)
{
	(void)rest;
	server_wait_closed(&s->server);
}

const struct step server_steps[] = {
	{ "listen", do_listen },
	{ "ours", do_ours },
	{ "deaf", do_deaf },
	{ "unix", do_unix },
	{ "accept", do_accept },
	{ "S:", do_say },
	{ "raw", do_raw },
	{ "drip", do_drip },
	{ "flood", step_flood },
	{ "C:", step_hear },
	{ "data", step_data },
	{ "bdat", step_bdat },
	{ "close", step_close },
	{ "reset", step_reset },
	{ "closed", step_closed },
	{ NULL, NULL },
};
