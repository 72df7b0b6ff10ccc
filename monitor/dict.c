#include "dict.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "buf.h"
#include "filter.h"
#include "seed.h"

#define FILTER_BITS 22 /* half a megabyte; of a million, one in four */

struct entry {
	uint32_t hash, at, n; /* where in the text; n: bytes of both */
	uint32_t first; /* bytes of the first text */
	int64_t id; /* 0: free */
};

struct dict {
	sqlite3_stmt *find;
	struct batch *add; /* new rows: all of them are in memory */
	struct db *db; /* borrowed */
	char *last_sql;
	int64_t next; /* number of the next row; 0: ask the table */
	bool has_second;
	struct seed seed;
	struct allowance *asker; /* borrowed; NULL: no limit */
	enum allowed kind;
	struct filter *filter; /* of rows; NULL: there were rows before */
	struct entry *slot;
	size_t slots, used; /* slots: a power of two */
	char *text;
	size_t len, max;
};

static int
prepare(struct dict *d, const struct dict_table *t)
{
	const char *second = t->second ? t->second : "",
		   *number = t->number ? t->number : "";
	char *find = buf_text("SELECT id FROM %s WHERE %s = ?1%s%s%s", t->name,
	    t->first, *second ? " AND " : "", second, *second ? " = ?2" : "");
	char *into = buf_text("INSERT INTO %s(%s%s%s%s%s)", t->name, t->first,
	    *second ? ", " : "", second, *number ? ", " : "", number);
	char *name = buf_text("batch_%s", t->name);
	int rc = -ENOMEM;

	d->last_sql = buf_text("SELECT coalesce(max(id), 0) FROM %s", t->name);
	if (find && into && name && d->last_sql)
		rc = db_prepare(d->db, &d->find, find);
	if (rc == 0) {
		d->add = batch_new(
		    d->db, name, 1 + !!*second + !!*number, into, NULL);
		rc = d->add != NULL ? 0 : -ENOMEM;
	}
	free(find);
	free(into);
	free(name);
	return rc;
}

struct dict *
dict_new(struct db *db, const struct dict_table *t, size_t bytes_max)
{
	struct dict *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->db = db;
	d->seed = seed_draw();
	d->has_second = t->second != NULL;
	d->max = bytes_max / 2;
	for (d->slots = 64; d->slots * sizeof(*d->slot) < bytes_max / 2;)
		d->slots *= 2;
	d->slot = calloc(d->slots, sizeof(*d->slot));
	d->text = malloc(d->max);
	if (d->slot == NULL || d->text == NULL || prepare(d, t) < 0) {
		dict_free(d);
		return NULL;
	}
	if (db_number(db, d->last_sql, 1) == 0)
		d->filter = filter_new(FILTER_BITS);
	return d;
}

void
dict_free(struct dict *d)
{
	if (d == NULL)
		return;
	sqlite3_finalize(d->find);
	batch_free(d->add);
	filter_free(d->filter);
	free(d->last_sql);
	free(d->slot);
	free(d->text);
	free(d);
}

static void
clear(struct dict *d)
{
	memset(d->slot, 0, d->slots * sizeof(*d->slot));
	d->used = d->len = 0;
}

void
dict_forget(struct dict *d)
{
	clear(d);
	batch_forget(d->add);
	d->next = 0;
}

int
dict_flush(struct dict *d)
{
	return batch_flush(d->add);
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

/* Room for one more; rows that wait are found in memory only. */
static int
make_room(struct dict *d, size_t n)
{
	int rc = 0;

	if (n > d->max)
		return -ERANGE;
	if (d->len + n <= d->max && d->used * 4 <= d->slots * 3)
		return 0;
	rc = dict_flush(d);
	clear(d);
	return rc;
}

static int
keep(struct dict *d, uint32_t hash, struct slice a, struct slice b, int64_t id)
{
	int rc = make_room(d, a.n + b.n);

	if (rc < 0)
		return rc;
	*look(d, hash, a, b) = (struct entry){ hash, (uint32_t)d->len,
		(uint32_t)(a.n + b.n), (uint32_t)a.n, id };
	if (a.n != 0)
		memcpy(d->text + d->len, a.p, a.n);
	if (b.n != 0)
		memcpy(d->text + d->len + a.n, b.p, b.n);
	d->len += a.n + b.n;
	d->used++;
	return 0;
}

static void
bind_text(sqlite3_stmt *s, int at, struct slice t)
{
	sqlite3_bind_text(s, at, t.n ? t.p : "", (int)t.n, SQLITE_STATIC);
}

/* 0: not there. */
static int64_t
from_table(struct dict *d, uint32_t hash, struct slice a, struct slice b)
{
	int64_t id = 0;
	int rc;

	if (!filter_may_have(d->filter, hash))
		return 0;
	bind_text(d->find, 1, a);
	if (d->has_second)
		bind_text(d->find, 2, b);
	rc = sqlite3_step(d->find);
	if (rc == SQLITE_ROW)
		id = sqlite3_column_int64(d->find, 0);
	else if (rc != SQLITE_DONE)
		id = db_errno(rc);
	sqlite3_reset(d->find);
	return id;
}

/* In memory, or in the table; 0: in neither. */
static int64_t
find(struct dict *d, uint32_t hash, struct slice a, struct slice b)
{
	int64_t id = look(d, hash, a, b)->id;
	int rc;

	if (id != 0)
		return id;
	id = from_table(d, hash, a, b);
	rc = id > 0 ? keep(d, hash, a, b, id) : 0;
	return rc < 0 ? rc : id;
}

static uint32_t
hash_of(const struct dict *d, struct slice a, struct slice b)
{
	uint64_t h = seed_hash(&d->seed, d->seed.begin, a);

	if (d->has_second)
		h = seed_hash(&d->seed, h, b);
	return (uint32_t)(h >> 32);
}

int64_t
dict_find(struct dict *d, struct slice a, struct slice b)
{
	return find(d, hash_of(d, a, b), a, b);
}

/* A row that waits. Its number is the one that it will get: one above the
 * last, as rows are written in this order and by nobody else. */
static int64_t
add(struct dict *d, uint32_t hash, struct slice a, struct slice b, int64_t fill)
{
	int rc = make_room(d, a.n + b.n), at = 0;

	if (rc == 0)
		rc = batch_row(d->add);
	if (rc < 0)
		return rc;
	if (d->next == 0)
		d->next = db_number(d->db, d->last_sql, 0) + 1;
	batch_text(d->add, at++, a);
	if (d->has_second)
		batch_text(d->add, at++, b);
	if (at < batch_columns(d->add))
		batch_int(d->add, at, fill);
	filter_add(d->filter, hash);
	rc = keep(d, hash, a, b, d->next);
	return rc < 0 ? rc : d->next++;
}

void
dict_set_asker(struct dict *d, struct allowance *asker, enum allowed kind)
{
	d->asker = asker;
	d->kind = kind;
}

static int64_t
key(struct dict *d, struct slice a, struct slice b, int64_t fill, bool is_free)
{
	static const struct slice other = { ALLOWANCE_OTHER,
		sizeof(ALLOWANCE_OTHER) - 1 };
	uint32_t hash = hash_of(d, a, b);
	int64_t id = find(d, hash, a, b);

	if (id != 0)
		return id;
	if (!is_free && !allowance_take(d->asker, d->kind))
		return key(d, other, (struct slice){ 0 }, 0, true);
	return add(d, hash, a, b, fill);
}

int64_t
dict_key(struct dict *d, struct slice a, struct slice b, int64_t fill)
{
	return key(d, a, b, fill, false);
}
