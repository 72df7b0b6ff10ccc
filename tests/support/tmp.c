#include "tmp.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[PATH_MAX];
static pid_t maker;

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *f)
{
	(void)st;
	(void)kind;
	(void)f;
	return remove(path);
}

static void
remove_all(void)
{
	if (getpid() == maker)
		nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
tmp_enter(void)
{
	snprintf(root, sizeof(root), "%s/mtad-test.XXXXXX",
	    getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chmod(root, 0755), 0);
	ck_assert_int_eq(chdir(root), 0);
	maker = getpid();
	atexit(remove_all);
}

const char *
tmp_path(const char *name)
{
	static char path[8][PATH_MAX];
	static unsigned n;
	char *p = path[n++ % 8];

	ck_assert_int_lt(
	    snprintf(p, PATH_MAX, "%.2000s/%.2000s", root, name), PATH_MAX);
	return p;
}

void
tmp_write(const char *name, const char *text, mode_t mode)
{
	int fd = open(tmp_path(name), O_WRONLY | O_CREAT | O_TRUNC, 0600);
	size_t n = strlen(text);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq((int)write(fd, text, n), (int)n);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

const char *
tmp_read(const char *name)
{
	static char text[65536];
	int fd = open(tmp_path(name), O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	ck_assert_int_ge((int)n, 0);
	text[n] = '\0';
	return text;
}

static int
look(const char *folder, char name[NAME_MAX + 1])
{
	DIR *d = opendir(tmp_path(folder));
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, NAME_MAX + 1, "%s", e->d_name);
		n++;
	}
	closedir(d);
	return n;
}

int
tmp_count(const char *folder)
{
	char name[NAME_MAX + 1];

	return look(folder, name);
}

const char *
tmp_only(const char *folder)
{
	static char name[NAME_MAX + 1];

	return look(folder, name) == 1 ? name : NULL;
}
