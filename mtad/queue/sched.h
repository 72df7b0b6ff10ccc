/*
 * sched: which message goes where next. Pure: no I/O, told the time.
 *
 * A queue a destination. Destinations with something to do and room for an
 * attempt take turns in a ring, one attempt a turn, so a burst to one costs
 * another no more than one turn. Within a destination, what was never tried
 * goes before retries three times out of four, and a job with more
 * recipients than one transaction takes goes to the end after each: neither
 * backlog nor a huge list starves new or small mail.
 *
 * Room: the window of a destination grows by one with each success, halves
 * with each failure to connect; several failures in a row take it down, and
 * then one attempt at a time tries whether it is back. When it is, all that
 * waited only for it goes.
 */
#ifndef SCHED_H
#define SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "conf.h"
#include "heap.h"
#include "index.h"
#include "map.h"
#include "route.h"

TAILQ_HEAD(job_list, job);
TAILQ_HEAD(dest_ring, dest);

struct dest {
	char *key; /* route_key() */
	struct route route; /* strings are in the allocation */
	TAILQ_ENTRY(dest) ring;
	bool in_ring, is_paused, is_down;
	struct job_list fresh, retry; /* ready now */
	struct heap waiting; /* jobs by due time */
	struct heap_node wake; /* when it wants to be looked at */
	uint32_t ready, jobs; /* jobs ready; jobs in all */
	uint32_t active; /* attempts under way */
	uint32_t window, max_window;
	uint32_t turn, fails; /* fails: to connect, in a row */
	int64_t down_until; /* mono microseconds */
	/* for people */
	int64_t since, last_try, last_ok; /* wall microseconds, 0: never */
	int64_t last_fail_mono;
	uint64_t ok_n, defer_n, fail_n;
	char *last_text; /* of the last failure, or NULL */
};

struct sched {
	struct map dests;
	struct dest_ring ring;
	struct heap wakes;
	const struct conf *conf; /* borrowed */
	uint32_t active;
	bool is_held; /* delivery of everything, by an operator */
	bool is_blocked; /* no room for outcomes, spool error, recovery */
};

enum sched_result { SCHED_OK, SCHED_ANSWERED, SCHED_NO_CONN };

void sched_init(struct sched *, const struct conf *);
void sched_release(struct sched *);
/* The destination of this route, made when it is new; NULL without memory. */
struct dest *sched_dest(struct sched *, const struct route *);
struct dest *sched_find(const struct sched *, struct slice key);
/*
 * Put one recipient of m into the job for d; when: mono microseconds, 0 now.
 * Negative errno without memory.
 */
int sched_add(struct sched *, struct msg *, uint32_t rcpt, struct dest *,
    bool is_retry, bool is_host_wait, int64_t when, int64_t now);
/*
 * The next attempt: the job whose turn it is, or NULL. Its destination has
 * one more active; the caller takes recipients with sched_pop() and then
 * calls sched_taken().
 */
struct job *sched_next(struct sched *);
uint32_t sched_pop(struct job *); /* a recipient, or RCPT_NONE */
/* After sched_pop()s: an empty job is freed, the rest goes to the end. */
void sched_taken(struct sched *, struct job *);
enum sched_news {
	SCHED_NO_NEWS,
	SCHED_UP, /* it is back, and its waiters go */
	SCHED_DOWN, /* it failed once too often */
	SCHED_BACKOFF /* it is down still, and left alone until down_until */
};
/* An attempt ended: what is new of its destination. */
enum sched_news
sched_done(struct sched *, struct dest *, enum sched_result, int64_t now);
/* Take all of a message's jobs out (deleted, held); recipients stay open. */
void sched_remove(struct sched *, struct msg *);
/* All waiting of m, or of d, become ready. */
void sched_release_msg(struct sched *, struct msg *);
/* is_all: also what waits for its own sake, not only for the host. */
/* How many jobs may go now. */
uint32_t sched_release_dest(struct sched *, struct dest *, bool is_all);
void sched_pause(struct sched *, struct dest *, bool is_paused);
/*
 * As if it had never been tried. What has a next attempt of its own keeps it,
 * also when that attempt waits for the host's sake. False: nothing bad was
 * known of it, and nothing is changed.
 */
bool sched_forget(struct sched *, struct dest *);
/* What is due becomes ready. Returns when to call again (mono), 0: never. */
int64_t sched_wake(struct sched *, int64_t now);
/* Wait before the n-th retry. */
int64_t sched_backoff(const struct conf *, uint32_t attempts);

#endif
