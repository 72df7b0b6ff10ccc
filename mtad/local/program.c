/*
 * program: a message to a command's standard input. An argument vector, no
 * shell; a clean environment; ended with all that it started when it is late.
 * The message streams: it is never held whole for a program.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "clock.h"
#include "deliver.h"
#include "members.h"
#include "tree.h"

#define WORDS_MAX 100
#define OUTPUT_MAX 65536
#define SEARCH_PATH "/usr/local/bin:/usr/bin:/bin"
#define LOOK_MS 1000 /* as long as orphans that ended may stay unburied */
#define END_TIME (2 * US_SEC)

struct program {
	pid_t pid;
	int in, out, pidfd;
	bool is_over; /* it has ended */
	int status;
	char output[OUTPUT_MAX + 1];
	size_t output_n;
	int64_t deadline; /* mono */
};

/* In the child. Only what is async-signal-safe until exec. */
static void
run_child(const char *path, char **argv, char **envp, const struct owner *o,
    int in, int out)
{
	sigset_t none;

	setpgid(0, 0);
	/* all three group ids are the owner's, no matter what was aside */
	if (o->mail_gid != (gid_t)-1 && setresgid(o->gid, o->gid, o->gid) < 0)
		_exit(EX_TEMPFAIL);
	if (chdir(o->home) < 0 && chdir("/") < 0)
		_exit(EX_TEMPFAIL);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(EX_TEMPFAIL);
	close_range(3, ~0u, 0);
	for (int sig = 1; sig < NSIG; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(path, argv, envp);
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

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
start_child(struct program *p, const char *path, char **argv, char **envp,
    const struct owner *o)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, rc;

	rc = tree_adopt();
	if (rc == 0 && (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0))
		rc = -errno;
	if (rc == 0 && (p->pid = fork()) < 0)
		rc = -errno;
	if (rc == 0 && p->pid == 0)
		run_child(path, argv, envp, o, in[0], out[1]);
	close_fd(&in[0]);
	close_fd(&out[1]);
	p->in = in[1];
	p->out = out[0];
	if (rc < 0)
		return rc;
	setpgid(p->pid, p->pid); /* whoever comes first */
	fcntl(p->in, F_SETFL, O_NONBLOCK);
	fcntl(p->out, F_SETFL, O_NONBLOCK);
	p->pidfd = pidfd_open(p->pid, 0);
	return p->pidfd < 0 ? -errno : 0;
}

static int
start(struct program *p, const char *path, char **argv, const struct letter *l)
{
	struct slice rcpt = l->rcpt;
	size_t at = slice_rfind(rcpt, '@');
	size_t plus =
	    slice_find(slice_sub(rcpt, 0, at), l->conf->RecipientDelimiter[0]);
	char *envp[] = { make_env("PATH", SLICE(SEARCH_PATH)),
		make_env("HOME", slice_of(l->owner->home)),
		make_env("USER", slice_of(l->owner->name)),
		make_env("LOGNAME", slice_of(l->owner->name)),
		make_env("SHELL", SLICE("/bin/sh")),
		make_env("SENDER", l->sender), make_env("RECIPIENT", rcpt),
		make_env("EXTENSION", slice_sub(rcpt, plus + 1, at)), NULL };
	int rc = start_child(p, path, argv, envp, l->owner);

	for (size_t i = 0; i < sizeof(envp) / sizeof(envp[0]); i++)
		free(envp[i]);
	return rc;
}

/* What it says: the first part is kept, the rest read and dropped. */
static void
listen_to(struct program *p)
{
	char drop[4096];
	bool is_full = p->output_n == OUTPUT_MAX;
	ssize_t n = read(p->out, is_full ? drop : p->output + p->output_n,
	    is_full ? sizeof(drop) : OUTPUT_MAX - p->output_n);

	if (n > 0 && !is_full)
		p->output_n += (size_t)n;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_fd(&p->out);
}

/* Until there is something to do; -ETIMEDOUT: it is late. A child of its own
 * that keeps the pipe open does not keep us. */
static int
wait_for(struct program *p)
{
	struct pollfd pf[3] = { { p->in, POLLOUT, 0 }, { p->out, POLLIN, 0 },
		{ p->pidfd, POLLIN, 0 } };
	int64_t left = (p->deadline - clock_mono()) / 1000 + 1;

	if (left <= 0)
		return -ETIMEDOUT;
	if (poll(pf, 3, left < LOOK_MS ? (int)left : LOOK_MS) < 0)
		return errno == EINTR ? 0 : -errno;
	if (p->out >= 0 && pf[1].revents != 0)
		listen_to(p);
	if (tree_reap(p->pid, &p->status))
		p->is_over = true;
	return 0;
}

/* It need not read all of the message. */
static int
put(void *arg, const char *bytes, size_t n)
{
	struct program *p = arg;
	int rc = 0;

	while (rc == 0 && n != 0 && p->in >= 0 && !p->is_over) {
		ssize_t w = write(p->in, bytes, n);

		if (w > 0) {
			bytes += w;
			n -= (size_t)w;
		} else if (errno == EAGAIN || errno == EINTR) {
			rc = wait_for(p);
		} else {
			close_fd(&p->in);
		}
	}
	return rc;
}

/* Many small pieces make one write. */
struct feed {
	struct program *p;
	struct buf b;
};

static int
gather(void *arg, const char *bytes, size_t n)
{
	struct feed *f = arg;
	int rc = 0;

	buf_add(&f->b, bytes, n);
	if (f->b.bad)
		return -ENOMEM;
	if (f->b.len >= 32768) {
		rc = put(f->p, f->b.data, f->b.len);
		buf_clear(&f->b);
	}
	return rc;
}

static int
feed(struct program *p, const struct letter *l)
{
	struct feed f = { .p = p };
	int rc;

	buf_init(&f.b, 1 << 20);
	rc = letter_write(l, gather, &f);
	if (rc >= 0)
		rc = put(p, f.b.data, f.b.len);
	buf_release(&f.b);
	return rc < 0 ? rc : 0;
}

static int
wait_for_end(struct program *p)
{
	int rc = 0;

	close_fd(&p->in);
	while (rc == 0 && !p->is_over)
		rc = wait_for(p);
	for (int i = 0; i < 64 && p->out >= 0; i++)
		listen_to(p); /* what is left in the pipe */
	return rc;
}

/* The end of what it said, for the notice. */
static const char *
last_line(struct program *p)
{
	char *s = p->output, *nl;

	while (p->output_n != 0 && (unsigned char)s[p->output_n - 1] <= ' ')
		p->output_n--;
	s[p->output_n] = '\0';
	for (size_t i = 0; i < p->output_n; i++)
		if ((unsigned char)s[i] < 0x20 && s[i] != '\n')
			s[i] = ' ';
	nl = strrchr(s, '\n');
	return nl ? nl + 1 : s;
}

/* A program that was given less than all must not take it for the whole: it
 * is killed before its input ends. */
static void
run(struct program *p, const struct letter *l, const char *path, char **argv,
    struct result *r)
{
	int rc = start(p, path, argv, l);

	p->deadline = clock_mono() + l->conf->ProgramTimeout;
	if (rc == 0)
		rc = feed(p, l);
	if (rc == 0)
		rc = wait_for_end(p);
	if (rc < 0)
		tree_end(clock_mono() + END_TIME);
	if (rc == -ETIMEDOUT)
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program %.100s takes too long", path);
	else if (rc < 0)
		result_errno(r, rc, "program", path);
	else
		exit_verdict(p->status, last_line(p), r);
}

/* A full path, or a name that the programs' own PATH has. */
static bool
find_program(const char *name, char ret[4096])
{
	const char *dir = SEARCH_PATH;

	if (strchr(name, '/') != NULL) {
		snprintf(ret, 4096, "%s", name);
		return name[0] == '/' && access(name, X_OK) == 0;
	}
	while (*dir != '\0') {
		size_t n = strcspn(dir, ":");

		snprintf(ret, 4096, "%.*s/%s", (int)n, dir, name);
		if (access(ret, X_OK) == 0)
			return true;
		dir += n + (dir[n] == ':');
	}
	return false;
}

static void
run_words(const struct letter *l, char **argv, struct result *r)
{
	struct program *p = calloc(1, sizeof(*p));
	char path[4096];

	if (p == NULL) {
		result_errno(r, ENOMEM, "program", argv[0]);
		return;
	}
	if (!find_program(argv[0], path)) {
		result_set(r, 451, "4.3.0", RC_LOCAL_RESOURCE,
		    "The delivery program %.150s is not there", argv[0]);
	} else {
		p->in = p->out = p->pidfd = -1;
		run(p, l, path, argv, r);
		close_fd(&p->in);
		close_fd(&p->out);
		close_fd(&p->pidfd);
	}
	free(p);
}

void
deliver_program(const struct letter *l, struct result *r)
{
	char *argv[WORDS_MAX + 1], *store = NULL;
	int n = command_words(slice_of(l->path), argv, WORDS_MAX, &store), from;

	from = n > 1 && strcmp(argv[0], "exec") == 0; /* a shell's habit */
	if (n <= 0)
		result_set(r, 451, "4.3.5", RC_LOCAL_RESOURCE,
		    "The command of this address cannot be read");
	else if (command_needs_shell(slice_of(l->path)))
		result_set(r, 451, "4.3.5", RC_LOCAL_RESOURCE,
		    "The command needs a shell, which mail never gets: put it "
		    "into a script");
	else
		run_words(l, argv + from, r);
	free(store);
}
