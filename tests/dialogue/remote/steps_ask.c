/*
 * Questions: routes, names, and a name server that can fall silent.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

static void
do_mx(struct story *s, char *rest)
{
	const char *domain = story_word(&rest), *host = story_word(&rest);

	story_be_started(s);
	s->mail_at = story_ms();
	SEND(&s->daemon.queue, mx_ask, MX_ASK, -1, .key = 7,
	    .domain = slice_of(domain), .host = slice_of(host),
	    .port = s->server.port);
}

static void
do_answer(struct story *s, char *rest)
{
	const char *code = story_word(&rest), *enhanced = story_word(&rest);
	struct p_mx_answer m;
	struct verdict v;
	struct frame f;
	struct rd r;
	char text[512], got[16];

	f = side_next(&s->daemon.queue, "MX_ANSWER");
	if (f.type != P_MX_ANSWER || !get_p_mx_answer(f.payload, &m))
		story_fail("%s instead of MX_ANSWER", proto_name(f.type));
	r = rd_of(m.verdict);
	v = get_verdict(&r);
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(v.text));
	snprintf(got, sizeof(got), "%.*s", SLICE_ARG(v.enhanced));
	buf_clear(&s->lines);
	buf_add_slice(&s->lines, m.lines);
	if (v.code != atoi(code) || strcmp(got, enhanced) != 0 ||
	    (*rest != '\0' && !story_matches(rest, text)))
		story_fail("%d %s %s", v.code, got, text);
}

static void
do_line(struct story *s, const char *pattern)
{
	size_t n = slice_find(buf_slice(&s->lines), '\n');
	char line[512];

	snprintf(line, sizeof(line), "%.*s", (int)n, s->lines.data);
	buf_drop(&s->lines, n < s->lines.len ? n + 1 : n);
	if (!story_matches(pattern, line))
		story_fail("the line is \"%s\"", line);
}

static void
do_name(struct story *s, const char *ip)
{

	story_be_started(s);
	SEND(&s->daemon.smtpd, name_ask, NAME_ASK, -1, .key = 9,
	    .ip = slice_of(ip));
}

static void
do_named(struct story *s, char *rest)
{
	static const char *const names[] = { [FCRDNS_PASS] = "pass",
		[FCRDNS_FAIL] = "fail",
		[FCRDNS_NONE] = "none",
		[FCRDNS_TEMP] = "temp" };
	const char *result = story_word(&rest);
	struct frame f = side_next(&s->daemon.smtpd, "NAME_ANSWER");
	struct p_name_answer m;
	char name[300];

	if (f.type != P_NAME_ANSWER || !get_p_name_answer(f.payload, &m) ||
	    m.result > FCRDNS_TEMP)
		story_fail("no NAME_ANSWER");
	snprintf(name, sizeof(name), "%.*s", SLICE_ARG(m.name));
	if (strcmp(names[m.result], result) != 0 ||
	    (*rest != '\0' && strcmp(rest, name) != 0))
		story_fail("%s %s", names[m.result], name);
}

static void
do_dns(struct story *s, const char *what)
{
	story_be_started(s);
	if (strcmp(what, "stop") == 0)
		nameserver_stop(&s->ns);
	else
		nameserver_start(&s->ns);
	s->mail_at = story_ms();
}

static void
do_zone(struct story *s, char *rest)
{
	(void)s; /* story_take_zone() has read it */
	(void)rest;
}

/* The name server starts once, with all there is in the story. */
void
story_take_zone(struct story *s, FILE *f)
{
	char line[8192];

	while (fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "zone ", 5) != 0)
			continue;
		s->has_zone = true;
		nameserver_add(&s->ns, line + 5);
	}
	rewind(f);
}

static void
step_line(struct story *s, char *rest)
{
	do_line(s, rest);
}

static void
step_name(struct story *s, char *rest)
{
	do_name(s, rest);
}

static void
step_dns(struct story *s, char *rest)
{
	do_dns(s, rest);
}

static void
step_hostclose(struct story *s, char *rest)
{
	SEND(&s->daemon.queue, host_close, HOST_CLOSE, -1,
	    .domain = slice_of(rest));
}

const struct step ask_steps[] = {
	{ "zone", do_zone },
	{ "dns", step_dns },
	{ "mx", do_mx },
	{ "answer", do_answer },
	{ "line", step_line },
	{ "name", step_name },
	{ "named", do_named },
	{ "hostclose", step_hostclose },
	{ NULL, NULL },
};
