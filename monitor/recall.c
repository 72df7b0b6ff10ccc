#include "recall.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "columns.h"
#include "event.h"
#include "row.h"

/* Columns of the answer before those of segment.def. */
enum {
	Q_ID,
	Q_T,
	Q_TYPE,
	Q_NODE,
	Q_INSTANCE,
	Q_BOOT,
	Q_SEQ,
	Q_PROG,
	Q_PID,
	Q_MSG,
	Q_EXTRA,
	Q_FIRST
};

struct recall {
	sqlite3_stmt *q;
};

/* Each column as what it stands for; a host is two. */
static void
put_column(struct buf *b, const struct column *c)
{
	static const char *const tables[] = {
		[WORD] = "word", [ADDR] = "addr"
	};

	switch (c->how) {
	case WORD:
	case ADDR:
		buf_addf(b, ", (SELECT s FROM %s WHERE id = e.%s)",
		    tables[c->how], c->name);
		break;
	case HOST:
		buf_addf(b,
		    ", (SELECT name FROM host WHERE id = e.%s)"
		    ", (SELECT ip FROM host WHERE id = e.%s)",
		    c->name, c->name);
		break;
	default:
		buf_addf(b, ", e.%s", c->name);
	}
}

static struct recall *
make(struct db *db, const char *where, const char *order)
{
	struct recall *r = calloc(1, sizeof(*r));
	struct buf sql;
	int rc = -ENOMEM;

	buf_init(&sql, 16384);
	buf_adds(&sql,
	    "SELECT e.id, e.t, ty.s, w.node, w.instance, w.boot, e.seq, "
	    "w.prog, "
	    "w.pid, m.qid, e.extra");
	for (size_t i = 0; i < COLUMNS; i++)
		put_column(&sql, &columns[i]);
	buf_addf(&sql,
	    " FROM ev e JOIN word ty ON ty.id = e.ty "
	    "JOIN writer w ON w.id = e.writer "
	    "LEFT JOIN msg m ON m.id = e.msg WHERE %s ORDER BY %s",
	    where, order);
	if (r != NULL && !sql.bad)
		rc = db_prepare(db, &r->q, sql.data);
	buf_release(&sql);
	if (rc == 0)
		return r;
	recall_free(r);
	return NULL;
}

struct recall *
recall_new(struct db *db, const char *where)
{
	return make(db, where, "e.t, e.id");
}

struct recall *
recall_new_in_order(struct db *db)
{
	return make(db, "true", "e.id");
}

void
recall_free(struct recall *r)
{
	if (r == NULL)
		return;
	sqlite3_finalize(r->q);
	free(r);
}

void
recall_bind(struct recall *r, int64_t first, int64_t second)
{
	sqlite3_bind_int64(r->q, 1, first);
	if (sqlite3_bind_parameter_count(r->q) > 1)
		sqlite3_bind_int64(r->q, 2, second);
}

static struct slice
text_of(sqlite3_stmt *q, int at)
{
	const char *p = (const char *)sqlite3_column_text(q, at);

	return (struct slice){ p,
		p == NULL ? 0 : (size_t)sqlite3_column_bytes(q, at) };
}

static void
put_str(struct buf *b, const char *name, struct slice s)
{
	buf_addf(b, ",\"%s\":", name);
	put_json(b, s);
}

static void
put_field(struct buf *b, enum event_field f, sqlite3_stmt *q, int at)
{
	if (sqlite3_column_type(q, at) == SQLITE_NULL)
		return;
	if (field_info(f)->kind != FK_STR)
		buf_addf(b, ",\"%s\":%lld", field_info(f)->name,
		    (long long)sqlite3_column_int64(q, at));
	else
		put_str(b, field_info(f)->name, text_of(q, at));
}

/* Of a pair an empty half is absent. */
static void
put_half(struct buf *b, enum event_field f, sqlite3_stmt *q, int at)
{
	if (text_of(q, at).n != 0)
		put_field(b, f, q, at);
}

static void
put_number_as_text(
    struct buf *b, const struct column *c, sqlite3_stmt *q, int at)
{
	int64_t v = sqlite3_column_int64(q, at);
	char text[24];

	if (sqlite3_column_type(q, at) == SQLITE_NULL)
		return;
	if (c->how == HEX)
		snprintf(text, sizeof(text), "%016llx", (unsigned long long)v);
	else if (!enhanced_text(v, text))
		return;
	put_str(b, field_info(c->field)->name, slice_of(text));
}

/* How many columns of the answer it was. */
static int
put_value(struct buf *b, const struct column *c, sqlite3_stmt *q, int at)
{
	bool is_peer = c->field == F_PEER_IP;

	switch (c->how) {
	case HOST:
		put_half(b, is_peer ? F_PEER_NAME : F_HOST_NAME, q, at);
		put_half(b, is_peer ? F_PEER_IP : F_HOST_IP, q, at + 1);
		return 2;
	case CODE:
	case HEX:
		put_number_as_text(b, c, q, at);
		return 1;
	default:
		put_field(b, c->field, q, at);
		return 1;
	}
}

static int
severity_of(struct slice name)
{
	for (int t = 0; t < EV_COUNT; t++)
		if (slice_eq(
			name, slice_of(event_info((enum event_type)t)->name)))
			return event_info((enum event_type)t)->severity;
	return 6;
}

/* As it was said: without the peer that said it. */
static struct slice
boot_of(sqlite3_stmt *q)
{
	struct slice boot = text_of(q, Q_BOOT), extra = text_of(q, Q_EXTRA);

	return slice_eq(slice_sub(extra, 0, 7), SLICE("{\"via\":"))
	    ? slice_sub(boot, 0, slice_rfind(boot, '@'))
	    : boot;
}

/* What every line says of its writer. */
static void
put_origin(struct buf *b, sqlite3_stmt *q)
{
	buf_adds(b, "{\"v\":1,\"event\":");
	put_json(b, text_of(q, Q_TYPE));
	buf_adds(b, ",\"time\":\"");
	clock_rfc3339(b, sqlite3_column_int64(q, Q_T));
	buf_addc(b, '"');
	put_str(b, "node", text_of(q, Q_NODE));
	if (text_of(q, Q_INSTANCE).n != 0)
		put_str(b, "instance", text_of(q, Q_INSTANCE));
	if (boot_of(q).n != 0)
		put_str(b, "boot", boot_of(q));
	if (sqlite3_column_type(q, Q_SEQ) != SQLITE_NULL)
		buf_addf(b, ",\"seq\":%lld",
		    (long long)sqlite3_column_int64(q, Q_SEQ));
	put_str(b, "prog", text_of(q, Q_PROG));
	if (sqlite3_column_int64(q, Q_PID) != 0)
		buf_addf(b, ",\"pid\":%lld",
		    (long long)sqlite3_column_int64(q, Q_PID));
	buf_addf(b, ",\"severity\":%d", severity_of(text_of(q, Q_TYPE)));
	if (text_of(q, Q_MSG).n != 0)
		put_str(b, "msg.id", text_of(q, Q_MSG));
}

int
recall_next(struct recall *r, struct buf *b, int64_t *ret_t)
{
	int rc = sqlite3_step(r->q), at = Q_FIRST;
	struct slice extra;

	if (rc != SQLITE_ROW) {
		sqlite3_reset(r->q);
		return db_errno(rc);
	}
	put_origin(b, r->q);
	for (size_t i = 0; i < COLUMNS; i++)
		at += put_value(b, &columns[i], r->q, at);
	extra = text_of(r->q, Q_EXTRA);
	if (extra.n > 2) {
		buf_addc(b, ',');
		buf_add_slice(b, slice_sub(extra, 1, extra.n - 1));
	}
	buf_addc(b, '}');
	if (ret_t != NULL)
		*ret_t = sqlite3_column_int64(r->q, Q_T);
	return b->bad ? -ENOMEM : 1;
}

int64_t
recall_row(const struct recall *r)
{
	return sqlite3_column_int64(r->q, Q_ID);
}
