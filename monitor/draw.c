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
#include "file.h"
#include "schema.h"
#include "segment.h"
#include "series.h"
#include "snaps.h"

/* A minute is drawn when it is so long over: its events are stored. */
#define DELAY (2 * US_MIN)

struct draw {
	const char *dir; /* of the store */
	char *folder; /* of the files */
	int64_t end; /* nothing later is drawn, microseconds */
	int64_t last; /* end of the last minute of the flow, seconds; 0: none */
	struct series_day *day;
	struct snaps *snaps;
	struct rrd_file *flow[SERIES_MAILERS + 1], *stages[SERIES_MAILERS + 1],
	    *queue;
	struct draw_counts *counts;
	int rc;
	char *why;
};

static bool
fail(struct draw *d, int rc, const char *what)
{
	if (rc == 0 || rc == -ENODATA)
		return true;
	if (d->rc == 0 && *d->why == '\0')
		snprintf(d->why, 256, "%s: %s", what, strerror(-rc));
	d->rc = rc;
	return false;
}

/* Puts what is unknown between the last step and this one. */
static bool
put(struct draw *d, struct rrd_file *f, const struct rrd_layout *l, int64_t t,
    const double *v, size_t n)
{
	double nothing[LAYOUT_SOURCES];
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		nothing[i] = NAN;
	if (rrd_file_last(f) < t - l->step)
		rc = rrd_file_put(f, t - l->step, nothing, n);
	if (rc >= 0)
		rc = rrd_file_put(f, t, v != NULL ? v : nothing, n);
	return rc >= 0 ? true : fail(d, rc, d->folder);
}

/* kind is "flow", "stages" or "queue"; mailer is "" for all. */
static struct rrd_file *
open_file(struct draw *d, const char *kind, const char *mailer,
    const struct rrd_layout *l, int64_t start)
{
	char *path = buf_text("%s/%s%s%s.rrd", d->folder, kind,
	    *mailer != '\0' ? "-" : "", mailer);
	struct rrd_file *f = path == NULL
	    ? NULL
	    : rrd_file_open(path, l, start - start % l->step, d->why);

	if (f == NULL)
		d->rc = -EIO;
	free(path);
	return f;
}

/* All that are not open yet, with nothing before start (0: the flow's end). */
static bool
open_files(struct draw *d, int64_t start)
{
	for (int i = 0; i < d->day->mailers && d->rc == 0; i++) {
		const char *name = d->day->name[i];

		if (d->flow[i] == NULL)
			d->flow[i] = open_file(
			    d, "flow", name, layout_flow(i == 0), start);
		if (start == 0 && d->rc == 0)
			start = rrd_file_last(d->flow[0]);
		if (d->stages[i] == NULL && d->rc == 0)
			d->stages[i] =
			    open_file(d, "stages", name, &layout_stages, start);
	}
	if (d->queue == NULL && d->rc == 0)
		d->queue = open_file(d, "queue", "", &layout_queue, start);
	if (d->rc == 0)
		d->last = rrd_file_last(d->flow[0]);
	return d->rc == 0;
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

		if (!put(d, d->flow[i], layout_flow(i == 0), t, v,
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
		put(d, d->queue, &layout_queue, end / US_SEC, v, SV_COUNT)
	    ? 0
	    : d->rc;
}

/* n, min, max and b at column 3 and behind, as percentiles in seconds. */
static void
take_hist(double *v, sqlite3_stmt *q)
{
	struct hist h;

	hist_clear(&h);
	h.n = (uint64_t)sqlite3_column_int64(q, 3);
	h.min = (uint64_t)sqlite3_column_int64(q, 4);
	h.max = (uint64_t)sqlite3_column_int64(q, 5);
	if (h.n == 0 ||
	    !hist_decode(&h,
		(struct slice){ sqlite3_column_blob(q, 6),
		    (size_t)sqlite3_column_bytes(q, 6) }))
		return;
	for (int i = 0; i < LAYOUT_PERCENTILES; i++)
		v[i] = (double)hist_at(&h, layout_permille[i]) / 1e6;
}

struct slot {
	int64_t t;
	bool has[SERIES_MAILERS + 1];
	double v[SERIES_MAILERS + 1][LAYOUT_SOURCES];
};

static bool
put_slot(struct draw *d, struct slot *s)
{
	int64_t end = s->t / US_SEC + layout_stages.step;

	for (int i = 0; i < d->day->mailers; i++) {
		if (s->has[i] && d->stages[i] != NULL &&
		    !put(d, d->stages[i], &layout_stages, end, s->v[i],
			layout_stage_values()))
			return false;
		s->has[i] = false;
		for (int k = 0; k < LAYOUT_SOURCES; k++)
			s->v[i][k] = NAN;
	}
	return true;
}

static int
put_stages(struct draw *d, struct db *db, int64_t from)
{
	struct slot *s = calloc(1, sizeof(*s));
	sqlite3_stmt *q = NULL;
	int rc = s == NULL ? -ENOMEM
			   : db_prepare(db, &q,
				 "SELECT h.t, k.s, ifnull(m.s, ''), h.n, "
				 "h.min, h.max, h.b FROM hist h "
				 "JOIN word k ON k.id = h.stage "
				 "LEFT JOIN word m ON m.id = h.mailer "
				 "WHERE h.t >= ?1 AND h.t < ?2 ORDER BY h.t");

	if (rc == 0) {
		sqlite3_bind_int64(q, 1, from - from % LAYOUT_SLOT);
		sqlite3_bind_int64(q, 2, d->end - LAYOUT_SLOT + 1);
	}
	while (rc == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t t = sqlite3_column_int64(q, 0);
		int stage =
		    layout_stage((const char *)sqlite3_column_text(q, 1));
		int i = series_mailer(
		    d->day, (const char *)sqlite3_column_text(q, 2));

		rc = 0;
		if (t != s->t && !put_slot(d, s))
			rc = d->rc;
		s->t = t;
		if (stage >= 0 && i >= 0) {
			s->has[i] = true;
			take_hist(s->v[i] + stage, q);
		}
	}
	if (rc == SQLITE_DONE)
		rc = put_slot(d, s) ? 0 : d->rc;
	sqlite3_finalize(q);
	free(s);
	return rc > 0 ? db_errno(rc) : rc;
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
		return d->rc;
	if (d->last == 0)
		return 0;
	rc = put_stages(d, db, from);
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
	return rc == -EBADMSG || rc == -EPROTO ? d->rc == 0
					       : fail(d, rc, day->path);
}

/* Days whose files are gone, as far as they are not drawn. */
static int
draw_gone(struct draw *d, struct db *catalog)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(catalog, &q,
	    "SELECT DISTINCT t / 86400000000 FROM rollup WHERE t >= ?1 "
	    "ORDER BY 1");

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, d->last * US_SEC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		int err = series_read_gone(
		    d->day, catalog, sqlite3_column_int64(q, 0) * US_DAY);

		if (err < 0 || !put_flow(d)) {
			sqlite3_finalize(q);
			return err < 0 ? err : d->rc;
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
	DIR *dir = opendir(d->folder);
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

	for (int i = 0; d->last != 0 && d->rc == 0 && i < d->day->mailers; i++)
		if (d->stages[i] != NULL && rrd_file_last(d->stages[i]) < slot)
			put(d, d->stages[i], &layout_stages, slot, NULL,
			    layout_stage_values());
	if (d->rc == 0 && d->queue != NULL && rrd_file_last(d->queue) < d->last)
		put(d, d->queue, &layout_queue, d->last, NULL, SV_COUNT);
	for (int i = 0; i <= SERIES_MAILERS; i++) {
		if (rrd_file_close(d->stages[i], d->why) < 0)
			d->rc = -EIO;
		if (rrd_file_close(d->flow[i], d->why) < 0)
			d->rc = -EIO;
	}
	if (rrd_file_close(d->queue, d->why) < 0)
		d->rc = -EIO;
}

static bool
has_files(const struct draw *d)
{
	char *path = buf_text("%s/flow.rrd", d->folder);
	bool has = path != NULL && db_is_there(path);

	free(path);
	return has;
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
	}
	snaps_free(d->snaps);
	free(d->day);
	return d->rc;
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
	d->folder = is_anew ? made : folder;
	if (is_anew)
		remove_folder(made);
	if (mkdir(d->folder, 0750) < 0 && errno != EEXIST)
		fail(d, -errno, d->folder);
	if (d->rc == 0 && !is_anew)
		draw_late_look(d->dir, folder, d->counts);
	if (d->rc == 0)
		draw_all(d);
	if (d->rc == 0)
		draw_late_note(d->dir, d->folder, d->counts);
	if (d->rc == 0 && is_anew)
		fail(d, exchange(made, folder), folder);
	return d->rc;
}

int
draw_store(
    const char *dir, bool is_anew, struct draw_counts *counts, char why[256])
{
	struct draw d = { .dir = dir, .counts = counts, .why = why };
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
	return d.rc;
}
