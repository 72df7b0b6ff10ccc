#include "allowance.h"

#include <stddef.h>

/*
 * What the relay of a big site needs in a day, several times over: hosts of
 * its own are words, starts of their processes writers, and a hole in the
 * numbers is a range.
 */
static const uint32_t most[AL_COUNT] = {
	[AL_WORD] = 1000,
	[AL_DOMAIN] = 100000,
	[AL_HOST] = 100000,
	[AL_ADDR] = 1000000,
	[AL_MESSAGE] = 5000000,
	[AL_WRITER] = 4000,
	[AL_RANGE] = 4000,
	[AL_REASON] = 200,
	[AL_UNPARSED] = 1000,
};

void
allowance_init(struct allowance *a, struct allowance *all)
{
	*a = (struct allowance){ .all = all };
	for (int i = 0; i < AL_COUNT; i++)
		a->left[i] = all != NULL ? most[i] : most[i] * ALLOWANCE_PEERS;
}

bool
allowance_take(struct allowance *a, enum allowed what)
{
	bool is_own;

	if (a == NULL)
		return true;
	/* a little is its own, however many others there are */
	is_own = a->left[what] > most[what] - most[what] / 100;
	if (a->left[what] == 0 || (!is_own && !allowance_take(a->all, what))) {
		a->is_cut = true;
		return false;
	}
	a->left[what]--;
	return true;
}
