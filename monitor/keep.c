#include "keep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "days.h"
#include "hist_sql.h"
#include "schema.h"
#include "segment.h"
#include "upgrade.h"

/* The day's file is attached as d. A key is the number of a name, but that
 * of a reason, which is its own everywhere. How many events a file has not any
 * more is of that file. */
static const char fold_sql[] =
    "BEGIN IMMEDIATE;"
    "INSERT OR IGNORE INTO name(s) SELECT s FROM d.word;"
    "INSERT OR IGNORE INTO name(s) SELECT s FROM d.domain WHERE id IN "
    "(SELECT key FROM d.rollup WHERE dim = "
    "(SELECT id FROM d.word WHERE s = 'domain'));"
    "INSERT INTO rollup(kind, dim, key, t, n, bytes, res) "
    "SELECT (SELECT id FROM name WHERE s = k.s), "
    "(SELECT id FROM name WHERE s = m.s), "
    "CASE m.s WHEN '' THEN 0 WHEN 'reason' THEN r.key "
    "WHEN 'domain' THEN (SELECT n.id FROM d.domain x JOIN name n "
    "ON n.s = x.s WHERE x.id = r.key) "
    "ELSE (SELECT n.id FROM d.word x JOIN name n ON n.s = x.s "
    "WHERE x.id = r.key) END, "
    "r.t - r.t % 300000000, sum(r.n), sum(r.bytes), "
    "CASE m.s WHEN 'domain' THEN 60 ELSE 5 END "
    "FROM d.rollup r JOIN d.word k ON k.id = r.kind "
    "JOIN d.word m ON m.id = r.dim WHERE k.s != 'let_go' "
    "GROUP BY 1, 2, 3, 4 "
    "ON CONFLICT DO UPDATE SET n = n + excluded.n, "
    "bytes = bytes + excluded.bytes;"
    "INSERT INTO hist(stage, mailer, t, n, sum, min, max, b, res) "
    "SELECT (SELECT id FROM name WHERE s = k.s), "
    "ifnull((SELECT id FROM name WHERE s = m.s), 0), "
    "h.t - h.t % 3600000000, sum(h.n), sum(h.sum), min(h.min), max(h.max), "
    "hist_sum(h.b), 60 FROM d.hist h JOIN d.word k ON k.id = h.stage "
    "LEFT JOIN d.word m ON m.id = h.mailer GROUP BY 1, 2, 3 "
    "ON CONFLICT DO UPDATE SET n = n + excluded.n, sum = sum + excluded.sum, "
    "min = min(min, excluded.min), max = max(max, excluded.max), "
    "b = hist_sum(b, excluded.b);"
    "INSERT INTO place(source, file, off, mark) "
    "SELECT source, file, off, mark FROM d.place WHERE true "
    "ON CONFLICT DO UPDATE SET file = excluded.file, off = excluded.off, "
    "mark = excluded.mark "
    "WHERE (excluded.file, excluded.off) > (place.file, place.off);";

/* Which numbers it had; ?1: the day. A number that is in two days is found to
 * be there, whichever goes first. */
static const char *const numbers_sql[] = {
	"INSERT OR REPLACE INTO seen(day, boot, lo, hi) "
	"SELECT ?1, w.boot, s.lo, s.hi FROM d.seen s "
	"JOIN d.writer w ON w.id = s.writer",
	"INSERT OR REPLACE INTO said(day, boot, seq) "
	"SELECT ?1, " GAPS_SAID_BOOT ", "
	"max(CAST(extra ->> '$.to_seq' AS INTEGER)) FROM d.ev "
	"WHERE ty = (SELECT id FROM d.word WHERE s = 'log.gap') "
	"AND extra ->> '$.\"source.boot\"' IS NOT NULL "
	"AND extra ->> '$.to_seq' IS NOT NULL GROUP BY 2",
};

static int
attach(struct db *catalog, const char *path)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(catalog, &q, "ATTACH ?1 AS d");

	if (rc == 0) {
		sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
		rc = db_run(q);
	}
	sqlite3_finalize(q);
	return rc;
}

static int
keep_numbers(struct db *catalog, int day)
{
	int rc = 0;

	for (size_t i = 0;
	     i < sizeof(numbers_sql) / sizeof(numbers_sql[0]) && rc == 0; i++) {
		sqlite3_stmt *q = NULL;

		rc = db_prepare(catalog, &q, numbers_sql[i]);
		if (rc == 0) {
			sqlite3_bind_int(q, 1, day);
			rc = db_run(q);
		}
		sqlite3_finalize(q);
	}
	return rc;
}

static int
set_folded(struct db *catalog, int day)
{
	char *sql = buf_text(
	    "UPDATE segment SET state = 1 WHERE day = %d; COMMIT", day);
	int rc = sql == NULL ? -ENOMEM : db_exec(catalog, sql);

	free(sql);
	return rc;
}

static bool
is_folded(struct db *catalog, int day)
{
	char *sql = buf_text("SELECT state FROM segment WHERE day = %d", day);
	bool is_it = sql != NULL && db_number(catalog, sql, 0) == 1;

	free(sql);
	return is_it;
}

static int
fold(struct db *catalog, int day, const char *path)
{
	int rc = attach(catalog, path);

	if (rc < 0)
		return rc;
	rc = hist_functions(catalog);
	if (rc == 0)
		rc = db_exec(catalog, fold_sql);
	if (rc == 0)
		rc = keep_numbers(catalog, day);
	if (rc == 0)
		rc = set_folded(catalog, day);
	if (rc < 0 && sqlite3_get_autocommit(catalog->h) == 0)
		sqlite3_exec(catalog->h, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_exec(catalog->h, "DETACH d", NULL, NULL, NULL);
	return rc;
}

static void
remove_files(const char *path)
{
	static const char *const suffixes[] = { ".new", ".copy", ".ready",
		"-wal", "-shm", "" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char *name = buf_text("%s%s", path, suffixes[i]);

		if (name != NULL)
			unlink(name);
		free(name);
	}
	upgrade_forget(path, &schema_segment);
}

struct walk {
	struct db *catalog;
	const char *dir;
	const struct keep_rules *rules;
	bool (*is_open)(void *, int);
	void *arg;
	char *why;
	int newest, removed, rc;
};

static bool
has_room(const struct walk *w)
{
	struct statvfs v;

	return statvfs(w->dir, &v) < 0 ||
	    (int64_t)v.f_bavail * (int64_t)v.f_frsize >= w->rules->free_bytes;
}

static bool
note_newest(void *arg, const struct day *day)
{
	((struct walk *)arg)->newest = day->day;
	return false;
}

static bool
look_at(void *arg, const struct day *day)
{
	struct walk *w = arg;
	int64_t end = segment_begin_of(day->day) + US_DAY;
	bool is_old = end + w->rules->time_us < clock_wall();

	if (day->day == w->newest || w->is_open(w->arg, day->day))
		return true;
	if (!is_old && has_room(w))
		return false; /* all others are younger */
	if (!is_folded(w->catalog, day->day))
		w->rc = fold(w->catalog, day->day, day->path);
	if (w->rc < 0) {
		snprintf(
		    w->why, 256, "%s: %s", day->path, db_error(w->catalog));
		return false;
	}
	remove_files(day->path);
	w->removed++;
	if (!is_old)
		snprintf(w->why, 256,
		    "%s went before its time: the disk is full", day->path);
	return true;
}

int
keep_run(struct db *catalog, const char *dir, const struct keep_rules *rules,
    bool (*is_open)(void *, int), void *arg, char why[256])
{
	struct walk w = { catalog, dir, rules, is_open, arg, why, 0, 0, 0 };
	int rc;

	why[0] = '\0';
	rc = days_back(dir, 0, 99999999, note_newest, &w);
	if (rc == 0)
		rc = days_each(dir, 0, 99999999, look_at, &w);
	if (rc < 0)
		snprintf(why, 256, "%s: %s", dir, strerror(-rc));
	return rc < 0 ? rc : w.rc < 0 ? w.rc : w.removed;
}
