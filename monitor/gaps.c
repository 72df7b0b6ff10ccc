#include "gaps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "seen.h"
#include "slice.h"
#include "writer.h"

struct boot {
	struct seen seen;
	uint64_t said; /* the highest number that a log.gap names; 0: none */
	char name[];
};

struct gaps {
	struct map map;
};

static uint64_t
hash_of(const void *entry)
{
	return slice_ihash(slice_of(((const struct boot *)entry)->name));
}

static bool
is_name(const void *entry, const void *key)
{
	return strcmp(((const struct boot *)entry)->name, key) == 0;
}

struct gaps *
gaps_new(void)
{
	struct gaps *g = calloc(1, sizeof(*g));

	if (g != NULL)
		map_init(&g->map, hash_of, is_name);
	return g;
}

void
gaps_free(struct gaps *g)
{
	struct boot *b;
	size_t pos = 0;

	if (g == NULL)
		return;
	while ((b = map_next(&g->map, &pos)) != NULL) {
		seen_release(&b->seen);
		free(b);
	}
	map_release(&g->map);
	free(g);
}

static struct boot *
get(struct gaps *g, const char *name)
{
	struct boot *b = map_find(&g->map, slice_ihash(slice_of(name)), name);
	size_t n = strlen(name) + 1;

	if (b != NULL)
		return b;
	b = calloc(1, sizeof(*b) + n);
	if (b == NULL)
		return NULL;
	memcpy(b->name, name, n);
	if (map_add(&g->map, b) == 0)
		return b;
	free(b);
	return NULL;
}

/* The range joined with those that are there already. */
static int
join(struct seen *s, uint64_t lo, uint64_t hi)
{
	size_t i = 0, k;

	if (s->n != 0 && s->v[s->n - 1].hi + 1 < lo)
		i = s->n;
	while (i < s->n && s->v[i].hi + 1 < lo)
		i++;
	if (i == s->n)
		return seen_append(s, lo, hi);
	if (s->v[i].lo > hi + 1) {
		int rc = seen_append(s, lo, hi);

		if (rc < 0)
			return rc;
		memmove(s->v + i + 1, s->v + i, (s->n - 1 - i) * sizeof(*s->v));
		s->v[i] = (struct seen_range){ lo, hi };
		return 0;
	}
	if (lo < s->v[i].lo)
		s->v[i].lo = lo;
	for (k = i; k < s->n && s->v[k].lo <= hi + 1; k++)
		if (s->v[k].hi > hi)
			hi = s->v[k].hi;
	s->v[i].hi = hi;
	memmove(s->v + i + 1, s->v + k, (s->n - k) * sizeof(*s->v));
	s->n -= k - i - 1;
	return 0;
}

/* sql gives boot, lo and hi; it may have two days. */
static int
add_seen(struct gaps *g, struct db *db, const char *sql, int from, int to)
{
	sqlite3_stmt *q = NULL;
	int err = 0, rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_int(q, 1, from);
	sqlite3_bind_int(q, 2, to);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW && err == 0) {
		struct boot *b =
		    get(g, (const char *)sqlite3_column_text(q, 0));

		err = b == NULL
		    ? -ENOMEM
		    : join(&b->seen, (uint64_t)sqlite3_column_int64(q, 1),
			  (uint64_t)sqlite3_column_int64(q, 2));
	}
	sqlite3_finalize(q);
	return err < 0 ? err : db_errno(rc);
}

/* The same with boot and number. */
static int
add_said(struct gaps *g, struct db *db, const char *sql, int from, int to)
{
	sqlite3_stmt *q = NULL;
	int rc = db_prepare(db, &q, sql);

	if (rc < 0)
		return rc;
	sqlite3_bind_int(q, 1, from);
	sqlite3_bind_int(q, 2, to);
	while ((rc = sqlite3_step(q)) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(q, 0);
		uint64_t seq = (uint64_t)sqlite3_column_int64(q, 1);
		bool is_one = name != NULL &&
		    strlen(name) == (size_t)sqlite3_column_bytes(q, 0);
		struct boot *b = is_one ? get(g, name) : NULL;

		if (b != NULL && seq > b->said)
			b->said = seq;
	}
	sqlite3_finalize(q);
	return db_errno(rc);
}

int
gaps_add(struct gaps *g, struct db *db)
{
	int rc = add_seen(g, db,
	    "SELECT boot, lo, hi FROM seen JOIN writer ON id = writer", 0, 0);

	/* a table of all events is only looked through when there are some */
	if (rc == 0 &&
	    db_number(db, "SELECT 1 FROM word WHERE s = 'log.gap'", 0) != 0)
		rc = add_said(g, db,
		    "SELECT " GAPS_SAID_BOOT ", extra ->> '$.to_seq' FROM ev "
		    "WHERE ty = (SELECT id FROM word WHERE s = 'log.gap')",
		    0, 0);
	return rc;
}

int
gaps_add_gone(struct gaps *g, struct db *catalog, int from, int to)
{
	int rc = add_seen(g, catalog,
	    "SELECT boot, lo, hi FROM seen WHERE day BETWEEN ?1 AND ?2", from,
	    to);

	return rc < 0 ? rc
		      : add_said(g, catalog,
			    "SELECT boot, seq FROM said "
			    "WHERE day BETWEEN ?1 AND ?2",
			    from, to);
}

bool
gaps_is_empty(const struct gaps *g)
{
	return g->map.n == 0;
}

bool
gaps_has(const struct gaps *g, struct slice boot, uint64_t seq)
{
	char name[WRITER_BOOT_MAX];
	const struct boot *b;

	if (boot.n >= sizeof(name))
		return false;
	memcpy(name, boot.p, boot.n);
	name[boot.n] = '\0';
	b = map_find(&g->map, slice_ihash(boot), name);
	return b != NULL && seen_has(&b->seen, seq);
}

void
gaps_each(const struct gaps *g,
    void (*one)(void *, const char *, uint64_t, uint64_t), void *arg)
{
	const struct boot *b;
	size_t pos = 0;

	while ((b = map_next(&g->map, &pos)) != NULL) {
		uint64_t last = 0;

		for (size_t i = 0; i < b->seen.n; i++) {
			if (i != 0)
				one(arg, b->name, last + 1,
				    b->seen.v[i].lo - 1);
			last = b->seen.v[i].hi;
		}
		if (last != 0 && b->said > last)
			one(arg, b->name, last + 1,
			    b->said - last < WRITER_JUMP_MAX
				? b->said
				: last + WRITER_JUMP_MAX);
	}
}

#define MISSING_MAX (INT64_MAX / 2) /* not 0 again, whatever was said */

struct sum {
	uint64_t runs, missing;
};

static void
add_run(void *arg, const char *boot, uint64_t from, uint64_t to)
{
	struct sum *sum = arg;

	(void)boot;
	sum->runs++;
	sum->missing = sum->missing > MISSING_MAX - (to - from)
	    ? MISSING_MAX
	    : sum->missing + (to - from + 1);
}

void
gaps_count(const struct gaps *g, uint64_t *ret_runs, uint64_t *ret_missing)
{
	struct sum sum = { 0, 0 };

	gaps_each(g, add_run, &sum);
	*ret_runs = sum.runs;
	*ret_missing = sum.missing;
}
