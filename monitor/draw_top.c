#include "draw_top.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "days.h"
#include "draw_layout.h"
#include "schema.h"
#include "segment.h"
#include "series.h"

#define TOP 16
#define NAME 200 /* bytes of a domain's name, with its NUL */
#define HOUR INT64_C(3600)

struct one {
	char name[NAME];
	struct rrd_file *file; /* NULL: none yet */
	double v[24][SF_OF_MAILER]; /* of the day that is read */
};

struct top {
	struct draw_to *to;
	const char *store;
	int64_t end; /* of the last hour, seconds */
	struct db sums; /* in memory */
	sqlite3_stmt *add;
	struct series_day *day;
	struct one one[TOP];
	int n;
};

/* Words stand in "word" of a day and "name" of the catalog. */
#define SUMS(words, domains)                                                   \
	"SELECT x.s, sum(r.n) FROM rollup r JOIN " domains                     \
	" x ON x.id = r.key WHERE r.dim = "                                    \
	"(SELECT id FROM " words " WHERE s = 'domain') AND r.kind IN "         \
	"(SELECT id FROM " words " WHERE s IN ('delivered', 'bounced', "       \
	"'expired', 'discarded')) AND r.t >= ?1 AND r.t < ?2 GROUP BY r.key"
#define HOURS(words, domains, hours)                                           \
	"SELECT k.s, r.t, r.n, r.bytes, " hours " FROM " words                 \
	" k JOIN rollup r ON r.kind = k.id AND r.dim = "                       \
	"(SELECT id FROM " words " WHERE s = 'domain') AND r.key = "           \
	"(SELECT id FROM " domains " WHERE s = ?1) "                           \
	"AND r.t >= ?2 AND r.t < ?3"

static int
add_sums(struct top *t, struct db *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql), err = 0;

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, (t->end - 7 * 24 * HOUR) * US_SEC);
	sqlite3_bind_int64(q, 2, t->end * US_SEC);
	while (err == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		sqlite3_bind_text(t->add, 1,
		    (const char *)sqlite3_column_text(q, 0), -1,
		    SQLITE_TRANSIENT);
		sqlite3_bind_int64(t->add, 2, sqlite3_column_int64(q, 1));
		err = db_run(t->add);
	}
	sqlite3_finalize(q);
	return err < 0 ? err : db_errno(rc);
}

static bool
add_day(void *arg, const struct day *day)
{
	struct top *t = arg;
	struct db db = DB_NONE;
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	if (rc == 0)
		rc = add_sums(t, &db, SUMS("word", "domain"));
	db_close(&db);
	return rc == -EBADMSG || rc == -EPROTO || rc == -ESTALE ||
	    draw_failed(t->to, rc, day->path);
}

/* It becomes part of a file's name. */
static bool
is_plain(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_");

	return n != 0 && n < NAME && name[n] == '\0' && name[0] != '.';
}

/* Equals stand by their names. */
static int
choose(struct top *t)
{
	sqlite3_stmt *q = NULL;
	int rc =
	    db_prepare(&t->sums, &q, "SELECT s FROM top ORDER BY n DESC, s");

	while (rc == 0 && t->n < TOP && sqlite3_step(q) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(q, 0);

		if (is_plain(name))
			snprintf(t->one[t->n++].name, NAME, "%s", name);
	}
	sqlite3_finalize(q);
	return rc;
}

/* All sums of domains would be looked through. */
static bool
has_gone(const struct top *t, struct db *catalog)
{
	return db_number(catalog,
		   "SELECT ifnull(max(day), 0) FROM segment WHERE state = 1",
		   0) >= segment_day((t->end - 7 * 24 * HOUR) * US_SEC);
}

static int
find_top(struct top *t, struct db *catalog)
{
	int rc = db_errno(sqlite3_open(":memory:", &t->sums.h));

	if (rc == 0)
		rc = db_exec(&t->sums,
		    "CREATE TABLE top(s TEXT PRIMARY KEY, n INTEGER) "
		    "WITHOUT ROWID; BEGIN");
	if (rc == 0)
		rc = db_prepare(&t->sums, &t->add,
		    "INSERT INTO top VALUES(?1, ?2) "
		    "ON CONFLICT DO UPDATE SET n = n + excluded.n");
	if (rc == 0 && has_gone(t, catalog))
		rc = add_sums(t, catalog, SUMS("name", "name"));
	if (rc == 0)
		rc = days_each(t->store,
		    segment_day((t->end - 7 * 24 * HOUR) * US_SEC), 99999999,
		    add_day, t);
	if (rc == 0)
		rc = choose(t);
	sqlite3_finalize(t->add);
	db_close(&t->sums);
	return rc < 0 ? rc : t->to->rc;
}

/* "to-DOMAIN.rrd" */
static bool
domain_of(const char *file, char ret[NAME])
{
	struct slice s = slice_of(file);

	if (!slice_istarts(s, SLICE("to-")) || !slice_iends(s, SLICE(".rrd")) ||
	    s.n - 7 >= NAME)
		return false;
	snprintf(ret, NAME, "%.*s", (int)s.n - 7, s.p + 3);
	return true;
}

/* Those that are there go on, or away. */
static void
open_files(struct top *t)
{
	DIR *d = opendir(t->to->folder);
	struct dirent *e;
	char name[NAME];

	while (d != NULL && t->to->rc == 0 && (e = readdir(d)) != NULL) {
		int i = 0;

		if (!domain_of(e->d_name, name))
			continue;
		while (i < t->n && strcmp(t->one[i].name, name) != 0)
			i++;
		if (i == t->n)
			unlinkat(dirfd(d), e->d_name, 0);
		else
			t->one[i].file =
			    draw_open(t->to, "to", name, &layout_top, t->end);
	}
	if (d != NULL)
		closedir(d);
}

static void
add_hour(double *v, const char *kind, double n, double bytes)
{
	static const struct {
		const char *kind;
		int n, bytes; /* bytes -1: not drawn */
	} rows[] = { { "delivered", SF_DELIVERED, SF_BYTES_OUT },
		{ "deferrals", SF_DEFERRALS, -1 },
		{ "bounced", SF_BOUNCED, -1 }, { "expired", SF_EXPIRED, -1 },
		{ "discarded", SF_DISCARDED, -1 } };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strcmp(rows[i].kind, kind) != 0)
			continue;
		v[rows[i].n] += n;
		if (rows[i].bytes >= 0)
			v[rows[i].bytes] += bytes;
	}
}

static int
read_hours(struct one *o, struct db *db, const char *sql, int64_t begin)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql);

	memset(o->v, 0, sizeof(o->v));
	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, o->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, begin);
	sqlite3_bind_int64(q, 3, begin + US_DAY);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *kind = (const char *)sqlite3_column_text(q, 0);
		int h = (int)((sqlite3_column_int64(q, 1) - begin) / US_HOUR);
		int hours = sqlite3_column_int(q, 4);

		for (int i = h; i < h + hours && i < 24; i++)
			add_hour(o->v[i], kind,
			    sqlite3_column_double(q, 2) / hours,
			    sqlite3_column_double(q, 3) / hours);
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

/* Something was heard in it, and nothing of it is missing. */
static bool
is_known(const struct series_day *day, int hour)
{
	bool has_any = false;

	for (int i = hour * 60; i < (hour + 1) * 60; i++) {
		if (day->minute[i] == SM_UNKNOWN)
			return false;
		has_any |= day->minute[i] == SM_KNOWN;
	}
	return has_any;
}

static bool
has_mail(const double v[SF_OF_MAILER])
{
	for (int i = 0; i < SF_OF_MAILER; i++)
		if (v[i] != 0)
			return true;
	return false;
}

/* A file begins with the first hour that has mail. */
static bool
put_hours(struct top *t, struct one *o)
{
	int64_t begin = t->day->begin / US_SEC;

	for (int h = 0; h < 24 && begin + (h + 1) * HOUR <= t->end; h++) {
		if (!is_known(t->day, h) ||
		    (o->file == NULL && !has_mail(o->v[h])))
			continue;
		if (o->file == NULL)
			o->file = draw_open(t->to, "to", o->name, &layout_top,
			    begin + h * HOUR);
		if (o->file == NULL ||
		    !draw_put(t->to, o->file, &layout_top,
			begin + (h + 1) * HOUR, o->v[h], SF_OF_MAILER))
			return false;
	}
	return true;
}

static int
put_all(struct top *t, struct db *db, const char *sql)
{
	int rc = 0;

	for (int i = 0; i < t->n && rc == 0; i++) {
		rc = read_hours(&t->one[i], db, sql, t->day->begin);
		if (rc == 0 && !put_hours(t, &t->one[i]))
			rc = t->to->rc;
	}
	return rc;
}

static bool
put_day(void *arg, const struct day *day)
{
	struct top *t = arg;
	struct db db = DB_NONE;
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	t->day->begin = segment_begin_of(day->day);
	if (rc == 0)
		rc = series_read_day(t->day, &db, t->day->begin);
	if (rc == 0)
		rc = put_all(t, &db, HOURS("word", "domain", "1"));
	db_close(&db);
	return rc == -EBADMSG || rc == -EPROTO || rc == -ESTALE ||
	    draw_failed(t->to, rc, day->path);
}

static int
put_gone(struct top *t, struct db *catalog, int64_t from)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(catalog, &q,
	    "SELECT day FROM segment WHERE state = 1 AND day >= ?1 "
	    "ORDER BY day");
	int err = 0;

	if (rc < 0)
		return rc;
	sqlite3_bind_int(q, 1, segment_day(from));
	while (err == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		err = series_read_gone(t->day, catalog,
		    segment_begin_of(sqlite3_column_int(q, 0)));
		if (err == 0)
			err = put_all(
			    t, catalog, HOURS("name", "name", "r.res / 60"));
	}
	sqlite3_finalize(q);
	return err < 0 ? err : db_errno(rc);
}

/* Where the shortest file ends, microseconds; 0: one is yet to be made. */
static int64_t
begin_of(const struct top *t)
{
	int64_t first = t->end;

	for (int i = 0; i < t->n; i++) {
		if (t->one[i].file == NULL)
			return 0;
		if (rrd_file_last(t->one[i].file) < first)
			first = rrd_file_last(t->one[i].file);
	}
	return first * US_SEC;
}

static int
draw(struct top *t, struct db *catalog)
{
	int64_t from;
	int rc = find_top(t, catalog);

	if (rc < 0)
		return rc;
	open_files(t);
	from = begin_of(t);
	from -= from % US_DAY;
	if (t->to->rc == 0)
		rc = put_gone(t, catalog, from);
	if (rc == 0 && t->to->rc == 0)
		rc = days_each(
		    t->store, segment_day(from), 99999999, put_day, t);
	for (int i = 0; i < t->n; i++)
		draw_close(t->to, t->one[i].file);
	return rc;
}

/* One that is there says whether an hour ended since. */
static bool
is_drawn(const struct draw_to *to, int64_t end)
{
	DIR *d = opendir(to->folder);
	struct draw_to probe = *to;
	struct rrd_file *f = NULL;
	struct dirent *e;
	char name[NAME];
	bool is_it = false;

	while (d != NULL && f == NULL && (e = readdir(d)) != NULL)
		if (domain_of(e->d_name, name)) {
			f = draw_open(&probe, "to", name, &layout_top, end);
			is_it = f != NULL && rrd_file_last(f) >= end;
		}
	draw_close(&probe, f);
	if (d != NULL)
		closedir(d);
	return is_it;
}

void
draw_top(struct draw_to *to, const char *store, int64_t end)
{
	char *path = buf_text("%s/catalog.db", store);
	struct top *t = calloc(1, sizeof(*t));
	struct db catalog = DB_NONE;
	int64_t hour = end / US_SEC - end / US_SEC % HOUR;
	int rc = path == NULL || t == NULL ? -ENOMEM : 0;

	if (rc == 0 && !is_drawn(to, hour)) {
		*t = (struct top){ .to = to, .store = store, .end = hour };
		t->day = calloc(1, sizeof(*t->day));
		rc = t->day == NULL
		    ? -ENOMEM
		    : db_open(&catalog, path, &schema_catalog, DB_READ, NULL);
		if (rc == 0)
			rc = draw(t, &catalog);
		free(t->day);
	}
	db_close(&catalog);
	free(t);
	free(path);
	draw_failed(to, rc, store);
}
