#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define LOCK_WAIT (30 * US_SEC)
#define LONG_WAIT (US_SEC / 2) /* a reader takes his mail sooner */
#define STALE_LOCK 300 /* seconds */
#define NO_GROUP ((gid_t)-1)

/* One for each path that somebody delivers to. */
struct turn {
	LIST_ENTRY(turn) link;
	unsigned users;
	bool is_taken;
	char path[];
};
static LIST_HEAD(, turn) turns = LIST_HEAD_INITIALIZER(turns);
static pthread_mutex_t turns_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn_over = PTHREAD_COND_INITIALIZER;

static struct turn *
turn_of(const char *path)
{
	size_t n = strlen(path) + 1;
	struct turn *t;

	LIST_FOREACH (t, &turns, link)
		if (strcmp(t->path, path) == 0)
			return t;
	t = calloc(1, sizeof(*t) + n);
	if (t != NULL) {
		memcpy(t->path, path, n);
		LIST_INSERT_HEAD(&turns, t, link);
	}
	return t;
}

struct turn *
turn_take(const char *path)
{
	struct turn *t;

	pthread_mutex_lock(&turns_lock);
	t = turn_of(path);
	if (t != NULL) {
		t->users++;
		while (t->is_taken)
			pthread_cond_wait(&turn_over, &turns_lock);
		t->is_taken = true;
	}
	pthread_mutex_unlock(&turns_lock);
	return t;
}

void
turn_leave(struct turn *t)
{
	pthread_mutex_lock(&turns_lock);
	t->is_taken = false;
	if (--t->users == 0) {
		LIST_REMOVE(t, link);
		free(t);
	}
	pthread_cond_broadcast(&turn_over);
	pthread_mutex_unlock(&turns_lock);
}

/* The system call, as the library's function would change all threads. */
void
lock_use_group(const struct letter *l, bool is_on)
{
	gid_t gid = is_on ? l->owner->mail_gid : l->owner->gid;

	if (l->is_own && l->owner->mail_gid != NO_GROUP)
		syscall(SYS_setresgid, NO_GROUP, gid, NO_GROUP);
}

static int
kernel_lock(int fd, short type)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &fl) == 0 ? 0
	    : errno == EACCES			? -EAGAIN
						: -errno;
}

/* Where the folder is not ours to write, the kernel's lock has to do. */
static int
dot_lock(struct lock *k)
{
	int fd = open(k->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct stat st;

	k->has_file = fd >= 0;
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno == EACCES || errno == EPERM || errno == EROFS)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (lstat(k->name, &st) == 0 && st.st_mtime + STALE_LOCK < time(NULL))
		unlink(k->name);
	return -EAGAIN;
}

static int
try_both(struct lock *k, int fd, const struct letter *l)
{
	int rc = kernel_lock(fd, F_WRLCK);

	if (rc < 0)
		return rc;
	lock_use_group(l, true);
	rc = dot_lock(k);
	lock_use_group(l, false);
	if (rc < 0)
		kernel_lock(fd, F_UNLCK);
	return rc;
}

int
lock_take(struct lock *k, int fd, const struct letter *l)
{
	const struct timespec tenth = { 0, 100000000 };
	int64_t began = clock_mono(), waited;
	bool is_told = false;
	int rc;

	snprintf(k->name, sizeof(k->name), "%s.lock", l->path);
	while ((rc = try_both(k, fd, l)) == -EAGAIN) {
		waited = clock_mono() - began;
		if (waited > LOCK_WAIT)
			return -EDEADLK;
		if (waited > LONG_WAIT && !is_told && l->waits != NULL) {
			l->waits(l->waits_arg);
			is_told = true;
		}
		nanosleep(&tenth, NULL);
	}
	return rc;
}

/* The kernel's lock goes with the descriptor. */
void
lock_leave(struct lock *k, const struct letter *l)
{
	if (!k->has_file)
		return;
	lock_use_group(l, true);
	unlink(k->name);
	lock_use_group(l, false);
	k->has_file = false;
}
