#include "privacy_run.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jansson.h>

#include "anew_run.h"
#include "clock.h"
#include "privacy_day.h"
#include "privacy_keys.h"
#include "privacy_sql.h"
#include "segment.h"

struct work {
	struct anew_run run;
	struct privacy privacy;
	bool keeps_keys;
	int64_t before; /* days that ended later stay */
};

static bool
copy_old_day(void *arg, const struct day *day)
{
	struct work *w = arg;

	if (day->day == w->run.newest ||
	    segment_begin_of(day->day) + US_DAY > w->before ||
	    !privacy_is_due(&w->run.catalog, day))
		return true;
	w->run.rc = w->keeps_keys
	    ? privacy_key(&w->run.catalog, day->day, w->privacy.key)
	    : privacy_random(w->privacy.key) ? 0
					     : -EIO;
	if (w->run.rc == 0)
		w->run.rc =
		    privacy_copy(&w->run.catalog, day, &w->privacy, w->run.why);
	w->run.copied += w->run.rc == 0;
	return w->run.rc == 0;
}

/* While nobody writes, who waits for a day that names them. */
static bool
erase_from(void *arg, const struct day *day)
{
	struct work *w = arg;

	if (!privacy_concerns(day, &w->privacy))
		return true;
	w->run.rc = turn_wait(&w->run.turn);
	if (w->run.rc == 0)
		w->run.rc =
		    privacy_copy(&w->run.catalog, day, &w->privacy, w->run.why);
	if (w->run.rc == 0)
		anew_replace(&w->run, day);
	turn_end(&w->run.turn);
	return w->run.rc == 0;
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
	int before = sqlite3_total_changes(w->run.catalog.h);
	int rc = turn_wait(&w->run.turn);

	if (rc == 0)
		rc = db_exec(&w->run.catalog, "PRAGMA secure_delete = ON");
	if (rc == 0)
		rc = privacy_functions(&w->run.catalog, &w->privacy);
	if (rc == 0)
		rc = db_exec(&w->run.catalog, sql);
	if (rc == 0 && sqlite3_total_changes(w->run.catalog.h) != before)
		rc = db_exec(
		    &w->run.catalog, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)");
	if (rc < 0)
		snprintf(
		    w->run.why, 256, "catalog: %s", db_error(&w->run.catalog));
	turn_end(&w->run.turn);
	return rc;
}

static int
finish(struct work *w, const char *dir, int rc)
{
	if (rc == 0 && w->run.rc == 0)
		remove_backups(dir);
	return anew_end(&w->run, rc);
}

int
privacy_run(const char *dir, bool keeps_keys, int64_t age, char why[256])
{
	struct work w = { .run = ANEW_RUN_NONE,
		.keeps_keys = keeps_keys,
		.before = clock_wall() - age };
	char *sql = buf_text("UPDATE reason SET example = tmpl "
			     "WHERE example != tmpl AND first < %lld",
	    (long long)w.before);
	char *ask = buf_text("SELECT count(*) FROM reason "
			     "WHERE example != tmpl AND first < %lld",
	    (long long)w.before);
	int rc =
	    sql == NULL || ask == NULL ? -ENOMEM : anew_begin(&w.run, dir, why);

	if (rc == 0)
		rc = days_each(dir, 0, 99999999, copy_old_day, &w);
	if (rc == 0 && w.run.rc == 0)
		rc = anew_replace_all(&w.run, dir);
	if (rc == 0 && w.run.rc == 0 && db_number(&w.run.catalog, ask, 0) != 0)
		rc = change_catalog(&w, sql);
	if (rc == 0 && w.run.oldest != 0)
		rc = privacy_forget(&w.run.catalog, w.run.oldest);
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
	if (rc == 0 && w->run.rc == 0)
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
	struct work w = { .run = ANEW_RUN_NONE };
	int rc = anew_begin(&w.run, dir, why);

	return rc < 0 ? finish(&w, dir, rc) : erase(&w, dir, address);
}
