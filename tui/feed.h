/*
 * feed: the daemon's words and counters on their way into the model.
 *
 * A few connections to the control socket, and the mapped counters. Never
 * waits: feed_turn() does what can be done now and at most a slice of a long
 * answer. When the daemon is away it says so in the model and tries again
 * each second.
 */
#ifndef FEED_H
#define FEED_H

#include <poll.h>

#include "model.h"

#define FEED_CHANNELS 3

struct feed;

/* run: the folder of control and stats; socket: or this control socket
 * (NULL: run's). NULL without memory. model and asks are borrowed. */
struct feed *
feed_new(const char *run, const char *socket, struct model *, struct asks *);
void feed_free(struct feed *); /* NULL is fine */
/* Descriptors to wait for; how many. */
int feed_poll(const struct feed *, struct pollfd ret[FEED_CHANNELS]);
/* Before waiting: sends what has been asked for since the last turn. */
void feed_send(struct feed *, int64_t now);
/* True: call again at once, more has come than was taken. */
bool feed_turn(struct feed *, int64_t now);

#endif
