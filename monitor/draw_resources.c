#include "draw_resources.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "buf.h"
#include "draw_layout.h"
#include "schema.h"

#define VALUES 5

/* The value at the end of its minute. */
static bool
put_row(struct draw_to *to, struct rrd_file *f, sqlite3_stmt *q)
{
	int64_t t = sqlite3_column_int64(q, 0) / US_SEC;
	double v[VALUES];

	for (int i = 0; i < VALUES; i++)
		v[i] = sqlite3_column_type(q, i + 1) == SQLITE_NULL
		    ? NAN
		    : sqlite3_column_double(q, i + 1);
	return draw_put(to, f, &layout_resources, t + 60, v, VALUES);
}

static int
put_rows(struct draw_to *to, struct db *catalog, int64_t end)
{
	int64_t first =
	    db_number(catalog, "SELECT ifnull(min(t), 0) FROM resource", 0);
	struct rrd_file *f;
	sqlite3_stmt *q = NULL;
	int rc;

	if (first == 0)
		return 0;
	f = draw_open(to, "resources", "", &layout_resources, first / US_SEC);
	if (f == NULL)
		return to->rc;
	rc = db_prepare(catalog, &q,
	    "SELECT t, load, memory, collector, queue_free, store_free "
	    "FROM resource WHERE t >= ?1 AND t <= ?2 ORDER BY t");
	if (rc == 0) {
		sqlite3_bind_int64(q, 1, rrd_file_last(f) * US_SEC);
		sqlite3_bind_int64(q, 2, end - US_MIN);
		while (
		    (rc = sqlite3_step(q)) == SQLITE_ROW && put_row(to, f, q))
			continue;
		rc = to->rc < 0 ? to->rc : db_errno(rc);
	}
	sqlite3_finalize(q);
	draw_close(to, f);
	return rc;
}

void
draw_resources(struct draw_to *to, const char *store, int64_t end)
{
	char *path = buf_text("%s/catalog.db", store);
	struct db catalog = DB_NONE;
	int rc = path == NULL
	    ? -ENOMEM
	    : db_open(&catalog, path, &schema_catalog, DB_READ, NULL);

	if (rc == 0)
		rc = put_rows(to, &catalog, end);
	db_close(&catalog);
	free(path);
	draw_failed(to, rc, store);
}
