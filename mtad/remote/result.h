/*
 * result: what became of each recipient of a delivery, to the queue, which
 * gets it from the outbox until it is durable.
 */
#ifndef REMOTE_RESULT_H
#define REMOTE_RESULT_H

#include "delivery.h"

void result_send(const struct delivery *);

#endif
