#include "ledger.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "days.h"
#include "db.h"
#include "lean.h"
#include "map.h"
#include "schema.h"

/* What all days say of one message, until it left. */
struct account {
	uint64_t nrcpt, expands; /* in */
	uint64_t ok, fail, expire; /* out, by the recipients' events */
	uint64_t said_ok, said_fail, said_expire, said_deleted, said_replaced;
	bool has_begun, is_done;
	int64_t t_end;
	uint64_t hash;
	char name[]; /* queue id and node */
};

struct audit {
	struct map open; /* accounts that are not closed */
	const struct ledger_question *asked; /* borrowed */
	struct ledger *kept; /* borrowed */
	int rc;
};

/* One row a message and day; the words of the kinds are looked up once. The
 * planner is told the order: messages come in theirs and nothing is sorted. */
static const char rows_of[] =
    "WITH k AS (SELECT "
    "(SELECT id FROM word WHERE s = 'rcpt.expand') AS expand, "
    "(SELECT id FROM word WHERE s = 'dlv.ok') AS ok, "
    "(SELECT id FROM word WHERE s = 'dlv.fail') AS fail, "
    "(SELECT id FROM word WHERE s = 'dlv.expire') AS expire, "
    "(SELECT id FROM word WHERE s = 'msg.done') AS done) "
    "SELECT m.qid || ' on ' || n.s, coalesce(m.nrcpt, -1), "
    "count(DISTINCT CASE WHEN e.ty = k.expand THEN e.rcpt END), "
    "count(DISTINCT CASE WHEN e.ty = k.ok THEN e.rcpt END), "
    "count(DISTINCT CASE WHEN e.ty = k.fail THEN e.rcpt END), "
    "count(DISTINCT CASE WHEN e.ty = k.expire THEN e.rcpt END), "
    "max(CASE WHEN e.ty = k.done THEN e.t END), "
    "max(CASE WHEN e.ty = k.done THEN e.extra ->> '$.delivered_count' END), "
    "max(CASE WHEN e.ty = k.done THEN e.extra ->> '$.bounced_count' END), "
    "max(CASE WHEN e.ty = k.done THEN e.extra ->> '$.expired_count' END), "
    "max(CASE WHEN e.ty = k.done THEN e.extra ->> '$.deleted_count' END), "
    "max(CASE WHEN e.ty = k.done THEN e.extra ->> '$.expanded_count' END) "
    "FROM msg m CROSS JOIN word n ON n.id = m.node "
    "CROSS JOIN ev e ON e.msg = m.id CROSS JOIN k "
    "WHERE e.seq IS NOT NULL AND %s GROUP BY m.id";

/*
 * A day that is not asked for can matter to others by messages that went on
 * when it ended, or had begun before: they are few. One that began there and
 * is done is so only when a clock was set back, and an earlier day has some
 * of it: then it is among the open ones, and ?1 is its name.
 */
#define FINISHED "m.state = 2 AND m.nrcpt IS NOT NULL"
static const char of_all[] = "true";
static const char of_open[] = "NOT (" FINISHED ")";
static const char of_one[] = FINISHED
    " AND m.qid = substr(?1, 1, instr(?1, ' on ') - 1) AND m.node = "
    "(SELECT id FROM word WHERE s = substr(?1, instr(?1, ' on ') + 4))";

static uint64_t
hash_of(const void *entry)
{
	return ((const struct account *)entry)->hash;
}

static bool
is_name(const void *entry, const void *key)
{
	return strcmp(((const struct account *)entry)->name, key) == 0;
}

/* Capital and small letters of a queue id are different ones. */
static uint64_t
hash_name(const char *s)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

static struct account *
get(struct audit *a, const char *name)
{
	uint64_t hash = hash_name(name);
	struct account *one = map_find(&a->open, hash, name);
	size_t n = strlen(name) + 1;

	if (one != NULL)
		return one;
	one = calloc(1, sizeof(*one) + n);
	if (one == NULL)
		return NULL;
	one->hash = hash;
	memcpy(one->name, name, n);
	if (map_add(&a->open, one) == 0)
		return one;
	free(one);
	return NULL;
}

static uint64_t
number(sqlite3_stmt *q, int column)
{
	int64_t v = sqlite3_column_int64(q, column);

	return v > 0 ? (uint64_t)v : 0;
}

static void
add_row(struct account *one, sqlite3_stmt *q)
{
	if (sqlite3_column_int64(q, 1) >= 0) {
		one->nrcpt = number(q, 1);
		one->has_begun = true;
	}
	one->expands += number(q, 2);
	one->ok += number(q, 3);
	one->fail += number(q, 4);
	one->expire += number(q, 5);
	if (sqlite3_column_type(q, 6) == SQLITE_NULL)
		return;
	one->is_done = true;
	one->t_end = sqlite3_column_int64(q, 6);
	one->said_ok = number(q, 7);
	one->said_fail = number(q, 8);
	one->said_expire = number(q, 9);
	one->said_deleted = number(q, 10);
	one->said_replaced = number(q, 11);
}

/* Operators' returns have no event of their own for each recipient. */
static bool
is_balanced(const struct account *one)
{
	uint64_t out = one->said_ok + one->said_fail + one->said_expire +
	    one->said_deleted + one->said_replaced;

	return one->nrcpt + one->expands == out && one->ok == one->said_ok &&
	    one->expire == one->said_expire && one->fail <= one->said_fail;
}

static void
complain(struct ledger *l, const struct account *one)
{
	l->imbalances++;
	buf_addf(l->out,
	    "%s: %llu received and %llu expanded, but %llu delivered (%llu "
	    "events), %llu bounced (%llu), %llu expired (%llu), %llu deleted, "
	    "%llu replaced\n",
	    one->name, (unsigned long long)one->nrcpt,
	    (unsigned long long)one->expands, (unsigned long long)one->said_ok,
	    (unsigned long long)one->ok, (unsigned long long)one->said_fail,
	    (unsigned long long)one->fail, (unsigned long long)one->said_expire,
	    (unsigned long long)one->expire,
	    (unsigned long long)one->said_deleted,
	    (unsigned long long)one->said_replaced);
}

static void
add_settled(struct ledger *l, const struct account *one)
{
	l->messages++;
	l->accepted += one->nrcpt;
	l->expanded += one->expands;
	l->delivered += one->said_ok;
	l->bounced += one->said_fail;
	l->expired += one->said_expire;
	l->deleted += one->said_deleted;
	l->replaced += one->said_replaced;
	if (!is_balanced(one))
		complain(l, one);
}

/* It left the queue: its account is closed. */
static void
settle(struct audit *a, struct account *one)
{
	struct ledger *l = a->asked->of(a->asked->ctx, one->t_end);

	map_del(&a->open, one);
	if (l != NULL && one->has_begun)
		add_settled(l, one);
	else if (l != NULL)
		l->unknown++;
	free(one);
}

static int
add_each(struct audit *a, sqlite3_stmt *q)
{
	int rc;

	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct account *one =
		    get(a, (const char *)sqlite3_column_text(q, 0));

		if (one == NULL)
			return -ENOMEM;
		add_row(one, q);
		if (one->is_done)
			settle(a, one);
	}
	return db_errno(rc);
}

static int
prepare(struct db *db, const char *which, sqlite3_stmt **ret)
{
	char *sql = buf_text(rows_of, which);
	int rc = sql == NULL ? -ENOMEM : db_prepare(db, ret, sql);

	free(sql);
	return rc;
}

static int
add_rows(struct audit *a, struct db *db, const char *which)
{
	sqlite3_stmt *q = NULL;
	int rc = prepare(db, which, &q);

	if (rc == 0)
		rc = add_each(a, q);
	sqlite3_finalize(q);
	return rc;
}

/* What it has of those that are open already. */
static int
add_finished(struct audit *a, struct db *db)
{
	struct account *one;
	sqlite3_stmt *q = NULL;
	size_t pos = 0;
	int rc = prepare(db, of_one, &q);

	while (rc == 0 && (one = map_next(&a->open, &pos)) != NULL) {
		sqlite3_bind_text(q, 1, one->name, -1, SQLITE_TRANSIENT);
		rc = add_each(a, q);
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return rc;
}

static int
add_other(struct audit *a, struct db *db)
{
	int rc = add_finished(a, db);

	return rc < 0 ? rc : add_rows(a, db, of_open);
}

static bool
add_day(void *arg, const struct day *day)
{
	struct audit *a = arg;
	struct db db = DB_NONE;
	int rc = db_open(&db, day->path, &schema_segment, DB_READ, NULL);

	if (rc == 0 && !lean_is(&db)) /* what came later is no account */
		rc = a->asked->has_day(a->asked->ctx, day->day)
		    ? add_rows(a, &db, of_all)
		    : add_other(a, &db);
	db_close(&db);
	a->rc = rc == -ENODATA ? 0 : rc;
	return a->rc == 0;
}

static void
add_open(struct audit *a)
{
	struct account *one;
	size_t pos = 0;

	while ((one = map_next(&a->open, &pos)) != NULL) {
		uint64_t in = one->nrcpt + one->expands;
		uint64_t out = one->ok + one->fail + one->expire;

		a->kept->open_messages++;
		a->kept->open_recipients += in > out ? in - out : 0;
		free(one);
	}
	map_release(&a->open);
}

int
ledger_read(
    const char *dir, const struct ledger_question *asked, struct ledger *kept)
{
	struct audit a = { .asked = asked, .kept = kept };
	int rc;

	map_init(&a.open, hash_of, is_name);
	rc = days_each(dir, 0, 99999999, add_day, &a);
	add_open(&a);
	return rc < 0 ? rc : a.rc;
}
