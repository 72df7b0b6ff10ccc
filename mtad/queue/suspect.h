/*
 * suspect: messages that a worker had in hand when it ended by a fault of its
 * own (a signal of its own making, a bad frame), and not by somebody's kill -9.
 *
 * The first time it may have been any of them: each is tried again alone, one
 * beginning SUSPECT_ALONE after the other. A message under which a worker ends
 * again is set aside: held, with an event, and named in status, so that no
 * message can end mtad's workers for ever.
 */
#ifndef SUSPECT_H
#define SUSPECT_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "msgid.h"

struct attempt;
struct job;
struct peer;
struct queue;
struct event;

#define SUSPECT_PEERS 18 /* workers, and lookup */

struct suspects {
	struct map map; /* by id */
	struct fallen {
		struct fell *v; /* owned: in hand when this one ended */
		uint32_t n;
	} fallen[SUSPECT_PEERS];
	uint32_t running;
	int64_t last_start; /* mono */
	uint64_t aside; /* messages that are set aside */
	struct msgid last_aside; /* one of them */
};

void suspects_init(struct suspects *);
void suspects_release(struct suspects *);
/* May it be tried now? Only a suspect may not, for a while. */
bool suspect_may(const struct queue *, const struct job *);
void suspect_started(struct queue *, struct attempt *);
void suspect_ended(struct queue *, struct attempt *, bool is_answered);
/* It was in the hands of a worker, or of lookup, that is gone. */
void suspect_fell(struct queue *, const struct attempt *, const struct peer *);
/* There is a new one, and peer says how the old one ended. */
void suspect_judge(struct queue *, const struct peer *);

#endif
