/*
 * maildir: tmp, sync, rename into new, sync of the folder. Deliveries that
 * end in one folder at once share its sync.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "file.h"

/* A folder below at, made when it is missing, its name durable. */
static int
open_made(int at, const char *name, bool *ret_is_new)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = folder_sync(at);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*ret_is_new = true;
	return fd;
}

/* Takes up; the folder that path names below it, level by level. */
static int
make_levels(int up, char *path)
{
	char *rest = path, *name;
	bool is_new;

	while (up >= 0 && (name = strsep(&rest, "/")) != NULL) {
		int fd;

		if (name[0] == '\0')
			continue;
		fd = strcmp(name, "..") == 0 ? -EINVAL
					     : open_made(up, name, &is_new);
		close(up);
		up = fd;
	}
	return up;
}

/* What stands before the user's own part of the path is never made: when it
 * is not there, a disk may not be mounted. */
static int
open_maildir(const struct letter *l)
{
	char path[4096];
	int fd = open(l->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	if (strlen(l->path) >= sizeof(path) || l->fixed == 0 ||
	    l->fixed > strlen(l->path))
		return -ENOENT;
	snprintf(path, sizeof(path), "%.*s", (int)l->fixed, l->path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s", l->path + l->fixed);
	return make_levels(fd, path);
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

/* rename, but never over another message; old network filesystems know only
 * the plain call. */
static int
move(int tmp, int new, const char *name)
{
	if (renameat2(tmp, name, new, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EINVAL && renameat(tmp, name, new, name) == 0)
		return 0;
	return -errno;
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
	rc = move(tmp, new, name);
	if (rc < 0) {
		unlinkat(tmp, name, 0);
		return rc;
	}
	rc = folder_sync(new);
	if (rc < 0) /* not durable: it must not be there twice later */
		unlinkat(new, name, 0);
	return rc;
}

/* tmp and new are opened; cur is made with them. */
static int
open_parts(int dir, int *tmp, int *new)
{
	bool is_new = false;
	int cur;

	*tmp = open_made(dir, "tmp", &is_new);
	if (*tmp < 0)
		return *tmp;
	*new = open_made(dir, "new", &is_new);
	if (*new < 0)
		return *new;
	if (!is_new)
		return 0;
	cur = open_made(dir, "cur", &is_new);
	if (cur < 0)
		return cur;
	close(cur);
	return 0;
}

void
deliver_maildir(const struct letter *l, struct result *r)
{
	int dir = open_maildir(l), tmp = -1, new = -1, rc = dir;

	if (dir >= 0)
		rc = open_parts(dir, &tmp, &new);
	if (rc >= 0)
		rc = into_new(tmp, new, l);
	if (rc < 0)
		result_errno(r, rc, "Maildir", l->path);
	else
		result_set(r, 250, "2.0.0", RC_NONE, "Delivered to Maildir");
	if (new >= 0)
		close(new);
	if (tmp >= 0)
		close(tmp);
	if (dir >= 0)
		close(dir);
}
