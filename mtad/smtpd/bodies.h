/*
 * bodies: the files that the queue gave for large bodies.
 *
 * A few wait here, so that no message waits for a round trip. Each is the
 * queue's until a record names it: dropped, it is removed. What one queue gave
 * is nothing to the next, which may sweep it away (spool.md).
 */
#ifndef SMTP_BODIES_H
#define SMTP_BODIES_H

#include <stdbool.h>
#include <stdint.h>

#include "proc.h"
#include "submission.h"

#define BODIES_SPARE 4

struct bodies {
	struct {
		int fd;
		uint64_t number;
	} spare[BODIES_SPARE];
	int n; /* of spare */
	uint32_t out; /* given by this queue, and not yet named or dropped */
	uint32_t generation; /* of the queue */
	bool is_asked; /* one is due; no other is asked for before it came */
};

void bodies_ask(struct bodies *, struct peer *queue);
/* False: none is there. */
bool bodies_take(struct bodies *, struct submission *);
bool bodies_is_orphan(const struct bodies *, const struct submission *);
/* Its record names the file; or nothing will. Both are fine without one. */
void bodies_named(struct bodies *, struct submission *);
void bodies_drop(struct bodies *, struct peer *queue, struct submission *);
bool bodies_got(struct bodies *, struct slice payload, int fd);
void bodies_queue_down(struct bodies *);
void bodies_release(struct bodies *);

#endif
