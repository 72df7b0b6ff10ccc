#include "rebuild.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_read.h"
#include "lean.h"
#include "recall.h"
#include "replace.h"
#include "schema.h"
#include "segment.h"

#define BATCH 20000
#define LINE_MAX_ ((size_t)2 << 20)
#define CACHE ((size_t)32 << 20)

struct rebuild {
	struct db old;
	struct segment *new;
	struct reasons *reasons; /* borrowed */
	struct event_names *names;
	uint64_t events;
};

static int
hear(struct rebuild *r, char *line, size_t n)
{
	struct event_origin o;
	struct why why;
	struct heard h;
	enum heard_as as;
	int rc = event_read_json(r->names, line, n, &o, &h.event);

	if (rc < 0)
		return rc;
	h.time_us = o.time_us;
	h.is_year_inferred = false; /* counted in the rows that are kept */
	h.mono_us = 0;
	h.node = o.node;
	h.via = o.via;
	h.may = NULL;
	h.instance = o.instance;
	h.prog = o.prog;
	h.pid = o.pid;
	h.boot = o.boot;
	h.seq = o.seq;
	rc = reasons_find(r->reasons, &h, &why);
	if (rc == 0)
		rc = segment_hear(r->new, &h, &why, &as);
	if (rc == 0 && ++r->events % BATCH == 0)
		rc = segment_commit(r->new, false);
	return rc;
}

static int
hear_all(struct rebuild *r)
{
	struct recall *q = recall_new_in_order(&r->old);
	struct buf line;
	int rc = q == NULL ? -ENOMEM : 1;

	buf_init(&line, LINE_MAX_);
	while (rc == 1) {
		buf_clear(&line);
		rc = recall_next(q, &line, NULL);
		if (rc != 1)
			break;
		rc = hear(r, line.data, line.len);
		if (rc == 0)
			rc = 1;
	}
	buf_release(&line);
	recall_free(q);
	return rc == 0 ? segment_commit(r->new, true) : rc;
}

/* Sums of what is no event. */
#define CARRIED                                                                \
	"'unparsed', 'late', 'guessed_times', 'lost', 'refused', "             \
	"'misdated', 'cut'"

static const char attach[] = "ATTACH ?1 AS old";
/* What is not made of events. */
static const char copies[] =
    "BEGIN IMMEDIATE;"
    "DELETE FROM seen;"
    "INSERT INTO seen SELECT n.id, s.lo, s.hi FROM old.seen s "
    "JOIN old.writer o ON o.id = s.writer JOIN writer n "
    "ON n.boot = o.boot AND n.node = o.node AND n.instance = o.instance "
    "AND n.prog = o.prog;"
    "INSERT INTO place SELECT * FROM old.place;"
    "INSERT INTO unparsed SELECT * FROM old.unparsed;"
    "INSERT OR IGNORE INTO word(s) SELECT s FROM old.word "
    "WHERE s IN (" CARRIED ", '');"
    "INSERT INTO rollup SELECT (SELECT id FROM word WHERE s = w.s), "
    "(SELECT id FROM word WHERE s = ''), 0, r.t, r.n, r.bytes "
    "FROM old.rollup r JOIN old.word w ON w.id = r.kind "
    "WHERE w.s IN (" CARRIED ");"
    "COMMIT;"
    "DETACH old;"
    "PRAGMA wal_checkpoint(TRUNCATE)";

static int
carry_over(const char *old, const char *new, char why[256])
{
	struct db db;
	sqlite3_stmt *q = NULL;
	int rc = db_open(&db, new, &schema_segment, DB_WRITE, why);

	if (rc < 0)
		return rc;
	rc = db_prepare(&db, &q, attach);
	if (rc == 0) {
		sqlite3_bind_text(q, 1, old, -1, SQLITE_STATIC);
		rc = db_run(q);
	}
	sqlite3_finalize(q);
	if (rc == 0)
		rc = db_exec(&db, copies);
	if (rc < 0)
		snprintf(why, 256, "%s: %s", new, db_error(&db));
	db_close(&db);
	return rc;
}

static int
fill(struct rebuild *r, const char *path, const char *new, int day,
    char why[256])
{
	int rc = db_open(&r->old, path, &schema_segment, DB_READ, why);

	if (rc == 0)
		rc = segment_open(&r->new, new, day, CACHE, why);
	if (rc == 0) {
		r->names = event_names_new();
		rc = r->names == NULL ? -ENOMEM : hear_all(r);
		if (rc < 0)
			snprintf(why, 256, "%s: %s", path,
			    rc == -EBADMSG ? "an event cannot be read"
					   : segment_error(r->new));
	}
	segment_close(r->new);
	event_names_free(r->names);
	db_close(&r->old);
	return rc;
}

/* Negative errno and why. */
static int
is_lean(const char *path, char why[256])
{
	struct db db;
	int rc = db_open(&db, path, &schema_segment, DB_READ, why);

	if (rc == 0)
		rc = lean_is(&db);
	db_close(&db);
	return rc;
}

/* 1, or negative errno. */
static int
replace(struct rebuild *r, const char *path, const char *new, int day,
    char why[256])
{
	int rc = fill(r, path, new, day, why);

	if (rc == 0)
		rc = carry_over(path, new, why);
	if (rc < 0)
		return rc;
	rc = replace_file(path, new);
	if (rc < 0)
		snprintf(why, 256, "%s: %s", path, strerror(-rc));
	return rc < 0 ? rc : 1;
}

int
rebuild_day(const char *path, int day, struct reasons *reasons,
    uint64_t *ret_events, char why[256])
{
	struct rebuild r = { .old = DB_NONE, .reasons = reasons };
	char *new = buf_text("%s.new", path);
	int rc;

	snprintf(why, 256, "%s: no memory", path);
	if (new == NULL)
		return -ENOMEM;
	replace_remove(new); /* of an earlier try */
	rc = is_lean(path, why);
	if (rc >= 0)
		rc = rc == 0 ? replace(&r, path, new, day, why) : 0;
	replace_remove(new);
	free(new);
	*ret_events = r.events;
	return rc;
}
