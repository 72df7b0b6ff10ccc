/*
 * snapshot: what is in the queue, once a minute, as cells of state, domain
 * and age: the shape by which a postmaster sees where mail piles up. Open
 * recipients count at their own domains; a message, with its bytes, at that
 * of the first of them. The walk takes a slice a second; the domains with
 * most recipients have cells of their own, the rest shares one.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "filter.h"
#include "queue.h"

#define EVERY (60 * US_SEC)
#define LOOK_MAX 50000 /* recipients a second, finished ones too */
#define CELLS_MAX 16384 /* some 2 MB while it walks */
#define TOLD_MAX 200 /* cells in one event */
#define SMALL 10000 /* messages that are counted on request */
#define AGES 8 /* up to 5 minutes, 10, 20 … 320, more */

struct amount {
	uint64_t n, rcpts, bytes;
	int64_t oldest; /* wall; 0: nothing is in it */
};

struct cell {
	const char *state; /* static */
	char *domain; /* owned; "" for the rest */
	uint8_t age;
	struct amount of;
};

struct snapshot {
	struct index_walk walk;
	struct msgid half; /* the walk goes on within this message... */
	uint32_t done; /* ...behind so many of its recipients */
	bool is_counted; /* the message itself, not only recipients */
	struct map cells;
	int64_t began, next; /* wall; mono */
	struct amount all;
	bool is_walking;
	char *last; /* owned: the row of the last one; NULL before it */
};

struct key {
	const char *state;
	struct slice domain;
	uint8_t age;
};

static uint64_t
hash_key(const struct key *k)
{
	return slice_ihash(k->domain) * 31 + k->age * 7 +
	    (uint64_t)(uintptr_t)k->state;
}

static uint64_t
hash_cell(const void *entry)
{
	const struct cell *c = entry;

	return hash_key(&(struct key){ c->state, slice_of(c->domain), c->age });
}

static bool
is_cell(const void *entry, const void *key)
{
	const struct cell *c = entry;
	const struct key *k = key;

	return c->state == k->state && c->age == k->age &&
	    slice_ieq(slice_of(c->domain), k->domain);
}

struct snapshot *
snapshot_new(void)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	map_init(&s->cells, hash_cell, is_cell);
	return s;
}

static void
clear(struct snapshot *s)
{
	struct cell *c;
	size_t pos = 0;

	while ((c = map_next(&s->cells, &pos)) != NULL) {
		free(c->domain);
		free(c);
	}
	map_release(&s->cells);
	map_init(&s->cells, hash_cell, is_cell);
	s->all = (struct amount){ 0 };
	s->done = 0;
	s->is_walking = false;
}

void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	if (s->is_walking)
		walk_stop(&s->walk);
	clear(s);
	free(s->last);
	free(s);
}

static uint8_t
age_of(int64_t us)
{
	uint8_t age = 0;

	for (int64_t most = 5 * US_MIN; age < AGES - 1 && us > most; most *= 2)
		age++;
	return age;
}

static struct cell *
cell_new(struct snapshot *s, const struct key *k)
{
	struct cell *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	*c = (struct cell){ .state = k->state, .age = k->age };
	c->domain = slice_dup(k->domain);
	if (c->domain == NULL || map_add(&s->cells, c) < 0) {
		free(c->domain);
		free(c);
		return NULL;
	}
	return c;
}

static void
sum(struct amount *to, const struct amount *more)
{
	to->n += more->n;
	to->rcpts += more->rcpts;
	to->bytes += more->bytes;
	if (to->oldest == 0 || (more->oldest != 0 && more->oldest < to->oldest))
		to->oldest = more->oldest;
}

/* Beyond so many cells a new domain is one of the rest. */
static struct cell *
cell_of(struct snapshot *s, const struct key *k)
{
	struct cell *c = map_find(&s->cells, hash_key(k), k);
	struct key rest = { k->state, SLICE(""), k->age };

	if (c != NULL)
		return c;
	if (s->cells.n >= CELLS_MAX && k->domain.n != 0)
		return cell_of(s, &rest);
	return cell_new(s, k);
}

static void
add(struct snapshot *s, const struct key *k, const struct amount *more)
{
	struct cell *c = cell_of(s, k);

	if (c != NULL)
		sum(&c->of, more);
	sum(&s->all, more);
}

/* Recipients from on, at most so many; the one behind the last. */
static uint32_t
count(struct snapshot *s, const struct msg *m, uint32_t from, uint32_t most)
{
	const struct amount first = { 1, 1, m->size, m->received },
			    other = { 0, 1, 0, m->received };
	struct key k = { msg_state(m), SLICE(""),
		age_of(s->began - m->received) };
	uint32_t i;

	s->is_counted = s->is_counted && from != 0;
	for (i = from; i < m->rcpt_n && i - from < most; i++) {
		struct slice addr = slice_of(rcpt_addr(m, &m->rcpt[i]));

		if (!rcpt_is_open(&m->rcpt[i]))
			continue;
		k.domain = slice_sub(addr, slice_rfind(addr, '@') + 1, addr.n);
		add(s, &k, s->is_counted ? &other : &first);
		s->is_counted = true;
	}
	return i;
}

/* A slice of the walk. False: it is at its end. A huge list takes several;
 * what was counted of it stays when it goes meanwhile. */
static bool
look(struct snapshot *s, uint32_t most)
{
	for (uint32_t looked = 0; looked < most;) {
		struct msg *m = walk_next(&s->walk);
		uint32_t from, to;

		if (m == NULL)
			return false;
		from = msgid_eq(m->id, s->half) ? s->done : 0;
		to = count(s, m, from, most - looked);
		looked += to > from ? to - from : 1;
		if (to == m->rcpt_n)
			continue;
		s->walk.next = m;
		s->half = m->id;
		s->done = to;
	}
	return true;
}

static void
put_cell(struct buf *b, const struct cell *c)
{
	buf_adds(b, b->len > 1 ? ",{\"queue\":\"" : "{\"queue\":\"");
	buf_adds(b, c->state);
	buf_adds(b, "\",\"domain\":");
	put_json(b, slice_of(c->domain));
	buf_addf(b,
	    ",\"bucket\":%u,\"count\":%llu,\"rcpt_count\":%llu,"
	    "\"size_bytes\":%llu,\"oldest\":\"",
	    c->age, (unsigned long long)c->of.n,
	    (unsigned long long)c->of.rcpts, (unsigned long long)c->of.bytes);
	clock_rfc3339(b, c->of.oldest);
	buf_adds(b, "\"}");
}

static int
most_first(const void *a, const void *b)
{
	const struct cell *x = *(struct cell *const *)a,
			  *y = *(struct cell *const *)b;

	return x->of.rcpts > y->of.rcpts ? -1 : x->of.rcpts < y->of.rcpts;
}

/* The cells with most recipients by name; the others become one for each
 * state and age, without a domain. */
static void
put_cells(struct snapshot *s, struct buf *b)
{
	struct cell **all = calloc(s->cells.n + 1, sizeof(struct cell *)), *c;
	size_t n = 0, pos = 0;

	while (all != NULL && (c = map_next(&s->cells, &pos)) != NULL)
		if (c->domain[0] != '\0')
			all[n++] = c;
	if (n > 1)
		qsort(all, n, sizeof(struct cell *), most_first);
	for (size_t i = 0; i < n; i++) {
		struct key rest = { all[i]->state, SLICE(""), all[i]->age };

		if (i < TOLD_MAX)
			put_cell(b, all[i]);
		else if ((c = cell_of(s, &rest)) != NULL)
			sum(&c->of, &all[i]->of);
	}
	for (pos = 0; (c = map_next(&s->cells, &pos)) != NULL;)
		if (c->domain[0] == '\0')
			put_cell(b, c);
	free(all);
}

static char *
row_of(const struct snapshot *s, const char *cells)
{
	struct buf b;
	char *row;

	buf_init(&b, 1 << 20);
	buf_adds(&b, "{\"time\":\"");
	clock_rfc3339(&b, s->began);
	buf_addf(&b,
	    "\",\"count\":%llu,\"rcpt_count\":%llu,\"size_bytes\":%llu,"
	    "\"cells\":%s}\n",
	    (unsigned long long)s->all.n, (unsigned long long)s->all.rcpts,
	    (unsigned long long)s->all.bytes, cells);
	row = buf_take(&b);
	buf_release(&b);
	return row;
}

static void
tell(struct queue *q, struct snapshot *s)
{
	struct event e;
	struct buf b;

	buf_init(&b, 1 << 20);
	buf_addc(&b, '[');
	put_cells(s, &b);
	buf_addc(&b, ']');
	event_init(&e, EV_QUEUE_SNAPSHOT);
	event_num(&e, F_COUNT, s->all.n);
	event_num(&e, F_RCPT_COUNT, s->all.rcpts);
	event_num(&e, F_SIZE_BYTES, s->all.bytes);
	if (s->all.oldest != 0)
		event_num(&e, F_OLDEST, (uint64_t)s->all.oldest);
	event_str(&e, F_QUEUE, buf_slice(&b));
	queue_emit(q, &e);
	free(s->last);
	s->last = row_of(s, b.data);
	buf_release(&b);
}

void
snapshot_second(struct queue *q)
{
	struct snapshot *s = q->snapshot;

	if (s == NULL || (!s->is_walking && clock_mono() < s->next))
		return;
	if (!s->is_walking) {
		walk_start(&q->index, &s->walk);
		s->is_walking = true;
		s->began = clock_wall();
		s->next = clock_mono() + EVERY;
	}
	if (look(s, LOOK_MAX))
		return;
	walk_stop(&s->walk);
	tell(q, s);
	clear(s);
}

/* All of a small queue, without a word to the log. False: it is not small. */
static bool
put_now(struct queue *q, struct buf *to)
{
	struct snapshot s = { .began = clock_wall() };
	struct buf b;
	char *row = NULL;
	bool is_whole;

	map_init(&s.cells, hash_cell, is_cell);
	buf_init(&b, 1 << 20);
	walk_start(&q->index, &s.walk);
	is_whole = !look(&s, LOOK_MAX);
	walk_stop(&s.walk);
	if (is_whole) {
		buf_addc(&b, '[');
		put_cells(&s, &b);
		buf_addc(&b, ']');
		row = row_of(&s, b.data);
	}
	if (row != NULL)
		buf_adds(to, row);
	free(row);
	buf_release(&b);
	clear(&s);
	return is_whole;
}

void
snapshot_put(struct queue *q, struct buf *to)
{
	if (q->snapshot == NULL)
		return;
	if (q->index.by_id.n <= SMALL && q->index.rcpts <= LOOK_MAX &&
	    put_now(q, to))
		return;
	if (q->snapshot->last != NULL)
		buf_adds(to, q->snapshot->last);
}
