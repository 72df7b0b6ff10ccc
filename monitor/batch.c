#include "batch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

#define ROWS 1024
#define TEXT_MAX ((size_t)16 << 20) /* of all rows; a row has at most 1 MB */

enum cell_kind { CELL_NULL, CELL_INT, CELL_TEXT };

struct cell {
	int64_t v; /* the number, or where the text begins */
	uint32_t n;
	uint32_t kind;
};

struct batch {
	sqlite3_stmt *move;
	int columns, rows;
	struct cell *cell, *row; /* row: the last one */
	struct buf text;
};

/* What SQLite sees of it. */
struct view {
	sqlite3_vtab base;
	struct batch *batch;
};

struct cursor {
	sqlite3_vtab_cursor base;
	const struct batch *batch;
	int at;
};

static int
on_connect(sqlite3 *h, void *aux, int argc, const char *const *argv,
    sqlite3_vtab **ret, char **err)
{
	struct batch *b = aux;
	struct view *v;
	struct buf sql;
	int rc;

	(void)argc;
	(void)argv;
	(void)err;
	buf_init(&sql, 4096);
	buf_adds(&sql, "CREATE TABLE x(");
	for (int i = 0; i < b->columns; i++)
		buf_addf(&sql, "%sc%d", i ? ", " : "", i);
	buf_addc(&sql, ')');
	rc = sqlite3_declare_vtab(h, sql.data);
	buf_release(&sql);
	v = rc == SQLITE_OK ? sqlite3_malloc(sizeof(*v)) : NULL;
	if (v == NULL)
		return rc == SQLITE_OK ? SQLITE_NOMEM : rc;
	memset(v, 0, sizeof(*v));
	v->batch = b;
	*ret = &v->base;
	return SQLITE_OK;
}

static int
on_disconnect(sqlite3_vtab *v)
{
	sqlite3_free(v);
	return SQLITE_OK;
}

static int
on_best_index(sqlite3_vtab *v, sqlite3_index_info *info)
{
	(void)v;
	info->estimatedCost = info->estimatedRows = ROWS;
	return SQLITE_OK;
}

static int
on_open(sqlite3_vtab *v, sqlite3_vtab_cursor **ret)
{
	struct cursor *c = sqlite3_malloc(sizeof(*c));

	if (c == NULL)
		return SQLITE_NOMEM;
	memset(c, 0, sizeof(*c));
	c->batch = ((struct view *)v)->batch;
	*ret = &c->base;
	return SQLITE_OK;
}

static int
on_close(sqlite3_vtab_cursor *c)
{
	sqlite3_free(c);
	return SQLITE_OK;
}

static int
on_filter(sqlite3_vtab_cursor *c, int number, const char *name, int argc,
    sqlite3_value **argv)
{
	(void)number;
	(void)name;
	(void)argc;
	(void)argv;
	((struct cursor *)c)->at = 0;
	return SQLITE_OK;
}

static int
on_next(sqlite3_vtab_cursor *c)
{
	((struct cursor *)c)->at++;
	return SQLITE_OK;
}

static int
on_eof(sqlite3_vtab_cursor *base)
{
	struct cursor *c = (struct cursor *)base;

	return c->at >= c->batch->rows;
}

static int
on_column(sqlite3_vtab_cursor *base, sqlite3_context *to, int column)
{
	const struct cursor *c = (struct cursor *)base;
	const struct batch *b = c->batch;
	const struct cell *cell = &b->cell[c->at * b->columns + column];

	if (cell->kind == CELL_INT)
		sqlite3_result_int64(to, cell->v);
	else if (cell->kind == CELL_TEXT)
		sqlite3_result_text(
		    to, b->text.data + cell->v, (int)cell->n, SQLITE_STATIC);
	return SQLITE_OK; /* else it is NULL */
}

static int
on_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *ret)
{
	*ret = ((struct cursor *)c)->at;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.xConnect = on_connect,
	.xDisconnect = on_disconnect,
	.xBestIndex = on_best_index,
	.xOpen = on_open,
	.xClose = on_close,
	.xFilter = on_filter,
	.xNext = on_next,
	.xEof = on_eof,
	.xColumn = on_column,
	.xRowid = on_rowid,
};

struct batch *
batch_new(struct db *db, const char *name, int columns, const char *into,
    const char *conflict)
{
	struct batch *b = calloc(1, sizeof(*b));
	char *sql = buf_text("%s SELECT * FROM %s WHERE true %s", into, name,
	    conflict ? conflict : "");
	int rc = -ENOMEM;

	if (b == NULL || sql == NULL)
		goto out;
	buf_init(&b->text, TEXT_MAX);
	b->columns = columns;
	b->cell = calloc((size_t)columns * ROWS, sizeof(*b->cell));
	if (b->cell != NULL &&
	    sqlite3_create_module(db->h, name, &module, b) == SQLITE_OK)
		rc = db_prepare(db, &b->move, sql);
out:
	free(sql);
	if (rc == 0)
		return b;
	batch_free(b);
	return NULL;
}

void
batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	sqlite3_finalize(b->move);
	buf_release(&b->text);
	free(b->cell);
	free(b);
}

int
batch_columns(const struct batch *b)
{
	return b->columns;
}

void
batch_forget(struct batch *b)
{
	b->rows = 0;
	buf_clear(&b->text);
}

int
batch_flush(struct batch *b)
{
	int rc = 0;

	if (b->text.bad)
		rc = -ENOMEM;
	else if (b->rows != 0)
		rc = db_run(b->move);
	batch_forget(b);
	return rc;
}

int
batch_row(struct batch *b)
{
	if (b->rows == ROWS || b->text.len > TEXT_MAX / 2) {
		int rc = batch_flush(b);

		if (rc < 0)
			return rc;
	}
	b->row = &b->cell[b->rows++ * b->columns];
	memset(b->row, 0, (size_t)b->columns * sizeof(*b->row));
	return 0;
}

void
batch_int(struct batch *b, int column, int64_t v)
{
	b->row[column] = (struct cell){ v, 0, CELL_INT };
}

void
batch_known(struct batch *b, int column, int64_t v)
{
	if (v >= 0)
		batch_int(b, column, v);
}

void
batch_text(struct batch *b, int column, struct slice s)
{
	b->row[column] =
	    (struct cell){ (int64_t)b->text.len, (uint32_t)s.n, CELL_TEXT };
	buf_add_slice(&b->text, s);
}
