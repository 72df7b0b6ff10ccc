/*
 * maildir: tmp, sync, rename into new, sync of the folder. Deliveries that
 * end in one folder at once share its sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "file.h"

#define FOLDERS 256 /* whose syncs are shared; beyond, each its own */

/* Syncs of one folder that are under way: who comes while one runs waits for
 * the next, together with all others that came. The one table of the agent
 * process, under its lock. */
static struct folder {
	dev_t dev;
	ino_t ino;
	uint64_t wanted, done;
	int users, error;
	bool is_running;
} folders[FOLDERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

static struct folder *
find_folder(const struct stat *st)
{
	struct folder *free_one = NULL;

	for (int i = 0; i < FOLDERS; i++) {
		struct folder *f = &folders[i];

		if (f->users != 0 && f->dev == st->st_dev &&
		    f->ino == st->st_ino)
			return f;
		if (f->users == 0 && free_one == NULL)
			free_one = f;
	}
	if (free_one != NULL)
		*free_one =
		    (struct folder){ .dev = st->st_dev, .ino = st->st_ino };
	return free_one;
}

static int
sync_shared(struct folder *f, int fd)
{
	uint64_t mine = ++f->wanted;

	while (f->done < mine) {
		uint64_t upto = f->wanted;
		int rc;

		if (f->is_running) {
			pthread_cond_wait(&changed, &lock);
			continue;
		}
		f->is_running = true;
		pthread_mutex_unlock(&lock);
		rc = fsync(fd) < 0 ? -errno : 0;
		pthread_mutex_lock(&lock);
		f->is_running = false;
		f->done = upto;
		f->error = rc;
		pthread_cond_broadcast(&changed);
	}
	return f->error;
}

static int
sync_folder(int fd)
{
	struct folder *f;
	struct stat st;
	int rc;

	if (fstat(fd, &st) < 0)
		return -errno;
	pthread_mutex_lock(&lock);
	f = find_folder(&st);
	if (f == NULL) {
		pthread_mutex_unlock(&lock);
		return fsync(fd) < 0 ? -errno : 0;
	}
	f->users++;
	rc = sync_shared(f, fd);
	f->users--;
	pthread_mutex_unlock(&lock);
	return rc;
}

/* The folder of a mailbox, made when it is missing, its name durable. */
static int
open_made(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fsync(at) < 0 ? -errno : 0;
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

/* Path without its last slash; at most one missing level above it. */
static int
open_maildir(const char *path)
{
	char dir[4096], *slash;
	int up, fd;

	snprintf(dir, sizeof(dir), "%s", path);
	while (dir[0] != '\0' && dir[strlen(dir) - 1] == '/')
		dir[strlen(dir) - 1] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	slash = strrchr(dir, '/');
	if (slash == NULL || slash == dir)
		return -ENOENT;
	*slash = '\0';
	up = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (up < 0) /* the place of all mailboxes is not there: not mounted? */
		return -errno;
	fd = open_made(up, slash + 1);
	close(up);
	return fd;
}

struct sink {
	int fd;
	struct buf b;
};

static int
put(void *arg, const char *p, size_t n)
{
	struct sink *s = arg;
	int rc = 0;

	buf_add(&s->b, p, n);
	if (s->b.bad)
		return -ENOMEM;
	if (s->b.len >= 1 << 18) {
		rc = file_write_all(s->fd, s->b.data, s->b.len);
		buf_clear(&s->b);
	}
	return rc;
}

static int
write_tmp(int tmp, const char *name, const struct letter *l)
{
	struct sink s;
	int rc;

	s.fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (s.fd < 0)
		return -errno;
	buf_init(&s.b, 1 << 20);
	rc = letter_write(l, put, &s);
	if (rc >= 0)
		rc = file_write_all(s.fd, s.b.data, s.b.len);
	if (rc >= 0 && fsync(s.fd) < 0)
		rc = -errno;
	if (close(s.fd) < 0 && rc >= 0)
		rc = -errno;
	buf_release(&s.b);
	if (rc < 0)
		unlinkat(tmp, name, 0);
	return rc < 0 ? rc : 0;
}

static void
unique_name(char name[128], const struct letter *l)
{
	static unsigned counter;
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	snprintf(name, 128, "%lld.M%06ldP%dQ%u.%.60s", (long long)ts.tv_sec,
	    ts.tv_nsec / 1000, (int)getpid(),
	    __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED),
	    l->conf->HostName);
}

static int
into_new(int tmp, int new, const struct letter *l)
{
	char name[128];
	int rc;

	unique_name(name, l);
	rc = write_tmp(tmp, name, l);
	if (rc < 0)
		return rc;
	if (renameat(tmp, name, new, name) < 0) {
		rc = -errno;
		unlinkat(tmp, name, 0);
		return rc;
	}
	rc = sync_folder(new);
	if (rc < 0) /* not durable: it must not be there twice later */
		unlinkat(new, name, 0);
	return rc;
}

void
deliver_maildir(const struct letter *l, struct result *r)
{
	int dir = open_maildir(l->path), tmp = -1, new = -1, cur = -1, rc = dir;

	if (dir >= 0)
		rc = tmp = open_made(dir, "tmp");
	if (rc >= 0)
		rc = new = open_made(dir, "new");
	if (rc >= 0)
		rc = cur = open_made(dir, "cur");
	if (rc >= 0)
		rc = into_new(tmp, new, l);
	if (rc < 0)
		result_errno(r, rc, "Maildir", l->path);
	else
		result_set(r, 250, "2.0.0", RC_NONE, "Delivered to Maildir");
	if (cur >= 0)
		close(cur);
	if (new >= 0)
		close(new);
	if (tmp >= 0)
		close(tmp);
	if (dir >= 0)
		close(dir);
}
