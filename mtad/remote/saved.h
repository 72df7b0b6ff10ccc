/*
 * saved: a verdict that outlives the reply it came from. All zero: none yet.
 */
#ifndef REMOTE_SAVED_H
#define REMOTE_SAVED_H

#include <stdint.h>

#include "verdict.h"

struct saved {
	uint16_t code; /* 0: none */
	uint8_t reason;
	char enhanced[16];
	char *text; /* owned */
};

void saved_set(struct saved *, const struct verdict *);
struct verdict saved_get(const struct saved *); /* borrows its strings */
void saved_release(struct saved *);

#endif
