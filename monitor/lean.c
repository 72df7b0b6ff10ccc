#include "lean.h"

#include <errno.h>
#include <stdlib.h>

#include "anew.h"
#include "anew_run.h"
#include "buf.h"
#include "clock.h"
#include "schema.h"
#include "segment.h"

/* What happened to the system, not to a message or in a connection. */
static const bool kept[EV_COUNT] = {
	[EV_HOST_UP] = true,
	[EV_HOST_BACKOFF] = true,
	[EV_HOST_DOWN] = true,
	[EV_HOST_PAUSE] = true,
	[EV_HOST_RESUME] = true,
	[EV_HOST_FORGET] = true,
	[EV_OP_ACTION] = true,
	[EV_SYS_START] = true,
	[EV_SYS_STOP] = true,
	[EV_SYS_UNCLEAN] = true,
	[EV_SYS_RELOAD] = true,
	[EV_SYS_RESOURCE] = true,
	[EV_SYS_CLOCK] = true,
	[EV_SYS_CHILD] = true,
	[EV_SYS_DENIED] = true,
	[EV_SPOOL_DAMAGE] = true,
	[EV_SPOOL_ERROR] = true,
	[EV_LOG_UNPARSED] = true,
	[EV_LOG_GAP] = true,
};

bool
lean_keeps(enum event_type type)
{
	return kept[type];
}

bool
lean_is(struct db *segment)
{
	return db_number(segment,
		   "SELECT EXISTS(SELECT 1 FROM rollup WHERE kind = "
		   "(SELECT id FROM word WHERE s = 'let_go'))",
		   0) != 0;
}

/* Of a row e of ev in this schema: does it stay? What came later may make
 * two ranges of one, so the ends of a whole one are edges, too. */
static void
put_stays(struct buf *sql, const char *schema)
{
	const char *comma = "";

	buf_addf(sql, "(e.ty IN (SELECT id FROM %s.word WHERE s IN (", schema);
	for (int t = 0; t < EV_COUNT; t++)
		if (kept[t]) {
			buf_addf(sql, "%s'%s'", comma,
			    event_info((enum event_type)t)->name);
			comma = ", ";
		}
	buf_addf(sql,
	    ")) OR e.seq IS NOT NULL AND (EXISTS(SELECT 1 FROM %s.seen s "
	    "WHERE s.writer = e.writer AND s.lo = e.seq) OR "
	    "(SELECT s.hi FROM %s.seen s WHERE s.writer = e.writer "
	    "AND s.lo <= e.seq ORDER BY s.lo DESC LIMIT 1) = e.seq))",
	    schema, schema);
}

/* Which rows stay, and which addresses these and the messages name. */
static void
put_before(struct buf *sql)
{
	buf_adds(sql,
	    "CREATE TEMP TABLE stays(id INTEGER PRIMARY KEY);"
	    "INSERT INTO temp.stays SELECT id FROM old.ev e WHERE ");
	put_stays(sql, "old");
	buf_adds(sql,
	    ";CREATE TEMP TABLE named(id INTEGER PRIMARY KEY);"
	    "INSERT OR IGNORE INTO temp.named "
	    "SELECT snd FROM old.msg WHERE snd IS NOT NULL;"
	    "INSERT OR IGNORE INTO temp.named "
	    "SELECT addr FROM old.rcpt WHERE addr IS NOT NULL;"
	    "INSERT OR IGNORE INTO temp.named SELECT snd FROM old.ev "
	    "WHERE id IN (SELECT id FROM temp.stays) AND snd IS NOT NULL;"
	    "INSERT OR IGNORE INTO temp.named SELECT addr FROM old.ev "
	    "WHERE id IN (SELECT id FROM temp.stays) AND addr IS NOT NULL;");
}

#define OF_STAYS " FROM old.ev WHERE id IN (SELECT id FROM temp.stays)"

static const struct anew_change changes[] = {
	{ "ev", NULL, "o.id IN (SELECT id FROM temp.stays)" },
	{ "unparsed", NULL, "false" },
	{ "addr", NULL, "o.id IN (SELECT id FROM temp.named)" },
	{ "host", NULL,
	    "o.id IN (SELECT host FROM old.rcpt UNION SELECT host" OF_STAYS
	    " UNION SELECT peer" OF_STAYS ")" },
	/* domains are keys of sums, too */
	{ "domain", NULL,
	    "o.id IN (SELECT domain FROM old.addr WHERE id IN "
	    "(SELECT id FROM temp.named)) OR o.id IN (SELECT key FROM "
	    "old.rollup WHERE dim = (SELECT id FROM old.word "
	    "WHERE s = 'domain'))" },
	{ NULL, NULL, NULL },
};

/* In a minute that has events: another one would not be silent any more. */
static const char after[] =
    "INSERT OR IGNORE INTO main.word(s) VALUES('let_go');"
    "INSERT INTO main.rollup(kind, dim, key, t, n, bytes) "
    "SELECT (SELECT id FROM main.word WHERE s = 'let_go'), "
    "(SELECT id FROM main.word WHERE s = ''), 0, "
    "(SELECT ifnull(min(t), 0) FROM old.minute), "
    "(SELECT count(*) FROM old.ev) - (SELECT count(*) FROM main.ev), 0 "
    "WHERE true ON CONFLICT DO UPDATE SET n = n + excluded.n;";

struct work {
	struct anew_run run;
	int64_t before; /* days that ended later stay */
};

/* Has it anything that goes? A damaged one is mtacollect check's business. */
static bool
is_due(const struct day *day)
{
	struct db db = DB_NONE;
	struct buf sql;
	int64_t n = 0;

	buf_init(&sql, 16384);
	buf_adds(&sql, "SELECT EXISTS(SELECT 1 FROM ev e WHERE NOT ");
	put_stays(&sql, "main");
	buf_addc(&sql, ')');
	if (!sql.bad &&
	    db_open(&db, day->path, &schema_segment, DB_READ, NULL) == 0)
		n = db_number(&db, sql.data, 0);
	db_close(&db);
	buf_release(&sql);
	return n != 0;
}

static int
copy(struct work *w, const struct day *day)
{
	struct anew_plan plan = {
		.change = changes, .after = after, .names = ANEW_SAME_NAMES
	};
	struct buf before;
	int rc = -ENOMEM;

	buf_init(&before, 16384);
	put_before(&before);
	plan.before = before.data;
	if (!before.bad)
		rc = anew_copy(&w->run.catalog, day, &plan, w->run.why);
	buf_release(&before);
	return rc;
}

static bool
copy_old_day(void *arg, const struct day *day)
{
	struct work *w = arg;

	if (day->day == w->run.newest ||
	    segment_begin_of(day->day) + US_DAY > w->before || !is_due(day))
		return true;
	w->run.rc = copy(w, day);
	w->run.copied += w->run.rc == 0;
	if (w->run.rc == -EBADMSG) /* it is in no other's way */
		w->run.rc = 0;
	return w->run.rc == 0;
}

int
lean_run(const char *dir, int64_t age, char why[256])
{
	struct work w = { ANEW_RUN_NONE, clock_wall() - age };
	int rc = anew_begin(&w.run, dir, why);

	if (rc == 0)
		rc = days_each(dir, 0, 99999999, copy_old_day, &w);
	if (rc == 0 && w.run.rc == 0)
		rc = anew_replace_all(&w.run, dir);
	return anew_end(&w.run, rc);
}
