#include "dict.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

struct entry {
	uint32_t hash, at, n; /* where in the text; n: bytes of both */
	uint32_t first; /* bytes of the first text */
	int64_t id; /* 0: free */
};

struct dict {
	sqlite3_stmt *find, *add;
	bool has_second;
	bool is_whole; /* what is not in memory is not in the table */
	struct entry *slot;
	size_t slots, used; /* slots: a power of two */
	char *text;
	size_t len, max;
};

static bool
is_empty(struct db *db, const char *table)
{
	char *sql = buf_text("SELECT EXISTS (SELECT 1 FROM %s)", table);
	bool ret = sql != NULL && db_number(db, sql, 1) == 0;

	free(sql);
	return ret;
}

struct dict *
dict_new(struct db *db, const char *table, const char *first, const char *extra,
    size_t bytes_max)
{
	struct dict *d = calloc(1, sizeof(*d));
	bool is_addr = strcmp(table, "addr") == 0;
	char *find = NULL, *add = NULL;
	int rc = -ENOMEM;

	if (d == NULL)
		return NULL;
	d->has_second = extra != NULL;
	d->max = bytes_max / 2;
	for (d->slots = 64; d->slots * sizeof(*d->slot) < bytes_max / 2;)
		d->slots *= 2;
	d->slot = calloc(d->slots, sizeof(*d->slot));
	d->text = malloc(d->max);
	find = buf_text("SELECT id FROM %s WHERE %s = ?1%s%s%s", table, first,
	    extra ? " AND " : "", extra ? extra : "", extra ? " = ?2" : "");
	add = buf_text("INSERT INTO %s(%s%s%s) VALUES(?1%s)", table, first,
	    extra || is_addr ? ", " : "",
	    extra	  ? extra
		: is_addr ? "domain"
			  : "",
	    extra	  ? ", ?2"
		: is_addr ? ", ?3"
			  : "");
	if (d->slot && d->text && find && add)
		rc = db_prepare(db, &d->find, find);
	if (rc == 0)
		rc = db_prepare(db, &d->add, add);
	if (rc == 0)
		d->is_whole = is_empty(db, table);
	free(find);
	free(add);
	if (rc < 0) {
		dict_free(d);
		return NULL;
	}
	return d;
}

void
dict_free(struct dict *d)
{
	if (d == NULL)
		return;
	sqlite3_finalize(d->find);
	sqlite3_finalize(d->add);
	free(d->slot);
	free(d->text);
	free(d);
}

void
dict_forget(struct dict *d)
{
	memset(d->slot, 0, d->slots * sizeof(*d->slot));
	d->used = d->len = 0;
	d->is_whole = false;
}

static uint32_t
hash_more(uint64_t h, struct slice s)
{
	uint64_t v;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		memcpy(&v, s.p, 8);
		h = (h ^ v) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	v = s.n;
	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | (unsigned char)s.p[i];
	h = (h ^ v) * UINT64_C(0xbf58476d1ce4e5b9);
	return (uint32_t)(h >> 32);
}

static bool
is_same(const struct dict *d, const struct entry *e, uint32_t hash,
    struct slice a, struct slice b)
{
	return e->hash == hash && e->first == a.n && e->n == a.n + b.n &&
	    (a.n == 0 || memcmp(d->text + e->at, a.p, a.n) == 0) &&
	    (b.n == 0 || memcmp(d->text + e->at + a.n, b.p, b.n) == 0);
}

/* Its entry, or the free one where it belongs. */
static struct entry *
look(struct dict *d, uint32_t hash, struct slice a, struct slice b)
{
	size_t i = hash & (d->slots - 1);

	while (d->slot[i].id != 0 && !is_same(d, &d->slot[i], hash, a, b))
		i = (i + 1) & (d->slots - 1);
	return &d->slot[i];
}

static void
keep(struct dict *d, uint32_t hash, struct slice a, struct slice b, int64_t id)
{
	struct entry *e;

	if (a.n + b.n > d->max / 4) {
		d->is_whole = false;
		return;
	}
	if (d->len + a.n + b.n > d->max || d->used * 4 > d->slots * 3)
		dict_forget(d);
	e = look(d, hash, a, b);
	*e = (struct entry){ hash, (uint32_t)d->len, (uint32_t)(a.n + b.n),
		(uint32_t)a.n, id };
	if (a.n != 0)
		memcpy(d->text + d->len, a.p, a.n);
	if (b.n != 0)
		memcpy(d->text + d->len + a.n, b.p, b.n);
	d->len += a.n + b.n;
	d->used++;
}

static void
bind(struct dict *d, sqlite3_stmt *s, struct slice a, struct slice b)
{
	sqlite3_bind_text(s, 1, a.n ? a.p : "", (int)a.n, SQLITE_STATIC);
	if (d->has_second)
		sqlite3_bind_text(
		    s, 2, b.n ? b.p : "", (int)b.n, SQLITE_STATIC);
}

static int64_t
from_table(struct dict *d, struct slice a, struct slice b)
{
	int64_t id = 0;
	int rc;

	if (d->is_whole)
		return 0;
	bind(d, d->find, a, b);
	rc = sqlite3_step(d->find);
	if (rc == SQLITE_ROW)
		id = sqlite3_column_int64(d->find, 0);
	else if (rc != SQLITE_DONE)
		id = db_errno(rc);
	sqlite3_reset(d->find);
	return id;
}

int64_t
dict_find(struct dict *d, struct slice a, struct slice b)
{
	uint32_t hash = hash_more(hash_more(1, a), b);
	struct entry *e = look(d, hash, a, b);
	int64_t id = e->id;

	if (id != 0)
		return id;
	id = from_table(d, a, b);
	if (id > 0)
		keep(d, hash, a, b, id);
	return id;
}

int64_t
dict_key(struct dict *d, struct slice a, struct slice b, int64_t fill)
{
	uint32_t hash = hash_more(hash_more(1, a), b);
	int64_t id = look(d, hash, a, b)->id;
	int rc;

	if (id != 0)
		return id;
	id = from_table(d, a, b);
	if (id == 0) {
		bind(d, d->add, a, b);
		if (sqlite3_bind_parameter_count(d->add) >= 3)
			sqlite3_bind_int64(d->add, 3, fill);
		rc = db_run(d->add);
		if (rc < 0)
			return rc;
		id = sqlite3_last_insert_rowid(sqlite3_db_handle(d->add));
	}
	if (id > 0)
		keep(d, hash, a, b, id);
	return id;
}
