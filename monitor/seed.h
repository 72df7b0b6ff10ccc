/*
 * seed: where the hashes of texts from outside begin, so that nobody who
 * chooses the texts chooses their places, too. Drawn anew for each table.
 */
#ifndef SEED_H
#define SEED_H

#include <stdint.h>
#include <sys/random.h>

#include "clock.h"
#include "slice.h"

struct seed {
	uint64_t begin, by;
};

/* The system waits only in the first moments of a machine. */
static inline struct seed
seed_draw(void)
{
	struct seed s;

	if (getrandom(&s, sizeof(s), 0) != (ssize_t)sizeof(s)) {
		s.begin = (uint64_t)clock_mono();
		s.by = (uint64_t)clock_wall() * UINT64_C(0x9e3779b97f4a7c15);
	}
	s.by |= 1;
	return s;
}

/* Both halves of a product: no difference of two texts survives it whatever
 * the seed is, as it would half of one. */
static inline uint64_t
seed_mix(const struct seed *s, uint64_t h, uint64_t v)
{
	__extension__ unsigned __int128 p = (unsigned __int128)(h ^ v) * s->by;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

/* The text behind what was hashed to h; s->begin at first. */
static inline uint64_t
seed_hash(const struct seed *s, uint64_t h, struct slice t)
{
	uint64_t v;

	for (; t.n >= 8; t.p += 8, t.n -= 8) {
		memcpy(&v, t.p, 8);
		h = seed_mix(s, h, v);
	}
	v = t.n + 1;
	for (size_t i = 0; i < t.n; i++)
		v = v << 8 | (unsigned char)t.p[i];
	return seed_mix(s, h, v);
}

#endif
