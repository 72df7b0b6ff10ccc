/*
 * turns: connections that have something to say, one after the other.
 *
 * The next turn is that of the guest who waits longest, with one of its
 * connections: who has many, or sends as fast as it can, gets no more turns
 * than others. A turn is short (TURN_US), and the loop looks at everything
 * else between two.
 */
#ifndef TURNS_H
#define TURNS_H

#include <event2/event.h>

#include "guests.h"

#define TURN_US 10000

struct turn_seat {
	struct guest *guest; /* borrowed; the owner sets these three */
	void (*take)(void *arg); /* may sit down again */
	void *arg;
	bool is_taken; /* private from here on */
	TAILQ_ENTRY(turn_seat) next;
};

struct turns;

struct turns *turns_new(struct event_base *); /* NULL without memory */
void turns_free(struct turns *);
void turns_wait(struct turns *, struct turn_seat *); /* once is enough */
void turns_leave(struct turns *, struct turn_seat *);

#endif
