#include "resources.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "schema.h"

#define KEPT (60 * US_DAY)

enum { R_LOAD, R_MEMORY, R_COLLECTOR, R_QUEUE_FREE, R_STORE_FREE, R_COUNT };

struct sample {
	double v[R_COUNT];
	bool has[R_COUNT];
};

static void
set(struct sample *s, int what, double v)
{
	s->v[what] = v;
	s->has[what] = true;
}

static void
read_load(struct sample *s)
{
	double load;

	if (getloadavg(&load, 1) == 1)
		set(s, R_LOAD, load);
}

static void
read_free(struct sample *s, int what, const char *path)
{
	struct statvfs v;

	if (statvfs(path, &v) == 0)
		set(s, what, (double)v.f_bavail * (double)v.f_frsize);
}

/* "PID (NAME) STATE ..." with 24 as the resident pages; a name may have
 * brackets, but none of ours has. */
static void
add_process(struct sample *s, const char *pid)
{
	char *path = buf_text("/proc/%s/stat", pid);
	FILE *f = path != NULL ? fopen(path, "re") : NULL;
	char name[32] = "";
	long pages = 0;

	if (f != NULL &&
	    fscanf(f,
		"%*d (%31[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
		"%*u %*u %*d %*d %*d %*d %*d %*d %*u %*u %ld",
		name, &pages) == 2) {
		double bytes = (double)pages * (double)sysconf(_SC_PAGESIZE);

		if (strncmp(name, "mtad", 4) == 0)
			set(s, R_MEMORY, s->v[R_MEMORY] + bytes);
		else if (strcmp(name, "mtacollect") == 0 &&
		    atoi(pid) != getpid())
			set(s, R_COLLECTOR, s->v[R_COLLECTOR] + bytes);
	}
	if (f != NULL)
		fclose(f);
	free(path);
}

static void
read_processes(struct sample *s)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]))
			add_process(s, e->d_name);
	if (d != NULL)
		closedir(d);
}

static int
write_row(struct db *catalog, const struct sample *s)
{
	int64_t now = clock_wall(), minute = now - now % US_MIN;
	sqlite3_stmt *q[2] = { NULL, NULL };
	int rc = db_prepare(catalog, &q[0],
	    "INSERT OR REPLACE INTO resource"
	    "(t, load, memory, collector, queue_free, store_free) "
	    "VALUES(?1, ?2, ?3, ?4, ?5, ?6)");

	if (rc == 0)
		rc = db_prepare(
		    catalog, &q[1], "DELETE FROM resource WHERE t < ?1");
	if (rc == 0) {
		sqlite3_bind_int64(q[0], 1, minute);
		sqlite3_bind_int64(q[1], 1, minute - KEPT);
		for (int i = 0; i < R_COUNT; i++)
			if (s->has[i])
				sqlite3_bind_double(q[0], i + 2, s->v[i]);
		rc = db_run(q[0]);
	}
	if (rc == 0)
		rc = db_run(q[1]);
	sqlite3_finalize(q[0]);
	sqlite3_finalize(q[1]);
	return rc;
}

int
resources_note(const char *store, char why[256])
{
	char *path = buf_text("%s/catalog.db", store);
	struct db catalog = DB_NONE;
	struct sample s = { { 0 }, { false } };
	int rc = -ENOMEM;

	snprintf(why, 256, "%s: no memory", store);
	if (path != NULL)
		rc = db_open(&catalog, path, &schema_catalog, DB_CHANGE, why);
	if (rc == 0) {
		read_load(&s);
		read_processes(&s);
		read_free(&s, R_QUEUE_FREE, MTA_SPOOLDIR);
		read_free(&s, R_STORE_FREE, store);
		rc = write_row(&catalog, &s);
		if (rc < 0)
			snprintf(why, 256, "%s: %s", path, db_error(&catalog));
	}
	db_close(&catalog);
	free(path);
	return rc;
}
