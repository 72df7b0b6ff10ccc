#include "sources.h"

#include <errno.h>
#include <stdio.h>

#include "days.h"
#include "schema.h"

int64_t
sources_get(struct db *catalog, const char *kind, const char *name)
{
	sqlite3_stmt *q[2] = { NULL, NULL };
	int64_t id = 0;
	int rc = db_prepare(catalog, &q[0],
	    "INSERT OR IGNORE INTO source(kind, name) VALUES(?1, ?2)");

	if (rc == 0)
		rc = db_prepare(catalog, &q[1],
		    "SELECT id FROM source WHERE kind = ?1 AND name = ?2");
	for (int i = 0; i < 2 && rc == 0; i++) {
		sqlite3_bind_text(q[i], 1, kind, -1, SQLITE_STATIC);
		sqlite3_bind_text(q[i], 2, name, -1, SQLITE_STATIC);
	}
	if (rc == 0)
		rc = db_run(q[0]);
	if (rc == 0 && sqlite3_step(q[1]) == SQLITE_ROW)
		id = sqlite3_column_int64(q[1], 0);
	sqlite3_finalize(q[0]);
	sqlite3_finalize(q[1]);
	return id > 0 ? id : rc < 0 ? rc : -EIO;
}

int
sources_each(struct db *catalog, const char *kind,
    bool (*one)(void *, int64_t, const char *), void *arg)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(
	    catalog, &q, "SELECT id, name FROM source WHERE kind = ?1");

	if (rc < 0)
		return rc;
	sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW &&
	    one(arg, sqlite3_column_int64(q, 0),
		(const char *)sqlite3_column_text(q, 1)))
		continue;
	sqlite3_finalize(q);
	return db_errno(rc);
}

struct search {
	int64_t source;
	struct place *place;
	bool is_found;
};

static void
look_in(struct search *look, struct db *db)
{
	sqlite3_stmt *q = NULL;

	if (db_prepare(db, &q,
		"SELECT file, off, mark FROM place "
		"WHERE source = ?1 AND (file, off) > (?2, ?3)") == 0) {
		sqlite3_bind_int64(q, 1, look->source);
		sqlite3_bind_int64(
		    q, 2, look->is_found ? look->place->file : -1);
		sqlite3_bind_int64(q, 3, look->place->off);
		if (sqlite3_step(q) == SQLITE_ROW) {
			look->is_found = true;
			look->place->file = sqlite3_column_int64(q, 0);
			look->place->off = sqlite3_column_int64(q, 1);
			snprintf(look->place->mark, sizeof(look->place->mark),
			    "%s", (const char *)sqlite3_column_text(q, 2));
		}
	}
	sqlite3_finalize(q);
}

/* A damaged one is mtacollect check's business. */
static bool
look_in_day(void *arg, const struct day *day)
{
	struct db db = DB_NONE;

	if (db_open(&db, day->path, &schema_segment, DB_READ, NULL) == 0)
		look_in(arg, &db);
	db_close(&db);
	return true;
}

bool
sources_place(
    struct db *catalog, const char *dir, int64_t source, struct place *ret)
{
	struct search look = { .source = source, .place = ret };

	*ret = (struct place){ .source = source };
	look_in(&look, catalog);
	days_each(dir, 0, 99999999, look_in_day, &look);
	return look.is_found;
}
