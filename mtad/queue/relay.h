/*
 * relay: the events of the other processes, into the file that only the queue
 * writes. They say what happened to connections; what became of mail is the
 * queue's to say. A line is held against its sender: its own name, boot and
 * rising numbers, and an event that such a process has.
 */
#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "proc.h"

struct queue;

#define RELAY_WRITERS (2 + 2 * PROC_MAX)

struct relay {
	struct relay_writer {
		bool is_known; /* boot is */
		char boot[32];
		uint64_t seq; /* of its last line */
		uint64_t owed; /* batch that is taken and not yet written */
		bool is_refused; /* one was not taken: it may come again */
	} writer[RELAY_WRITERS];
};

void relay_greet(struct queue *, const struct peer *); /* a new process */
/* P_EVENTS; false: malformed, or not its own. */
bool relay_take(struct queue *, struct peer *, struct slice payload);
/* End of a turn: what was taken is written now, and its senders hear of it. */
void relay_turn(struct queue *);

#endif
