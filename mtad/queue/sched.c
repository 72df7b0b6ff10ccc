#include "sched.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define DOWN_AFTER 3 /* failures to connect in a row */
#define REST_MAX (5 * US_MIN)
#define FRESH_TURNS 4 /* of these, the last is for retries */

static struct job *
job_at(struct heap_node *n)
{
	return (struct job *)((char *)n - offsetof(struct job, due));
}

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
	TAILQ_INIT(&s->ring);
	heap_init(&s->wakes);
}

static void
dest_free(struct dest *d)
{
	heap_release(&d->waiting);
	free(d->last_text);
	free(d->key);
	free(d);
}

void
sched_release(struct sched *s)
{
	size_t pos = 0;
	struct dest *d;

	while ((d = map_next(&s->dests, &pos)) != NULL)
		dest_free(d);
	map_release(&s->dests);
	heap_release(&s->wakes);
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

static void
set_window(const struct sched *s, struct dest *d)
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
	TAILQ_INIT(&d->fresh);
	TAILQ_INIT(&d->retry);
	heap_init(&d->waiting);
	set_window(s, d);
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
may_run(const struct dest *d)
{
	return d->ready != 0 && !d->is_paused && !d->is_down &&
	    d->active < d->window;
}

static void
ring_update(struct sched *s, struct dest *d)
{
	bool wants = may_run(d);

	if (wants && !d->in_ring)
		TAILQ_INSERT_TAIL(&s->ring, d, ring);
	else if (!wants && d->in_ring)
		TAILQ_REMOVE(&s->ring, d, ring);
	d->in_ring = wants;
}

/* It wants to be looked at when its first job is due, or its rest ends. */
static void
wake_update(struct sched *s, struct dest *d)
{
	struct heap_node *first = heap_min(&d->waiting);
	uint64_t at = first ? first->key : 0;

	if (d->is_down && (at == 0 || (uint64_t)d->down_until < at))
		at = (uint64_t)d->down_until;
	if (d->wake.at != 0 && d->wake.key == at)
		return;
	heap_del(&s->wakes, &d->wake);
	d->wake.key = at;
	if (at != 0)
		heap_add(&s->wakes, &d->wake);
}

static void
job_unlink(struct sched *s, struct job *j)
{
	struct dest *d = j->dest;

	if (j->place == JOB_READY) {
		TAILQ_REMOVE(j->is_retry ? &d->retry : &d->fresh, j, link);
		d->ready--;
	} else if (j->place == JOB_WAITING) {
		heap_del(&d->waiting, &j->due);
	}
	j->place = JOB_NOWHERE;
	ring_update(s, d);
	wake_update(s, d);
}

static void
job_ready(struct sched *s, struct job *j)
{
	struct dest *d = j->dest;

	TAILQ_INSERT_TAIL(j->is_retry ? &d->retry : &d->fresh, j, link);
	j->place = JOB_READY;
	d->ready++;
	ring_update(s, d);
}

static void
job_wait(struct sched *s, struct job *j, int64_t when)
{
	j->due.key = (uint64_t)when;
	if (heap_add(&j->dest->waiting, &j->due) < 0) {
		job_ready(s, j); /* earlier than it should, not never */
		return;
	}
	j->place = JOB_WAITING;
	wake_update(s, j->dest);
}

static void
job_free(struct sched *s, struct job *j)
{
	struct job **at = &j->msg->jobs;

	job_unlink(s, j);
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	j->dest->jobs--;
	free(j);
}

static struct job *
job_of(struct msg *m, struct dest *d, bool is_retry)
{
	struct job *j;

	for (j = m->jobs; j != NULL; j = j->next)
		if (j->dest == d && j->is_retry == is_retry)
			return j;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return NULL;
	*j = (struct job){ .msg = m,
		.dest = d,
		.next = m->jobs,
		.first = RCPT_NONE,
		.last = RCPT_NONE,
		.is_retry = is_retry };
	m->jobs = j;
	d->jobs++;
	return j;
}

int
sched_add(struct sched *s, struct msg *m, uint32_t rcpt, struct dest *d,
    bool is_retry, bool is_host_wait, int64_t when, int64_t now)
{
	struct job *j = job_of(m, d, is_retry);

	if (j == NULL)
		return -ENOMEM;
	m->rcpt[rcpt].next = RCPT_NONE;
	m->rcpt[rcpt].next_try = when > now ? (uint32_t)(when / US_SEC) : 0;
	if (j->first == RCPT_NONE)
		j->first = rcpt;
	else
		m->rcpt[j->last].next = rcpt;
	j->last = rcpt;
	if (when > now) {
		/* Recipients of one retry go together, with the latest. */
		if (j->place == JOB_WAITING && j->due.key >= (uint64_t)when)
			return 0;
		job_unlink(s, j);
		j->is_host_wait = is_host_wait;
		job_wait(s, j, when);
	} else if (j->place == JOB_NOWHERE) {
		job_ready(s, j);
	}
	return 0;
}

static struct job *
pick(struct dest *d)
{
	bool retry_first = ++d->turn % FRESH_TURNS == 0;
	struct job *fresh = TAILQ_FIRST(&d->fresh);
	struct job *retry = TAILQ_FIRST(&d->retry);

	if (fresh == NULL || (retry_first && retry != NULL))
		return retry;
	return fresh;
}

struct job *
sched_next(struct sched *s)
{
	struct dest *d = TAILQ_FIRST(&s->ring);
	struct job *j;

	if (d == NULL || s->is_held || s->is_blocked ||
	    s->active >= (uint32_t)s->conf->MaxActive)
		return NULL;
	j = pick(d);
	s->active++;
	d->active++;
	d->last_try = clock_wall();
	TAILQ_REMOVE(&s->ring, d, ring); /* its turn is over */
	d->in_ring = false;
	ring_update(s, d);
	return j;
}

uint32_t
sched_pop(struct job *j)
{
	uint32_t i = j->first;

	if (i != RCPT_NONE) {
		j->first = j->msg->rcpt[i].next;
		j->msg->rcpt[i].next = RCPT_NONE;
		if (j->first == RCPT_NONE)
			j->last = RCPT_NONE;
	}
	return i;
}

void
sched_taken(struct sched *s, struct job *j)
{
	if (j->first == RCPT_NONE) {
		job_free(s, j);
		return;
	}
	job_unlink(s, j);
	job_ready(s, j);
}

int64_t
sched_backoff(const struct conf *c, uint32_t attempts)
{
	int64_t us = c->MinQueueAge;

	for (uint32_t i = 1; i < attempts && us < c->MaxQueueAge; i++)
		us *= 2;
	return us < c->MaxQueueAge ? us : c->MaxQueueAge;
}

/* A host that is down is tried sooner than its mail would be: seconds at
 * first, as what comes back should find its mail waiting and not the mail
 * its host. */
static int64_t
rest(const struct sched *s, const struct dest *d)
{
	int64_t us = 2 * US_SEC, most = REST_MAX;

	if (most > s->conf->TimeoutHoststatus)
		most = s->conf->TimeoutHoststatus;
	if (most > s->conf->MaxQueueAge)
		most = s->conf->MaxQueueAge;
	for (uint32_t i = DOWN_AFTER; i < d->fails && us < most; i++)
		us *= 2;
	return us < most ? us : most;
}

static enum sched_news
no_conn(struct sched *s, struct dest *d, int64_t now)
{
	d->fails++;
	d->last_fail_mono = now;
	d->window = d->window > 1 ? d->window / 2 : 1;
	if (d->fails < DOWN_AFTER)
		return SCHED_NO_NEWS;
	if (d->fails == DOWN_AFTER)
		d->since = clock_wall();
	d->is_down = true;
	d->window = 1;
	d->down_until = now + rest(s, d);
	return d->fails == DOWN_AFTER ? SCHED_DOWN : SCHED_BACKOFF;
}

static enum sched_news
answered(struct dest *d, enum sched_result r)
{
	bool was_down = d->fails >= DOWN_AFTER;

	d->fails = 0;
	d->is_down = false;
	if (was_down)
		d->since = clock_wall();
	if (r == SCHED_OK) {
		d->last_ok = clock_wall();
		if (d->window < d->max_window)
			d->window++;
	}
	return was_down ? SCHED_UP : SCHED_NO_NEWS;
}

enum sched_news
sched_done(struct sched *s, struct dest *d, enum sched_result r, int64_t now)
{
	enum sched_news news;

	s->active--;
	d->active--;
	news = r == SCHED_NO_CONN ? no_conn(s, d, now) : answered(d, r);
	if (news == SCHED_UP)
		sched_release_dest(s, d, false);
	ring_update(s, d);
	wake_update(s, d);
	return news;
}

void
sched_remove(struct sched *s, struct msg *m)
{
	while (m->jobs != NULL)
		job_free(s, m->jobs);
}

void
sched_release_msg(struct sched *s, struct msg *m)
{
	for (struct job *j = m->jobs; j != NULL; j = j->next) {
		if (j->place == JOB_WAITING) {
			job_unlink(s, j);
			job_ready(s, j);
		}
		if (j->dest->is_down) { /* the operator knows better */
			j->dest->is_down = false;
			ring_update(s, j->dest);
			wake_update(s, j->dest);
		}
	}
}

uint32_t
sched_release_dest(struct sched *s, struct dest *d, bool is_all)
{
	struct heap old = d->waiting;

	heap_init(&d->waiting);
	d->is_down = false;
	for (size_t i = 0; i < old.n; i++) {
		struct job *j = job_at(old.v[i]);

		j->due.at = 0;
		j->place = JOB_NOWHERE;
		if (is_all || j->is_host_wait)
			job_ready(s, j);
		else
			job_wait(s, j, (int64_t)j->due.key);
	}
	heap_release(&old);
	ring_update(s, d);
	wake_update(s, d);
	return d->ready;
}

void
sched_pause(struct sched *s, struct dest *d, bool is_paused)
{
	d->is_paused = is_paused;
	ring_update(s, d);
}

bool
sched_forget(struct sched *s, struct dest *d)
{
	if (d->fails == 0 && d->last_text == NULL)
		return false;
	free(d->last_text);
	d->last_text = NULL;
	d->fails = 0;
	d->is_down = false;
	d->down_until = d->last_fail_mono = 0;
	d->since = d->last_try = d->last_ok = 0;
	set_window(s, d);
	ring_update(s, d);
	wake_update(s, d);
	return true;
}

static void
wake_dest(struct sched *s, struct dest *d, int64_t now)
{
	struct heap_node *n;

	if (d->is_down && d->down_until <= now)
		d->is_down = false; /* with a window of one: a probe */
	while ((n = heap_min(&d->waiting)) != NULL && n->key <= (uint64_t)now) {
		struct job *j = job_at(n);

		heap_del(&d->waiting, n);
		j->place = JOB_NOWHERE;
		job_ready(s, j);
	}
	ring_update(s, d);
	wake_update(s, d);
}

int64_t
sched_wake(struct sched *s, int64_t now)
{
	struct heap_node *n;

	while ((n = heap_min(&s->wakes)) != NULL) {
		struct dest *d =
		    (struct dest *)((char *)n - offsetof(struct dest, wake));

		if (n->key > (uint64_t)now)
			return (int64_t)n->key;
		wake_dest(s, d, now);
	}
	return 0;
}
