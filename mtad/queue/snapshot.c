/*
 * snapshot: what is in the queue, once a minute, as cells of state, domain
 * and age: the shape by which a postmaster sees where mail piles up. The
 * walk takes a slice a second; the domains with most messages have cells of
 * their own, the rest shares one.
 */
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "filter.h"
#include "queue.h"

#define EVERY (60 * US_SEC)
#define LOOK_MAX 50000 /* messages a second */
#define CELLS_MAX 4096
#define TOLD_MAX 200 /* cells in one event */
#define SMALL 10000 /* messages that are counted on request */
#define AGES 8 /* up to 5 minutes, 10, 20 … 320, more */

struct cell {
	const char *state; /* static */
	char *domain; /* owned; "" for the rest */
	uint8_t age;
	uint64_t n, bytes;
	int64_t oldest;
};

struct snapshot {
	struct index_walk walk;
	struct map cells;
	int64_t began, next; /* wall; mono */
	uint64_t n, bytes;
	int64_t oldest;
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

static uint8_t
age_of(int64_t us)
{
	uint8_t age = 0;

	for (int64_t most = 5 * US_MIN; age < AGES - 1 && us > most; most *= 2)
		age++;
	return age;
}

static struct cell *
cell_of(struct snapshot *s, const struct key *k)
{
	struct cell *c = map_find(&s->cells, hash_key(k), k);
	struct key rest = { k->state, SLICE(""), k->age };

	if (c != NULL)
		return c;
	if (s->cells.n >= CELLS_MAX && k->domain.n != 0)
		return cell_of(s, &rest);
	c = calloc(1, sizeof(*c));
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
add(struct snapshot *s, const struct key *k, uint64_t n, uint64_t bytes,
    int64_t oldest)
{
	struct cell *c = cell_of(s, k);

	if (c == NULL)
		return;
	c->n += n;
	c->bytes += bytes;
	if (c->oldest == 0 || oldest < c->oldest)
		c->oldest = oldest;
}

/* A message counts where its first open recipient goes. */
static void
count(struct snapshot *s, const struct msg *m)
{
	struct key k = { msg_state(m), SLICE(""),
		age_of(s->began - m->received) };
	struct slice addr;
	uint32_t i;

	for (i = 0; i < m->rcpt_n && !rcpt_is_open(&m->rcpt[i]); i++)
		continue;
	if (i == m->rcpt_n)
		return;
	addr = slice_of(rcpt_addr(m, &m->rcpt[i]));
	k.domain = slice_sub(addr, slice_rfind(addr, '@') + 1, addr.n);
	s->n++;
	s->bytes += m->size;
	if (s->oldest == 0 || m->received < s->oldest)
		s->oldest = m->received;
	add(s, &k, 1, m->size, m->received);
}

static int
most_first(const void *a, const void *b)
{
	const struct cell *x = *(struct cell *const *)a,
			  *y = *(struct cell *const *)b;

	return x->n > y->n ? -1 : x->n < y->n;
}

static void
put_cell(struct buf *b, const struct cell *c)
{
	buf_adds(b, b->len > 1 ? ",{\"queue\":\"" : "{\"queue\":\"");
	buf_adds(b, c->state);
	buf_adds(b, "\",\"domain\":");
	put_json(b, slice_of(c->domain));
	buf_addf(b,
	    ",\"bucket\":%u,\"count\":%llu,\"size_bytes\":%llu,"
	    "\"oldest\":\"",
	    c->age, (unsigned long long)c->n, (unsigned long long)c->bytes);
	clock_rfc3339(b, c->oldest);
	buf_adds(b, "\"}");
}

/* The cells with most messages by name; the others become one for each state
 * and age, without a domain. */
static void
put_cells(struct snapshot *s, struct buf *b)
{
	struct cell **all = calloc(s->cells.n, sizeof(struct cell *)), *c;
	size_t n = 0, pos = 0;

	while (all != NULL && (c = map_next(&s->cells, &pos)) != NULL)
		if (c->domain[0] != '\0')
			all[n++] = c;
	if (n != 0)
		qsort(all, n, sizeof(struct cell *), most_first);
	for (size_t i = 0; i < n; i++)
		if (i < TOLD_MAX)
			put_cell(b, all[i]);
		else
			add(s,
			    &(struct key){
				all[i]->state, SLICE(""), all[i]->age },
			    all[i]->n, all[i]->bytes, all[i]->oldest);
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
	buf_addf(&b, "\",\"count\":%llu,\"size_bytes\":%llu,\"cells\":%s}\n",
	    (unsigned long long)s->n, (unsigned long long)s->bytes, cells);
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
	event_num(&e, F_COUNT, s->n);
	event_num(&e, F_SIZE_BYTES, s->bytes);
	if (s->oldest != 0)
		event_num(&e, F_OLDEST, (uint64_t)s->oldest);
	event_str(&e, F_QUEUE, buf_slice(&b));
	queue_emit(q, &e);
	free(s->last);
	s->last = row_of(s, b.data);
	buf_release(&b);
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
	s->n = s->bytes = 0;
	s->oldest = 0;
	s->is_walking = false;
}

void
snapshot_second(struct queue *q)
{
	struct snapshot *s = q->snapshot;
	struct msg *m = NULL;

	if (s == NULL || (!s->is_walking && clock_mono() < s->next))
		return;
	if (!s->is_walking) {
		walk_start(&q->index, &s->walk);
		s->is_walking = true;
		s->began = clock_wall();
		s->next = clock_mono() + EVERY;
	}
	for (int i = 0; i < LOOK_MAX; i++) {
		m = walk_next(&s->walk);
		if (m == NULL)
			break;
		count(s, m);
	}
	if (m != NULL)
		return;
	walk_stop(&s->walk);
	tell(q, s);
	clear(s);
}

/* All of a small queue, without a word to the log. */
static void
put_now(struct queue *q, struct buf *to)
{
	struct snapshot s = { .began = clock_wall() };
	struct msg *m;
	struct buf b;
	char *row;

	map_init(&s.cells, hash_cell, is_cell);
	TAILQ_FOREACH (m, &q->index.all, all)
		count(&s, m);
	buf_init(&b, 1 << 20);
	buf_addc(&b, '[');
	put_cells(&s, &b);
	buf_addc(&b, ']');
	row = row_of(&s, b.data);
	if (row != NULL)
		buf_adds(to, row);
	free(row);
	buf_release(&b);
	clear(&s);
}

void
snapshot_put(struct queue *q, struct buf *to)
{
	if (q->snapshot == NULL)
		return;
	if (q->index.by_id.n <= SMALL)
		put_now(q, to);
	else if (q->snapshot->last != NULL)
		buf_adds(to, q->snapshot->last);
}
