#include "postfix.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "lists.h"
#include "postfix_rows.h"

#define EACH (5 * US_SEC)
#define BUSY_SHARE 20 /* a listing's time is at most a 20th of all time */
#define LINE_MAX_ ((size_t)16 << 20) /* a message of 100,000 recipients */
#define READ_A_TURN (256 << 10)

extern char **environ;

struct postfix {
	struct model *model; /* borrowed */
	struct asks *asks; /* borrowed */
	char *program; /* owned */
	pid_t pid; /* 0: none runs */
	int fd; /* its output */
	bool is_wrong; /* it said something else than a queue */
	struct buf line;
	struct postfix_rows *next, *rows; /* owned: on their way; whole */
	int64_t begun, due; /* mono */
};

static char *
find_program(void)
{
	static const char *const paths[] = { "/usr/sbin/postqueue",
		"/usr/local/sbin/postqueue", "/sbin/postqueue" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], X_OK) == 0)
			return strdup(paths[i]);
	return NULL;
}

struct postfix *
postfix_new(struct model *m, struct asks *a)
{
	struct postfix *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	*p = (struct postfix){ .model = m, .asks = a, .fd = -1 };
	buf_init(&p->line, LINE_MAX_);
	p->program = find_program();
	if (p->program == NULL) {
		postfix_free(p);
		return NULL;
	}
	m->is_postfix = true;
	return p;
}

static int
end_child(struct postfix *p)
{
	int status = 0;

	if (p->pid == 0)
		return 0;
	close(p->fd);
	p->fd = -1;
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	p->pid = 0;
	return status;
}

void
postfix_free(struct postfix *p)
{
	if (p == NULL)
		return;
	if (p->pid != 0)
		kill(p->pid, SIGTERM);
	end_child(p);
	postfix_rows_free(p->next);
	postfix_rows_free(p->rows);
	buf_release(&p->line);
	free(p->program);
	free(p);
}

/* Signals that the console waits for itself are not blocked in the child. */
static int
spawn(struct postfix *p, int to)
{
	char *argv[] = { p->program, (char *)"-j", NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int rc;

	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, to, 1);
	posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn(&p->pid, p->program, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static void
begin(struct postfix *p, int64_t now)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	p->begun = now;
	p->due = INT64_MAX; /* until it has ended */
	p->fd = fds[0];
	postfix_rows_free(p->next);
	p->next = postfix_rows_new(clock_wall());
	p->is_wrong = p->next == NULL || spawn(p, fds[1]) != 0;
	close(fds[1]);
	if (p->is_wrong) {
		close(p->fd);
		p->fd = -1;
		p->pid = 0;
		p->due = now + EACH;
	}
}

static void
finish(struct postfix *p, int64_t now)
{
	int status = end_child(p);
	int64_t rest = (now - p->begun) * BUSY_SHARE;

	p->due = now + (rest > EACH ? rest : EACH);
	postfix_rows_free(p->rows);
	p->rows = NULL;
	if (status != 0 || p->is_wrong) {
		model_connected(p->model, "postqueue -j tells no queue");
		return;
	}
	postfix_rows_end(p->next);
	p->rows = p->next;
	p->next = NULL;
	model_connected(p->model, NULL);
}

/* Whole lines of what has come; the rest stays. */
static void
take_lines(struct postfix *p)
{
	struct slice rest = buf_slice(&p->line), line;
	size_t used = 0, nl;

	while ((nl = slice_find(rest, '\n')) != rest.n) {
		line = slice_sub(rest, 0, nl);
		if (line.n != 0 && !postfix_rows_take(p->next, line))
			p->is_wrong = true;
		rest = slice_sub(rest, nl + 1, rest.n);
		used += nl + 1;
	}
	buf_drop(&p->line, used);
}

static bool
read_some(struct postfix *p, int64_t now)
{
	for (size_t sum = 0; sum < READ_A_TURN;) {
		char *room = buf_room(&p->line, 65536);
		ssize_t n = room ? read(p->fd, room, 65536) : 0;

		if (n < 0)
			return false;
		if (n == 0) {
			p->is_wrong |= room == NULL || p->line.len != 0;
			buf_clear(&p->line);
			finish(p, now);
			return false;
		}
		p->line.len += (size_t)n;
		sum += (size_t)n;
		take_lines(p);
	}
	return true;
}

static void
answer(struct postfix *p, enum ask kind, int64_t now)
{
	json_t *request = p->asks->request[kind], *last;

	p->asks->request[kind] = NULL;
	model_begin(p->model, kind);
	last = postfix_rows_answer(p->rows, p->model, kind, request);
	model_end(p->model, kind, last, clock_mono() - now);
	json_decref(last);
	json_decref(request);
}

int
postfix_poll(const struct postfix *p, struct pollfd ret[1])
{
	if (p->fd < 0)
		return 0;
	ret[0] = (struct pollfd){ p->fd, POLLIN, 0 };
	return 1;
}

bool
postfix_turn(struct postfix *p, int64_t now)
{
	bool has_more = false;

	if (p->fd < 0 && now >= p->due)
		begin(p, now);
	if (p->fd >= 0)
		has_more = read_some(p, now);
	p->asks->stop = 0;
	for (int k = 0; k < ASKS && p->rows != NULL; k++)
		if (p->asks->request[k] != NULL)
			answer(p, (enum ask)k, now);
	/* what is shown is as old as the listing */
	if (p->rows != NULL)
		model_heard(p->model, now);
	return has_more;
}
