#include "siphash.h"

#include <string.h>
#include <sys/random.h>

#include "slice.h"
#include "wire.h"

struct state {
	uint64_t v[4];
};

void
siphash_draw(struct siphash_key *key)
{
	while (getrandom(key->k, sizeof(key->k), 0) != (ssize_t)sizeof(key->k))
		continue;
}

static inline uint64_t
rotate(uint64_t x, int n)
{
	return x << n | x >> (64 - n);
}

static inline void
turn(struct state *s)
{
	uint64_t *v = s->v;

	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static inline void
take(struct state *s, uint64_t word)
{
	s->v[3] ^= word;
	turn(s);
	s->v[0] ^= word;
}

static inline struct state
begin(const struct siphash_key *key)
{
	return (struct state){ { key->k[0] ^ 0x736f6d6570736575u,
	    key->k[1] ^ 0x646f72616e646f6du, key->k[0] ^ 0x6c7967656e657261u,
	    key->k[1] ^ 0x7465646279746573u } };
}

/* last: what is left over, below the length in the highest byte. */
static inline uint64_t
end(struct state *s, uint64_t last)
{
	take(s, last);
	s->v[2] ^= 0xff;
	for (int i = 0; i < 3; i++)
		turn(s);
	return s->v[0] ^ s->v[1] ^ s->v[2] ^ s->v[3];
}

uint64_t
siphash(const struct siphash_key *key, const void *data, size_t n)
{
	struct state s = begin(key);
	const unsigned char *p = data;
	uint64_t last = (uint64_t)n << 56;
	size_t left = n;

	for (; left >= 8; left -= 8, p += 8)
		take(&s, le64(p));
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << 8 * i;
	return end(&s, last);
}

/* Sets bit 5 of each byte that is A to Z. */
static inline uint64_t
lower(uint64_t w)
{
	const uint64_t ones = 0x0101010101010101u;
	uint64_t low = w & ~(ones << 7);
	uint64_t above = low + (0x80 - 'A') * ones;
	uint64_t beyond = low + (0x7f - 'Z') * ones;

	return w | ((above & ~beyond & ~w) >> 2 & (ones << 5));
}

uint64_t
siphash_text(const struct siphash_key *key, const char *p, size_t n)
{
	struct state s = begin(key);
	uint64_t last = (uint64_t)n << 56, tail = 0;
	size_t left = n;

	for (; left >= 8; left -= 8, p += 8)
		take(&s, lower(le64(p)));
	for (size_t i = 0; i < left; i++)
		tail |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return end(&s, last | lower(tail));
}
