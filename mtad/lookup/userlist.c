#include "userlist.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "log.h"

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

static bool
read_names(struct map *to, struct slice text)
{
	struct slice line;

	while (slice_next(&text, '\n', &line)) {
		char *name;

		line = slice_trim(line);
		if (line.n == 0 || line.p[0] == '#' ||
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

/* A file that cannot be read: its users are not now, not never. */
void
userlist_refresh(struct userlist *l)
{
	struct stat st;
	struct map fresh;
	struct buf b;

	if (stat(l->path, &st) < 0) {
		if (l->is_readable || l->st.st_ino != 1)
			log_warn("%s: %s", l->path, strerror(errno));
		l->is_readable = false;
		l->st.st_ino = 1; /* said once */
		return;
	}
	if (l->is_readable && st.st_ino == l->st.st_ino &&
	    st.st_size == l->st.st_size &&
	    st.st_mtim.tv_sec == l->st.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == l->st.st_mtim.tv_nsec)
		return;
	map_init(&fresh, hash_name, is_name);
	buf_init(&b, FILE_MAX);
	if (file_slurp(AT_FDCWD, l->path, &b) == 0 &&
	    read_names(&fresh, buf_slice(&b))) {
		clear(&l->names);
		l->names = fresh;
		l->st = st;
		l->is_readable = true;
	} else {
		clear(&fresh);
		l->is_readable = false;
	}
	buf_release(&b);
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
