#include "replace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "schema.h"

int
replace_stamp(struct db *db, const char *schema, char ret[REPLACE_STAMP])
{
	sqlite3_stmt *q = NULL;
	char *sql = buf_text(
	    "SELECT (SELECT ifnull(max(id), 0) FROM %s.ev) || ':' || "
	    "(SELECT ifnull(max(id), 0) FROM %s.unparsed) || ':' || "
	    "(SELECT ifnull(sum(hi), 0) FROM %s.seen) || ':' || "
	    "(SELECT ifnull(sum(file + off), 0) FROM %s.place) || ':' || "
	    "(SELECT ifnull(sum(n), 0) FROM %s.rollup)",
	    schema, schema, schema, schema, schema);
	int rc = sql == NULL ? -ENOMEM : db_prepare(db, &q, sql);

	if (rc == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW)
		snprintf(ret, REPLACE_STAMP, "%s",
		    (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	free(sql);
	return rc < 0 ? rc : db_errno(rc);
}

int
replace_note(struct db *catalog, int day, const char *stamp)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(catalog, &q,
	    "INSERT OR REPLACE INTO private(day, stamp) VALUES(?1, ?2)");

	if (rc == 0) {
		sqlite3_bind_int(q, 1, day);
		sqlite3_bind_text(q, 2, stamp, -1, SQLITE_STATIC);
		rc = db_run(q);
	}
	sqlite3_finalize(q);
	return rc;
}

int
replace_noted(struct db *catalog, int day, char ret[REPLACE_STAMP])
{
	sqlite3_stmt *q = NULL;
	int rc =
	    db_prepare(catalog, &q, "SELECT stamp FROM private WHERE day = ?1");

	ret[0] = '\0';
	if (rc < 0)
		return rc;
	sqlite3_bind_int(q, 1, day);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		snprintf(ret, REPLACE_STAMP, "%s",
		    (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return db_errno(rc);
}

static void
remove_suffixed(const char *path, const char *suffix)
{
	char *name = buf_text("%s%s", path, suffix);

	if (name != NULL)
		unlink(name);
	free(name);
}

void
replace_remove(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm",
		"-journal" };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		remove_suffixed(path, suffixes[i]);
}

static void
remove_log(const char *path)
{
	remove_suffixed(path, "-wal");
	remove_suffixed(path, "-shm");
}

/* Twice: a reader may have made a log between the first and the rename. */
int
replace_file(const char *old, const char *new)
{
	struct db db;
	int log = 0, done = 0;
	int rc = db_open(&db, old, &schema_segment, DB_WRITE, NULL);

	if (rc == 0)
		rc = db_errno(sqlite3_wal_checkpoint_v2(
		    db.h, NULL, SQLITE_CHECKPOINT_PASSIVE, &log, &done));
	db_close(&db);
	if (rc == 0 && log != done) /* a reader needs it for a while */
		rc = -EBUSY;
	if (rc < 0)
		return rc;
	remove_log(old);
	if (rename(new, old) < 0)
		return -errno;
	remove_log(old);
	return 0;
}

static int
stamp_of(const char *path, char ret[REPLACE_STAMP])
{
	struct db db;
	int rc = db_open(&db, path, &schema_segment, DB_READ, NULL);

	if (rc == 0)
		rc = replace_stamp(&db, "main", ret);
	db_close(&db);
	return rc;
}

static int
take(struct db *catalog, int day, const char *path, const char *ready)
{
	char then[REPLACE_STAMP], now[REPLACE_STAMP], next[REPLACE_STAMP];
	int rc = replace_noted(catalog, day, then);
	bool is_one = strncmp(then, REPLACE_ONE, REPLACE_MARK) == 0;
	bool waits = is_one || strncmp(then, REPLACE_ALL, REPLACE_MARK) == 0;

	if (rc == 0)
		rc = stamp_of(path, now);
	if (rc == 0)
		rc = stamp_of(ready, next);
	if (rc < 0 || !waits || strcmp(then + REPLACE_MARK, now) != 0) {
		replace_remove(ready);
		return rc;
	}
	rc = replace_file(path, ready);
	if (rc == 0)
		replace_remove(ready); /* what reading its stamp left */
	if (rc == 0)
		rc = replace_note(catalog, day, is_one ? "" : next);
	return rc < 0 ? rc : 1;
}

int
replace_day(struct db *catalog, int day, const char *path)
{
	char *ready = buf_text("%s.ready", path);
	int rc = ready == NULL	 ? -ENOMEM
	    : db_is_there(ready) ? take(catalog, day, path, ready)
				 : 0;

	free(ready);
	return rc;
}
