/*
 * outbox: a worker's outcomes that the queue has not made durable yet.
 *
 * Each is kept as it was sent, by its serial, until P_RESULT_ACK; a new queue
 * gets all of them again (SPOOL.md, journal and checkpoint).
 */
#ifndef OUTBOX_H
#define OUTBOX_H

#include "map.h"
#include "proc.h"

struct outbox {
	struct map kept;
	uint64_t next_serial;
};

void outbox_init(struct outbox *);
/* Give it its serial, keep it, send it when there is a queue. Without memory
 * the process ends: an outcome that is lost would be a message that nobody
 * tries again; so the queue takes back what this worker held. */
void outbox_put(struct outbox *, struct peer *queue, struct p_result *);
void
outbox_put_forward(struct outbox *, struct peer *queue, struct p_forward *);
void outbox_ack(struct outbox *, uint64_t serial);
void outbox_resend(const struct outbox *, struct peer *queue);
size_t outbox_count(const struct outbox *);

#endif
