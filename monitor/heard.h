/*
 * heard: one event as it reached the collector, from whichever source.
 *
 * mtad's own events come with all of it; what was read from another mailer's
 * log has no boot and no sequence number, and perhaps a year that was
 * guessed. What came over a socket belongs to the peer that it came from,
 * whatever it says of its writer. Every input hands its events to one function of this kind, every
 * slice is borrowed for the time of that call.
 */
#ifndef HEARD_H
#define HEARD_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"

struct allowance;

struct heard {
	int64_t time_us; /* wall clock, microseconds UTC since 1970 */
	bool is_year_inferred; /* the line had no year (RFC 3164) */
	uint64_t mono_us; /* 0: unknown */
	struct slice node; /* host that wrote it, as it calls itself */
	struct slice via; /* peer that it came from; empty: no socket */
	/* what that peer may add (allowance.h); NULL: what it likes */
	struct allowance *may;
	struct slice instance; /* empty: the only one */
	struct slice prog; /* program that wrote it */
	uint64_t pid; /* 0: unknown */
	struct slice boot; /* the writer's start, 32 hex; empty: none */
	uint64_t seq; /* within that boot, from 1; 0: none */
	struct event event;
};

typedef void heard_fn(void *ctx, const struct heard *);

#endif
