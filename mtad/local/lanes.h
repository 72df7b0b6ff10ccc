/*
 * lanes: whose delivery is next, and when a recipient has had enough. Pure:
 * time is handed in.
 *
 * A lane is one recipient: an account's mailbox, an account's programs, a
 * virtual mailbox, a file of an alias. A few of its deliveries run at once,
 * one in a new lane and one more with each good end; the others wait in it,
 * and lanes take turns. Who gets along may wait as long as that takes: what
 * counts against a lane is only that nothing in it ends.
 *
 *	slow	nothing has ended well for half a second (a quarter while others
 *		are slow too), or for five where a disk may be the reason; or
 *		its programs take so long that its line is one of seconds. It
 *		is slow as well where no room is found for it.
 *		While its crowd is nearly full, what it has over its share is
 *		to be refused: half of the crowd's window is for all slow ones
 *	stalled	for thirty seconds: all that waits in it is to be refused
 *
 * Ownership: items and crowds are the caller's; a lane lives as long as it
 * has items, and a while longer.
 */
#ifndef LOCAL_LANES_H
#define LOCAL_LANES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "clock.h"
#include "map.h"
#include "slice.h"

#define LANE_STALL (30 * US_SEC)

enum lane_kind {
	LANE_FOLDER, /* a Maildir: deliveries share its syncs */
	LANE_FILE, /* an mbox, under a lock: the second is at hand */
	LANE_PROGRAM,
	LANE_KINDS
};

enum lane_end {
	LANE_GOOD, /* delivered, or forwarded */
	LANE_FAILED,
	LANE_LOST /* its process was, which is its recipient's */
};

/* Those whose jobs take the same slots of the queue. */
struct crowd {
	unsigned window; /* slots */
	unsigned held; /* in use */
};

struct lane;
struct lane_item {
	TAILQ_ENTRY(lane_item) link; /* while it waits */
	struct lane *lane;
	int64_t started; /* mono; 0: it waits */
};

TAILQ_HEAD(lane_list, lane);
struct lanes {
	struct map map;
	struct lane_list ready, passed;
	unsigned slow;
};

void lanes_init(struct lanes *);
/* The lane of that key, made when it is new. NULL: no memory. */
struct lane *lanes_get(
    struct lanes *, struct slice key, enum lane_kind, const struct crowd *);
/* False: the lane has too much as it is, the item is refused. */
bool lanes_add(struct lanes *, struct lane *, struct lane_item *, int64_t now);
/* Whose turn it is; from now on the item runs. NULL: nobody's. */
struct lane_item *lanes_take(struct lanes *, int64_t now);
/* It could not run after all: its lane stands aside until lanes_again(). */
void lanes_pass(struct lanes *, struct lane_item *);
void lanes_again(struct lanes *);
/* The end of one that ran. */
void lanes_end(struct lanes *, struct lane_item *, enum lane_end, int64_t now);
/* The recipient himself holds it up: slow from now on. */
void lanes_held(struct lane_item *);
/* A walk, from *pos = 0: what is to be refused, taken out of its lane. is_all:
 * all that waits. */
struct lane_item *
lanes_cut(struct lanes *, size_t *pos, bool is_all, int64_t now);
/* Every moment: counts the slow, forgets who had nothing for a while. */
void lanes_tidy(struct lanes *, int64_t now);

#endif
