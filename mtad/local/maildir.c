/*
 * maildir: a file without a name, synced, linked into new; then new is
 * synced. Where a filesystem has no files without names: tmp, and a rename.
 * Deliveries that end in one folder at once share its sync.
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

#define FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define PATH_SIZE 4096

/* A folder below at, made when it is missing, its name durable. */
static int
open_made(int at, const char *name)
{
	int fd = openat(at, name, FOLDER), rc;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	rc = file_mkdir(at, name, 0700);
	if (rc >= 0)
		rc = folder_sync(at);
	if (rc < 0)
		return rc;
	fd = openat(at, name, FOLDER);
	return fd < 0 ? -errno : fd;
}

/* Takes up; the folder that path names below it, level by level. */
static int
make_levels(int up, char *path)
{
	char *rest = path, *name;

	while (up >= 0 && (name = strsep(&rest, "/")) != NULL) {
		int fd;

		if (name[0] == '\0')
			continue;
		fd = strcmp(name, "..") == 0 ? -EINVAL : open_made(up, name);
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
	char path[PATH_SIZE];
	int fd;

	if (strlen(l->path) >= sizeof(path) || l->fixed == 0 ||
	    l->fixed > strlen(l->path))
		return -ENOENT;
	snprintf(path, sizeof(path), "%.*s", (int)l->fixed, l->path);
	fd = open(path, FOLDER);
	if (fd < 0)
		return -errno;
	snprintf(path, sizeof(path), "%s", l->path + l->fixed);
	return make_levels(fd, path);
}

/* new is the last: where it is, all of them are. */
static int
make_parts(const struct letter *l)
{
	static const char *const parts[] = { "tmp", "cur", "new" };
	int dir = open_maildir(l), rc = dir;

	for (size_t i = 0; i < 3 && rc >= 0; i++)
		rc = file_mkdir(dir, parts[i], 0700);
	if (rc >= 0)
		rc = folder_sync(dir);
	if (dir >= 0)
		close(dir);
	return rc;
}

static int
open_part(const struct letter *l, const char *name)
{
	char path[PATH_SIZE + 8];
	int fd, rc;

	if (strlen(l->path) >= PATH_SIZE)
		return -ENAMETOOLONG;
	snprintf(path, sizeof(path), "%s%s", l->path, name);
	fd = open(path, FOLDER);
	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	rc = make_parts(l);
	if (rc < 0)
		return rc;
	fd = open(path, FOLDER);
	return fd < 0 ? -errno : fd;
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

/* All of the letter, durable. */
static int
fill(int fd, const struct letter *l)
{
	struct sink s = { .fd = fd };
	int rc;

	buf_init(&s.b, 1 << 20);
	rc = letter_write(l, put, &s);
	if (rc >= 0)
		rc = file_write_all(fd, s.b.data, s.b.len);
	if (rc >= 0 && fsync(fd) < 0)
		rc = -errno;
	buf_release(&s.b);
	return rc < 0 ? rc : 0;
}

/* No lock of a folder is held while the file is made, and nothing is left of
 * one that comes to no good. */
static int
by_link(int new, const char *name, const struct letter *l)
{
	int fd = openat(new, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600), rc;
	char path[40];

	if (fd < 0)
		return -errno;
	rc = fill(fd, l);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (rc >= 0 && linkat(AT_FDCWD, path, new, name, AT_SYMLINK_FOLLOW) < 0)
		rc = -errno;
	close(fd);
	return rc;
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
by_rename(int tmp, int new, const char *name, const struct letter *l)
{
	int fd, rc;

	if (tmp < 0)
		return tmp;
	fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = fill(fd, l);
	if (close(fd) < 0 && rc >= 0)
		rc = -errno;
	if (rc >= 0)
		rc = move(tmp, new, name);
	if (rc < 0)
		unlinkat(tmp, name, 0);
	return rc;
}

/* The filesystem has no files without names, or there is no /proc. */
static bool
needs_name(int rc)
{
	return rc == -EOPNOTSUPP || rc == -EISDIR || rc == -EINVAL ||
	    rc == -ENOENT;
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
into_new(int new, const struct letter *l)
{
	char name[128];
	int rc, tmp;

	unique_name(name, l);
	rc = by_link(new, name, l);
	if (needs_name(rc)) {
		tmp = open_part(l, "tmp");
		rc = by_rename(tmp, new, name, l);
		if (tmp >= 0)
			close(tmp);
	}
	if (rc < 0)
		return rc;
	rc = folder_sync(new);
	if (rc < 0) /* not durable: it must not be there twice later */
		unlinkat(new, name, 0);
	return rc;
}

void
deliver_maildir(const struct letter *l, struct result *r)
{
	int new = open_part(l, "new"), rc = new;

	if (new >= 0) {
		rc = into_new(new, l);
		close(new);
	}
	if (rc < 0)
		result_errno(r, rc, "Maildir", l->path);
	else
		result_set(r, 250, "2.0.0", RC_NONE, "Delivered to Maildir");
}
