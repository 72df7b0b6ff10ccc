#include "trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "days.h"
#include "dicts.h"
#include "lean.h"
#include "life.h"
#include "privacy_keys.h"
#include "schema.h"
#include "segment.h"

#define DAYS_MAX 1000

/* The indexes are by run: see schema.c. */
#define OF_MSG                                                                 \
	"m.id IN (SELECT id FROM msg WHERE "                                   \
	"id / 16384 IN (SELECT n FROM run) AND "
#define OF_RCPT                                                                \
	"m.id IN (SELECT msg FROM rcpt WHERE "                                 \
	"msg / 16384 IN (SELECT n FROM run) AND "

/* An address, and what it is called where names are hidden. */
#define OF_NAMES                                                               \
	"SELECT id FROM addr WHERE s IN (SELECT value FROM json_each(?1))"

/* How each is looked for, in one segment: a condition on m (msg). */
static const struct by {
	const char *name, *where;
} bys[TRACE_BY_COUNT] = {
	[TRACE_ANY] = { "",
	    "m.id IN (SELECT msg FROM ev WHERE id BETWEEN "
	    "(SELECT min(lo) FROM minute WHERE t > ?2 - 60000000 AND t < ?3) "
	    "AND (SELECT max(hi) FROM minute WHERE t > ?2 - 60000000 "
	    "AND t < ?3))" },
	[TRACE_ID] = { "id", "m.qid = ?1" },
	[TRACE_MSGID] = { "msgid", OF_MSG "msgid IN (?1, '<' || ?1 || '>'))" },
	[TRACE_FROM] = { "from", OF_MSG "snd IN (" OF_NAMES "))" },
	[TRACE_TO] = { "to", OF_RCPT "addr IN (" OF_NAMES "))" },
	[TRACE_REMOTE_ID] = { "remote-id", OF_RCPT "remote_id = ?1)" },
	[TRACE_HOST] = { "host",
	    OF_RCPT "host IN "
		    "(SELECT id FROM host WHERE name = ?1 OR ip = ?1))" },
};

const char *
trace_by_name(enum trace_by by)
{
	return bys[by].name;
}

struct trace {
	const struct trace_query *query;
	struct days_open days;
	struct buf what; /* as it stands in the tables; names as JSON */
	struct lives lives;
	struct buf refusals; /* lines of events that are of no message */
	int refused;
};

static bool
open_day(void *arg, const struct day *day)
{
	struct days_open *d = arg;
	struct db *v = realloc(d->db, (d->n + 1) * sizeof(*v));

	if (v == NULL || d->n == DAYS_MAX)
		return false;
	d->db = v;
	if (db_open(&v[d->n], day->path, &schema_segment, DB_READ, NULL) == 0)
		d->n++; /* a damaged one is check's business */
	return true;
}

static void
close_days(struct days_open *d)
{
	for (size_t i = 0; i < d->n; i++)
		db_close(&d->db[i]);
	free(d->db);
}

/* Messages of one day, the newest first. */
static int
find_in_day(struct trace *t, struct db *db)
{
	const struct trace_query *q = t->query;
	/* a lean day has few events that would lead to its messages */
	bool is_any = q->by == TRACE_ANY && lean_is(db);
	sqlite3_stmt *s = NULL;
	char *sql = buf_text("SELECT m.qid, w.s, m.t FROM msg m "
			     "JOIN word w ON w.id = m.node WHERE %s "
			     "AND m.t < ?3 AND coalesce(m.t_end, ?2) >= ?2 "
			     "ORDER BY m.id DESC LIMIT ?4",
	    is_any ? "true" : bys[q->by].where);
	int rc = sql == NULL ? -ENOMEM : db_prepare(db, &s, sql), err = 0;

	if (rc == 0) {
		sqlite3_bind_text(
		    s, 1, t->what.data, (int)t->what.len, SQLITE_STATIC);
		sqlite3_bind_int64(s, 2, q->since);
		sqlite3_bind_int64(s, 3, q->until);
		sqlite3_bind_int(s, 4, q->limit);
		while ((rc = sqlite3_step(s)) == SQLITE_ROW && err == 0)
			err = lives_add(&t->lives,
			    (const char *)sqlite3_column_text(s, 0),
			    (const char *)sqlite3_column_text(s, 1),
			    sqlite3_column_int64(s, 2));
		rc = db_errno(rc);
	}
	sqlite3_finalize(s);
	free(sql);
	return err < 0 ? err : rc;
}

/* Lines of one who has this number today. */
static int
list_refused(struct trace *t, struct recall *r, int64_t addr)
{
	int64_t when;
	int rc = 1;

	recall_bind(r, addr, t->query->since);
	while (t->refused < t->query->limit) {
		size_t mark = t->refusals.len;

		rc = recall_next(r, &t->refusals, &when);
		if (rc != 1)
			break;
		if (when >= t->query->until) {
			t->refusals.len = mark;
			continue;
		}
		buf_addc(&t->refusals, '\n');
		t->refused++;
	}
	return rc < 0 ? rc : 0;
}

/* Refused at the door: there is an event and no message. */
static int
find_refused(struct trace *t, struct db *db)
{
	struct recall *r =
	    recall_new(db, "e.addr = ?1 AND e.msg IS NULL AND e.t >= ?2");
	sqlite3_stmt *s = NULL;
	int rc = r == NULL ? -ENOMEM : db_prepare(db, &s, OF_NAMES);

	if (rc == 0)
		sqlite3_bind_text(
		    s, 1, t->what.data, (int)t->what.len, SQLITE_STATIC);
	while (rc == 0 && sqlite3_step(s) == SQLITE_ROW)
		rc = list_refused(t, r, sqlite3_column_int64(s, 0));
	sqlite3_finalize(s);
	recall_free(r);
	return rc;
}

/* An address as dicts_addr() wrote it; anything else as it is. */
static void
set_what(struct trace *t, const char *dir)
{
	struct slice s = slice_of(t->query->what);
	char text[ADDR_TEXT_MAX];

	if (t->query->by == TRACE_FROM || t->query->by == TRACE_TO)
		privacy_names(dir, addr_text(s, text), &t->what);
	else
		buf_add_slice(&t->what, slice_sub(s, 0, ADDR_TEXT_MAX));
}

static int
find_all(struct trace *t)
{
	int rc = 0;

	for (size_t i = t->days.n; i-- > 0 && rc == 0;) {
		if (t->lives.n < (size_t)t->query->limit)
			rc = find_in_day(t, &t->days.db[i]);
		if (rc == 0 && t->query->by == TRACE_TO)
			rc = find_refused(t, &t->days.db[i]);
	}
	return rc;
}

static int
print(struct trace *t, struct buf *out)
{
	bool is_one = t->lives.n == 1;
	int rc = 0;

	if (is_one)
		rc = lives_add_notices(&t->lives, &t->days);
	for (size_t i = 0; i < t->lives.n && rc == 0; i++) {
		if (t->query->is_json)
			rc = life_json(&t->lives.v[i], &t->days, out);
		else if (is_one)
			rc = life_text(&t->lives.v[i], &t->days, out);
		else
			rc = life_line(&t->lives.v[i], &t->days, out);
	}
	if (rc == 0)
		life_refusals(buf_slice(&t->refusals), t->query->is_json, out);
	return rc;
}

int
trace_find(const char *dir, const struct trace_query *q, struct buf *out)
{
	struct trace t = { .query = q };
	int found = 0, rc;
	int first = q->since <= 0 ? 0 : segment_day(q->since);

	lives_init(&t.lives);
	buf_init(&t.refusals, 16 << 20);
	buf_init(&t.what, 1 << 20);
	set_what(&t, dir);
	/* the days before may have its beginning, those behind its end */
	rc = days_each(
	    dir, q->by == TRACE_ANY ? first : 0, 99999999, open_day, &t.days);
	if (rc == 0)
		rc = find_all(&t);
	found = (int)t.lives.n + t.refused;
	if (rc == 0)
		rc = print(&t, out);
	lives_release(&t.lives);
	buf_release(&t.refusals);
	buf_release(&t.what);
	close_days(&t.days);
	return rc < 0 ? rc : found;
}
