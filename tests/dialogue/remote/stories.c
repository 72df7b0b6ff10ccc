/*
 * stories: each *.story is a dialogue between a real mtad-remote and a server
 * that does what the story says. A line is a step:
 *
 *	set OPTION VALUE         of mtad.conf; before the first mail
 *	listen IP | deaf IP      where the server is (127.0.0.1 is there)
 *	ours IP                  a listener of the daemon itself is there
 *	unix                     mail goes to a Unix socket
 *	zone RECORD              of the story's name server
 *	dns stop|start           it falls silent, it comes back
 *	with WORD...             for the next mails: lmtp 8bit utf8 ret=full
 *	                         envid=E notify=success,delay orcpt=O
 *	                         host=H domain=D plain (forget all)
 *	text LINE                of the next mail; \r \n \0 \\ are known
 *	big BYTES                a body of that size, in a descriptor
 *	mail FROM TO...          hand the message over
 *	accept [IP]              wait for a connection
 *	S: TEXT | raw TEXT       say a line; say just this
 *	drip MS TEXT             say it byte by byte, each MS apart
 *	flood N | C: PATTERN     N bytes with no line end; hear a line
 *	data | bdat              hear the message, compare it
 *	close | reset | closed   end the connection; hear it end
 *	result TO CODE ENHANCED REASON [PATTERN]
 *	field NAME PATTERN       of the last result: remote_id reused failed host
 *	noack | ack              results are not acknowledged, they are again
 *	queue                    a new queue takes the old one's place
 *	holding N                it is told of a job with N recipients
 *	within MS                since the last mail (or dns start)
 *	mx DOMAIN [HOST] / answer CODE ENHANCED [PATTERN] / line PATTERN
 *	name IP / named pass|fail|none|temp [NAME]
 *	hostclose DOMAIN | stop
 *	event NAME PATTERN       a line of the event log
 *
 * Patterns are those of fnmatch(3).
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon.h"
#include "nameserver.h"
#include "server.h"
#include "verdict.h"

#define OUTCOMES_MAX 4096
#define SKIPPED 77

struct outcome {
	char rcpt[256], text[1024], enhanced[16];
	int code;
	enum reason reason;
	bool is_there;
};

struct story {
	const char *file;
	int line;
	struct conf *conf;
	struct daemon daemon;
	struct server server;
	struct nameserver ns;
	bool is_started, has_zone, is_silent_ack, is_deaf, is_unix;
	/* of the next mail */
	struct buf text;
	size_t big;
	bool is_lmtp;
	uint32_t flags;
	uint8_t ret, notify;
	char envid[128], orcpt[128], host[256], domain[256];
	/* of the mails so far */
	char *rcpt[OUTCOMES_MAX];
	uint32_t rcpt_n;
	struct buf body;
	uint64_t jobs;
	int64_t mail_at;
	struct outcome *outcome; /* by recipient */
	char remote_id[256], host_name[256], host_ip[64];
	bool is_reused, has_failed;
	struct buf lines; /* of the last P_MX_ANSWER */
};

static struct story *current; /* of this process: one runs one story */

void
story_fail(const char *fmt, ...)
{
	va_list ap;

	printf("FAIL %s:%d: ", current->file, current->line);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	daemon_kill(&current->daemon);
	nameserver_release(&current->ns);
	if (current->server.path[0] != '\0')
		unlink(current->server.path);
	_exit(1);
}

#define SEND(side_, id, ID, fd_, ...)                                          \
	do {                                                                   \
		struct buf b_;                                                 \
		buf_init(&b_, 16 << 20);                                       \
		put_p_##id(&b_, &(struct p_##id){ __VA_ARGS__ });              \
		side_send((side_), P_##ID, &b_, (fd_));                        \
		buf_release(&b_);                                              \
	} while (0)

/* The next word of *rest, or "" at its end. */
static const char *
word(char **rest)
{
	char *w;

	*rest += strspn(*rest, " \t");
	w = *rest;
	*rest += strcspn(*rest, " \t");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return w;
}

static void
unescape(struct buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s != '\\' || s[1] == '\0') {
			buf_addc(b, *s);
			continue;
		}
		s++;
		buf_addc(b,
		    *s == 'r'	    ? '\r'
			: *s == 'n' ? '\n'
			: *s == '0' ? '\0'
				    : *s);
	}
}

static bool
matches(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, 0) == 0;
}

static void
set_option(struct story *s, const char *name, const char *value)
{
	const struct conf_section *global = &conf_sections[0];
	char why[200];
	const char *wrong;

	for (size_t i = 0; i < global->opt_n; i++) {
		const struct conf_opt *o = &global->opt[i];

		if (strcmp(o->name, name) != 0)
			continue;
		wrong = conf_set(o, (char *)s->conf + o->offset, value, why);
		if (wrong != NULL)
			story_fail("%s: %s", name, wrong);
		return;
	}
	story_fail("no option %s", name);
}

static void
start(struct story *s)
{
	char text[64];

	s->is_started = true;
	if (s->has_zone) {
		if (!nameserver_start(&s->ns)) {
			printf("skip %s: no nsd here\n", s->file);
			fflush(stdout);
			_exit(SKIPPED);
		}
		snprintf(text, sizeof(text), "127.0.0.1@%d", s->ns.port);
		conf_list_add(&s->conf->Resolvers, text);
	} else {
		conf_list_add(&s->conf->Resolvers, "127.0.0.1@9");
	}
	daemon_start(&s->daemon, getenv("MTAD_REMOTE"), s->conf);
}

static void
wait_holding_end(struct story *s)
{
	while (side_next(&s->daemon.queue, "HOLDING_END").type != P_HOLDING_END)
		continue;
}

static void
be_started(struct story *s)
{
	if (s->is_started)
		return;
	start(s);
	wait_holding_end(s);
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

	while (*(to = word(rest)) != '\0') {
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

	be_started(s);
	make_body(s);
	from = word(&rest);
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
	const char *to = word(&rest), *code = word(&rest);
	const char *enhanced = word(&rest), *reason = word(&rest);
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
		else if (f.type != P_EVLOG_OK)
			story_fail("%s instead of RESULT", proto_name(f.type));
	}
	if (atoi(code) != o->code || !matches(enhanced, o->enhanced) ||
	    !matches(reason, reason_name(o->reason)) ||
	    (*rest != '\0' && !matches(rest, o->text)))
		story_fail("%s: %d %s (%s) %s", to, o->code, o->enhanced,
		    reason_name(o->reason), o->text);
}

static void
do_field(struct story *s, char *rest)
{
	const char *name = word(&rest), *value = NULL;

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
	if (value == NULL || !matches(rest, value))
		story_fail("%s is %s", name, value ? value : "no field");
}

static void
do_hear(struct story *s, const char *pattern)
{
	char line[4096];

	server_line(&s->server, line, sizeof(line));
	if (!matches(pattern, line))
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
	unescape(&b, text);
	if (is_line)
		buf_adds(&b, "\r\n");
	server_say(&s->server, b.data, b.len);
	buf_release(&b);
}

/* The one place where a story takes its time: slowness is what it is about. */
static void
do_drip(struct story *s, char *rest)
{
	int ms = atoi(word(&rest));

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
do_mx(struct story *s, char *rest)
{
	const char *domain = word(&rest), *host = word(&rest);

	be_started(s);
	s->mail_at = story_ms();
	SEND(&s->daemon.queue, mx_ask, MX_ASK, -1, .key = 7,
	    .domain = slice_of(domain), .host = slice_of(host),
	    .port = s->server.port);
}

static void
do_answer(struct story *s, char *rest)
{
	const char *code = word(&rest), *enhanced = word(&rest);
	struct p_mx_answer m;
	struct verdict v;
	struct frame f;
	struct rd r;
	char text[512], got[16];

	do
		f = side_next(&s->daemon.queue, "MX_ANSWER");
	while (f.type == P_EVLOG_OK);
	if (f.type != P_MX_ANSWER || !get_p_mx_answer(f.payload, &m))
		story_fail("%s instead of MX_ANSWER", proto_name(f.type));
	r = rd_of(m.verdict);
	v = get_verdict(&r);
	snprintf(text, sizeof(text), "%.*s", SLICE_ARG(v.text));
	snprintf(got, sizeof(got), "%.*s", SLICE_ARG(v.enhanced));
	buf_clear(&s->lines);
	buf_add_slice(&s->lines, m.lines);
	if (v.code != atoi(code) || strcmp(got, enhanced) != 0 ||
	    (*rest != '\0' && !matches(rest, text)))
		story_fail("%d %s %s", v.code, got, text);
}

static void
do_line(struct story *s, const char *pattern)
{
	size_t n = slice_find(buf_slice(&s->lines), '\n');
	char line[512];

	snprintf(line, sizeof(line), "%.*s", (int)n, s->lines.data);
	buf_drop(&s->lines, n < s->lines.len ? n + 1 : n);
	if (!matches(pattern, line))
		story_fail("the line is \"%s\"", line);
}

static void
do_name(struct story *s, const char *ip)
{

	be_started(s);
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
	const char *result = word(&rest);
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

static bool
has_event(struct story *s, const char *name, const char *pattern)
{
	char want[64], line[4096];
	bool found = false;
	int fd = dup(s->daemon.events_fd);
	FILE *f = fdopen(fd, "r");

	snprintf(want, sizeof(want), "\"event\":\"%s\"", name);
	rewind(f);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		found = strstr(line, want) != NULL && matches(pattern, line);
	}
	fclose(f);
	return found;
}

static void
do_event(struct story *s, char *rest)
{
	const char *name = word(&rest);
	int64_t until = story_ms() + STORY_WAIT_MS;

	while (!has_event(s, name, rest)) {
		if (story_ms() > until)
			story_fail("no event %s like that", name);
		usleep(2000);
	}
}

static void
do_within(struct story *s, int ms)
{
	int64_t took = story_ms() - s->mail_at;

	if (took > ms)
		story_fail("it took %lld ms", (long long)took);
}

static void
do_dns(struct story *s, const char *what)
{
	be_started(s);
	if (strcmp(what, "stop") == 0)
		nameserver_stop(&s->ns);
	else
		nameserver_start(&s->ns);
	s->mail_at = story_ms();
}

static void
do_with(struct story *s, char *rest)
{
	const char *w;

	while (*(w = word(&rest)) != '\0')
		with(s, w);
}

static void
do_set(struct story *s, char *rest)
{
	const char *name = word(&rest);

	set_option(s, name, rest);
}

static void
do_text(struct story *s, char *rest)
{
	unescape(&s->text, rest);
	buf_adds(&s->text, "\r\n");
}

static void
do_zone(struct story *s, char *rest)
{
	(void)s; /* take_zone() has read it */
	(void)rest;
}

/* The name server starts once, with all there is in the story. */
static void
take_zone(struct story *s, FILE *f)
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
do_big(struct story *s, char *rest)
{
	s->big = strtoul(rest, NULL, 10);
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
		wait_holding_end(s);
	else
		do_holding(s, (uint32_t)atoi(rest));
}

static void
step_within(struct story *s, char *rest)
{
	do_within(s, atoi(rest));
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

static void
step_stop(struct story *s, char *rest)
{
	(void)rest;
	daemon_say_stop(&s->daemon);
}

static const struct {
	const char *word;
	void (*run)(struct story *, char *rest);
} steps[] = {
	{ "set", do_set },
	{ "listen", do_listen },
	{ "ours", do_ours },
	{ "deaf", do_deaf },
	{ "unix", do_unix },
	{ "zone", do_zone },
	{ "dns", step_dns },
	{ "with", do_with },
	{ "text", do_text },
	{ "big", do_big },
	{ "mail", do_mail },
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
	{ "result", do_result },
	{ "field", do_field },
	{ "noack", step_noack },
	{ "ack", step_ack },
	{ "queue", step_queue },
	{ "holding", step_holding },
	{ "within", step_within },
	{ "mx", do_mx },
	{ "answer", do_answer },
	{ "line", step_line },
	{ "name", step_name },
	{ "named", do_named },
	{ "hostclose", step_hostclose },
	{ "stop", step_stop },
	{ "event", do_event },
};

static void
run_line(struct story *s, char *line)
{
	char *rest = line;
	const char *w = word(&rest);

	if (*w == '\0' || *w == '#')
		return;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strcmp(steps[i].word, w) == 0) {
			steps[i].run(s, rest);
			return;
		}
	story_fail("no step %s", w);
}

static void
story_init(struct story *s, const char *file)
{
	memset(s, 0, sizeof(*s));
	current = s;
	s->file = file;
	s->conf = conf_new();
	s->outcome = calloc(OUTCOMES_MAX, sizeof(*s->outcome));
	buf_init(&s->text, 1 << 20);
	buf_init(&s->body, 128 << 20);
	buf_init(&s->lines, 1 << 20);
	server_init(&s->server);
	nameserver_init(&s->ns);
	server_listen(&s->server, "127.0.0.1");
	set_option(s, "HostName", "client.test");
	set_option(s, "HostsFile", "");
	set_option(s, "RemoteUser", "nobody");
}

static void
story_end(struct story *s)
{
	if (s->daemon.pid > 0)
		daemon_stop(&s->daemon);
	for (uint32_t i = 0; i < s->rcpt_n; i++)
		free(s->rcpt[i]);
	free(s->outcome);
	buf_release(&s->text);
	buf_release(&s->body);
	buf_release(&s->lines);
	server_release(&s->server);
	nameserver_release(&s->ns);
	conf_free(s->conf);
}

static void
run_story(const char *file)
{
	static struct story s;
	char line[8192];
	FILE *f = fopen(file, "r");

	story_init(&s, file);
	if (f == NULL)
		story_fail("cannot read it");
	take_zone(&s, f);
	while (fgets(line, sizeof(line), f) != NULL) {
		s.line++;
		line[strcspn(line, "\n")] = '\0';
		run_line(&s, line);
	}
	fclose(f);
	story_end(&s);
}

/* 0 passed, 1 failed, SKIPPED. */
static int
run_apart(const char *file)
{
	pid_t pid = fork();
	int64_t from = story_ms();
	int status;

	if (pid == 0) {
		run_story(file);
		exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return 1;
	if (WEXITSTATUS(status) == 0)
		printf("ok   %s (%lld ms)\n", file,
		    (long long)(story_ms() - from));
	return WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	const char *dir = getenv("srcdir");
	int failed = 0, passed = 0, skipped = 0;
	char pattern[4096];
	glob_t g = { 0 };

	setvbuf(stdout, NULL, _IOLBF, 0);
	setenv("MTAD_REMOTE", "mtad/remote/mtad-remote", 0);
	snprintf(pattern, sizeof(pattern), "%s/tests/dialogue/remote/*.story",
	    dir ? dir : ".");
	if (argc < 2 && glob(pattern, 0, NULL, &g) != 0)
		return EXIT_FAILURE;
	for (int i = 0; i < (argc > 1 ? argc - 1 : (int)g.gl_pathc); i++) {
		int rc = run_apart(argc > 1 ? argv[i + 1] : g.gl_pathv[i]);

		passed += rc == 0;
		skipped += rc == SKIPPED;
		failed += rc != 0 && rc != SKIPPED;
	}
	globfree(&g);
	printf("%d stories passed, %d failed, %d skipped\n", passed, failed,
	    skipped);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
