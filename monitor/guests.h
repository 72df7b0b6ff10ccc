/*
 * guests: what each peer of a source on the network may cost.
 *
 * A fixed table: a peer takes the slot that a hash with a seed gives it.
 * Peers that share a slot share what it may, which errs on the side of less
 * only when thousands of them speak at once.
 */
#ifndef GUESTS_H
#define GUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "allowance.h"
#include "peer.h"

struct turn_seat; /* turns.h */

struct guest {
	struct allowance may; /* today */
	unsigned conns; /* open ones */
	unsigned number; /* of its slot */
	/* the rest is private */
	int64_t second, lines, day, bytes;
	unsigned opens; /* days it may have opened now, times OPEN_LINES */
	TAILQ_HEAD(, turn_seat) seats;
	TAILQ_ENTRY(guest) in_turn;
};

struct guests;

/* NULL without memory. */
struct guests *guests_new(int64_t lines_per_second, int64_t bytes_per_day);
void guests_free(struct guests *);
/* Borrowed as long as the table. */
struct guest *guests_get(struct guests *, const struct peer *);
/* The one with the most connections. */
struct guest *guests_fullest(struct guests *);
/* A line of so many bytes: may it? */
bool guests_takes(struct guests *, struct guest *, size_t bytes);
/* A line was as much as so many more. */
void guest_charge(struct guest *, int64_t lines);
/* To open a day that is not open costs much: one for each hundred lines that
 * were taken, and some in advance. */
bool guest_opens(struct guest *);

#endif
