#include "anew_run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "buf.h"
#include "replace.h"
#include "schema.h"

static bool
note_ends(void *arg, const struct day *day)
{
	struct anew_run *w = arg;

	if (w->oldest == 0)
		w->oldest = day->day;
	w->newest = day->day;
	return true;
}

void
anew_replace(struct anew_run *w, const struct day *day)
{
	int rc = replace_day(&w->catalog, day->day, day->path);

	if (rc < 0 && rc != -EBUSY) {
		snprintf(w->why, 256, "%s: %s", day->path, strerror(-rc));
		w->rc = rc;
	}
	w->made += rc == 1;
}

static bool
replace_any(void *arg, const struct day *day)
{
	struct anew_run *w = arg;

	anew_replace(w, day);
	return w->rc == 0;
}

static int
take_lock(struct anew_run *w, const char *dir)
{
	char *path = buf_text("%s/privacy.lock", dir);
	int rc = 0;

	if (path == NULL)
		return -ENOMEM;
	w->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (w->lock < 0 || flock(w->lock, LOCK_EX) < 0)
		rc = -errno;
	free(path);
	return rc;
}

int
anew_begin(struct anew_run *w, const char *dir, char why[256])
{
	char *path = buf_text("%s/catalog.db", dir);
	int rc = path == NULL
	    ? -ENOMEM
	    : db_open(&w->catalog, path, &schema_catalog, DB_CHANGE, why);

	free(path);
	w->why = why;
	if (rc == 0)
		rc = take_lock(w, dir);
	if (rc == 0)
		rc = turn_init(&w->turn, dir);
	return rc < 0 ? rc : days_each(dir, 0, 99999999, note_ends, w);
}

int
anew_replace_all(struct anew_run *w, const char *dir)
{
	int rc = w->copied != 0 ? turn_wait(&w->turn) : 0;

	if (rc == 0 && w->copied != 0)
		rc = days_each(dir, 0, 99999999, replace_any, w);
	turn_end(&w->turn);
	return rc;
}

int
anew_end(struct anew_run *w, int rc)
{
	if (rc == 0)
		rc = w->rc;
	turn_release(&w->turn);
	if (w->lock >= 0)
		close(w->lock);
	db_close(&w->catalog);
	return rc < 0 ? rc : w->made;
}
