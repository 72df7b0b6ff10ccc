#include "db.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"

#define TRIES 50 /* of 10 ms */

static const char writer_settings[] = "PRAGMA journal_mode = WAL;"
				      "PRAGMA synchronous = NORMAL;"
				      "PRAGMA wal_autocheckpoint = 12000;"
				      "PRAGMA journal_size_limit = 67108864;"
				      "PRAGMA analysis_limit = 1000;"
				      "PRAGMA temp_store = MEMORY;";
static const char reader_settings[] = "PRAGMA query_only = ON;"
				      "PRAGMA mmap_size = 268435456;"
				      "PRAGMA temp_store = MEMORY;";

int
db_errno(int code)
{
	static const struct {
		int code, error;
	} rows[] = {
		{ SQLITE_OK, 0 },
		{ SQLITE_ROW, 0 },
		{ SQLITE_DONE, 0 },
		{ SQLITE_FULL, -ENOSPC },
		{ SQLITE_BUSY, -EBUSY },
		{ SQLITE_LOCKED, -EBUSY },
		{ SQLITE_NOMEM, -ENOMEM },
		{ SQLITE_CORRUPT, -EBADMSG },
		{ SQLITE_NOTADB, -EBADMSG },
		{ SQLITE_READONLY, -EROFS },
		{ SQLITE_CANTOPEN, -ENOENT },
		{ SQLITE_CONSTRAINT, -EEXIST },
		{ SQLITE_PERM, -EACCES },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == (code & 0xff))
			return rows[i].error;
	return -EIO;
}

void
db_setup(void)
{
	sqlite3_config(SQLITE_CONFIG_SINGLETHREAD);
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

const char *
db_error(const struct db *d)
{
	return d->h != NULL ? sqlite3_errmsg(d->h) : "not open";
}

int
db_exec(struct db *d, const char *sql)
{
	return db_errno(sqlite3_exec(d->h, sql, NULL, NULL, NULL));
}

int
db_prepare(struct db *d, sqlite3_stmt **ret, const char *sql)
{
	return db_errno(sqlite3_prepare_v3(
	    d->h, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

int
db_run(sqlite3_stmt *s)
{
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		continue;
	sqlite3_reset(s);
	return db_errno(rc);
}

int64_t
db_number(struct db *d, const char *sql, int64_t def)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(d->h, sql, -1, &s, NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		def = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return def;
}

bool
db_is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

/* A whole copy beside it, before its tables change: file.v1. */
static int
back_up(struct db *d, int version)
{
	char *to = buf_text("%s.v%d", d->path, version);
	sqlite3_stmt *s = NULL;
	int rc = -ENOMEM;

	if (to == NULL)
		return rc;
	unlink(to); /* of an earlier try that did not end */
	rc = db_prepare(d, &s, "VACUUM INTO ?1");
	if (rc == 0) {
		sqlite3_bind_text(s, 1, to, -1, SQLITE_STATIC);
		rc = db_run(s);
	}
	sqlite3_finalize(s);
	free(to);
	return rc;
}

/* All steps at once: nobody sees a file between two of them, nor does a full
 * disk leave one. Another process may have done it since the version was
 * looked at. */
static int
step_up(struct db *d, const struct db_kind *kind, int version)
{
	char *sql = buf_text("PRAGMA application_id = %d;"
			     "PRAGMA user_version = %d; COMMIT",
	    (int)kind->application_id, kind->version);
	int rc = sql == NULL ? -ENOMEM : db_exec(d, "BEGIN IMMEDIATE");

	if (rc == 0 && db_number(d, "PRAGMA user_version", -1) == version) {
		for (; version < kind->version && rc == 0; version++)
			rc = db_exec(d, kind->steps[version]);
		if (rc == 0)
			rc = db_exec(d, sql);
	}
	if (sqlite3_get_autocommit(d->h) == 0)
		sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
	free(sql);
	return rc;
}

/* Never 0, whatever it is. */
static int
unreadable(struct db *d)
{
	int rc = db_errno(sqlite3_errcode(d->h));

	return rc < 0 ? rc : -EBADMSG;
}

static int
judge(struct db *d, const struct db_kind *kind)
{
	int64_t id = db_number(d, "PRAGMA application_id", -1), version;

	if (id < 0)
		return unreadable(d);
	version = db_number(d, "PRAGMA user_version", -1);
	if (version < 0)
		return unreadable(d);
	if (version > kind->version)
		return -EPROTO;
	if (version == 0 && id == 0 &&
	    db_number(d, "SELECT count(*) FROM sqlite_schema", 1) == 0)
		return 0;
	return id == kind->application_id && version > 0 ? (int)version
							 : -EBADMSG;
}

/* All questions see one moment: it may be made just now. */
static int
version_now(struct db *d, const struct db_kind *kind)
{
	int rc = db_exec(d, "BEGIN");
	int version = rc < 0 ? rc : judge(d, kind);

	if (rc == 0)
		sqlite3_exec(d->h, "ROLLBACK", NULL, NULL, NULL);
	return version;
}

/* Is it ours, and of a version that we know? The version, or an error. When
 * root reads a file that nobody else has open, it makes the log's files, and
 * gives them away a moment later. */
static int
version_of(struct db *d, const struct db_kind *kind)
{
	int version = version_now(d, kind);

	for (int i = 0; i < TRIES && version == -ENOENT; i++) {
		usleep(10000);
		version = version_now(d, kind);
	}
	return version;
}

static int
bring_up(struct db *d, const struct db_kind *kind, enum db_mode mode)
{
	int version = version_of(d, kind), rc = 0;

	if (version < 0)
		return version;
	if (mode != DB_WRITE)
		return version == kind->version ? 0
		    : version == 0		? -ENODATA
						: -ESTALE;
	if (version == 0)
		rc = db_exec(d, "PRAGMA page_size = 8192");
	if (rc == 0)
		rc = db_exec(d, writer_settings);
	if (rc == 0 && version > 0 && version < kind->version)
		rc = back_up(d, version);
	return rc == 0 && version < kind->version ? step_up(d, kind, version)
						  : rc;
}

/*
 * A reader who may not write beside the file cannot take part in its WAL.
 * When there is none the file is whole, and read as one that never changes.
 */
static int
open_file(struct db *d, enum db_mode mode)
{
	static const int flags_of[] = { [DB_READ] = SQLITE_OPEN_READONLY,
		[DB_CHANGE] = SQLITE_OPEN_READWRITE,
		[DB_WRITE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE };
	int flags = flags_of[mode];
	char *name;
	int rc;

	rc = sqlite3_open_v2(d->path, &d->h, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK)
		return sqlite3_system_errno(d->h) == EACCES ? -EACCES
							    : db_errno(rc);
	sqlite3_busy_timeout(d->h, 5000);
	if (mode != DB_READ || db_number(d, "PRAGMA schema_version", -1) >= 0)
		return 0;
	if (sqlite3_system_errno(d->h) == EACCES)
		return -EACCES;
	rc = db_errno(sqlite3_errcode(d->h));
	name = rc == -ENOENT || rc == -EROFS
	    ? buf_text("file:%s?immutable=1", d->path)
	    : NULL;
	if (name == NULL)
		return rc;
	sqlite3_close(d->h);
	rc = sqlite3_open_v2(
	    name, &d->h, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);
	free(name);
	return db_errno(rc);
}

static const char *
say(int rc, const struct db *d)
{
	if (rc == -EPROTO)
		return "made by another version of mtacollect";
	if (rc == -ESTALE)
		return "made by an older version of mtacollect: mtacollect "
		       "tidy "
		       "brings it up";
	if (rc == -ENODATA)
		return "being made";
	if (rc == -EBADMSG)
		return "damaged, or no file of mtacollect";
	/* its words are gone with what was undone since */
	return d->h != NULL && sqlite3_errcode(d->h) == SQLITE_OK
	    ? strerror(-rc)
	    : db_error(d);
}

int
db_open(struct db *d, const char *path, const struct db_kind *kind,
    enum db_mode mode, char why[256])
{
	int rc;

	*d = DB_NONE;
	d->path = strdup(path);
	if (d->path == NULL)
		return -ENOMEM;
	rc = open_file(d, mode);
	if (rc == 0)
		rc = bring_up(d, kind, mode);
	if (rc == 0 && mode == DB_READ)
		rc = db_exec(d, reader_settings);
	if (rc == 0)
		return 0;
	if (why != NULL)
		snprintf(why, 256, "%s: %s", path, say(rc, d));
	db_close(d);
	return rc;
}

void
db_close(struct db *d)
{
	if (d->h != NULL)
		sqlite3_close_v2(d->h);
	free(d->path);
	*d = DB_NONE;
}
