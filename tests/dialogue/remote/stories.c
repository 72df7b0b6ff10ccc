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
#include <fnmatch.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "story.h"

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

/* The next word of *rest, or "" at its end. */
const char *
story_word(char **rest)
{
	char *w;

	*rest += strspn(*rest, " \t");
	w = *rest;
	*rest += strcspn(*rest, " \t");
	if (**rest != '\0')
		*(*rest)++ = '\0';
	return w;
}

void
story_unescape(struct buf *b, const char *s)
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

bool
story_matches(const char *pattern, const char *text)
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

void
story_be_started(struct story *s)
{
	if (s->is_started)
		return;
	start(s);
	story_wait_holding_end(s);
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
		found =
		    strstr(line, want) != NULL && story_matches(pattern, line);
	}
	fclose(f);
	return found;
}

static void
do_event(struct story *s, char *rest)
{
	const char *name = story_word(&rest);
	int64_t until = story_ms() + STORY_WAIT_MS;

	while (!has_event(s, name, rest)) {
		if (story_ms() > until)
			story_fail("no event %s like that", name);
		usleep(2000);
		daemon_take_events(&s->daemon);
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
do_set(struct story *s, char *rest)
{
	const char *name = story_word(&rest);

	set_option(s, name, rest);
}

static void
step_within(struct story *s, char *rest)
{
	do_within(s, atoi(rest));
}

static const struct step story_steps[] = {
	{ "set", do_set },
	{ "within", step_within },
	{ "event", do_event },
	{ NULL, NULL },
};

static const struct step *const tables[] = { story_steps, mail_steps,
	server_steps, ask_steps };

static void
run_line(struct story *s, char *line)
{
	char *rest = line;
	const char *w = story_word(&rest);

	if (*w == '\0' || *w == '#')
		return;
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct step *p = tables[t]; p->word != NULL; p++)
			if (strcmp(p->word, w) == 0) {
				p->run(s, rest);
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
	story_take_zone(&s, f);
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
