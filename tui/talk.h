/*
 * talk: the daemon's words and counters on their way into the model.
 *
 * A few connections to the control socket, and the mapped counters. Never
 * waits: talk_turn() does what can be done now and at most a slice of a long
 * answer. When the daemon is away it says so in the model and tries again
 * each second.
 */
#ifndef TALK_H
#define TALK_H

#include <poll.h>

#include "model.h"

#define TALK_CHANNELS 3

struct talk;

/* run: the folder of control and stats; socket: or this control socket
 * (NULL: run's). NULL without memory. model and asks are borrowed. */
struct talk *
talk_new(const char *run, const char *socket, struct model *, struct asks *);
void talk_free(struct talk *); /* NULL is fine */
/* Descriptors to wait for; how many. */
int talk_poll(const struct talk *, struct pollfd ret[TALK_CHANNELS]);
/* Before waiting: sends what has been asked for since the last turn. */
void talk_send(struct talk *, int64_t now);
/* True: call again at once, more has come than was taken. */
bool talk_turn(struct talk *, int64_t now);

#endif
