#include "anew.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "privacy_sql.h"
#include "replace.h"
#include "schema.h"

/* What becomes of a column, or (NULL) which rows of the table stay. */
static const char *
find(const struct anew_plan *p, const char *table, const char *column)
{
	for (const struct anew_change *c = p->change; c->table != NULL; c++)
		if (strcmp(c->table, table) == 0 &&
		    (column == NULL) == (c->column == NULL) &&
		    (column == NULL || strcmp(c->column, column) == 0))
			return c->to;
	return NULL;
}

/* "a, hide(o.b), c", or (no plan) the names alone. */
static int
put_columns(struct db *db, const struct anew_plan *p, const char *table,
    struct buf *sql)
{
	sqlite3_stmt *q = NULL;
	const char *comma = "";
	int rc = db_prepare(db, &q, "SELECT name FROM pragma_table_info(?1)");

	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, table, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(q, 0);
		const char *to = p != NULL ? find(p, table, name) : NULL;

		if (to != NULL)
			buf_addf(sql, "%s%s", comma, to);
		else
			buf_addf(
			    sql, "%s%s%s", comma, p != NULL ? "o." : "", name);
		comma = ", ";
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

static int
copy_table(struct db *db, const struct anew_plan *p, const char *table)
{
	const char *which = find(p, table, NULL);
	struct buf sql;
	int rc;

	buf_init(&sql, 16384);
	buf_addf(&sql, "INSERT INTO main.%s(", table);
	rc = put_columns(db, NULL, table, &sql);
	buf_adds(&sql, ") SELECT ");
	if (rc == 0)
		rc = put_columns(db, p, table, &sql);
	buf_addf(&sql, " FROM old.%s o%s%s", table,
	    which != NULL ? " WHERE " : "", which != NULL ? which : "");
	if (rc == 0)
		rc = sql.bad ? -ENOMEM : db_exec(db, sql.data);
	buf_release(&sql);
	return rc;
}

static int
copy_tables(struct db *db, const struct anew_plan *p)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q,
	    "SELECT name FROM main.sqlite_schema WHERE type = 'table' "
	    "AND name NOT LIKE 'sqlite%' AND name != ?1");
	int err = 0;

	if (rc < 0)
		return rc;
	sqlite3_bind_text(
	    q, 1, p->apart != NULL ? p->apart : "", -1, SQLITE_STATIC);
	while (err == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW)
		err =
		    copy_table(db, p, (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return err < 0 ? err : db_errno(rc);
}

static int
copy_all(struct db *db, const struct anew_plan *p)
{
	int rc = p->privacy != NULL ? privacy_functions(db, p->privacy) : 0;

	if (rc == 0 && p->before != NULL)
		rc = db_exec(db, p->before);
	if (rc == 0)
		rc = copy_tables(db, p);
	if (rc == 0 && p->after != NULL)
		rc = db_exec(db, p->after);
	return rc;
}

static int
sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;

	if (fd < 0 || fsync(fd) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	return rc;
}

/* One moment of the old file: its stamp, and its rows. */
static int
copy(struct db *db, const char *old, const struct anew_plan *p,
    char stamp[REPLACE_STAMP])
{
	char *attach = sqlite3_mprintf("ATTACH %Q AS old", old);
	int rc = attach == NULL ? -ENOMEM : db_exec(db, attach);

	sqlite3_free(attach);
	/* what a crash leaves of it is thrown away */
	if (rc == 0)
		rc = db_exec(db,
		    "PRAGMA main.journal_mode = OFF;"
		    "PRAGMA main.synchronous = OFF; BEGIN");
	if (rc == 0)
		rc = replace_stamp(db, "old", stamp);
	if (rc == 0)
		rc = copy_all(db, p);
	if (rc == 0)
		rc = db_exec(
		    db, "COMMIT; DETACH old; PRAGMA main.journal_mode = WAL");
	return rc;
}

/* Is it a day's of this version? Both files are only read together then. */
static int
copy_to(const char *old, const char *new, const struct anew_plan *p,
    char stamp[REPLACE_STAMP], char why[256])
{
	struct db db;
	int rc = db_open(&db, old, &schema_segment, DB_READ, why);

	db_close(&db);
	if (rc == 0)
		rc = db_open(&db, new, &schema_segment, DB_WRITE, why);
	if (rc < 0)
		return rc;
	rc = copy(&db, old, p, stamp);
	if (rc < 0)
		snprintf(why, 256, "%s: %s", new, db_error(&db));
	db_close(&db);
	return rc == 0 ? sync_file(new) : rc;
}

/* What the catalog says while the new file waits. One that hides nothing has
 * no names when the old one has none. */
static int
note(struct db *catalog, int day, enum anew_names names, const char *stamp)
{
	char text[REPLACE_MARK + REPLACE_STAMP], then[REPLACE_STAMP];
	int rc = replace_noted(catalog, day, then);
	bool is_hidden = names == ANEW_NO_NAMES ||
	    (names == ANEW_SAME_NAMES && strcmp(then, stamp) == 0);

	if (rc < 0)
		return rc;
	snprintf(text, sizeof(text), "%s%s",
	    is_hidden ? REPLACE_ALL : REPLACE_ONE, stamp);
	return replace_note(catalog, day, text);
}

int
anew_copy(struct db *catalog, const struct day *day, const struct anew_plan *p,
    char why[256])
{
	char *new = buf_text("%s.copy", day->path);
	char *ready = buf_text("%s.ready", day->path);
	char stamp[REPLACE_STAMP] = "";
	int rc = new == NULL || ready == NULL ? -ENOMEM : 0;

	snprintf(why, 256, "%s: no memory", day->path);
	if (rc == 0) {
		replace_remove(ready);
		replace_remove(new);
		rc = copy_to(day->path, new, p, stamp, why);
	}
	if (rc == 0) {
		rc = note(catalog, day->day, p->names, stamp);
		if (rc == 0 && rename(new, ready) < 0)
			rc = -errno;
		if (rc < 0)
			snprintf(why, 256, "%s: %s", ready, strerror(-rc));
	}
	if (rc < 0 && new != NULL)
		replace_remove(new);
	free(new);
	free(ready);
	return rc;
}
