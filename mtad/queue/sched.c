#include "sched.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define DOWN_AFTER 3 /* failures to connect in a row */
#define REST_MAX (5 * US_MIN)
#define FRESH_TURNS 4 /* of these, the last is for retries */
#define LOOK_MAX                                                               \
	64 /* destinations of a ring, jobs of one, whose turn it is not */

static struct job *
job_at(struct heap_node *n)
{
	return (struct job *)((char *)n - offsetof(struct job, due));
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

static bool
may_run(const struct dest *d)
{
	return d->ready != 0 && !d->is_paused && !d->is_down &&
	    d->active < d->window;
}

static void
ring_take(struct sched *s, struct dest *d)
{
	struct dest_ring *from =
	    d->is_passed ? &s->passed[d->lane] : &s->ring[d->lane];

	TAILQ_REMOVE(from, d, ring);
	d->in_ring = d->is_passed = false;
}

static void
ring_put(struct sched *s, struct dest *d, bool is_passed)
{
	TAILQ_INSERT_TAIL(
	    is_passed ? &s->passed[d->lane] : &s->ring[d->lane], d, ring);
	d->in_ring = true;
	d->is_passed = is_passed;
}

/* In its lane's ring, or among the idle, or in neither. */
static void
ring_update(struct sched *s, struct dest *d)
{
	bool wants = may_run(d);

	if (wants && d->is_idle)
		dest_idle_update(s, d);
	if (wants && !d->in_ring)
		ring_put(s, d, false);
	else if (!wants && d->in_ring)
		ring_take(s, d);
	dest_idle_update(s, d);
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
	if (d->is_passed) /* this one may have what the others have not */
		ring_take(s, d);
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
	job_unlink(s, j);
	LIST_REMOVE(j, of_msg);
	j->dest->jobs--;
	dest_idle_update(s, j->dest);
	free(j);
}

/* The job of a message for a destination: the last one of the destination,
 * while a list is routed; else whichever has fewer of them is looked through. */
static struct job *
find_job(struct msg *m, struct dest *d, bool is_retry)
{
	struct job_list *list = is_retry ? &d->retry : &d->fresh;
	struct job *j = TAILQ_LAST(list, job_list);

	if (d->jobs == 0 || (j != NULL && j->msg == m))
		return d->jobs == 0 ? NULL : j;
	LIST_FOREACH (j, &m->jobs, of_msg)
		if (j->dest == d && j->is_retry == is_retry)
			return j;
	return NULL;
}

static struct job *
job_of(struct sched *s, struct msg *m, struct dest *d, bool is_retry)
{
	struct job *j = find_job(m, d, is_retry);

	if (j != NULL)
		return j;
	j = calloc(1, sizeof(*j));
	if (j == NULL)
		return NULL;
	*j = (struct job){ .msg = m,
		.dest = d,
		.first = RCPT_NONE,
		.last = RCPT_NONE,
		.is_retry = is_retry };
	LIST_INSERT_HEAD(&m->jobs, j, of_msg);
	d->jobs++;
	dest_idle_update(s, d);
	return j;
}

int
sched_add(struct sched *s, struct msg *m, uint32_t rcpt, struct dest *d,
    bool is_retry, bool is_host_wait, int64_t when, int64_t now)
{
	struct job *j = job_of(s, m, d, is_retry);

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

static bool
may_go(const struct sched *s, const struct job *j)
{
	return share_has(s, j) && (s->may == NULL || s->may(s->may_arg, j));
}

/* The first that may go; the others keep their places. */
static struct job *
first_of(const struct sched *s, struct job_list *list)
{
	struct job *j;
	int n = 0;

	TAILQ_FOREACH (j, list, link)
		if (may_go(s, j) || ++n == LOOK_MAX)
			break;
	return n == LOOK_MAX ? NULL : j;
}

static struct job *
pick(const struct sched *s, struct dest *d)
{
	bool retry_first = ++d->turn % FRESH_TURNS == 0;
	struct job *j;

	j = first_of(s, retry_first ? &d->retry : &d->fresh);
	return j ? j : first_of(s, retry_first ? &d->fresh : &d->retry);
}

void
sched_adopt(struct sched *s, struct dest *d, const struct sched_share *sh)
{
	share_take(s, d, sh);
	d->active++;
	ring_update(s, d);
}

/* The next of the ring that has one that may go; what had its turn and has
 * not is looked at again when there is nothing else. */
static struct job *
next_of(struct sched *s, int lane)
{
	struct dest *d;
	struct job *j;

	while ((d = TAILQ_FIRST(&s->ring[lane])) != NULL) {
		if ((j = pick(s, d)) != NULL)
			return j;
		ring_take(s, d);
		ring_put(s, d, true);
	}
	for (int n = 0; n < LOOK_MAX; n++) {
		d = TAILQ_FIRST(&s->passed[lane]);
		if (d == NULL || (j = pick(s, d)) != NULL)
			return d ? j : NULL;
		ring_take(s, d);
		ring_put(s, d, true);
	}
	return NULL;
}

struct job *
sched_next(struct sched *s, int lane, struct sched_share *ret)
{
	struct dest *d;
	struct job *j;

	if (s->is_held || s->is_blocked || (j = next_of(s, lane)) == NULL)
		return NULL;
	d = j->dest;
	*ret = (struct sched_share){ .is_unproven = !share_is_proven(d),
		.cause = j->msg->cause };
	share_take(s, d, ret);
	d->active++;
	d->last_try = clock_wall();
	ring_take(s, d); /* its turn is over */
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
answered(struct dest *d)
{
	bool was_down = d->fails >= DOWN_AFTER;

	d->fails = 0;
	d->is_down = false;
	if (was_down)
		d->since = clock_wall();
	d->last_ok = clock_wall();
	if (d->window < d->max_window)
		d->window++;
	return was_down ? SCHED_UP : SCHED_NO_NEWS;
}

enum sched_news
sched_done(struct sched *s, struct dest *d, const struct sched_share *sh,
    enum sched_result r, int64_t now)
{
	enum sched_news news;

	share_give(s, d, sh);
	d->active--;
	news = r == SCHED_NO_CONN ? no_conn(s, d, now)
	    : r == SCHED_OK	  ? answered(d)
				  : SCHED_NO_NEWS;
	if (news == SCHED_UP)
		sched_release_dest(s, d, false);
	ring_update(s, d);
	wake_update(s, d);
	return news;
}

void
sched_remove(struct sched *s, struct msg *m)
{
	while (!LIST_EMPTY(&m->jobs))
		job_free(s, LIST_FIRST(&m->jobs));
}

void
sched_release_msg(struct sched *s, struct msg *m)
{
	struct job *j;

	LIST_FOREACH (j, &m->jobs, of_msg) {
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
	dest_set_window(s, d);
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
