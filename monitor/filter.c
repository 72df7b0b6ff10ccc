#include "filter.h"

#include <stdlib.h>

struct filter {
	unsigned shift;
	uint64_t word[];
};

struct filter *
filter_new(unsigned bits)
{
	struct filter *f = calloc(
	    1, sizeof(*f) + ((size_t)1 << (bits - 6)) * sizeof(f->word[0]));

	if (f != NULL)
		f->shift = 64 - bits;
	return f;
}

void
filter_free(struct filter *f)
{
	free(f);
}

static uint64_t
bit_of(const struct filter *f, uint64_t hash)
{
	return (hash * UINT64_C(0x9e3779b97f4a7c15)) >> f->shift;
}

void
filter_add(struct filter *f, uint64_t hash)
{
	uint64_t bit;

	if (f == NULL)
		return;
	bit = bit_of(f, hash);
	f->word[bit / 64] |= UINT64_C(1) << bit % 64;
}

bool
filter_may_have(const struct filter *f, uint64_t hash)
{
	uint64_t bit;

	if (f == NULL)
		return true;
	bit = bit_of(f, hash);
	return (f->word[bit / 64] >> bit % 64 & 1) != 0;
}
