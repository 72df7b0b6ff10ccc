#include "userlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"

#define FILE_MAX ((size_t)256 << 20)

static uint64_t
hash_name(const void *entry)
{
	return slice_ihash(slice_of(entry));
}

static bool
is_name(const void *entry, const void *key)
{
	return slice_ieq(slice_of(entry), *(const struct slice *)key);
}

void
userlist_init(struct userlist *l, const char *path)
{
	*l = (struct userlist){ .path = path };
	map_init(&l->names, hash_name, is_name);
}

static void
clear(struct map *m)
{
	size_t pos = 0;
	char *name;

	while ((name = map_next(m, &pos)) != NULL)
		free(name);
	map_release(m);
}

void
userlist_release(struct userlist *l)
{
	clear(&l->names);
}

/* # at the start, or behind a blank. */
static struct slice
without_comment(struct slice line)
{
	for (size_t i = 0; i < line.n; i++)
		if (line.p[i] == '#' &&
		    (i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t'))
			return slice_sub(line, 0, i);
	return line;
}

static bool
read_names(struct map *to, struct slice text)
{
	struct slice line;

	while (slice_next(&text, '\n', &line)) {
		char *name;

		line = slice_trim(without_comment(line));
		if (line.n == 0 ||
		    map_find(to, slice_ihash(line), &line) != NULL)
			continue;
		name = slice_dup(line);
		if (name == NULL || map_add(to, name) < 0) {
			free(name);
			return false;
		}
	}
	return true;
}

static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

int
userlist_refresh(struct userlist *l)
{
	struct stat st;
	struct map fresh;
	struct buf b;
	int rc;

	if (stat(l->path, &st) < 0) {
		l->is_readable = false;
		return -errno;
	}
	if (l->is_readable && is_same(&st, &l->st))
		return 0;
	map_init(&fresh, hash_name, is_name);
	buf_init(&b, FILE_MAX);
	rc = file_slurp(AT_FDCWD, l->path, &b);
	if (rc == 0 && !read_names(&fresh, buf_slice(&b)))
		rc = -ENOMEM;
	buf_release(&b);
	l->is_readable = rc == 0;
	clear(rc == 0 ? &l->names : &fresh);
	if (rc == 0) {
		l->names = fresh;
		l->st = st;
	}
	return rc;
}

bool
userlist_is_readable(const struct userlist *l)
{
	return l->is_readable;
}

bool
userlist_has(const struct userlist *l, struct slice name)
{
	return map_find(&l->names, slice_ihash(name), &name) != NULL;
}
