#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "allowance.h"
#include "map.h"
#include "seed.h"

#define KEY_MAX 1024 /* longer names are cut */
#define KEEP_MAX 4096 /* writers in memory between two flushes */

struct writers {
	sqlite3_stmt *find, *add, *load, *put, *del;
	struct db *db; /* borrowed */
	struct map map;
	struct seed seed;
	struct writer *last; /* the one before: most events follow their like */
};

struct key {
	const char *p;
	size_t n;
};

static uint64_t
hash_of(const void *entry)
{
	return ((const struct writer *)entry)->hash;
}

static bool
is_key(const void *entry, const void *key)
{
	const struct writer *w = entry;
	const struct key *k = key;

	return w->n == k->n && memcmp(w->key, k->p, k->n) == 0;
}

struct writers *
writers_new(struct db *db)
{
	static const char *const sql[] = {
		"SELECT id FROM writer WHERE boot = ?1 AND node = ?2 AND "
		"instance = ?3 AND prog = ?4",
		"INSERT INTO writer(boot, node, instance, prog, pid) "
		"VALUES(?1, ?2, ?3, ?4, ?5)",
		"SELECT lo, hi FROM seen WHERE writer = ?1 ORDER BY lo",
		"INSERT OR REPLACE INTO seen(writer, lo, hi) "
		"VALUES(?1, ?2, ?3)",
		"DELETE FROM seen WHERE writer = ?1",
	};
	struct writers *w = calloc(1, sizeof(*w));
	sqlite3_stmt **to[5];
	int rc = 0;

	if (w == NULL)
		return NULL;
	w->db = db;
	w->seed = seed_draw();
	map_init(&w->map, hash_of, is_key);
	to[0] = &w->find;
	to[1] = &w->add;
	to[2] = &w->load;
	to[3] = &w->put;
	to[4] = &w->del;
	for (int i = 0; i < 5 && rc == 0; i++)
		rc = db_prepare(db, to[i], sql[i]);
	if (rc < 0) {
		writers_free(w);
		return NULL;
	}
	return w;
}

void
writers_forget(struct writers *w)
{
	struct writer *one;
	size_t pos = 0;

	while ((one = map_next(&w->map, &pos)) != NULL) {
		seen_release(&one->seen);
		free(one);
	}
	map_release(&w->map);
	map_init(&w->map, hash_of, is_key);
	w->last = NULL;
}

void
writers_free(struct writers *w)
{
	if (w == NULL)
		return;
	writers_forget(w);
	sqlite3_finalize(w->find);
	sqlite3_finalize(w->add);
	sqlite3_finalize(w->load);
	sqlite3_finalize(w->put);
	sqlite3_finalize(w->del);
	free(w);
}

static size_t
put_part(char *key, size_t at, struct slice s)
{
	s = slice_sub(s, 0, KEY_MAX / 4 - 1);
	s = slice_sub(s, 0, slice_find(s, '\0')); /* it would be two parts */
	if (s.n != 0)
		memcpy(key + at, s.p, s.n);
	key[at + s.n] = '\0';
	return at + s.n + 1;
}

static int
bind_key(sqlite3_stmt *s, const struct writer *w)
{
	const char *p = w->key, *end;
	int i = 1, rc = SQLITE_OK;

	for (; i <= 4 && rc == SQLITE_OK; i++, p = end + 1) {
		end = memchr(p, '\0', (size_t)(w->key + w->n - p));
		rc = sqlite3_bind_text(s, i, p, (int)(end - p), SQLITE_STATIC);
	}
	return db_errno(rc);
}

static int
load_seen(struct writers *all, struct writer *w)
{
	int rc, err = 0;

	sqlite3_bind_int64(all->load, 1, w->id);
	while ((rc = sqlite3_step(all->load)) == SQLITE_ROW && err == 0)
		err = seen_append(&w->seen,
		    (uint64_t)sqlite3_column_int64(all->load, 0),
		    (uint64_t)sqlite3_column_int64(all->load, 1));
	sqlite3_reset(all->load);
	w->has_rows = w->seen.n != 0;
	return err < 0 ? err : db_errno(rc);
}

/* Its row, read or made. -EDQUOT: there is none, and may not be. */
static int
attach(struct writers *all, struct writer *w, const struct heard *h)
{
	int rc = bind_key(all->find, w);

	if (rc == 0)
		rc = sqlite3_step(all->find);
	if (rc == SQLITE_ROW)
		w->id = sqlite3_column_int64(all->find, 0);
	sqlite3_reset(all->find);
	if (rc != SQLITE_DONE)
		return rc == SQLITE_ROW ? load_seen(all, w) : db_errno(rc);
	if (!allowance_take(h->may, AL_WRITER))
		return -EDQUOT;
	rc = bind_key(all->add, w);
	sqlite3_bind_int64(all->add, 5, (sqlite3_int64)h->pid);
	if (rc == 0)
		rc = db_run(all->add);
	w->id = sqlite3_last_insert_rowid(all->db->h);
	return rc;
}

struct slice
writer_boot(const struct heard *h, char room[WRITER_BOOT_MAX])
{
	struct slice boot = slice_sub(h->boot, 0, WRITER_BOOT_MAX - 64),
		     via = slice_sub(h->via, 0, 63);

	if (via.n == 0)
		return h->boot;
	boot = slice_sub(boot, 0, slice_find(boot, '\0'));
	if (boot.n != 0)
		memcpy(room, boot.p, boot.n);
	room[boot.n] = '@';
	memcpy(room + boot.n + 1, via.p, via.n);
	return (struct slice){ room, boot.n + 1 + via.n };
}

static int
make(struct writers *all, const struct key *k, uint64_t hash,
    const struct heard *h, struct writer **ret)
{
	struct writer *w = calloc(1, sizeof(*w) + k->n);
	int rc = -ENOMEM;

	if (w == NULL)
		return rc;
	memcpy(w->key, k->p, k->n);
	w->n = k->n;
	w->hash = hash;
	rc = attach(all, w, h);
	if (rc == 0)
		rc = map_add(&all->map, w);
	if (rc < 0) {
		seen_release(&w->seen);
		free(w);
		return rc;
	}
	*ret = w;
	return 0;
}

static void
put_key(struct key *k, char text[KEY_MAX], const struct slice part[4])
{
	*k = (struct key){ text, 0 };
	for (int i = 0; i < 4; i++)
		k->n = put_part(text, k->n, part[i]);
}

/* In memory, or NULL; the hash is told. */
static struct writer *
find(const struct writers *all, const struct key *k, uint64_t *ret_hash)
{
	*ret_hash = seed_hash(
	    &all->seed, all->seed.begin, (struct slice){ k->p, k->n });
	return map_find(&all->map, *ret_hash, k);
}

/* Those of a peer that has as many as it may are one, without numbers. */
static int
make_other(struct writers *all, const struct heard *h)
{
	struct heard other = { .via = h->via };
	char text[KEY_MAX], boot[WRITER_BOOT_MAX];
	const struct slice part[4] = { writer_boot(&other, boot), SLICE(""),
		SLICE(""), SLICE(ALLOWANCE_OTHER) };
	struct key k;
	uint64_t hash;

	put_key(&k, text, part);
	all->last = find(all, &k, &hash);
	return all->last != NULL ? 0 : make(all, &k, hash, &other, &all->last);
}

int
writers_get(struct writers *all, const struct heard *h, struct writer **ret)
{
	char text[KEY_MAX], boot[WRITER_BOOT_MAX];
	const struct slice part[4] = { writer_boot(h, boot), h->node,
		h->instance, h->prog };
	struct key k;
	uint64_t hash;
	int rc = 0;

	put_key(&k, text, part);
	if (all->last == NULL || !is_key(all->last, &k)) {
		all->last = find(all, &k, &hash);
		if (all->last == NULL)
			rc = make(all, &k, hash, h, &all->last);
		if (rc == -EDQUOT)
			rc = make_other(all, h);
	}
	*ret = all->last;
	return rc;
}

/* A peer's number far from all that it had, or one more hole than it may. */
static bool
is_believed(const struct writer *w, const struct heard *h)
{
	uint64_t far;

	if (h->may == NULL)
		return true;
	if (w->key[0] == '@') /* several starts, or none */
		return false;
	far = seen_distance(&w->seen, h->seq);
	if (far <= 1 ||
	    (far <= WRITER_JUMP_MAX && allowance_take(h->may, AL_RANGE)))
		return true;
	h->may->is_cut = true;
	return false;
}

enum number
writers_take(
    struct writers *all, struct writer *w, const struct heard *h, int *ret_rc)
{
	bool is_new;

	(void)all;
	*ret_rc = 0;
	if (h->seq == 0 || !is_believed(w, h))
		return NUMBER_NONE;
	is_new = seen_add(&w->seen, h->seq, ret_rc);
	w->is_dirty |= is_new;
	return is_new ? NUMBER_NEW : NUMBER_BEFORE;
}

static int
put_range(struct writers *all, const struct writer *w, size_t i)
{
	sqlite3_bind_int64(all->put, 1, w->id);
	sqlite3_bind_int64(all->put, 2, (sqlite3_int64)w->seen.v[i].lo);
	sqlite3_bind_int64(all->put, 3, (sqlite3_int64)w->seen.v[i].hi);
	return db_run(all->put);
}

/* All its ranges anew: nearly always that is one row. */
static int
flush_one(struct writers *all, struct writer *w)
{
	int rc = 0;

	sqlite3_bind_int64(all->del, 1, w->id);
	if (w->has_rows)
		rc = db_run(all->del);
	for (size_t i = 0; i < w->seen.n && rc == 0; i++)
		rc = put_range(all, w, i);
	w->has_rows = true;
	w->is_dirty = rc < 0;
	return rc;
}

int
writers_flush(struct writers *all)
{
	struct writer *w;
	size_t pos = 0;
	int rc = 0;

	while (rc == 0 && (w = map_next(&all->map, &pos)) != NULL)
		if (w->is_dirty)
			rc = flush_one(all, w);
	if (rc == 0 && all->map.n > KEEP_MAX)
		writers_forget(all);
	return rc;
}
