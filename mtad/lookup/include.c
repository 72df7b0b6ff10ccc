/*
 * include: the files that an alias includes. Only root, or the owner of an
 * alias file, puts names on a list: a file that others may write is not
 * read, nor is a link, nor what is no file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lookup.h"

#define DEPTH_MAX 10
#define FILE_MAX ((off_t)64 << 20)

static const char *
unsafe(const struct aliases *as, const struct stat *st)
{
	if (!S_ISREG(st->st_mode))
		return "is no regular file";
	if (st->st_uid != 0 && !aliases_is_owner(as, st->st_uid))
		return "belongs to neither root nor the owner of the alias "
		       "file";
	if ((st->st_mode & 022) != 0)
		return "can be written by others";
	if (st->st_size > FILE_MAX)
		return "is too long";
	return NULL;
}

static int
open_include(const struct aliases *as, const char *path, char why[300])
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
	const char *wrong;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0) {
		int e = errno;

		snprintf(why, 300, "%.200s: %s", path, strerror(e));
		if (fd >= 0)
			close(fd);
		return -e;
	}
	wrong = unsafe(as, &st);
	if (wrong == NULL)
		return fd;
	snprintf(why, 300, "%.200s %s", path, wrong);
	close(fd);
	return -EPERM;
}

static int
read_include(
    const struct aliases *as, const char *path, struct buf *b, char why[300])
{
	int fd = open_include(as, path, why);
	ssize_t n = 0;
	char *room;
	int rc = 0;

	if (fd < 0)
		return fd;
	while ((room = buf_room(b, 65536)) != NULL &&
	    (n = read(fd, room, 65536)) > 0)
		b->len += (size_t)n;
	if (room == NULL || n < 0)
		rc = room == NULL ? -EFBIG : -errno;
	close(fd);
	if (rc < 0)
		snprintf(why, 300, "%.200s: %s", path, strerror(-rc));
	return rc;
}

static int collect(const struct aliases *, struct members *, struct slice,
    const char *, int, char[300]);

static int
collect_file(const struct aliases *as, struct members *all, struct slice name,
    int depth, char why[300])
{
	char *path = slice_dup(name);
	struct buf file;
	int rc;

	buf_init(&file, (size_t)FILE_MAX + 131072);
	rc = path ? read_include(as, path, &file, why) : -ENOMEM;
	if (rc == 0)
		rc = collect(as, all, buf_slice(&file), path, depth, why);
	buf_release(&file);
	free(path);
	return rc;
}

static int
collect(const struct aliases *as, struct members *all, struct slice text,
    const char *where, int depth, char why[300])
{
	struct members m;
	struct slice rest, name;
	int rc = 0;

	members_init(&m);
	if (!members_parse(&m, text) || depth > DEPTH_MAX) {
		rc = -EINVAL;
		snprintf(why, 300, "%.200s: %s", where,
		    depth > DEPTH_MAX ? "lists include each other"
			: m.error     ? m.error
				      : "too long");
	}
	buf_add_slice(&all->targets, buf_slice(&m.targets));
	rest = buf_slice(&m.includes);
	while (rc == 0 && slice_next(&rest, '\n', &name))
		rc = collect_file(as, all, name, depth + 1, why);
	members_release(&m);
	if (rc == 0 && all->targets.bad) {
		snprintf(why, 300, "%.200s: too many members", where);
		rc = -EFBIG;
	}
	return rc;
}

int
include_collect(const struct aliases *as, struct members *all,
    struct slice text, char why[300])
{
	why[0] = '\0';
	return collect(as, all, text, "alias", 0, why);
}
