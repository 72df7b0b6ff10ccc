#include "privacy_day.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "privacy_sql.h"
#include "replace.h"
#include "schema.h"

/* What is copied otherwise than it is: o is the old table. An address that
 * becomes the same as another one is that one. */
#define NUMBER(column)                                                         \
	"coalesce((SELECT id FROM temp.twin WHERE was = o." column "), "       \
	"o." column ")"
#define ABOUT                                                                  \
	"(SELECT s FROM old.addr WHERE id = o.snd), "                          \
	"(SELECT s FROM old.addr WHERE id = o.addr)"

static const struct change {
	const char *table, *column, *to;
} changes[] = {
	{ "ev", "snd", NUMBER("snd") },
	{ "ev", "addr", NUMBER("addr") },
	{ "ev", "text", "hide(o.text, " ABOUT ")" },
	{ "ev", "extra", "hide_json(o.extra, " ABOUT ")" },
	{ "msg", "snd", NUMBER("snd") },
	{ "rcpt", "addr", NUMBER("addr") },
	{ "reason", "tmpl", "hide(o.tmpl, NULL, NULL)" },
	{ "reason", "example", "hide(o.tmpl, NULL, NULL)" },
};

static const char addresses[] =
    "INSERT INTO main.addr(id, s, domain) "
    "SELECT min(id), hide_address(s), domain FROM old.addr GROUP BY 2;"
    "CREATE TEMP TABLE twin(was INTEGER PRIMARY KEY, id INTEGER);"
    "INSERT INTO temp.twin SELECT o.id, n.id FROM old.addr o "
    "JOIN main.addr n ON n.s = hide_address(o.s) WHERE n.id != o.id;";

/* "a, hide(o.b), c", or the names alone. */
static int
put_columns(struct db *db, const char *table, bool is_values, struct buf *sql)
{
	sqlite3_stmt *q = NULL;
	const char *comma = "";
	int rc = db_prepare(db, &q, "SELECT name FROM pragma_table_info(?1)");

	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, table, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(q, 0);
		const char *to = NULL;

		for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]);
		     i++)
			if (is_values && strcmp(changes[i].table, table) == 0 &&
			    strcmp(changes[i].column, name) == 0)
				to = changes[i].to;
		if (to != NULL)
			buf_addf(sql, "%s%s", comma, to);
		else
			buf_addf(
			    sql, "%s%s%s", comma, is_values ? "o." : "", name);
		comma = ", ";
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

static int
copy_table(struct db *db, const char *table)
{
	struct buf sql;
	int rc;

	buf_init(&sql, 16384);
	buf_addf(&sql, "INSERT INTO main.%s(", table);
	rc = put_columns(db, table, false, &sql);
	buf_adds(&sql, ") SELECT ");
	if (rc == 0)
		rc = put_columns(db, table, true, &sql);
	buf_addf(&sql, " FROM old.%s o%s", table,
	    strcmp(table, "unparsed") == 0 ? " WHERE NOT names_one(o.line)"
					   : "");
	if (rc == 0)
		rc = sql.bad ? -ENOMEM : db_exec(db, sql.data);
	buf_release(&sql);
	return rc;
}

static int
copy_all(struct db *db)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q,
	    "SELECT name FROM main.sqlite_schema WHERE type = 'table' "
	    "AND name NOT LIKE 'sqlite%' AND name != 'addr'");
	int err = 0;

	if (rc < 0)
		return rc;
	while (err == 0 && (rc = sqlite3_step(q)) == SQLITE_ROW)
		err = copy_table(db, (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	return err < 0 ? err : db_errno(rc);
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
copy(struct db *db, const char *old, const struct privacy *p,
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
		rc = privacy_functions(db, p);
	if (rc == 0)
		rc = db_exec(db, addresses);
	if (rc == 0)
		rc = copy_all(db);
	if (rc == 0)
		rc = db_exec(
		    db, "COMMIT; DETACH old; PRAGMA main.journal_mode = WAL");
	return rc;
}

/* Is it a day's of this version? Both files are only read together then. */
static int
copy_to(const char *old, const char *new, const struct privacy *p,
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

bool
privacy_is_due(struct db *catalog, const struct day *day)
{
	struct db db = DB_NONE;
	char now[REPLACE_STAMP], then[REPLACE_STAMP] = "";
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	if (rc == 0)
		rc = replace_stamp(&db, "main", now);
	db_close(&db);
	if (rc == 0)
		rc = replace_noted(catalog, day->day, then);
	return rc == 0 && strcmp(now, then) != 0;
}

bool
privacy_concerns(const struct day *day, const struct privacy *p)
{
	struct db db = DB_NONE;
	int64_t n = 1;

	if (db_open(&db, day->path, &schema_segment, DB_READ, NULL) == 0 &&
	    privacy_functions(&db, p) == 0)
		n = db_number(&db,
		    "SELECT EXISTS(SELECT 1 FROM addr "
		    "WHERE hide_address(s) != s) OR "
		    "EXISTS(SELECT 1 FROM unparsed WHERE names_one(line)) OR "
		    "EXISTS(SELECT 1 FROM reason WHERE names_one(tmpl) "
		    "OR names_one(example)) OR EXISTS(SELECT 1 FROM ev "
		    "WHERE names_one(text) OR names_one(extra))",
		    1);
	db_close(&db);
	return n != 0;
}

int
privacy_copy(struct db *catalog, const struct day *day, const struct privacy *p,
    char why[256])
{
	char *new = buf_text("%s.new", day->path);
	char *ready = buf_text("%s.ready", day->path);
	char stamp[REPLACE_MARK + REPLACE_STAMP] = "";
	int rc = new == NULL || ready == NULL ? -ENOMEM : 0;

	snprintf(why, 256, "%s: no memory", day->path);
	if (rc == 0) {
		replace_remove(ready);
		replace_remove(new);
		memcpy(
		    stamp, p->n != 0 ? REPLACE_ONE : REPLACE_ALL, REPLACE_MARK);
		rc = copy_to(day->path, new, p, stamp + REPLACE_MARK, why);
	}
	if (rc == 0) {
		rc = replace_note(catalog, day->day, stamp);
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
