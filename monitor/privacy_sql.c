#include "privacy_sql.h"

#define TEXT_MAX ((size_t)4 << 20)

static struct slice
value_of(sqlite3_value *v)
{
	const void *p = sqlite3_value_blob(v);

	return (struct slice){ p, p ? (size_t)sqlite3_value_bytes(v) : 0 };
}

typedef void hide_fn(const struct privacy *, struct slice, const struct slice *,
    size_t, struct buf *);

static void
hide_by(sqlite3_context *c, sqlite3_value **v, hide_fn *hide)
{
	const struct privacy *p = sqlite3_user_data(c);
	struct slice about[2] = { value_of(v[1]), value_of(v[2]) };
	struct buf out;

	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	buf_init(&out, TEXT_MAX);
	if (p->n != 0)
		hide(p, value_of(v[0]), p->only, p->n, &out);
	else
		hide(p, value_of(v[0]), about, 2, &out);
	sqlite3_result_text(c, out.bad ? "" : out.data,
	    out.bad ? 0 : (int)out.len, SQLITE_TRANSIENT);
	buf_release(&out);
}

static void
hide(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	hide_by(c, v, privacy_text);
}

static void
hide_json(sqlite3_context *c, int n, sqlite3_value **v)
{
	(void)n;
	hide_by(c, v, privacy_json);
}

static void
hide_address(sqlite3_context *c, int n, sqlite3_value **v)
{
	struct buf out;

	(void)n;
	buf_init(&out, TEXT_MAX);
	privacy_address(sqlite3_user_data(c), value_of(v[0]), &out);
	sqlite3_result_text(c, out.data, (int)out.len, SQLITE_TRANSIENT);
	buf_release(&out);
}

/* Is somebody who is meant named in this line? */
static void
names_one(sqlite3_context *c, int n, sqlite3_value **v)
{
	const struct privacy *p = sqlite3_user_data(c);
	struct slice line = value_of(v[0]);
	struct buf out;

	(void)n;
	buf_init(&out, TEXT_MAX);
	privacy_text(p, line, p->only, p->n, &out);
	sqlite3_result_int(
	    c, p->n == 0 || out.bad || !slice_eq(line, buf_slice(&out)));
	buf_release(&out);
}

int
privacy_functions(struct db *db, const struct privacy *p)
{
	static const struct {
		const char *name;
		int n;
		void (*f)(sqlite3_context *, int, sqlite3_value **);
	} rows[] = {
		{ "hide", 3, hide },
		{ "hide_json", 3, hide_json },
		{ "hide_address", 1, hide_address },
		{ "names_one", 1, names_one },
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && rc == 0; i++)
		rc = db_errno(sqlite3_create_function(db->h, rows[i].name,
		    rows[i].n, SQLITE_UTF8 | SQLITE_DETERMINISTIC, (void *)p,
		    rows[i].f, NULL, NULL));
	return rc;
}
