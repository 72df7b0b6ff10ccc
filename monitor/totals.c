#include "totals.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "days.h"
#include "gaps.h"
#include "ledger_days.h"
#include "schema.h"
#include "segment.h"

struct reading {
	struct totals *totals;
	struct gaps *gaps;
	int64_t from, to;
	int rc;
};

static void
add_kind(struct totals *t, const char *name, int64_t n, int64_t bytes)
{
	for (int k = 0; k < TK_COUNT; k++)
		if (strcmp(tally_kind_name((enum tally_kind)k), name) == 0) {
			t->n[k] += (uint64_t)n;
			t->bytes[k] += (uint64_t)bytes;
		}
}

/* sql gives name, n and bytes of what lies in ?1 to ?2. */
static int
add_rows(struct reading *r, struct db *db, const char *sql)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, r->from);
	sqlite3_bind_int64(q, 2, r->to);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW)
		add_kind(r->totals, (const char *)sqlite3_column_text(q, 0),
		    sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2));
	sqlite3_finalize(q);
	return db_errno(rc);
}

static bool
add_day(void *arg, const struct day *day)
{
	struct reading *r = arg;
	struct db db = DB_NONE;
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	if (rc == 0)
		rc = add_rows(r, &db,
		    "SELECT k.s, sum(n), sum(bytes) FROM word k "
		    "JOIN rollup r ON r.kind = k.id AND "
		    "r.dim = (SELECT id FROM word WHERE s = '') AND r.key = 0 "
		    "AND r.t >= ?1 AND r.t < ?2 GROUP BY k.id");
	if (rc == 0)
		rc = gaps_add(r->gaps, &db);
	db_close(&db);
	if (rc < 0 && rc != -ENODATA)
		r->totals->days_unread++;
	return true;
}

static int
last_day(int64_t to)
{
	return to == INT64_MAX ? 99999999 : segment_day(to - 1);
}

/* Days whose segments are gone. */
static int
add_catalog(struct reading *r, const char *dir)
{
	char *path = buf_text("%s/catalog.db", dir);
	struct db db = DB_NONE;
	int rc = path == NULL
	    ? -ENOMEM
	    : db_open(&db, path, &schema_catalog, DB_READ, NULL);

	if (rc == 0)
		rc = add_rows(r, &db,
		    "SELECT k.s, sum(n), sum(bytes) FROM name k "
		    "JOIN rollup r ON r.kind = k.id AND "
		    "r.dim = (SELECT id FROM name WHERE s = '') AND r.key = 0 "
		    "AND r.t >= ?1 AND r.t < ?2 GROUP BY k.id");
	if (rc == 0)
		rc = gaps_add_gone(
		    r->gaps, &db, segment_day(r->from), last_day(r->to));
	if (rc == 0)
		r->totals->imbalances = ledger_imbalances(
		    &db, segment_day(r->from), last_day(r->to));
	db_close(&db);
	free(path);
	return rc == -ENODATA ? 0 : rc;
}

int
totals_read(const char *dir, int64_t from, int64_t to, struct totals *ret)
{
	struct totals t = { 0 };
	struct reading r = { &t, gaps_new(), from - from % US_MIN, to, 0 };
	int rc = r.gaps == NULL ? -ENOMEM : add_catalog(&r, dir);

	if (rc == 0)
		rc = days_each(
		    dir, segment_day(from), last_day(to), add_day, &r);
	if (rc == 0) {
		gaps_count(r.gaps, &t.gaps, &t.missing);
		*ret = t;
	}
	gaps_free(r.gaps);
	return rc;
}

bool
totals_is_complete(const struct totals *t)
{
	return t->missing == 0 && t->n[TK_UNPARSED] == 0 &&
	    t->n[TK_LOST] == 0 && t->n[TK_REFUSED] == 0 &&
	    t->n[TK_MISDATED] == 0 && t->n[TK_CUT] == 0 && t->days_unread == 0;
}

/* The promised keys, and from which sum each is. */
static const struct key {
	const char *name, *say;
	enum tally_kind kind;
	bool is_bytes;
} keys[] = {
	{ "received", "messages received", TK_RECEIVED, false },
	{ "delivered", "recipients delivered", TK_DELIVERED, false },
	{ "deferrals", "attempts deferred", TK_DEFERRALS, false },
	{ "bounced", "recipients returned", TK_BOUNCED, false },
	{ "expired", "recipients returned as too old", TK_EXPIRED, false },
	{ "rejected", "refused before there was a message", TK_REJECTED,
	    false },
	{ "held", "messages held", TK_HELD, false },
	{ "discarded", "recipients discarded", TK_DISCARDED, false },
	{ "deleted", "recipients deleted by operators", TK_DELETED, false },
	{ "notices", "notices written", TK_NOTICES, false },
	{ "bytes_in", "bytes received", TK_RECEIVED, true },
	{ "bytes_out", "bytes delivered", TK_DELIVERED, true },
};

#define KEYS (sizeof(keys) / sizeof(keys[0]))

static uint64_t
value(const struct totals *t, const struct key *k)
{
	return k->is_bytes ? t->bytes[k->kind] : t->n[k->kind];
}

void
totals_text(struct buf *b, const struct totals *t)
{
	for (size_t i = 0; i < KEYS; i++)
		buf_addf(b, "%14llu  %s\n",
		    (unsigned long long)value(t, &keys[i]), keys[i].say);
	buf_addf(
	    b, "\nfrom %llu events; ", (unsigned long long)t->n[TK_EVENTS]);
	if (totals_is_complete(t) && t->n[TK_LATE] == 0 &&
	    t->n[TK_CLOCK_JUMPS] == 0 && t->imbalances == 0) {
		buf_adds(b, "nothing is missing\n");
		return;
	}
	buf_addf(b,
	    "%llu missing in %llu gaps, %llu lost, %llu lines not understood,\n"
	    "%llu late, %llu clock jumps, %llu times guessed",
	    (unsigned long long)t->missing, (unsigned long long)t->gaps,
	    (unsigned long long)(t->n[TK_LOST] + t->n[TK_REFUSED]),
	    (unsigned long long)t->n[TK_UNPARSED],
	    (unsigned long long)t->n[TK_LATE],
	    (unsigned long long)t->n[TK_CLOCK_JUMPS],
	    (unsigned long long)t->n[TK_GUESSED]);
	if (t->n[TK_REFUSED] + t->n[TK_MISDATED] + t->n[TK_CUT] != 0)
		buf_addf(b,
		    ",\nof peers: %llu lines refused, %llu of no day near "
		    "then, "
		    "%llu events cut",
		    (unsigned long long)t->n[TK_REFUSED],
		    (unsigned long long)t->n[TK_MISDATED],
		    (unsigned long long)t->n[TK_CUT]);
	if (t->days_unread != 0)
		buf_addf(b, ", %llu days damaged (mtacollect check)",
		    (unsigned long long)t->days_unread);
	if (t->imbalances != 0)
		buf_addf(b, ", %llu messages unbalanced (mtacollect ledger)",
		    (unsigned long long)t->imbalances);
	buf_addc(b, '\n');
}

void
totals_json(struct buf *b, const struct totals *t)
{
	static const struct {
		const char *name;
		enum tally_kind kind;
	} more[] = {
		{ "refused", TK_REFUSED },
		{ "misdated", TK_MISDATED },
		{ "cut", TK_CUT },
		{ "unparsed", TK_UNPARSED },
		{ "late", TK_LATE },
		{ "clock_jumps", TK_CLOCK_JUMPS },
		{ "unclean_starts", TK_UNCLEAN },
		{ "guessed_times", TK_GUESSED },
	};

	buf_addc(b, '{');
	for (size_t i = 0; i < KEYS; i++)
		buf_addf(b, "\"%s\":%llu,", keys[i].name,
		    (unsigned long long)value(t, &keys[i]));
	buf_addf(b,
	    "\"events\":%llu,\"completeness\":{\"complete\":%s,"
	    "\"gaps\":%llu,\"missing\":%llu,\"days_unread\":%llu,"
	    "\"imbalances\":%llu,\"lost\":%llu",
	    (unsigned long long)t->n[TK_EVENTS],
	    totals_is_complete(t) ? "true" : "false",
	    (unsigned long long)t->gaps, (unsigned long long)t->missing,
	    (unsigned long long)t->days_unread,
	    (unsigned long long)t->imbalances,
	    (unsigned long long)(t->n[TK_LOST] + t->n[TK_REFUSED]));
	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
		buf_addf(b, ",\"%s\":%llu", more[i].name,
		    (unsigned long long)t->n[more[i].kind]);
	buf_adds(b, "}}\n");
}
