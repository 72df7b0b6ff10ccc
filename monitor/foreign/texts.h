/*
 * texts: a few short texts by number, in one piece of memory.
 *
 * For tables of many entries: nothing is allocated per text, and clearing
 * keeps the memory for the next owner. What does not fit is not kept.
 */
#ifndef TEXTS_H
#define TEXTS_H

#include <stdint.h>

#include "slice.h"

#define TEXTS_COUNT 8
#define TEXTS_MAX 4096 /* bytes of all together */

struct texts {
	char *p; /* owned */
	uint16_t used, cap;
	uint16_t at[TEXTS_COUNT], n[TEXTS_COUNT];
	uint8_t has; /* a bit each */
};

/* Zeroed is empty. */
void texts_release(struct texts *);
/* Keeps the memory, unless that is much. */
void texts_clear(struct texts *);
/* A slice with p NULL, and one that does not fit, changes nothing. */
void texts_set(struct texts *, unsigned which, struct slice);
/* p NULL: it has none. Until the next texts_set(). */
struct slice texts_get(const struct texts *, unsigned which);

#endif
