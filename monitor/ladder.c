#include "ladder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "clock.h"
#include "db.h"
#include "hist_sql.h"
#include "schema.h"

static const struct step {
	int64_t age; /* of what is older */
	int minutes; /* that a row is of afterwards */
	const char *dims; /* SQL: of these */
} steps[] = {
	{ 90 * US_DAY, 60, "s IN ('', 'mailer', 'class')" },
	{ 90 * US_DAY, 24 * 60, "s IN ('domain', 'reason')" },
	{ 730 * US_DAY, 24 * 60, "true" },
};

/* Nothing may come between the reading of rows and their removal. */
static int
change(struct db *db, char *sql)
{
	int rc = sql == NULL ? -ENOMEM : db_exec(db, "BEGIN IMMEDIATE");

	if (rc == 0)
		rc = db_exec(db, sql);
	if (rc == 0)
		rc = db_exec(db, "DROP TABLE temp.less; COMMIT");
	if (sqlite3_get_autocommit(db->h) == 0)
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
	free(sql);
	return rc;
}

/* Rows that are finer, out and in again as fewer. */
static int
climb(struct db *db, const struct step *s, int64_t kind)
{
	int64_t us = s->minutes * US_MIN, before = clock_wall() - s->age;
	char *where = buf_text("kind = %lld AND res < %d AND t < %lld AND "
			       "dim IN (SELECT id FROM name WHERE %s)",
	    (long long)kind, s->minutes, (long long)(before - before % us),
	    s->dims);
	char *sql = where == NULL
	    ? NULL
	    : buf_text("CREATE TEMP TABLE less AS SELECT kind, dim, key, "
		       "t - t %% %lld AS t, sum(n) AS n, sum(bytes) AS bytes "
		       "FROM main.rollup WHERE %s GROUP BY 1, 2, 3, 4;"
		       "DELETE FROM main.rollup WHERE %s;"
		       "INSERT INTO main.rollup(kind, dim, key, t, n, bytes, "
		       "res) SELECT *, %d FROM temp.less WHERE true "
		       "ON CONFLICT DO UPDATE SET n = n + excluded.n, "
		       "bytes = bytes + excluded.bytes",
		  (long long)us, where, where, s->minutes);

	free(where);
	return change(db, sql);
}

/* Distributions have one step: hours become days after two years. */
static int
climb_hist(struct db *db)
{
	int64_t before = clock_wall() - 730 * US_DAY;
	char *where = buf_text(
	    "res < 1440 AND t < %lld", (long long)(before - before % US_DAY));
	char *sql = where == NULL
	    ? NULL
	    : buf_text("CREATE TEMP TABLE less AS SELECT stage, mailer, "
		       "t - t %% %lld AS t, sum(n) AS n, sum(sum) AS sum, "
		       "min(min) AS min, max(max) AS max, hist_sum(b) AS b "
		       "FROM main.hist WHERE %s GROUP BY 1, 2, 3;"
		       "DELETE FROM main.hist WHERE %s;"
		       "INSERT INTO main.hist(stage, mailer, t, n, sum, min, "
		       "max, b, res) SELECT *, 1440 FROM temp.less WHERE true "
		       "ON CONFLICT DO UPDATE SET n = n + excluded.n, "
		       "sum = sum + excluded.sum, "
		       "min = min(min, excluded.min), "
		       "max = max(max, excluded.max), "
		       "b = hist_sum(b, excluded.b)",
		  (long long)US_DAY, where, where);

	free(where);
	return change(db, sql);
}

static int
climb_all(struct db *db)
{
	sqlite3_stmt *q = NULL;
	int64_t kind[64];
	int n = 0, rc = db_prepare(db, &q, "SELECT DISTINCT kind FROM rollup");

	while (rc == 0 && n < 64 && sqlite3_step(q) == SQLITE_ROW)
		kind[n++] = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	for (int i = 0; i < n && rc == 0; i++)
		for (size_t k = 0;
		     k < sizeof(steps) / sizeof(steps[0]) && rc == 0; k++)
			rc = climb(db, &steps[k], kind[i]);
	if (rc == 0)
		rc = hist_functions(db);
	return rc == 0 ? climb_hist(db) : rc;
}

int
ladder_climb(const char *store, char why[256])
{
	char *path = buf_text("%s/catalog.db", store);
	struct db db = DB_NONE;
	int rc = -ENOMEM;

	snprintf(why, 256, "%s: no memory", store);
	if (path != NULL)
		rc = db_open(&db, path, &schema_catalog, DB_CHANGE, why);
	if (rc == 0) {
		rc = climb_all(&db);
		if (rc < 0)
			snprintf(why, 256, "%s: %s", path, db_error(&db));
	}
	db_close(&db);
	free(path);
	return rc;
}
