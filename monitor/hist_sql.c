#include "hist_sql.h"

#include "hist.h"

static void
add(struct hist *h, sqlite3_value *v)
{
	const void *p = sqlite3_value_blob(v);
	size_t n = p != NULL ? (size_t)sqlite3_value_bytes(v) : 0;

	hist_decode(h, (struct slice){ p, n });
}

static void
say(sqlite3_context *c, const struct hist *h)
{
	struct buf b;

	buf_init(&b, HIST_BUCKETS * 10);
	hist_encode(&b, h);
	if (b.bad)
		sqlite3_result_error_nomem(c);
	else
		sqlite3_result_blob(c, b.data, (int)b.len, SQLITE_TRANSIENT);
	buf_release(&b);
}

/* SQLite's memory for a group is zero at first: an empty distribution. */
static void
step(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct hist *h = sqlite3_aggregate_context(c, sizeof(*h));

	(void)n;
	if (h == NULL)
		sqlite3_result_error_nomem(c);
	else
		add(h, v[0]);
}

static void
final(sqlite3_context *c)
{
	const struct hist *h = sqlite3_aggregate_context(c, sizeof(*h));

	if (h != NULL)
		say(c, h);
}

static void
sum_of_two(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct hist h;

	(void)n;
	hist_clear(&h);
	add(&h, v[0]);
	add(&h, v[1]);
	say(c, &h);
}

int
hist_functions(struct db *db)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC;
	int rc = sqlite3_create_function(
	    db->h, "hist_sum", 1, flags, NULL, NULL, step, final);

	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(
		    db->h, "hist_sum", 2, flags, NULL, sum_of_two, NULL, NULL);
	return db_errno(rc);
}
