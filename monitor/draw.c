#include "draw.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "draw_late.h"
#include "draw_layout.h"
#include "draw_resources.h"
#include "draw_stages.h"
#include "draw_to.h"
#include "draw_top.h"
#include "file.h"
#include "schema.h"
#include "segment.h"
#include "series.h"
#include "snaps.h"

/* A minute is drawn when it is so long over: its events are stored. */
#define DELAY (2 * US_MIN)

struct draw {
	const char *dir; /* of the store */
	struct draw_to to;
	int64_t end; /* nothing later is drawn, microseconds */
	int64_t last; /* end of the last minute of the flow, seconds; 0: none */
	struct series_day *day;
	struct snaps *snaps;
	struct rrd_file *flow[SERIES_MAILERS + 1], *stages[SERIES_MAILERS + 1],
	    *queue;
	struct draw_counts *counts;
};

static bool
fail(struct draw *d, int rc, const char *what)
{
	return draw_failed(&d->to, rc, what);
}

/* All that are not open yet, with nothing before start (0: the flow's end). */
static bool
open_files(struct draw *d, int64_t start)
{
	for (int i = 0; i < d->day->mailers && d->to.rc == 0; i++) {
		const char *name = d->day->name[i];

		if (d->flow[i] == NULL)
			d->flow[i] = draw_open(
			    &d->to, "flow", name, layout_flow(i == 0), start);
		if (start == 0 && d->to.rc == 0)
			start = rrd_file_last(d->flow[0]);
		if (d->stages[i] == NULL && d->to.rc == 0)
			d->stages[i] = draw_open(
			    &d->to, "stages", name, &layout_stages, start);
	}
	if (d->queue == NULL && d->to.rc == 0)
		d->queue = draw_open(&d->to, "queue", "", &layout_queue, start);
	if (d->to.rc == 0)
		d->last = rrd_file_last(d->flow[0]);
	return d->to.rc == 0;
}

/* One step of the flow; v of a mailer has the first values only. */
static bool
put_minute(struct draw *d, int64_t t, int minute)
{
	static const double zero[SF_COUNT];

	for (int i = 0; i < d->day->mailers; i++) {
		const double *v = minute < 0 ? zero
		    : d->day->minute[minute] == SM_UNKNOWN
		    ? NULL
		    : d->day->flow[i].n[minute];

		if (!draw_put(&d->to, d->flow[i], layout_flow(i == 0), t, v,
			i == 0 ? SF_COUNT : SF_OF_MAILER))
			return false;
	}
	d->last = t;
	d->counts->minutes++;
	return true;
}

static bool
put_flow(struct draw *d)
{
	for (int i = 0; i < SERIES_MINUTES; i++) {
		int64_t begin = d->day->begin / US_SEC + i * 60;

		if ((begin + 60) * US_SEC > d->end)
			break;
		if (d->day->minute[i] == SM_NOTHING || begin < d->last)
			continue;
		if (!open_files(d, begin))
			return false;
		while (d->last < begin && begin - d->last <= SERIES_QUIET * 60)
			if (!put_minute(d, d->last + 60, -1))
				return false;
		if (begin >= d->last && !put_minute(d, begin + 60, i))
			return false;
	}
	return true;
}

static int
put_snap(void *arg, int64_t end, const double *v)
{
	struct draw *d = arg;

	return d->queue == NULL ||
		draw_put(
		    &d->to, d->queue, &layout_queue, end / US_SEC, v, SV_COUNT)
	    ? 0
	    : d->to.rc;
}

/* Where each of the open files goes on; 0 without them. */
static int64_t
begin_of(const struct draw *d)
{
	int64_t t = d->last;

	if (t == 0)
		return 0;
	if (rrd_file_last(d->stages[0]) < t)
		t = rrd_file_last(d->stages[0]);
	if (rrd_file_last(d->queue) < t)
		t = rrd_file_last(d->queue);
	return t * US_SEC;
}

static int
draw_parts(struct draw *d, struct db *db, int64_t begin)
{
	int64_t from = begin_of(d), end = begin + US_DAY;
	int rc;

	from = from < begin ? begin : from;
	d->day->begin = begin;
	rc = series_read_day(d->day, db, from);
	if (rc < 0)
		return rc;
	if (!put_flow(d))
		return d->to.rc;
	if (d->last == 0)
		return 0;
	rc = draw_stages(&d->to, d->stages, d->day, db, from, d->end);
	return rc < 0 ? rc
		      : snaps_each(d->snaps, db, from,
			    end < d->end ? end : d->end, put_snap, d);
}

/* A day that cannot be read stays unknown. */
static bool
draw_day(void *arg, const struct day *day)
{
	struct draw *d = arg;
	struct db db = DB_NONE;
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	if (rc == 0)
		rc = draw_parts(d, &db, segment_begin_of(day->day));
	db_close(&db);
	return rc == -EBADMSG || rc == -EPROTO || rc == -ESTALE
	    ? d->to.rc == 0
	    : fail(d, rc, day->path);
}

/* Days whose files are gone, as far as they are not drawn. */
static int
draw_gone(struct draw *d, struct db *catalog)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(catalog, &q,
	    "SELECT day FROM segment WHERE state = 1 AND day >= ?1 "
	    "ORDER BY day");

	if (rc < 0)
		return rc;
	sqlite3_bind_int(q, 1, segment_day(d->last * US_SEC));
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		int err = series_read_gone(d->day, catalog,
		    segment_begin_of(sqlite3_column_int(q, 0)));

		if (err == 0)
			err = put_flow(d) ? draw_stages_gone(&d->to, d->stages,
						d->day, catalog)
					  : d->to.rc;
		if (err < 0) {
			sqlite3_finalize(q);
			return err;
		}
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

static bool
draw_catalog(struct draw *d)
{
	char *path = buf_text("%s/catalog.db", d->dir);
	struct db db = DB_NONE;
	int rc = path == NULL
	    ? -ENOMEM
	    : db_open(&db, path, &schema_catalog, DB_READ, NULL);

	if (rc == 0)
		rc = draw_gone(d, &db);
	db_close(&db);
	free(path);
	return fail(d, rc, d->dir);
}

/* The mailers that have files, so that these go on. */
static void
know_mailers(struct draw *d)
{
	DIR *dir = opendir(d->to.folder);
	struct dirent *e;

	d->day->mailers = 1;
	while (dir != NULL && (e = readdir(dir)) != NULL) {
		struct slice s = slice_of(e->d_name);
		char name[SERIES_NAME];

		if (!slice_istarts(s, SLICE("flow-")) ||
		    !slice_iends(s, SLICE(".rrd")) || s.n - 9 >= sizeof(name))
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)s.n - 9, s.p + 5);
		series_mailer(d->day, name);
	}
	if (dir != NULL)
		closedir(dir);
}

/* What had nothing to say ends where the flow does. */
static void
finish(struct draw *d)
{
	int64_t slot = d->last - d->last % layout_stages.step;

	for (int i = 0; d->last != 0 && d->to.rc == 0 && i < d->day->mailers;
	     i++)
		if (d->stages[i] != NULL && rrd_file_last(d->stages[i]) < slot)
			draw_put(&d->to, d->stages[i], &layout_stages, slot,
			    NULL, layout_stage_values());
	if (d->to.rc == 0 && d->queue != NULL &&
	    rrd_file_last(d->queue) < d->last)
		draw_put(
		    &d->to, d->queue, &layout_queue, d->last, NULL, SV_COUNT);
	for (int i = 0; i <= SERIES_MAILERS; i++) {
		draw_close(&d->to, d->stages[i]);
		draw_close(&d->to, d->flow[i]);
	}
	draw_close(&d->to, d->queue);
}

static bool
has_files(const struct draw *d)
{
	char *path = buf_text("%s/flow.rrd", d->to.folder);
	bool has = path != NULL && db_is_there(path);

	free(path);
	return has;
}

/* Of a store that heard nothing since, what it has is drawn to the end of
 * its last hour: an old log has its destinations, too. */
static int64_t
end_of_hours(const struct draw *d)
{
	int64_t end = (d->last + 3599) / 3600 * 3600 * US_SEC;

	return end < d->end ? end : d->end;
}

static int
draw_all(struct draw *d)
{
	d->day = calloc(1, sizeof(*d->day));
	d->snaps = snaps_new();
	if (d->day == NULL || d->snaps == NULL) {
		fail(d, -ENOMEM, d->dir);
	} else {
		know_mailers(d);
		if ((!has_files(d) || open_files(d, 0)) && draw_catalog(d))
			fail(d,
			    days_each(d->dir,
				segment_day(begin_of(d) > SNAPS_AGE
					? begin_of(d) - SNAPS_AGE
					: 0),
				99999999, draw_day, d),
			    d->dir);
		finish(d);
		d->counts->last = d->last;
		if (d->to.rc == 0)
			draw_top(&d->to, d->dir, end_of_hours(d));
		if (d->to.rc == 0)
			draw_resources(&d->to, d->dir, d->end);
	}
	snaps_free(d->snaps);
	free(d->day);
	return d->to.rc;
}

static void
remove_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e;

	while (dir != NULL && (e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.')
			unlinkat(dirfd(dir), e->d_name, 0);
	if (dir != NULL)
		closedir(dir);
	rmdir(path);
}

/* Whoever looks sees the old files or the new ones. */
static int
exchange(const char *made, const char *folder)
{
	if (rename(made, folder) == 0)
		return 0;
	if (renameat2(AT_FDCWD, made, AT_FDCWD, folder, RENAME_EXCHANGE) < 0)
		return -errno;
	remove_folder(made);
	return 0;
}

static int
draw_locked(struct draw *d, bool is_anew, char *folder, char *made)
{
	d->to.folder = is_anew ? made : folder;
	if (is_anew)
		remove_folder(made);
	if (mkdir(d->to.folder, 0750) < 0 && errno != EEXIST)
		fail(d, -errno, d->to.folder);
	if (d->to.rc == 0 && !is_anew)
		draw_late_look(d->dir, folder, d->counts);
	if (d->to.rc == 0)
		draw_all(d);
	if (d->to.rc == 0)
		draw_late_note(d->dir, d->to.folder, d->counts);
	if (d->to.rc == 0 && is_anew)
		fail(d, exchange(made, folder), folder);
	return d->to.rc;
}

int
draw_store(
    const char *dir, bool is_anew, struct draw_counts *counts, char why[256])
{
	struct draw d = { .dir = dir, .counts = counts, .to = { .why = why } };
	char *folder = buf_text("%s/rrd", dir);
	char *made = buf_text("%s/rrd.new", dir);
	char *lock = buf_text("%s/rrd.lock", dir);
	int fd = -1;

	why[0] = '\0';
	*counts = (struct draw_counts){ 0 };
	d.end = clock_wall() - DELAY;
	d.end -= d.end % US_MIN;
	if (folder == NULL || made == NULL || lock == NULL)
		fail(&d, -ENOMEM, dir);
	else if ((fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0640)) < 0)
		fail(&d, -errno, lock);
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		fail(&d, errno == EWOULDBLOCK ? -EBUSY : -errno, lock);
	else
		draw_locked(&d, is_anew, folder, made);
	if (fd >= 0)
		close(fd);
	free(folder);
	free(made);
	free(lock);
	return d.to.rc;
}
