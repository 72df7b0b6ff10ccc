#include "retold.h"

#include <string.h>

/* That some event was marked: all that is kept, as after a start it may be any
 * node's. */
static const struct slice marks[2] = { { "retold", 6 },
	{ "retold by peers", 15 } };

int
retold_open(struct retold *r, struct db *db)
{
	if (db_number(db, "SELECT 1 FROM word WHERE s = 'retold'", 0) != 0)
		memset(r->nodes[0], 0xff, sizeof(r->nodes[0]));
	if (db_number(
		db, "SELECT 1 FROM word WHERE s = 'retold by peers'", 0) != 0)
		memset(r->nodes[1], 0xff, sizeof(r->nodes[1]));
	return db_prepare(db, &r->find,
	    "SELECT 1 FROM ev WHERE msg = ?1 AND ty = ?2 AND "
	    "rcpt IS ?3 AND attempt IS ?4 AND "
	    "(?5 OR extra LIKE '%\"retold\":true%')");
}

void
retold_close(struct retold *r)
{
	sqlite3_finalize(r->find);
}

bool
retold_is_known(const struct retold *r, int64_t node, bool is_peer)
{
	return (r->nodes[is_peer][node / 64 % 4] >> node % 64 & 1) != 0;
}

int
retold_note(struct retold *r, struct dicts *d, const struct fields *f,
    int64_t node, bool is_peer)
{
	int64_t rc;

	if (retold_is_known(r, node, is_peer) ||
	    fields_num(f, F_RETOLD, 0) == 0)
		return 0;
	rc = dicts_word(d, marks[is_peer]);
	if (rc >= 0)
		r->nodes[is_peer][node / 64 % 4] |= UINT64_C(1) << node % 64;
	return rc < 0 ? (int)rc : 0;
}

static void
bind_field(sqlite3_stmt *q, int at, const struct fields *f, enum event_field w)
{
	if (fields_has(f, w))
		sqlite3_bind_int64(q, at, (sqlite3_int64)fields_num(f, w, 0));
	else
		sqlite3_bind_null(q, at);
}

int
retold_is_here(struct retold *r, struct book *book, struct row *row,
    const struct fields *f, int64_t type, int64_t node, bool *ret)
{
	int64_t msg = book_find(book, fields_str(f, F_MSG_ID), node);
	int rc;

	*ret = false;
	if (msg <= 0)
		return (int)msg;
	rc = row_flush(row);
	if (rc < 0)
		return rc;
	sqlite3_bind_int64(r->find, 1, msg);
	sqlite3_bind_int64(r->find, 2, type);
	bind_field(r->find, 3, f, F_RCPT_ID);
	bind_field(r->find, 4, f, F_ATTEMPT);
	sqlite3_bind_int64(
	    r->find, 5, (sqlite3_int64)fields_num(f, F_RETOLD, 0));
	rc = sqlite3_step(r->find);
	*ret = rc == SQLITE_ROW;
	sqlite3_reset(r->find);
	return db_errno(rc);
}
