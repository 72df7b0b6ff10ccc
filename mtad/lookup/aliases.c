#include "aliases.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "map.h"
#include "members.h"

#define FILE_MAX ((size_t)256 << 20)
#define DEFAULT_FILE "/etc/aliases"

struct alias {
	size_t key_n, n;
	char text[]; /* key, then members */
};

struct source {
	char *path;
	struct stat st; /* zero: it was not there */
};

struct aliases {
	struct map map;
	struct source *source;
	size_t sources;
	unsigned holders;
};

static struct slice
key_of(const struct alias *a)
{
	return (struct slice){ a->text, a->key_n };
}

static uint64_t
hash_alias(const void *entry)
{
	return slice_ihash(key_of(entry));
}

static bool
is_alias(const void *entry, const void *key)
{
	return slice_ieq(key_of(entry), *(const struct slice *)key);
}

static const char *
check_members(struct slice text)
{
	struct members m;
	const char *wrong = NULL;

	members_init(&m);
	if (!members_parse(&m, text))
		wrong = m.error ? m.error : "too long";
	else if (m.n == 0)
		wrong = "there is nothing behind the colon";
	members_release(&m);
	return wrong;
}

static const char twice[] = "this name is there already; the first counts";

static const char *
add(struct aliases *as, struct slice key, struct slice members)
{
	const char *wrong = check_members(members);
	struct alias *a;

	if (wrong != NULL)
		return wrong;
	if (map_find(&as->map, slice_ihash(key), &key) != NULL)
		return twice;
	a = malloc(sizeof(*a) + key.n + members.n);
	if (a == NULL)
		return "no memory";
	a->key_n = key.n;
	a->n = members.n;
	memcpy(a->text, key.p, key.n);
	memcpy(a->text + key.n, members.p, members.n);
	if (map_add(&as->map, a) < 0) {
		free(a);
		return "no memory";
	}
	return NULL;
}

/* name: members, with the lines that begin with a blank. */
static size_t
entry_end(struct slice text)
{
	size_t n = slice_find(text, '\n');

	while (
	    n + 1 < text.n && (text.p[n + 1] == ' ' || text.p[n + 1] == '\t'))
		n += 1 + slice_find(slice_sub(text, n + 1, text.n), '\n');
	return n < text.n ? n : text.n;
}

static const char *
take_entry(struct aliases *as, struct slice entry)
{
	size_t colon = slice_find(entry, ':');
	struct slice key = slice_trim(slice_sub(entry, 0, colon));

	if (key.n > 1 && key.p[0] == '"') {
		size_t close = slice_find(slice_sub(entry, 1, entry.n), '"');

		key = slice_sub(entry, 1, close + 1);
		colon = close + 2 +
		    slice_find(slice_sub(entry, close + 2, entry.n), ':');
	}
	if (colon >= entry.n || key.n == 0)
		return "name: members is wanted";
	return add(as, key, slice_sub(entry, colon + 1, entry.n));
}

bool
aliases_parse(
    struct aliases *as, const char *path, struct slice text, char why[300])
{
	int line = 1;

	while (text.n != 0) {
		size_t n = entry_end(text);
		struct slice entry = slice_sub(text, 0, n);
		const char *wrong = NULL;

		if (slice_trim(entry).n != 0 && entry.p[0] != '#')
			wrong = take_entry(as, entry);
		if (wrong != NULL) {
			snprintf(why, 300, "%.200s:%d: %s", path, line, wrong);
			if (wrong != twice)
				return false;
		}
		for (size_t i = 0; i <= n && i < text.n; i++)
			line += text.p[i] == '\n';
		text = slice_sub(text, n + 1, text.n);
	}
	return true;
}

static bool
read_one(struct aliases *as, struct source *s, char why[300])
{
	struct buf b;
	bool ok;
	int rc;

	memset(&s->st, 0, sizeof(s->st));
	if (stat(s->path, &s->st) < 0) {
		if (errno == ENOENT && strcmp(s->path, DEFAULT_FILE) == 0)
			return true;
		snprintf(why, 300, "%.200s: %s", s->path, strerror(errno));
		return false;
	}
	buf_init(&b, FILE_MAX);
	rc = file_slurp(AT_FDCWD, s->path, &b);
	if (rc < 0)
		snprintf(why, 300, "%.200s: %s", s->path, strerror(-rc));
	ok = rc == 0 && aliases_parse(as, s->path, buf_slice(&b), why);
	buf_release(&b);
	return ok;
}

struct aliases *
aliases_new(void)
{
	struct aliases *as = calloc(1, sizeof(*as));

	if (as == NULL)
		return NULL;
	map_init(&as->map, hash_alias, is_alias);
	as->holders = 1;
	return as;
}

struct aliases *
aliases_hold(struct aliases *as)
{
	as->holders++;
	return as;
}

struct aliases *
aliases_read(const struct conf_list *files, char why[300])
{
	struct aliases *as = aliases_new();

	why[0] = '\0';
	if (as == NULL)
		return NULL;
	as->source = calloc(files->n + 1, sizeof(*as->source));
	for (size_t i = 0; as->source && i < files->n; i++) {
		as->source[i].path = strdup(files->v[i]);
		as->sources++;
		if (as->source[i].path == NULL ||
		    !read_one(as, &as->source[i], why)) {
			aliases_free(as);
			return NULL;
		}
	}
	return as;
}

void
aliases_free(struct aliases *as)
{
	size_t pos = 0;
	struct alias *a;

	if (as == NULL || --as->holders != 0)
		return;
	while ((a = map_next(&as->map, &pos)) != NULL)
		free(a);
	map_release(&as->map);
	for (size_t i = 0; i < as->sources; i++)
		free(as->source[i].path);
	free(as->source);
	free(as);
}

bool
aliases_find(const struct aliases *as, struct slice key, struct slice *ret)
{
	const struct alias *a = map_find(&as->map, slice_ihash(key), &key);

	if (a == NULL)
		return false;
	*ret = (struct slice){ a->text + a->key_n, a->n };
	return true;
}

bool
aliases_are_old(const struct aliases *as)
{
	for (size_t i = 0; i < as->sources; i++) {
		const struct source *s = &as->source[i];
		struct stat st;

		memset(&st, 0, sizeof(st));
		if (stat(s->path, &st) < 0)
			memset(&st, 0, sizeof(st));
		if (st.st_ino != s->st.st_ino || st.st_size != s->st.st_size ||
		    st.st_mtim.tv_sec != s->st.st_mtim.tv_sec ||
		    st.st_mtim.tv_nsec != s->st.st_mtim.tv_nsec)
			return true;
	}
	return false;
}

size_t
aliases_count(const struct aliases *as)
{
	return as->map.n;
}

bool
aliases_is_owner(const struct aliases *as, uid_t uid)
{
	for (size_t i = 0; i < as->sources; i++)
		if (as->source[i].st.st_ino != 0 &&
		    as->source[i].st.st_uid == uid)
			return true;
	return false;
}
