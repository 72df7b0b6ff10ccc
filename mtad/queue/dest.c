/*
 * dest: destinations: made when mail is for one, forgotten when none has been
 * for long.
 */
#include <stdlib.h>
#include <string.h>

#include "sched.h"

static uint64_t
hash_dest(const void *entry)
{
	return slice_ihash(slice_of(((const struct dest *)entry)->key));
}

static bool
is_dest(const void *entry, const void *key)
{
	return slice_eq(slice_of(((const struct dest *)entry)->key),
	    *(const struct slice *)key);
}

void
sched_init(struct sched *s, const struct conf *conf)
{
	*s = (struct sched){ .conf = conf };
	map_init(&s->dests, hash_dest, is_dest);
	for (int i = 0; i < SCHED_LANES; i++) {
		TAILQ_INIT(&s->ring[i]);
		TAILQ_INIT(&s->passed[i]);
	}
	TAILQ_INIT(&s->idle);
	heap_init(&s->wakes);
}

void
dest_free(struct dest *d)
{
	heap_release(&d->waiting);
	free(d->last_text);
	free(d->key);
	free(d);
}

struct dest *
sched_find(const struct sched *s, struct slice key)
{
	return map_find(&s->dests, slice_ihash(key), &key);
}

/* The route's strings behind the struct, as it outlives its configuration. */
static void
keep_route(struct dest *d, const struct route *r, char *p)
{
	struct slice *fields[] = { &d->route.mailer, &d->route.domain,
		&d->route.host, &d->route.path };

	d->route = *r;
	d->route.virtual_ = NULL;
	for (size_t i = 0; i < 4; i++) {
		if (fields[i]->n != 0)
			memcpy(p, fields[i]->p, fields[i]->n);
		fields[i]->p = p;
		p += fields[i]->n;
	}
}

void
dest_set_window(const struct sched *s, struct dest *d)
{
	const struct conf *c = s->conf;
	int64_t max = d->route.max_concurrency;

	if (max == 0)
		max = d->route.kind == MAILER_LOCAL
		    ? c->LocalConcurrency
		    : c->MaxDestinationConcurrency;
	d->max_window = (uint32_t)max;
	d->window = (uint32_t)(max < c->InitialDestinationConcurrency
		? max
		: c->InitialDestinationConcurrency);
	if (d->route.kind >= MAILER_LOCAL) /* this host: nothing to find out */
		d->window = d->max_window;
}

static struct dest *
dest_new(struct sched *s, const struct route *r, struct slice key)
{
	struct dest *d = calloc(1,
	    sizeof(*d) + r->mailer.n + r->domain.n + r->host.n + r->path.n + 1);

	if (d == NULL)
		return NULL;
	d->key = slice_dup(key);
	if (d->key == NULL || map_add(&s->dests, d) < 0) {
		free(d->key);
		free(d);
		return NULL;
	}
	keep_route(d, r, (char *)(d + 1));
	d->lane = r->kind >= MAILER_LOCAL
	    ? 0
	    : 1 + (int)(slice_ihash(key) % (SCHED_LANES - 1));
	TAILQ_INIT(&d->fresh);
	TAILQ_INIT(&d->retry);
	heap_init(&d->waiting);
	dest_set_window(s, d);
	dest_idle_update(s, d);
	return d;
}

struct dest *
sched_dest(struct sched *s, const struct route *r)
{
	struct buf key;
	struct dest *d;

	buf_init(&key, 2048);
	route_key(&key, r);
	d = sched_find(s, buf_slice(&key));
	if (d == NULL)
		d = dest_new(s, r, buf_slice(&key));
	buf_release(&key);
	return d;
}

static bool
is_idle(const struct dest *d)
{
	return d->jobs == 0 && d->active == 0 && !d->is_paused;
}

void
dest_idle_update(struct sched *s, struct dest *d)
{
	bool idles = is_idle(d);

	if (idles == d->is_idle)
		return;
	d->is_idle = idles;
	if (idles) {
		d->idle_since = 0; /* sched_age() says since when */
		TAILQ_INSERT_TAIL(&s->idle, d, ring);
		s->idle_n++;
	} else {
		TAILQ_REMOVE(&s->idle, d, ring);
		s->idle_n--;
	}
}

static void
forget(struct sched *s, struct dest *d)
{
	TAILQ_REMOVE(&s->idle, d, ring);
	s->idle_n--;
	heap_del(&s->wakes, &d->wake);
	map_del(&s->dests, d);
	dest_free(d);
}

void
sched_age(struct sched *s, int64_t now)
{
	struct dest *d;

	TAILQ_FOREACH_REVERSE(d, &s->idle, dest_ring, ring)
	{
		if (d->idle_since != 0)
			break; /* so have all before it */
		d->idle_since = now;
	}
	while ((d = TAILQ_FIRST(&s->idle)) != NULL && d->idle_since != 0 &&
	    (s->idle_n > DEST_IDLE_MAX ||
		now - d->idle_since > s->conf->TimeoutHoststatus))
		forget(s, d);
}
