#include "privacy_run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "clock.h"
#include "privacy_day.h"
#include "privacy_keys.h"
#include "privacy_sql.h"
#include "replace.h"
#include "schema.h"
#include "segment.h"
#include "turn.h"

struct work {
	struct db catalog;
	struct privacy privacy;
	bool keeps_keys;
	int64_t before; /* days that ended later stay */
	int oldest, newest;
	struct turn turn;
	int lock; /* one at a time makes new files; -1: not open */
	int copied, made, rc;
	char *why; /* borrowed, 256 bytes */
};

static bool
note_ends(void *arg, const struct day *day)
{
	struct work *w = arg;

	if (w->oldest == 0)
		w->oldest = day->day;
	w->newest = day->day;
	return true;
}

/* One that changed stays for the next time, as does one that is read. */
static void
replace(struct work *w, const struct day *day)
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
	struct work *w = arg;

	replace(w, day);
	return w->rc == 0;
}

static bool
copy_old_day(void *arg, const struct day *day)
{
	struct work *w = arg;

	if (day->day == w->newest ||
	    segment_begin_of(day->day) + US_DAY > w->before ||
	    !privacy_is_due(&w->catalog, day))
		return true;
	w->rc = w->keeps_keys
	    ? privacy_key(&w->catalog, day->day, w->privacy.key)
	    : privacy_random(w->privacy.key) ? 0
					     : -EIO;
	if (w->rc == 0)
		w->rc = privacy_copy(&w->catalog, day, &w->privacy, w->why);
	w->copied += w->rc == 0;
	return w->rc == 0;
}

/* While nobody writes, who waits for a day that names them. */
static bool
erase_from(void *arg, const struct day *day)
{
	struct work *w = arg;

	if (!privacy_concerns(day, &w->privacy))
		return true;
	w->rc = turn_wait(&w->turn);
	if (w->rc == 0)
		w->rc = privacy_copy(&w->catalog, day, &w->privacy, w->why);
	if (w->rc == 0)
		replace(w, day);
	turn_end(&w->turn);
	return w->rc == 0;
}

/* catalog.db.v1, ev-20261124.db.v1 */
static void
remove_backups(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		const char *at = strstr(e->d_name, ".db.v");

		if (at != NULL && at[5] >= '0' && at[5] <= '9')
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d != NULL)
		closedir(d);
}

/* Nothing of what was there before stays in free pages, or in the log. */
static int
change_catalog(struct work *w, const char *sql)
{
	int before = sqlite3_total_changes(w->catalog.h);
	int rc = turn_wait(&w->turn);

	if (rc == 0)
		rc = db_exec(&w->catalog, "PRAGMA secure_delete = ON");
	if (rc == 0)
		rc = privacy_functions(&w->catalog, &w->privacy);
	if (rc == 0)
		rc = db_exec(&w->catalog, sql);
	if (rc == 0 && sqlite3_total_changes(w->catalog.h) != before)
		rc = db_exec(
		    &w->catalog, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
	if (rc < 0)
		snprintf(w->why, 256, "catalog: %s", db_error(&w->catalog));
	turn_end(&w->turn);
	return rc;
}

/* Waits for another one of these to end. */
static int
take_lock(struct work *w, const char *dir)
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

static int
begin(struct work *w, const char *dir, char why[256])
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

static int
replace_all(struct work *w, const char *dir)
{
	int rc = w->copied != 0 ? turn_wait(&w->turn) : 0;

	if (rc == 0 && w->copied != 0)
		rc = days_each(dir, 0, 99999999, replace_any, w);
	turn_end(&w->turn);
	return rc;
}

static int
finish(struct work *w, const char *dir, int rc)
{
	if (rc == 0)
		rc = w->rc;
	if (rc == 0)
		remove_backups(dir);
	turn_release(&w->turn);
	if (w->lock >= 0)
		close(w->lock);
	db_close(&w->catalog);
	return rc < 0 ? rc : w->made;
}

int
privacy_run(const char *dir, bool keeps_keys, int64_t age, char why[256])
{
	struct work w = { .catalog = DB_NONE,
		.turn = { .lock = -1, .line = -1 },
		.lock = -1,
		.keeps_keys = keeps_keys,
		.before = clock_wall() - age };
	char *sql = buf_text("UPDATE reason SET example = tmpl "
			     "WHERE example != tmpl AND first < %lld",
	    (long long)w.before);
	char *ask = buf_text("SELECT count(*) FROM reason "
			     "WHERE example != tmpl AND first < %lld",
	    (long long)w.before);
	int rc = sql == NULL || ask == NULL ? -ENOMEM : begin(&w, dir, why);

	if (rc == 0)
		rc = days_each(dir, 0, 99999999, copy_old_day, &w);
	if (rc == 0 && w.rc == 0)
		rc = replace_all(&w, dir);
	if (rc == 0 && w.rc == 0 && db_number(&w.catalog, ask, 0) != 0)
		rc = change_catalog(&w, sql);
	if (rc == 0 && w.oldest != 0)
		rc = privacy_forget(&w.catalog, w.oldest);
	free(sql);
	free(ask);
	return finish(&w, dir, rc);
}

/* Each name of theirs; the array is the caller's, its texts are of json. */
static size_t
list_names(const json_t *json, struct slice **ret)
{
	size_t n = json_array_size(json);

	*ret = calloc(n + 1, sizeof(**ret));
	for (size_t i = 0; *ret != NULL && i < n; i++)
		(*ret)[i] =
		    slice_of(json_string_value(json_array_get(json, i)));
	return *ret != NULL ? n : 0;
}

static int
erase(struct work *w, const char *dir, const char *address)
{
	struct slice *names = NULL;
	struct buf text;
	json_t *json;
	int rc = privacy_random(w->privacy.key) ? 0 : -EIO;

	buf_init(&text, 1 << 20);
	privacy_names(dir, slice_of(address), &text);
	json = json_loadb(text.data, text.len, 0, NULL);
	w->privacy.n = list_names(json, &names);
	w->privacy.only = names;
	if (w->privacy.n == 0)
		rc = -ENOMEM;
	if (rc == 0)
		rc = days_each(dir, 0, 99999999, erase_from, w);
	if (rc == 0 && w->rc == 0)
		rc = change_catalog(w,
		    "UPDATE reason SET example = tmpl WHERE names_one(example);"
		    "UPDATE reason SET tmpl = hide(tmpl, NULL, NULL), "
		    "example = hide(tmpl, NULL, NULL) WHERE names_one(tmpl)");
	json_decref(json);
	buf_release(&text);
	rc = finish(w, dir, rc);
	free(names);
	return rc;
}

int
privacy_erase(const char *dir, const char *address, char why[256])
{
	struct work w = { .catalog = DB_NONE,
		.turn = { .lock = -1, .line = -1 },
		.lock = -1 };
	int rc = begin(&w, dir, why);

	return rc < 0 ? finish(&w, dir, rc) : erase(&w, dir, address);
}
