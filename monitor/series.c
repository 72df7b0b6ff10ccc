#include "series.h"

#include <errno.h>
#include <string.h>

#include "clock.h"

/* What counts as what. */
static const struct {
	const char *kind;
	int n, bytes; /* -1: not drawn */
} rows[] = {
	{ "received", SF_RECEIVED, SF_BYTES_IN },
	{ "delivered", SF_DELIVERED, SF_BYTES_OUT },
	{ "deferrals", SF_DEFERRALS, -1 },
	{ "bounced", SF_BOUNCED, -1 },
	{ "expired", SF_EXPIRED, -1 },
	{ "discarded", SF_DISCARDED, -1 },
	{ "rejected", SF_REJECTED, -1 },
	{ "held", SF_HELD, -1 },
	{ "notices", SF_NOTICES, -1 },
	{ "events", SF_EVENTS, -1 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* It becomes part of a file's name. */
static bool
is_plain(const char *name)
{
	size_t n = strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return n != 0 && n < SERIES_NAME && name[n] == '\0';
}

int
series_mailer(struct series_day *d, const char *name)
{
	if (*name == '\0')
		return 0;
	for (int i = 1; i < d->mailers; i++)
		if (strcmp(d->name[i], name) == 0)
			return i;
	if (d->mailers > SERIES_MAILERS || !is_plain(name))
		return -1;
	memcpy(d->name[d->mailers], name, strlen(name) + 1);
	return d->mailers++;
}

static void
clear(struct series_day *d, int64_t begin)
{
	d->begin = begin;
	if (d->mailers == 0)
		d->mailers = 1;
	memset(d->flow, 0, sizeof(d->flow));
	memset(d->minute, 0, sizeof(d->minute));
}

/* minutes: that the sum is of. */
static void
add(struct series_day *d, int place, const char *kind, int64_t t, int minutes,
    double n, double bytes)
{
	int64_t at = (t - d->begin) / US_MIN;

	if (place < 0 || at < 0 || at + minutes > SERIES_MINUTES)
		return;
	for (int i = (int)at; i < at + minutes; i++) {
		double *v = d->flow[place].n[i];

		for (size_t k = 0; k < ROWS; k++) {
			if (strcmp(rows[k].kind, kind) != 0)
				continue;
			v[rows[k].n] += n / minutes;
			if (rows[k].bytes >= 0)
				v[rows[k].bytes] += bytes / minutes;
		}
		if (strcmp(kind, "lost") == 0)
			d->minute[i] = SM_UNKNOWN;
		else if (strcmp(kind, "events") == 0 &&
		    d->minute[i] == SM_NOTHING)
			d->minute[i] = SM_KNOWN;
	}
}

/* sql gives kind, mailer or "", time, n, bytes and how many minutes that is
 * of, from ?1 to ?2. */
static int
add_rows(struct series_day *d, struct db *db, const char *sql, int64_t from)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, from);
	sqlite3_bind_int64(q, 2, d->begin + US_DAY);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *kind = (const char *)sqlite3_column_text(q, 0);
		const char *mailer = (const char *)sqlite3_column_text(q, 1);

		if (kind != NULL && mailer != NULL)
			add(d, series_mailer(d, mailer), kind,
			    sqlite3_column_int64(q, 2),
			    sqlite3_column_int(q, 5),
			    sqlite3_column_double(q, 3),
			    sqlite3_column_double(q, 4));
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

/* Both of each table; the planner is told which comes first, for domains
 * have rows without number. */
#define OF_ALL(words, res)                                                     \
	"SELECT k.s, '', r.t, r.n, r.bytes, " res " FROM " words               \
	" k CROSS JOIN rollup r ON r.kind = k.id AND r.dim = "                 \
	"(SELECT id FROM " words " WHERE s = '') "                             \
	"AND r.key = 0 AND r.t >= ?1 AND r.t < ?2"
#define OF_MAILERS(words, res)                                                 \
	"SELECT k.s, m.s, r.t, r.n, r.bytes, " res " FROM " words              \
	" k CROSS JOIN rollup r ON r.kind = k.id AND r.dim = "                 \
	"(SELECT id FROM " words " WHERE s = 'mailer') "                       \
	"JOIN " words " m ON m.id = r.key WHERE r.t >= ?1 AND r.t < ?2 "       \
	"ORDER BY r.t"

int
series_read_gone(struct series_day *d, struct db *catalog, int64_t begin)
{
	int rc;

	clear(d, begin);
	rc = add_rows(d, catalog, OF_ALL("name", "r.res"), begin);
	return rc < 0
	    ? rc
	    : add_rows(d, catalog, OF_MAILERS("name", "r.res"), begin);
}

/* What a peer says of its numbers concerns its own events: a hole of its
 * making must not take everybody's minutes away. */
#define OWN "WITH own AS (SELECT id FROM writer WHERE instr(boot, '@') = 0) "

/* Rows that begin or end a range of numbers, or say that some are lost. */
static const char edges_sql[] =
    OWN "SELECT e.writer, e.t, e.ty = g.id, s.lo = e.seq AND e.seq > "
	"(SELECT min(lo) FROM seen x WHERE x.writer = e.writer) "
	"FROM ev e JOIN own o ON o.id = e.writer LEFT JOIN seen s ON s.writer "
	"= e.writer AND s.lo = "
	"(SELECT max(lo) FROM seen x WHERE x.writer = e.writer "
	"AND x.lo <= e.seq) "
	"CROSS JOIN (SELECT ifnull((SELECT id FROM word WHERE s = 'log.gap'), "
	"0) AS id) g WHERE e.id >= ifnull((SELECT min(lo) FROM minute "
	"WHERE t >= ?1), 0) AND (s.lo = e.seq OR s.hi = e.seq OR e.ty = g.id) "
	"ORDER BY e.writer, e.seq";

static void
set_unknown(struct series_day *d, int64_t first, int64_t last)
{
	for (int64_t i = first < 0 ? 0 : first; i <= last && i < SERIES_MINUTES;
	     i++)
		d->minute[i] = SM_UNKNOWN;
}

/* The minutes of both sides of each hole in the numbers of a writer, and all
 * between; and those of a log.gap. What was drawn is not looked at. */
static int
mark_holes(struct series_day *d, struct db *db, int64_t from)
{
	sqlite3_stmt *q = NULL;
	int64_t writer = 0, before = 0;
	int rc = db_prepare(db, &q, edges_sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(q, 1, from);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		int64_t at = (sqlite3_column_int64(q, 1) - d->begin) / US_MIN;

		if (sqlite3_column_int64(q, 0) != writer)
			before = (from - d->begin) / US_MIN;
		if (sqlite3_column_int(q, 3))
			set_unknown(d, before < at ? before : at, at);
		else if (sqlite3_column_int(q, 2))
			set_unknown(d, at, at);
		writer = sqlite3_column_int64(q, 0);
		before = at;
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

static bool
has_holes(struct db *db)
{
	return db_number(db,
		   OWN
		   "SELECT EXISTS(SELECT 1 FROM word WHERE s = 'log.gap') OR "
		   "EXISTS(SELECT 1 FROM seen JOIN own ON id = writer "
		   "GROUP BY writer "
		   "HAVING count(*) > 1)",
		   0) != 0;
}

int
series_read_day(struct series_day *d, struct db *db, int64_t from)
{
	int64_t begin = d->begin;
	int rc;

	clear(d, begin);
	if (from < begin)
		from = begin;
	rc = add_rows(d, db, OF_ALL("word", "1"), from);
	if (rc == 0)
		rc = add_rows(d, db, OF_MAILERS("word", "1"), from);
	return rc == 0 && has_holes(db) ? mark_holes(d, db, from) : rc;
}
