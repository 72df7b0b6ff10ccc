/*
 * program: a message to a command's standard input. An argument vector, no
 * shell; a clean environment; its own process group, ended when it is late.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "deliver.h"
#include "members.h"

#define WORDS_MAX 100
#define OUTPUT_MAX 65536

struct program {
	pid_t pid;
	int in, out;
	struct buf stdin_bytes; /* the message, as it is written */
	size_t sent;
	char output[OUTPUT_MAX + 1];
	size_t output_n;
	int64_t deadline; /* mono */
};

static const struct {
	int status, code;
	const char *enhanced;
	enum reason reason;
} exits[] = {
	{ EX_OK, 250, "2.0.0", RC_NONE },
	{ EX_TEMPFAIL, 451, "4.3.0", RC_LOCAL_RESOURCE },
	{ EX_OSERR, 451, "4.3.0", RC_LOCAL_RESOURCE },
	{ EX_OSFILE, 451, "4.3.0", RC_LOCAL_RESOURCE },
	{ EX_IOERR, 451, "4.3.0", RC_LOCAL_IO },
	{ EX_CONFIG, 451, "4.3.5", RC_LOCAL_RESOURCE },
	{ EX_USAGE, 550, "5.3.0", RC_UNKNOWN },
	{ EX_DATAERR, 550, "5.6.0", RC_CONTENT },
	{ EX_NOINPUT, 550, "5.3.0", RC_UNKNOWN },
	{ EX_NOUSER, 550, "5.1.1", RC_MAILBOX_UNKNOWN },
	{ EX_NOHOST, 550, "5.1.2", RC_DNS_NONE },
	{ EX_UNAVAILABLE, 550, "5.3.0", RC_UNKNOWN },
	{ EX_SOFTWARE, 550, "5.3.0", RC_UNKNOWN },
	{ EX_CANTCREAT, 550, "5.2.0", RC_MAILBOX_FULL },
	{ EX_PROTOCOL, 550, "5.5.0", RC_PROTOCOL },
	{ EX_NOPERM, 550, "5.7.0", RC_POLICY },
};

/* 126 and 127: it could not be run; a mount may be missing. Never a bounce. */
void
program_status(int status, const char *last, struct result *r)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	for (size_t i = 0; i < sizeof(exits) / sizeof(exits[0]); i++)
		if (code == exits[i].status) {
			result_set(r, exits[i].code, exits[i].enhanced,
			    exits[i].reason, "%s",
			    last[0]	    ? last
				: code == 0 ? "Delivered to program"
					    : "The delivery program refused");
			return;
		}
	if (code < 0)
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program was ended by signal %d",
		    WTERMSIG(status));
	else if (code == 126 || code == 127)
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program cannot be run");
	else if (code < EX__BASE)
		result_set(r, 550, "5.3.0", RC_UNKNOWN,
		    "The delivery program failed with status %d: %s", code,
		    last);
	else
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program ended with unknown status %d", code);
}

/* In the child. Only what is async-signal-safe until exec. */
static void
run_child(char **argv, char **envp, const char *home, int in, int out)
{
	sigset_t none;

	setpgid(0, 0);
	if (chdir(home) < 0 && chdir("/") < 0)
		_exit(EX_TEMPFAIL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(EX_TEMPFAIL);
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(argv[0], argv, envp);
	_exit(errno == ENOENT ? 127 : 126);
}

static char *
make_env(const char *name, struct slice value)
{
	char *s = NULL;

	if (asprintf(&s, "%s=%.*s", name, SLICE_ARG(value)) < 0)
		return NULL;
	for (char *p = s; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20)
			*p = '?';
	return s;
}

static int
start(struct program *p, char **argv, const struct letter *l)
{
	struct slice rcpt = l->rcpt;
	size_t at = slice_find(rcpt, '@');
	size_t plus = slice_find(slice_sub(rcpt, 0, at), '+');
	char *envp[] = { make_env(
			     "PATH", SLICE("/usr/local/bin:/usr/bin:/bin")),
		make_env("HOME", slice_of(l->owner->home)),
		make_env("USER", slice_of(l->owner->name)),
		make_env("LOGNAME", slice_of(l->owner->name)),
		make_env("SHELL", SLICE("/bin/sh")),
		make_env("SENDER", l->sender), make_env("RECIPIENT", rcpt),
		make_env("EXTENSION", slice_sub(rcpt, plus + 1, at)), NULL };
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
		rc = -errno;
	if (rc == 0 && (p->pid = fork()) < 0)
		rc = -errno;
	if (rc == 0 && p->pid == 0)
		run_child(argv, envp, l->owner->home, in[0], out[1]);
	for (int i = 0; envp[i] != NULL; i++)
		free(envp[i]);
	if (in[0] >= 0)
		close(in[0]);
	if (out[1] >= 0)
		close(out[1]);
	p->in = in[1];
	p->out = out[0];
	return rc;
}

static int
put(void *arg, const char *bytes, size_t n)
{
	struct program *p = arg;

	buf_add(&p->stdin_bytes, bytes, n);
	return p->stdin_bytes.bad ? -ENOMEM : 0;
}

static void
feed(struct program *p)
{
	ssize_t n = write(
	    p->in, p->stdin_bytes.data + p->sent, p->stdin_bytes.len - p->sent);

	if (n > 0)
		p->sent += (size_t)n;
	/* it need not read all of it */
	if (p->sent == p->stdin_bytes.len ||
	    (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(p->in);
		p->in = -1;
	}
}

static void
listen_to(struct program *p)
{
	char drop[4096];
	bool is_full = p->output_n == OUTPUT_MAX;
	ssize_t n = read(p->out, is_full ? drop : p->output + p->output_n,
	    is_full ? sizeof(drop) : OUTPUT_MAX - p->output_n);

	if (n > 0 && !is_full)
		p->output_n += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(p->out);
		p->out = -1;
	}
}

/* Until both pipes are closed; false: it is late. */
static bool
converse(struct program *p)
{
	fcntl(p->in, F_SETFL, O_NONBLOCK);
	while (p->in >= 0 || p->out >= 0) {
		struct pollfd pf[2] = { { p->in, POLLOUT, 0 },
			{ p->out, POLLIN, 0 } };
		int64_t left = p->deadline - clock_mono();

		if (left <= 0)
			return false;
		if (poll(pf, 2, (int)(left / 1000) + 1) < 0 && errno != EINTR)
			return false;
		if (p->in >= 0 && pf[0].revents != 0)
			feed(p);
		if (p->out >= 0 && pf[1].revents != 0)
			listen_to(p);
	}
	return true;
}

/* The end of what it said, for the notice. */
static const char *
last_line(struct program *p)
{
	char *s = p->output, *nl;

	s[p->output_n] = '\0';
	while (p->output_n != 0 && (unsigned char)s[p->output_n - 1] <= ' ')
		s[--p->output_n] = '\0';
	nl = strrchr(s, '\n');
	s = nl ? nl + 1 : s;
	for (char *q = s; *q != '\0'; q++)
		if ((unsigned char)*q < 0x20 || *q == 0x7f)
			*q = ' ';
	return s;
}

static void
run(struct program *p, const struct letter *l, char **argv, struct result *r)
{
	int rc = letter_write(l, put, p), status = 0;

	if (rc >= 0)
		rc = start(p, argv, l);
	if (rc < 0) {
		result_errno(r, rc, "program", argv[0]);
		return;
	}
	p->deadline = clock_mono() + l->conf->ProgramTimeout;
	if (!converse(p)) {
		kill(-p->pid, SIGKILL);
		while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
			continue;
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program %s takes too long", argv[0]);
		return;
	}
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	program_status(status, last_line(p), r);
}

void
deliver_program(const struct letter *l, struct result *r)
{
	struct program *p = calloc(1, sizeof(*p));
	char *argv[WORDS_MAX + 1], *store = NULL;
	int n = command_words(slice_of(l->path), argv, WORDS_MAX, &store);

	if (p == NULL || n <= 0) {
		result_set(r, 451, "4.3.5", RC_LOCAL_RESOURCE,
		    "The command of this address cannot be read");
	} else if (argv[0][0] != '/' || access(argv[0], X_OK) < 0) {
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program %s is not there (a full path is "
		    "wanted)",
		    argv[0]);
	} else {
		p->in = p->out = -1;
		buf_init(&p->stdin_bytes, (size_t)1 << 30);
		run(p, l, argv, r);
		if (p->in >= 0)
			close(p->in);
		if (p->out >= 0)
			close(p->out);
		buf_release(&p->stdin_bytes);
	}
	free(store);
	free(p);
}
