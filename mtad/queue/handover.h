/*
 * handover: a message goes to a worker, by credit.
 *
 * A worker gets what it has room for: bodies of attempts that it has in hand,
 * or that are read for it, are at most LENT_MAX bytes (and one more), however
 * much mail becomes due in one turn. A body that several attempts need is
 * read once and goes as a sealed memory file that all of them share.
 */
#ifndef HANDOVER_H
#define HANDOVER_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "msgid.h"
#include "siphash.h"

struct attempt;
struct dest;
struct msg;
struct peer;
struct queue;

#define HANDOVER_SLOTS 17 /* workers: 0 mtad-local, then each mtad-remote */

struct handover {
	uint64_t lent[HANDOVER_SLOTS];
	struct map bodies; /* shared ones, by message */
	struct siphash_key key; /* of job tags; the parent's, over our death */
};

void handover_init(struct handover *);
void handover_release(struct handover *);
/* Is there a worker for this lane of the scheduler, with room for more? */
bool handover_has_room(const struct queue *, int lane);
/* An attempt begins: its body counts from here to handover_end(). */
void handover_begin(struct queue *, struct attempt *);
void handover_end(struct queue *, struct attempt *);
/* Read the body and hand it over; ends the attempt when that fails. */
void handover_go(struct queue *, struct attempt *);

int handover_slot(const struct peer *); /* of a worker */
/*
 * The number of a job as the worker knows it: the attempt's, and a tag that
 * proves that this worker was given that message under it. It still proves it
 * to the next queue, which knows nothing else of what was given to whom.
 */
uint64_t handover_job(
    const struct queue *, const struct attempt *, const struct peer *worker);
bool handover_is_job(const struct queue *, struct msgid, uint64_t job,
    const struct peer *worker);
uint64_t handover_number(uint64_t job); /* of the attempt */

#endif
