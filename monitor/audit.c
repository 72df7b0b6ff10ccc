#include "audit.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "days.h"
#include "gaps.h"
#include "lean.h"
#include "ledger_days.h"
#include "schema.h"

struct audit {
	struct buf *out;
	struct gaps *gaps;
	int faults;
};

static void
fault(struct audit *c, const char *path, const char *what, int64_t n)
{
	c->faults++;
	buf_addf(c->out, "%s: ", path);
	if (n != 0)
		buf_addf(c->out, "%lld ", (long long)n);
	buf_addf(c->out, "%s\n", what);
}

/* Sums that are kept against what they are sums of. Each gives a number of
 * rows that do not agree. */
static const struct rule {
	const char *sql, *what;
	bool is_of_all; /* events: it cannot hold in a lean day */
} rules[] = {
	{ "SELECT count(*) FROM ev e LEFT JOIN word w ON w.id = e.ty "
	  "WHERE w.id IS NULL",
	    "events of no kind", false },
	{ "SELECT count(*) FROM ev e LEFT JOIN msg m ON m.id = e.msg "
	  "WHERE e.msg IS NOT NULL AND m.id IS NULL",
	    "events of messages that are not there", false },
	{ "SELECT count(*) FROM rcpt r LEFT JOIN msg m ON m.id = r.msg "
	  "WHERE m.id IS NULL",
	    "recipients of messages that are not there", false },
	{ "SELECT abs((SELECT count(*) FROM ev) + "
	  "(SELECT coalesce(sum(n), 0) FROM rollup WHERE kind = "
	  "(SELECT id FROM word WHERE s = 'let_go')) - "
	  "(SELECT coalesce(sum(n), 0) FROM rollup WHERE kind = "
	  "(SELECT id FROM word WHERE s = 'events')))",
	    "events more or less than the sums say", false },
	{ "SELECT abs((SELECT count(*) FROM ev WHERE ty = "
	  "(SELECT id FROM word WHERE s = 'dlv.ok')) - "
	  "(SELECT coalesce(sum(n), 0) FROM rollup WHERE kind = "
	  "(SELECT id FROM word WHERE s = 'delivered') AND dim = "
	  "(SELECT id FROM word WHERE s = '')))",
	    "deliveries more or less than the sums say", true },
	{ "SELECT count(*) FROM (SELECT writer, seq FROM ev "
	  "WHERE seq IS NOT NULL GROUP BY writer, seq HAVING count(*) > 1)",
	    "events that are here twice", false },
	{ "SELECT count(*) FROM ev e WHERE seq IS NOT NULL AND NOT EXISTS "
	  "(SELECT 1 FROM seen s WHERE s.writer = e.writer AND s.lo <= e.seq "
	  "AND s.hi >= e.seq)",
	    "events whose numbers are not counted as seen", false },
};

static void
check_rules(struct audit *c, const char *path, struct db *db)
{
	bool is_lean = lean_is(db);

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		int64_t n = rules[i].is_of_all && is_lean
		    ? 0
		    : db_number(db, rules[i].sql, -1);

		if (n != 0)
			fault(c, path,
			    n < 0 ? "could not be checked" : rules[i].what,
			    n < 0 ? 0 : n);
	}
}

static bool
is_sound(struct db *db)
{
	sqlite3_stmt *q = NULL;
	bool is_ok = false;

	if (db_prepare(db, &q, "PRAGMA quick_check(1)") == 0 &&
	    sqlite3_step(q) == SQLITE_ROW)
		is_ok =
		    strcmp((const char *)sqlite3_column_text(q, 0), "ok") == 0;
	sqlite3_finalize(q);
	return is_ok;
}

/* What peers said and is not here, or not all of it; no fault of the store's
 * either. */
static void
say_peers(struct audit *c, const char *path, struct db *db)
{
	sqlite3_stmt *q = NULL;

	if (db_prepare(db, &q,
		"SELECT k.s, sum(n) FROM word k JOIN rollup r ON r.kind = k.id "
		"WHERE k.s IN ('refused', 'misdated', 'cut') GROUP BY k.id") ==
	    0)
		while (sqlite3_step(q) == SQLITE_ROW)
			buf_addf(c->out, "%s: %lld %s\n", path,
			    (long long)sqlite3_column_int64(q, 1),
			    (const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
}

static bool
check_day(void *arg, const struct day *day)
{
	struct audit *c = arg;
	struct db db = DB_NONE;
	char why[256];

	if (db_open(&db, day->path, &schema_segment, DB_READ, why) < 0) {
		c->faults++;
		buf_addf(c->out, "%s\n", why);
		return true;
	}
	if (!is_sound(&db))
		fault(c, day->path, "damaged (PRAGMA integrity_check)", 0);
	else
		check_rules(c, day->path, &db);
	gaps_add(c->gaps, &db);
	buf_addf(c->out, "%s: %lld events, %lld messages%s\n", day->path,
	    (long long)db_number(&db, "SELECT count(*) FROM ev", 0),
	    (long long)db_number(&db, "SELECT count(*) FROM msg", 0),
	    lean_is(&db) ? ", without the events of mail" : "");
	say_peers(c, day->path, &db);
	db_close(&db);
	return true;
}

static void
say_gap(void *arg, const char *boot, uint64_t from, uint64_t to)
{
	struct audit *c = arg;

	buf_addf(c->out, "missing: events %llu to %llu of writer %s\n",
	    (unsigned long long)from, (unsigned long long)to, boot);
}

/* What the nights found is no fault of the store's. */
static void
say_ledger(struct audit *c, struct db *catalog)
{
	uint64_t n = ledger_imbalances(catalog, 0, 99999999);

	if (n != 0)
		buf_addf(c->out,
		    "ledger: %llu messages do not balance (mtacollect "
		    "ledger)\n",
		    (unsigned long long)n);
}

/* SQLite's locks do not hold over the network. */
static void
check_filesystem(struct audit *c, const char *dir)
{
	struct statfs st;

	if (statfs(dir, &st) == 0 &&
	    (st.f_type == NFS_SUPER_MAGIC ||
		st.f_type == (long)SMB2_SUPER_MAGIC))
		fault(c, dir, "is on a network filesystem", 0);
}

int
audit_store(const char *dir, struct buf *out)
{
	struct audit c = { out, gaps_new(), 0 };
	char *path = buf_text("%s/catalog.db", dir), why[256];
	struct db db = DB_NONE;
	int rc = c.gaps == NULL || path == NULL ? -ENOMEM : 0;

	if (rc == 0 && db_open(&db, path, &schema_catalog, DB_READ, why) < 0) {
		c.faults++;
		buf_addf(out, "%s\n", why);
	} else if (rc == 0 && !is_sound(&db)) {
		fault(&c, path, "damaged (PRAGMA integrity_check)", 0);
	} else if (rc == 0) {
		say_ledger(&c, &db);
		gaps_add_gone(c.gaps, &db, 0, 99999999);
	}
	db_close(&db);
	check_filesystem(&c, dir);
	if (rc == 0)
		rc = days_each(dir, 0, 99999999, check_day, &c);
	if (rc == 0)
		gaps_each(c.gaps, say_gap, &c);
	gaps_free(c.gaps);
	free(path);
	buf_addf(out, "%d faults\n", c.faults);
	return rc < 0 ? rc : c.faults;
}
