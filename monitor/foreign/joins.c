#include "joins.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"

/* Longer between two lines of one message: the id is a new one's. Mailers
 * give up after five days, and try at least every day before. */
#define AGE_MAX_US (6 * US_DAY)

struct mail_key {
	uint64_t hash;
	struct slice id;
};

static uint64_t
mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

/* Eight bytes at a time; ids differ in the case of letters. */
static uint64_t
hash(uint64_t h, struct slice s)
{
	uint64_t v;

	for (; s.n >= sizeof(v); s = slice_sub(s, sizeof(v), s.n)) {
		memcpy(&v, s.p, sizeof(v));
		h = mix(h, v);
	}
	v = s.n;
	if (s.n != 0)
		memcpy(&v, s.p, s.n);
	return mix(h, v ^ (uint64_t)s.n << 56);
}

static uint64_t
join_hash(const void *entry)
{
	return ((const struct join *)entry)->key;
}

static bool
mail_is(const void *entry, const void *key)
{
	const struct mail *m = entry;
	const struct mail_key *k = key;

	return m->join.key == k->hash &&
	    slice_eq(texts_get(&m->join.texts, MT_ID), k->id);
}

static bool
session_is(const void *entry, const void *key)
{
	return ((const struct join *)entry)->key == *(const uint64_t *)key;
}

static void
table_init(
    struct join_table *t, size_t size, bool (*is)(const void *, const void *))
{
	*t = (struct join_table){ .size = size };
	map_init(&t->map, join_hash, is);
	TAILQ_INIT(&t->by_age);
	TAILQ_INIT(&t->spare);
}

void
joins_init(struct joins *j)
{
	table_init(&j->mails, sizeof(struct mail), mail_is);
	table_init(&j->sessions, sizeof(struct session), session_is);
}

/* An entry begins with its join, in both tables. */
static void
entry_clear(struct join_table *t, struct join *e)
{
	struct texts texts = e->texts;

	texts_clear(&texts);
	if (t->size == sizeof(struct mail)) {
		struct mail *m = (struct mail *)e;
		struct buf pending = m->pending;

		buf_clear(&pending);
		buf_shrink(&pending);
		*m = (struct mail){ .pending = pending };
	} else {
		memset(e, 0, t->size);
	}
	e->texts = texts;
}

static void
forget(struct join_table *t, struct join *e)
{
	map_del(&t->map, e);
	TAILQ_REMOVE(&t->by_age, e, by_age);
	t->count--;
	entry_clear(t, e);
	TAILQ_INSERT_HEAD(&t->spare, e, by_age);
}

static void
list_free(struct join_table *t, struct join_list *list)
{
	struct join *e;

	while ((e = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, e, by_age);
		texts_release(&e->texts);
		if (t->size == sizeof(struct mail))
			buf_release(&((struct mail *)e)->pending);
		free(e);
	}
}

static void
table_release(struct join_table *t)
{
	list_free(t, &t->by_age);
	list_free(t, &t->spare);
	map_release(&t->map);
}

void
joins_release(struct joins *j)
{
	table_release(&j->mails);
	table_release(&j->sessions);
}

static struct join *
entry_new(struct join_table *t)
{
	struct join *e;

	if (t->count >= JOINS_MAX)
		forget(t, TAILQ_FIRST(&t->by_age));
	e = TAILQ_FIRST(&t->spare);
	if (e != NULL) {
		TAILQ_REMOVE(&t->spare, e, by_age);
		return e;
	}
	e = calloc(1, t->size);
	if (e != NULL && t->size == sizeof(struct mail))
		buf_init(&((struct mail *)e)->pending, JOINS_PENDING_MAX);
	return e;
}

static struct join *
entry_add(struct join_table *t, struct join *e, uint64_t key, int64_t now)
{
	e->key = key;
	e->first_us = e->last_us = now;
	if (map_add(&t->map, e) < 0) {
		entry_clear(t, e);
		TAILQ_INSERT_HEAD(&t->spare, e, by_age);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&t->by_age, e, by_age);
	t->count++;
	return e;
}

static struct join *
entry_find(struct join_table *t, uint64_t hash_, const void *key, int64_t now)
{
	struct join *e = map_find(&t->map, hash_, key);

	if (e == NULL)
		return NULL;
	if (now - e->last_us > AGE_MAX_US || e->last_us - now > AGE_MAX_US) {
		forget(t, e);
		return NULL;
	}
	e->last_us = now;
	TAILQ_REMOVE(&t->by_age, e, by_age);
	TAILQ_INSERT_TAIL(&t->by_age, e, by_age);
	return e;
}

static struct mail *
mail_add(struct joins *j, const struct mail_key *k, int64_t t)
{
	struct mail *m = (struct mail *)entry_new(&j->mails);

	if (m == NULL)
		return NULL;
	texts_set(&m->join.texts, MT_ID, k->id);
	return (struct mail *)entry_add(&j->mails, &m->join, k->hash, t);
}

struct mail *
joins_mail(struct joins *j, struct slice node, struct slice id, int64_t t)
{
	struct mail_key k = { hash(hash(0, node), id), id };
	struct join *e = entry_find(&j->mails, k.hash, &k, t);

	return e != NULL ? (struct mail *)e : mail_add(j, &k, t);
}

struct mail *
joins_mail_begin(struct joins *j, struct slice node, struct slice id, int64_t t)
{
	struct mail_key k = { hash(hash(0, node), id), id };
	struct join *e = map_find(&j->mails.map, k.hash, &k);
	struct mail *m;

	if (e != NULL)
		forget(&j->mails, e);
	m = mail_add(j, &k, t);
	if (m != NULL)
		m->has_begun = true;
	return m;
}

void
joins_mail_end(struct joins *j, struct mail *m)
{
	forget(&j->mails, &m->join);
}

static uint64_t
session_key(struct slice node, struct slice prog, uint64_t pid)
{
	return mix(hash(hash(1, node), prog), pid);
}

static struct session *
session_add(struct joins *j, uint64_t key, int64_t t)
{
	struct session *s = (struct session *)entry_new(&j->sessions);

	if (s == NULL)
		return NULL;
	/* several in one second are told apart by their order */
	j->same = t == j->last_begin_us ? j->same + 1 : 0;
	j->last_begin_us = t;
	s->id = mix(mix(key, (uint64_t)t), j->same);
	return (struct session *)entry_add(&j->sessions, &s->join, key, t);
}

struct session *
joins_session(struct joins *j, struct slice node, struct slice prog,
    uint64_t pid, int64_t t)
{
	uint64_t key = session_key(node, prog, pid);
	struct join *e = entry_find(&j->sessions, key, &key, t);

	return e != NULL ? (struct session *)e : session_add(j, key, t);
}

struct session *
joins_session_begin(struct joins *j, struct slice node, struct slice prog,
    uint64_t pid, int64_t t)
{
	uint64_t key = session_key(node, prog, pid);
	struct join *e = map_find(&j->sessions.map, key, &key);

	if (e != NULL)
		forget(&j->sessions, e);
	return session_add(j, key, t);
}

void
joins_session_end(struct joins *j, struct session *s)
{
	forget(&j->sessions, &s->join);
}

/* Where the recipient's line begins; pending.len: it has none. */
static size_t
find_rcpt(const struct mail *m, struct slice rcpt)
{
	struct slice rest = buf_slice(&m->pending), one;

	while (slice_next(&rest, '\n', &one))
		if (slice_eq(one, rcpt))
			return (size_t)(one.p - m->pending.data);
	return m->pending.len;
}

void
mail_wait(struct mail *m, struct slice rcpt)
{
	m->is_deferred = true;
	if (rcpt.p == NULL || slice_find(rcpt, '\n') < rcpt.n ||
	    m->pending.len + rcpt.n + 1 > JOINS_PENDING_MAX ||
	    find_rcpt(m, rcpt) < m->pending.len)
		return;
	buf_add_slice(&m->pending, rcpt);
	buf_addc(&m->pending, '\n');
}

void
mail_wait_ends(struct mail *m, struct slice rcpt)
{
	size_t at;

	if (m->pending.len == 0)
		return;
	at = find_rcpt(m, rcpt);
	if (at == m->pending.len)
		return;
	memmove(m->pending.data + at, m->pending.data + at + rcpt.n + 1,
	    m->pending.len - at - rcpt.n - 1);
	m->pending.len -= rcpt.n + 1;
	m->pending.data[m->pending.len] = '\0';
}
