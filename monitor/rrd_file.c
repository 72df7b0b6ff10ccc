#include "rrd_file.h"

#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <rrd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "db.h"

#define LINES 512 /* written together */
#define ARGS 64

struct rrd_file {
	void *lib;
	__typeof__(&rrd_create_r) create;
	__typeof__(&rrd_update_r) update;
	__typeof__(&rrd_last_r) get_last;
	__typeof__(&rrd_get_error) error;
	__typeof__(&rrd_clear_error) clear;
	char *path;
	int64_t last;
	char *line[LINES];
	int lines;
	int rc; /* of lines that were written */
	char why[256];
};

/* Functions by their names are data pointers to ISO C and fine to POSIX. */
static int
load(struct rrd_file *f)
{
	const struct {
		const char *name;
		void *to;
	} functions[] = {
		{ "rrd_create_r", &f->create },
		{ "rrd_update_r", &f->update },
		{ "rrd_last_r", &f->get_last },
		{ "rrd_get_error", &f->error },
		{ "rrd_clear_error", &f->clear },
	};

	f->lib = dlopen("librrd.so.8", RTLD_NOW);
	if (f->lib == NULL)
		return -ENOSYS;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *p = dlsym(f->lib, functions[i].name);

		if (p == NULL)
			return -ENOSYS;
		memcpy(functions[i].to, &p, sizeof(p));
	}
	return 0;
}

static int
complain(struct rrd_file *f)
{
	snprintf(f->why, sizeof(f->why), "%s", f->error());
	f->clear();
	f->rc = -EIO;
	return f->rc;
}

static int
make(struct rrd_file *f, const struct rrd_layout *l, int64_t start)
{
	const char *args[ARGS];
	int n = 0;

	for (size_t i = 0; l->sources[i] != NULL && n < ARGS; i++)
		args[n++] = l->sources[i];
	for (size_t i = 0; l->archives[i] != NULL && n < ARGS; i++)
		args[n++] = l->archives[i];
	return f->create(f->path, l->step, (time_t)start, n, args) < 0
	    ? complain(f)
	    : 0;
}

static void
release(struct rrd_file *f)
{
	for (int i = 0; i < f->lines; i++)
		free(f->line[i]);
	free(f->path);
	free(f); /* the library stays: others use it, too */
}

struct rrd_file *
rrd_file_open(
    const char *path, const struct rrd_layout *l, int64_t start, char why[256])
{
	struct rrd_file *f = calloc(1, sizeof(*f));

	snprintf(why, 256, "no memory");
	if (f == NULL)
		return NULL;
	f->path = strdup(path);
	if (f->path == NULL) {
		release(f);
		return NULL;
	}
	if (load(f) < 0) {
		snprintf(
		    f->why, sizeof(f->why), "librrd.so.8 is not installed");
		f->rc = -ENOSYS;
	} else if (db_is_there(path) || make(f, l, start) == 0) {
		f->last = f->get_last(path);
		if (f->last < 0)
			complain(f);
	}
	if (f->rc == 0)
		return f;
	memcpy(why, f->why, sizeof(f->why));
	release(f);
	return NULL;
}

static int
write_lines(struct rrd_file *f)
{
	if (f->lines != 0 && f->rc == 0 &&
	    f->update(f->path, NULL, f->lines, (const char **)f->line) < 0)
		complain(f);
	while (f->lines != 0)
		free(f->line[--f->lines]);
	return f->rc;
}

int
rrd_file_close(struct rrd_file *f, char why[256])
{
	int rc;

	if (f == NULL)
		return 0;
	rc = write_lines(f);
	if (rc < 0)
		memcpy(why, f->why, sizeof(f->why));
	release(f);
	return rc;
}

int64_t
rrd_file_last(const struct rrd_file *f)
{
	return f->last;
}

int
rrd_file_put(struct rrd_file *f, int64_t t, const double *v, size_t n)
{
	struct buf b;

	if (t <= f->last)
		return 0;
	if (f->lines == LINES && write_lines(f) < 0)
		return f->rc;
	buf_init(&b, 4096);
	buf_addf(&b, "%lld", (long long)t);
	for (size_t i = 0; i < n; i++) {
		if (isnan(v[i]))
			buf_adds(&b, ":U");
		else
			buf_addf(&b, ":%.10g", v[i]);
	}
	f->line[f->lines] = b.bad ? NULL : buf_take(&b);
	buf_release(&b);
	if (f->line[f->lines] == NULL)
		return -ENOMEM;
	f->lines++;
	f->last = t;
	return 1;
}
