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

/* For the ids of sessions, which are the same after every start. Eight bytes
 * at a time. */
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
	for (int i = 0; i < JOINS_PEERS; i++)
		TAILQ_INIT(&t->by_age[i]);
	TAILQ_INIT(&t->spare);
}

void
joins_init(struct joins *j)
{
	j->seed = seed_draw();
	joins_set_peer(j, SLICE(""), 0);
	table_init(&j->mails, sizeof(struct mail), mail_is);
	table_init(&j->sessions, sizeof(struct session), session_is);
}

void
joins_set_peer(struct joins *j, struct slice via, unsigned number)
{
	j->via = seed_hash(&j->seed, j->seed.begin, via);
	j->peer = number % JOINS_PEERS;
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
	TAILQ_REMOVE(&t->by_age[e->peer], e, by_age);
	t->count--;
	t->bytes -= e->bytes;
	t->of_peer[e->peer] -= e->bytes;
	if (t->touched == e)
		t->touched = NULL;
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
	for (int i = 0; i < JOINS_PEERS; i++)
		list_free(t, &t->by_age[i]);
	list_free(t, &t->spare);
	map_release(&t->map);
}

void
joins_release(struct joins *j)
{
	table_release(&j->mails);
	table_release(&j->sessions);
}

static void
forget_of_most(struct joins *j, struct join_table *t)
{
	unsigned most = 0;

	for (unsigned i = 1; i < JOINS_PEERS; i++)
		if (t->of_peer[i] > t->of_peer[most])
			most = i;
	forget(t, TAILQ_FIRST(&t->by_age[most]));
	j->forgotten++;
}

static void
weigh(struct join_table *t, struct join *e)
{
	size_t bytes = t->size + e->texts.cap;

	if (t->size == sizeof(struct mail))
		bytes += ((struct mail *)e)->pending.cap;
	t->bytes += bytes - e->bytes;
	t->of_peer[e->peer] += bytes - e->bytes;
	e->bytes = (uint32_t)bytes;
}

/* What was last in use has grown since. */
static void
settle(struct joins *j, struct join_table *t)
{
	if (t->touched != NULL)
		weigh(t, t->touched);
	t->touched = NULL;
	while (t->bytes > JOINS_BYTES)
		forget_of_most(j, t);
}

static struct join *
entry_new(struct joins *j, struct join_table *t)
{
	struct join *e;

	settle(j, t);
	if (t->count >= JOINS_MAX)
		forget_of_most(j, t);
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
entry_add(struct joins *j, struct join_table *t, struct join *e, uint64_t key,
    int64_t now)
{
	e->key = key;
	e->peer = j->peer;
	e->bytes = 0;
	e->first_us = e->last_us = now;
	if (map_add(&t->map, e) < 0) {
		entry_clear(t, e);
		TAILQ_INSERT_HEAD(&t->spare, e, by_age);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&t->by_age[e->peer], e, by_age);
	t->count++;
	weigh(t, e);
	t->touched = e;
	return e;
}

static struct join *
entry_find(struct joins *j, struct join_table *t, uint64_t hash_,
    const void *key, int64_t now)
{
	struct join *e;

	settle(j, t);
	e = map_find(&t->map, hash_, key);
	if (e == NULL)
		return NULL;
	if (now - e->last_us > AGE_MAX_US || e->last_us - now > AGE_MAX_US) {
		forget(t, e);
		return NULL;
	}
	e->last_us = now;
	TAILQ_REMOVE(&t->by_age[e->peer], e, by_age);
	TAILQ_INSERT_TAIL(&t->by_age[e->peer], e, by_age);
	t->touched = e;
	return e;
}

static uint64_t
mail_hash(const struct joins *j, struct slice node, struct slice id)
{
	return seed_hash(&j->seed, seed_hash(&j->seed, j->via, node), id);
}

static struct mail *
mail_add(struct joins *j, const struct mail_key *k, int64_t t)
{
	struct mail *m = (struct mail *)entry_new(j, &j->mails);

	if (m == NULL)
		return NULL;
	texts_set(&m->join.texts, MT_ID, k->id);
	return (struct mail *)entry_add(j, &j->mails, &m->join, k->hash, t);
}

struct mail *
joins_mail(struct joins *j, struct slice node, struct slice id, int64_t t)
{
	struct mail_key k = { mail_hash(j, node, id), id };
	struct join *e = entry_find(j, &j->mails, k.hash, &k, t);

	return e != NULL ? (struct mail *)e : mail_add(j, &k, t);
}

struct mail *
joins_mail_begin(struct joins *j, struct slice node, struct slice id, int64_t t)
{
	struct mail_key k = { mail_hash(j, node, id), id };
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

/* The process that a session is of. */
struct process {
	struct slice node, prog;
	uint64_t pid;
};

static uint64_t
session_key(const struct joins *j, const struct process *p)
{
	uint64_t h = seed_hash(&j->seed, ~j->via, p->node);

	return seed_mix(&j->seed, seed_hash(&j->seed, h, p->prog), p->pid);
}

static struct session *
session_add(struct joins *j, const struct process *p, uint64_t key, int64_t t)
{
	struct session *s = (struct session *)entry_new(j, &j->sessions);
	uint64_t id = mix(hash(hash(1, p->node), p->prog), p->pid);

	if (s == NULL)
		return NULL;
	/* several in one second are told apart by their order */
	j->same = t == j->last_begin_us ? j->same + 1 : 0;
	j->last_begin_us = t;
	s->id = mix(mix(id, (uint64_t)t), j->same);
	return (struct session *)entry_add(j, &j->sessions, &s->join, key, t);
}

struct session *
joins_session(struct joins *j, struct slice node, struct slice prog,
    uint64_t pid, int64_t t)
{
	struct process p = { node, prog, pid };
	uint64_t key = session_key(j, &p);
	struct join *e = entry_find(j, &j->sessions, key, &key, t);

	return e != NULL ? (struct session *)e : session_add(j, &p, key, t);
}

struct session *
joins_session_begin(struct joins *j, struct slice node, struct slice prog,
    uint64_t pid, int64_t t)
{
	struct process p = { node, prog, pid };
	uint64_t key = session_key(j, &p);
	struct join *e = map_find(&j->sessions.map, key, &key);

	if (e != NULL)
		forget(&j->sessions, e);
	return session_add(j, &p, key, t);
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
