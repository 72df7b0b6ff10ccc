#include "seen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
seen_release(struct seen *s)
{
	free(s->v);
	*s = (struct seen){ 0 };
}

/* Of the first range that ends at or behind number; n when there is none. */
static size_t
find(const struct seen *s, uint64_t number)
{
	size_t lo = 0, hi = s->n;

	if (hi != 0 && s->v[hi - 1].hi < number)
		return hi;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->v[mid].hi < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int
insert(struct seen *s, size_t at, uint64_t lo, uint64_t hi)
{
	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 2;
		struct seen_range *v = realloc(s->v, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	memmove(s->v + at + 1, s->v + at, (s->n - at) * sizeof(*s->v));
	s->v[at] = (struct seen_range){ lo, hi };
	s->n++;
	return 0;
}

bool
seen_add(struct seen *s, uint64_t number, int *ret_rc)
{
	size_t at = find(s, number);
	bool touches_before, touches_after;

	*ret_rc = 0;
	if (at < s->n && s->v[at].lo <= number)
		return false;
	touches_before = at > 0 && s->v[at - 1].hi + 1 == number;
	touches_after = at < s->n && s->v[at].lo == number + 1;
	if (touches_before && touches_after) {
		s->v[at - 1].hi = s->v[at].hi;
		memmove(
		    s->v + at, s->v + at + 1, (s->n - at - 1) * sizeof(*s->v));
		s->n--;
	} else if (touches_before) {
		s->v[at - 1].hi = number;
	} else if (touches_after) {
		s->v[at].lo = number;
	} else if (s->n < SEEN_MAX) {
		*ret_rc = insert(s, at, number, number);
	}
	return *ret_rc == 0;
}

bool
seen_has(const struct seen *s, uint64_t number)
{
	size_t at = find(s, number);

	return at < s->n && s->v[at].lo <= number;
}

uint64_t
seen_distance(const struct seen *s, uint64_t number)
{
	size_t at = find(s, number);
	uint64_t before = at > 0 ? number - s->v[at - 1].hi : UINT64_MAX;
	uint64_t after = at == s->n ? UINT64_MAX
	    : s->v[at].lo > number  ? s->v[at].lo - number
				    : 0;

	if (s->n == 0)
		return 1;
	return before < after ? before : after;
}

int
seen_append(struct seen *s, uint64_t lo, uint64_t hi)
{
	return insert(s, s->n, lo, hi);
}

uint64_t
seen_missing(const struct seen *s)
{
	uint64_t missing = 0;

	for (size_t i = 1; i < s->n; i++)
		missing += s->v[i].lo - s->v[i - 1].hi - 1;
	return missing;
}
