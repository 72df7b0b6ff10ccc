#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define LONGEST_SLEEP US_SEC
#define BETWEEN_PASSES (US_SEC / 50)

int
tree_adopt(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;
	return 0;
}

bool
tree_reap(pid_t leader, int *ret_status)
{
	bool is_leader = false;
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == leader) {
			*ret_status = status;
			is_leader = true;
		}
	return is_leader;
}

static bool
has_children(void)
{
	siginfo_t si;

	return waitid(P_ALL, 0, &si, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void
sleep_for_child(int64_t us)
{
	struct timespec ts = { us / US_SEC, us % US_SEC * 1000 };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigtimedwait(&child, NULL, &ts);
}

bool
tree_wait(int64_t until)
{
	int status;

	for (;;) {
		int64_t left = until - clock_mono();

		tree_reap(-1, &status);
		if (!has_children())
			return true;
		if (left <= 0)
			return false;
		sleep_for_child(left < LONGEST_SLEEP ? left : LONGEST_SLEEP);
	}
}

bool
tree_end(int64_t until)
{
	int status;

	for (;;) {
		tree_kill(NULL, NULL);
		tree_reap(-1, &status);
		if (!has_children())
			return true;
		if (clock_mono() >= until)
			return false;
		sleep_for_child(BETWEEN_PASSES);
	}
}

/* Does it run, and whose child is it? The name in it may have any bytes, so
 * that its last parenthesis counts. */
static bool
is_child(const char *name, pid_t parent)
{
	char path[40], text[512], state;
	const char *rest;
	ssize_t n;
	int fd, ppid;

	snprintf(path, sizeof(path), "/proc/%.10s/stat", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	rest = strrchr(text, ')');
	return rest != NULL && sscanf(rest, ") %c %d", &state, &ppid) == 2 &&
	    ppid == parent && state != 'Z' && state != 'X';
}

int
tree_kill(bool (*is_spared)(const void *arg, pid_t), const void *arg)
{
	DIR *dir = opendir("/proc");
	pid_t self = getpid();
	struct dirent *e;
	int met = 0;

	while (dir != NULL && (e = readdir(dir)) != NULL) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid <= 0 || !is_child(e->d_name, self) ||
		    (is_spared != NULL && is_spared(arg, pid)))
			continue;
		kill(pid, SIGKILL);
		met++;
	}
	if (dir != NULL)
		closedir(dir);
	return met;
}
