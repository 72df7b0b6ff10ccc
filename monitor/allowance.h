/*
 * allowance: what one source on the network may add to the tables of a day.
 *
 * Each text that was never heard before is a row, and memory, that others
 * have to live with. A host that makes its names up has its names cut: what
 * is new beyond the allowance is the one text ALLOWANCE_OTHER, a number that
 * nobody can have is no number, and the event counts as cut. Pure.
 */
#ifndef ALLOWANCE_H
#define ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

#define ALLOWANCE_OTHER "(other)"
#define ALLOWANCE_PEERS 8 /* as much as they may, all of a source may */

enum allowed {
	AL_WORD,
	AL_DOMAIN,
	AL_HOST,
	AL_ADDR,
	AL_MESSAGE,
	AL_WRITER,
	AL_RANGE, /* of numbers that were seen */
	AL_REASON, /* a template, new or more general */
	AL_UNPARSED, /* a line that is kept though nobody understood it */
	AL_COUNT
};

struct allowance {
	uint32_t left[AL_COUNT];
	bool is_cut; /* something was not to be had since it was cleared */
	struct allowance *all; /* borrowed: of all of these together, or NULL */
};

/* What one peer may, or (all is NULL) all of them together. */
void allowance_init(struct allowance *, struct allowance *all);
/* One more of it, if there is: NULL may what it likes. The first hundredth of
 * what one may is not taken of all's. */
bool allowance_take(struct allowance *, enum allowed);

#endif
