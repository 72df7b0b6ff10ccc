/*
 * sched: which message goes where next. Pure: no I/O, told the time.
 *
 * A queue a destination. Destinations with something to do and room for an
 * attempt take turns in a ring, one attempt a turn, so a burst to one costs
 * another no more than one turn. There is a ring for each worker (a lane), so
 * that one that has its hands full holds up nobody else's. Within a
 * destination, what was never tried goes before retries three times out of
 * four, and a job with more recipients than one transaction takes goes to the
 * end after each: neither backlog nor a huge list starves new or small mail.
 *
 * Room: the window of a destination grows by one with each success, halves
 * with each failure to connect; several failures in a row take it down, and
 * then one attempt at a time tries whether it is back. When it is, all that
 * waited only for it goes.
 *
 * Shares: attempts to other hosts are at most MaxActive, those of this host
 * are counted apart. Of MaxActive, destinations that do not answer, or have not
 * yet, get three quarters, and beyond half only one attempt each, so that the
 * proven ones always get on and a new one is always tried; beyond half, what
 * one client, user or all notices together cause gets a quarter.
 *
 * A destination that nothing waits for is forgotten after Timeout.hoststatus,
 * or when there are more than DEST_IDLE_MAX, the longest idle first.
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

#define SCHED_LANES 17 /* 0: this host's; else by the destination's name */
#define DEST_IDLE_MAX 20000

struct dest {
	char *key; /* route_key() */
	struct route route; /* strings are in the allocation */
	TAILQ_ENTRY(dest) ring; /* of its lane, or of the idle ones */
	int lane;
	bool in_ring, is_passed, is_idle, is_paused, is_down;
	int64_t idle_since; /* mono */
	struct job_list fresh, retry; /* ready now */
	struct heap waiting; /* jobs by due time */
	struct heap_node wake; /* when it wants to be looked at */
	uint32_t ready, jobs; /* jobs ready; jobs in all */
	uint32_t active, slow; /* attempts under way; of these, for long */
	uint32_t window, max_window;
	uint32_t turn, fails; /* fails: to connect, in a row */
	int64_t down_until; /* mono microseconds */
	/* for people */
	int64_t since, last_try, last_ok; /* wall microseconds, 0: never */
	int64_t last_fail_mono;
	uint64_t ok_n, defer_n, fail_n;
	char *last_text; /* of the last failure, or NULL */
};

/* What one attempt takes of the shares, from sched_next() to sched_done(). */
struct sched_share {
	bool is_unproven, is_slow;
	uint16_t cause; /* below MSG_CAUSES */
};

struct sched {
	struct map dests;
	struct dest_ring ring[SCHED_LANES];
	struct dest_ring passed[SCHED_LANES]; /* had no share at their turn */
	struct dest_ring idle; /* longest first */
	uint32_t idle_n;
	struct heap wakes;
	const struct conf *conf; /* borrowed */
	uint32_t active, active_local;
	uint32_t unproven; /* of active */
	uint32_t caused[MSG_CAUSES]; /* of active */
	/* May this one go now? Asked last; NULL: all may. */
	bool (*may)(void *arg, const struct job *);
	void *may_arg; /* borrowed */
	bool is_held; /* delivery of everything, by an operator */
	bool is_blocked; /* no room for outcomes, spool error, recovery */
};

enum sched_result {
	SCHED_OK, /* it answered, whatever it said */
	SCHED_NOTHING, /* it was not asked, or nobody knows */
	SCHED_NO_CONN
};

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
 * The next attempt of a lane: the job whose turn it is, or NULL. Its
 * destination has one more active; the caller takes recipients with
 * sched_pop() and then calls sched_taken(). ret is for sched_done().
 */
struct job *sched_next(struct sched *, int lane, struct sched_share *ret);
/* An attempt that was not chosen here: a worker had it before this start. */
void sched_adopt(struct sched *, struct dest *, const struct sched_share *);
/* It takes long: its destination proves nothing by it. */
void sched_is_slow(struct sched *, struct dest *, struct sched_share *);
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
enum sched_news sched_done(struct sched *, struct dest *,
    const struct sched_share *, enum sched_result, int64_t now);
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
/* Forget what is idle for too long; only one that is in use may be kept from
 * one turn to the next. Once a second. */
void sched_age(struct sched *, int64_t now);
/* What is due becomes ready. Returns when to call again (mono), 0: never. */
int64_t sched_wake(struct sched *, int64_t now);
/* Wait before the n-th retry. */
int64_t sched_backoff(const struct conf *, uint32_t attempts);

/* dest.c, share.c: of use to sched.c alone */
void dest_free(struct dest *);
void dest_idle_update(struct sched *, struct dest *);
void dest_set_window(const struct sched *, struct dest *);
bool share_has(const struct sched *, const struct job *);
bool share_is_proven(const struct dest *);
void
share_take(struct sched *, const struct dest *, const struct sched_share *);
void share_give(struct sched *, struct dest *, const struct sched_share *);

#endif
