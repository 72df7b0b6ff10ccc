/*
 * Messages: what is handed to mtad-remote, and what it says of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "story.h"

void
story_wait_holding_end(struct story *s)
{
	while (side_next(&s->daemon.queue, "HOLDING_END").type != P_HOLDING_END)
		continue;
}

static const struct {
	const char *word;
	uint8_t bit;
} notify_words[] = { { "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS },
	{ "failure", NOTIFY_FAILURE }, { "delay", NOTIFY_DELAY } };

static void
with_plain(struct story *s)
{
	s->is_lmtp = false;
	s->flags = 0;
	s->ret = s->notify = 0;
	s->envid[0] = s->orcpt[0] = s->host[0] = s->domain[0] = '\0';
}

static void
with(struct story *s, const char *w)
{
	if (strcmp(w, "plain") == 0)
		with_plain(s);
	else if (strcmp(w, "lmtp") == 0)
		s->is_lmtp = true;
	else if (strcmp(w, "8bit") == 0)
		s->flags |= ENV_8BIT;
	else if (strcmp(w, "utf8") == 0)
		s->flags |= ENV_UTF8;
	else if (strcmp(w, "ret=full") == 0)
		s->ret = RET_FULL;
	else if (strncmp(w, "envid=", 6) == 0)
		snprintf(s->envid, sizeof(s->envid), "%s", w + 6);
	else if (strncmp(w, "orcpt=", 6) == 0)
		snprintf(s->orcpt, sizeof(s->orcpt), "%s", w + 6);
	else if (strncmp(w, "host=", 5) == 0)
		snprintf(s->host, sizeof(s->host), "%s", w + 5);
	else if (strncmp(w, "domain=", 7) == 0)
		snprintf(s->domain, sizeof(s->domain), "%s", w + 7);
	else if (strncmp(w, "notify=", 7) == 0)
		for (size_t i = 0; i < 4; i++)
			s->notify |= strstr(w, notify_words[i].word)
			    ? notify_words[i].bit
			    : 0;
	else
		story_fail("with %s?", w);
}

/* The body of the mail that goes out now. */
static void
make_body(struct story *s)
{
	buf_clear(&s->body);
	while (s->body.len < s->big)
		buf_adds(&s->body,
		    s->body.len % 7 == 0 ? ".a line that begins with a dot\r\n"
					 : "x line of a large message\r\n");
	if (s->big == 0 && s->text.len == 0)
		buf_adds(&s->text, "Subject: a story\r\n\r\nHello\r\n");
	if (s->big == 0)
		buf_add(&s->body, s->text.data, s->text.len);
	buf_clear(&s->text);
}

static int
body_file(const struct story *s)
{
	int fd = memfd_create("body", MFD_CLOEXEC);

	if (fd < 0 ||
	    write(fd, s->body.data, s->body.len) != (ssize_t)s->body.len)
		story_fail("no body file");
	return fd;
}

static void
put_rcpts(struct story *s, struct buf *b, char **rest)
{
	const char *to;

	while (*(to = story_word(rest)) != '\0') {
		struct p_job_rcpt r = { .index = s->rcpt_n,
			.attempt = 1,
			.notify = s->notify,
			.addr = slice_of(to),
			.orcpt = slice_of(s->orcpt) };

		if (s->rcpt_n == OUTCOMES_MAX)
			story_fail("too many recipients");
		s->rcpt[s->rcpt_n++] = strdup(to);
		put_p_job_rcpt(b, &r);
	}
}

static void
do_mail(struct story *s, char *rest)
{
	struct buf rcpts;
	const char *from;

	story_be_started(s);
	make_body(s);
	from = story_word(&rest);
	buf_init(&rcpts, 1 << 20);
	put_rcpts(s, &rcpts, &rest);
	s->mail_at = story_ms();
	SEND(&s->daemon.queue, job, JOB, s->big ? body_file(s) : -1,
	    .id = { 1, 2, (uint32_t)++s->jobs }, .job = s->jobs,
	    .mailer = s->is_lmtp ? MAILER_LMTP : MAILER_SMTP,
	    .mailer_name = SLICE("smtp"),
	    .domain = slice_of(s->domain[0] ? s->domain : "story.test"),
	    .host = slice_of(s->host[0] ? s->host
		    : s->domain[0]	? ""
					: "[127.0.0.1]"),
	    .port = s->server.port,
	    .path = slice_of(s->is_unix ? s->server.path : ""),
	    .sender = slice_of(strcmp(from, "<>") ? from : ""),
	    .flags = s->flags, .ret = s->ret, .envid = slice_of(s->envid),
	    .size = s->body.len, .rcpts = buf_slice(&rcpts),
	    .body = s->big ? SLICE("") : buf_slice(&s->body));
	buf_release(&rcpts);
	s->big = 0;
}

static void
take_outcome(struct story *s, const struct p_result_rcpt *one)
{
	struct rd r = rd_of(one->verdict);
	struct verdict v = get_verdict(&r);
	struct outcome *o;

	if (one->index >= s->rcpt_n)
		story_fail("a result for recipient %u", one->index);
	o = &s->outcome[one->index];
	if (o->is_there)
		story_fail("a second result for %s", s->rcpt[one->index]);
	o->is_there = true;
	o->code = v.code;
	o->reason = v.reason;
	snprintf(
	    o->enhanced, sizeof(o->enhanced), "%.*s", SLICE_ARG(v.enhanced));
	snprintf(o->text, sizeof(o->text), "%.*s", SLICE_ARG(v.text));
}

static void
take_result(struct story *s, struct slice payload)
{
	struct p_result_rcpt one;
	struct p_result m;
	struct rd r;

	if (!get_p_result(payload, &m))
		story_fail("a malformed RESULT");
	for (r = rd_of(m.rcpts); !rd_end(&r);) {
		if (!get_p_result_rcpt(&r, &one))
			story_fail("a malformed RESULT");
		take_outcome(s, &one);
	}
	snprintf(
	    s->remote_id, sizeof(s->remote_id), "%.*s", SLICE_ARG(m.remote_id));
	snprintf(
	    s->host_name, sizeof(s->host_name), "%.*s", SLICE_ARG(m.host_name));
	snprintf(s->host_ip, sizeof(s->host_ip), "%.*s", SLICE_ARG(m.host_ip));
	s->is_reused = m.is_reused;
	s->has_failed = m.has_conn_failed;
	if (!s->is_silent_ack)
		SEND(&s->daemon.queue, result_ack, RESULT_ACK, -1,
		    .serial = m.serial);
}

static void
do_result(struct story *s, char *rest)
{
	const char *to = story_word(&rest), *code = story_word(&rest);
	const char *enhanced = story_word(&rest), *reason = story_word(&rest);
	struct outcome *o;
	uint32_t i;

	for (i = s->rcpt_n; i-- > 0;)
		if (strcmp(s->rcpt[i], to) == 0)
			break;
	if (i >= s->rcpt_n)
		story_fail("no recipient %s", to);
	o = &s->outcome[i];
	while (!o->is_there) {
		struct frame f = side_next(&s->daemon.queue, "RESULT");

		if (f.type == P_RESULT)
			take_result(s, f.payload);
		else
			story_fail("%s instead of RESULT", proto_name(f.type));
	}
	if (atoi(code) != o->code || !story_matches(enhanced, o->enhanced) ||
	    !story_matches(reason, reason_name(o->reason)) ||
	    (*rest != '\0' && !story_matches(rest, o->text)))
		story_fail("%s: %d %s (%s) %s", to, o->code, o->enhanced,
		    reason_name(o->reason), o->text);
}

static void
do_field(struct story *s, char *rest)
{
	const char *name = story_word(&rest), *value = NULL;

	if (strcmp(name, "remote_id") == 0)
		value = s->remote_id;
	else if (strcmp(name, "host") == 0)
		value = s->host_name;
	else if (strcmp(name, "ip") == 0)
		value = s->host_ip;
	else if (strcmp(name, "reused") == 0)
		value = s->is_reused ? "yes" : "no";
	else if (strcmp(name, "failed") == 0)
		value = s->has_failed ? "yes" : "no";
	if (value == NULL || !story_matches(rest, value))
		story_fail("%s is %s", name, value ? value : "no field");
}

static void
do_queue(struct story *s)
{
	daemon_new_queue(&s->daemon);
	for (uint32_t i = 0; i < s->rcpt_n; i++)
		s->outcome[i].is_there = false;
}

static void
do_holding(struct story *s, uint32_t want)
{
	struct frame f = side_next(&s->daemon.queue, "HOLDING");
	struct p_holding m;

	if (f.type != P_HOLDING || !get_p_holding(f.payload, &m))
		story_fail("%s instead of HOLDING", proto_name(f.type));
	if (m.rcpts.n != want * 4)
		story_fail("%zu recipients are held", m.rcpts.n / 4);
}

static void
do_with(struct story *s, char *rest)
{
	const char *w;

	while (*(w = story_word(&rest)) != '\0')
		with(s, w);
}

static void
do_text(struct story *s, char *rest)
{
	story_unescape(&s->text, rest);
	buf_adds(&s->text, "\r\n");
}

static void
do_big(struct story *s, char *rest)
{
	s->big = strtoul(rest, NULL, 10);
}

static void
step_noack(struct story *s, char *rest)
{
	(void)rest;
	s->is_silent_ack = true;
}

static void
step_ack(struct story *s, char *rest)
{
	(void)rest;
	s->is_silent_ack = false;
}

static void
step_queue(struct story *s, char *rest)
{
	(void)rest;
	do_queue(s);
}

static void
step_holding(struct story *s, char *rest)
{
	if (strcmp(rest, "end") == 0)
		story_wait_holding_end(s);
	else
		do_holding(s, (uint32_t)atoi(rest));
}

static void
step_stop(struct story *s, char *rest)
{
	(void)rest;
	daemon_say_stop(&s->daemon);
}

const struct step mail_steps[] = {
	{ "with", do_with },
	{ "text", do_text },
	{ "big", do_big },
	{ "mail", do_mail },
	{ "result", do_result },
	{ "field", do_field },
	{ "noack", step_noack },
	{ "ack", step_ack },
	{ "queue", step_queue },
	{ "holding", step_holding },
	{ "stop", step_stop },
	{ NULL, NULL },
};
