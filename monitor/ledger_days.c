#include "ledger_days.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "days.h"
#include "lean.h"
#include "ledger.h"
#include "log.h"
#include "replace.h"
#include "schema.h"
#include "segment.h"

#define DAYS_MAX 4096
#define IDS_MAX ((size_t)16 << 10) /* bytes of lines of a day */
#define SETTLED (5 * US_MIN) /* after its end a day is whole */

struct noted {
	int day;
	char stamp[REPLACE_STAMP];
	struct ledger sum;
	struct buf ids;
};

struct noting {
	struct db catalog;
	int64_t now;
	bool is_now;
	struct noted *v; /* days that are due, rising; owned */
	size_t n;
	struct ledger kept;
};

/* What is noted of the day: when, and what the day was. 0: nothing. */
static int64_t
read_row(struct db *catalog, int day, char stamp[REPLACE_STAMP])
{
	sqlite3_stmt *q = NULL;
	int64_t t = 0;

	stamp[0] = '\0';
	if (db_prepare(
		catalog, &q, "SELECT t, stamp FROM ledger WHERE day = ?1") < 0)
		return 0;
	sqlite3_bind_int(q, 1, day);
	if (sqlite3_step(q) == SQLITE_ROW) {
		t = sqlite3_column_int64(q, 0);
		snprintf(stamp, REPLACE_STAMP, "%s",
		    (const char *)sqlite3_column_text(q, 1));
	}
	sqlite3_finalize(q);
	return t;
}

/* Is it over, or did mtad crash since it was noted? A crash is counted by
 * the minute. */
static bool
is_due(const struct noting *n, struct db *db, int day, int64_t noted)
{
	int64_t crash;

	if (segment_begin_of(day) + US_DAY + SETTLED < n->now || n->is_now)
		return true;
	crash = db_number(db,
	    "SELECT ifnull(max(t), 0) FROM rollup WHERE kind = "
	    "(SELECT id FROM word WHERE s = 'unclean_starts')",
	    0);
	return crash != 0 && crash + US_MIN > noted;
}

static bool
look_at(void *arg, const struct day *day)
{
	struct noting *n = arg;
	char now[REPLACE_STAMP] = "", then[REPLACE_STAMP];
	int64_t noted = read_row(&n->catalog, day->day, then);
	struct db db = DB_NONE;
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	/* what is noted of a lean day nobody can find out again */
	if (rc == 0 && lean_is(&db))
		rc = -ENODATA;
	if (rc == 0)
		rc = replace_stamp(&db, "main", now);
	if (rc == 0 && n->n < DAYS_MAX && strcmp(now, then) != 0 &&
	    is_due(n, &db, day->day, noted)) {
		struct noted *v = &n->v[n->n++];

		v->day = day->day;
		memcpy(v->stamp, now, sizeof(now));
		buf_init(&v->ids, IDS_MAX);
		v->sum.out = &v->ids;
	}
	db_close(&db);
	return true; /* a damaged one is mtacollect check's business */
}

static struct noted *
find(struct noting *n, int day)
{
	for (size_t i = 0; i < n->n; i++)
		if (n->v[i].day == day)
			return &n->v[i];
	return NULL;
}

static struct ledger *
of_day(void *ctx, int64_t t)
{
	struct noted *v = find(ctx, segment_day(t));

	return v != NULL ? &v->sum : NULL;
}

static bool
is_noted(void *ctx, int day)
{
	return find(ctx, day) != NULL;
}

static int
write_row(struct noting *n, sqlite3_stmt *q, const struct noted *v)
{
	const uint64_t sums[] = { v->sum.messages, v->sum.accepted,
		v->sum.expanded, v->sum.delivered, v->sum.bounced,
		v->sum.expired, v->sum.deleted, v->sum.replaced,
		n->kept.open_messages, n->kept.open_recipients, v->sum.unknown,
		v->sum.imbalances };
	int at = 4;

	sqlite3_bind_int(q, 1, v->day);
	sqlite3_bind_int64(q, 2, n->now);
	sqlite3_bind_text(q, 3, v->stamp, -1, SQLITE_STATIC);
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		sqlite3_bind_int64(q, at++, (sqlite3_int64)sums[i]);
	sqlite3_bind_text(q, at, v->ids.data, (int)v->ids.len, SQLITE_STATIC);
	return db_run(q);
}

static int
write_rows(struct noting *n)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(&n->catalog, &q,
	    "INSERT OR REPLACE INTO ledger VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, "
	    "?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");

	for (size_t i = 0; i < n->n && rc == 0; i++) {
		const struct noted *v = &n->v[i];

		rc = write_row(n, q, v);
		if (rc == 0 && v->sum.imbalances != 0)
			log_warn("ledger of %d: %llu of %llu messages do not "
				 "balance: mtacollect ledger names them",
			    v->day, (unsigned long long)v->sum.imbalances,
			    (unsigned long long)v->sum.messages);
	}
	sqlite3_finalize(q);
	return rc;
}

static int
note_all(struct noting *n, const char *dir)
{
	const struct ledger_question due = { of_day, is_noted, n };
	int rc = days_each(dir, 0, 99999999, look_at, n);

	if (rc == 0 && n->n != 0)
		rc = ledger_read(dir, &due, &n->kept);
	return rc == 0 && n->n != 0 ? write_rows(n) : rc;
}

int
ledger_note(const char *dir, bool is_now, char why[256])
{
	struct noting n = { .catalog = DB_NONE,
		.now = clock_wall(),
		.is_now = is_now,
		.v = calloc(DAYS_MAX, sizeof(*n.v)) };
	char *path = buf_text("%s/catalog.db", dir);
	int rc = n.v == NULL || path == NULL ? -ENOMEM : 0;

	snprintf(why, 256, "%s: no memory", dir);
	if (rc == 0)
		rc = db_open(&n.catalog, path, &schema_catalog, DB_CHANGE, why);
	if (rc == 0) {
		rc = note_all(&n, dir);
		snprintf(why, 256, "%s: %s", dir, strerror(-rc));
	}
	for (size_t i = 0; i < n.n; i++)
		buf_release(&n.v[i].ids);
	free(n.v);
	free(path);
	db_close(&n.catalog);
	return rc < 0 ? rc : (int)n.n;
}

uint64_t
ledger_imbalances(struct db *catalog, int from, int to)
{
	sqlite3_stmt *q = NULL;
	int64_t n = 0;

	if (db_prepare(catalog, &q,
		"SELECT sum(imbalances) FROM ledger "
		"WHERE day BETWEEN ?1 AND ?2") < 0)
		return 0;
	sqlite3_bind_int(q, 1, from);
	sqlite3_bind_int(q, 2, to);
	if (sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return (uint64_t)n;
}
