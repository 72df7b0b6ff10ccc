#include "days.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

struct list {
	int *v;
	size_t n;
};

char *
days_path(const char *dir, int day)
{
	return buf_text("%s/ev-%08d.db", dir, day);
}

/* The day of a name, 0 for any other file. */
static int
day_of(const char *name)
{
	struct slice s = slice_of(name);
	uint64_t v;

	if (s.n != 14 || !slice_istarts(s, SLICE("ev-")) ||
	    !slice_iends(s, SLICE(".db")) ||
	    !slice_u64(slice_sub(s, 3, 11), 99999999, &v))
		return 0;
	return (int)v;
}

static int
compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int
read_dir(const char *dir, int from, int to, struct list *ret)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return -errno;
	while (rc == 0 && (e = readdir(d)) != NULL) {
		int day = day_of(e->d_name), *v;

		if (day == 0 || day < from || day > to)
			continue;
		v = realloc(ret->v, (ret->n + 1) * sizeof(*v));
		if (v == NULL) {
			rc = -ENOMEM;
			break;
		}
		ret->v = v;
		v[ret->n++] = day;
	}
	closedir(d);
	if (ret->n != 0)
		qsort(ret->v, ret->n, sizeof(*ret->v), compare);
	return rc;
}

static int
walk(const char *dir, int from, int to, bool is_back,
    bool (*one)(void *, const struct day *), void *arg)
{
	struct list list = { NULL, 0 };
	int rc = read_dir(dir, from, to, &list);

	for (size_t i = 0; rc == 0 && i < list.n; i++) {
		int day = list.v[is_back ? list.n - 1 - i : i];
		char *path = days_path(dir, day);
		struct day d = { day, path };
		bool goes_on = path != NULL && one(arg, &d);

		if (path == NULL)
			rc = -ENOMEM;
		free(path);
		if (!goes_on)
			break;
	}
	free(list.v);
	return rc;
}

int
days_each(const char *dir, int from, int to,
    bool (*one)(void *, const struct day *), void *arg)
{
	return walk(dir, from, to, false, one, arg);
}

int
days_back(const char *dir, int from, int to,
    bool (*one)(void *, const struct day *), void *arg)
{
	return walk(dir, from, to, true, one, arg);
}
