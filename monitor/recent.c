#include "recent.h"

#include <errno.h>
#include <string.h>

#define CACHE_NEWEST ((size_t)96 << 20) /* for pages of the newest day */
#define CACHE_OTHERS ((size_t)8 << 20)

void
recent_close(struct recent *r)
{
	for (int i = 0; i < RECENT_MAX; i++)
		segment_close(r->of[i]);
	*r = (struct recent){ .main_day = 0 };
}

static int
index_of(const struct recent *r, int day)
{
	int i = 0;

	while (i < RECENT_MAX && r->of[i] != NULL &&
	    segment_number(r->of[i]) != day)
		i++;
	return i < RECENT_MAX && r->of[i] != NULL ? i : -1;
}

bool
recent_has(const struct recent *r, int day)
{
	return index_of(r, day) >= 0;
}

static void
to_front(struct recent *r, int at, struct segment *one)
{
	memmove(r->of + 1, r->of, (size_t)at * sizeof(r->of[0]));
	r->of[0] = one;
}

struct segment *
recent_use(struct recent *r, int day)
{
	int at = index_of(r, day);

	if (at < 0)
		return NULL;
	if (at != 0)
		to_front(r, at, r->of[at]);
	return r->of[0];
}

int
recent_make_room(struct recent *r)
{
	struct segment *last = r->of[RECENT_MAX - 1];

	if (last == NULL)
		return 0;
	if (segment_is_dirty(last))
		return -EXFULL;
	if (segment_number(last) == r->main_day)
		r->main_day = 0; /* closing syncs */
	segment_close(last);
	r->of[RECENT_MAX - 1] = NULL;
	return 0;
}

/* Nearly all that comes is of the newest day. */
static void
share_cache(struct recent *r)
{
	int newest = 0;

	for (int i = 0; i < RECENT_MAX && r->of[i] != NULL; i++)
		if (segment_number(r->of[i]) > newest)
			newest = segment_number(r->of[i]);
	for (int i = 0; i < RECENT_MAX && r->of[i] != NULL; i++)
		segment_set_cache(r->of[i],
		    segment_number(r->of[i]) == newest ? CACHE_NEWEST
						       : CACHE_OTHERS);
}

void
recent_add(struct recent *r, struct segment *one)
{
	to_front(r, RECENT_MAX - 1, one);
	share_cache(r);
}

struct segment *
recent_newest_dirty(const struct recent *r)
{
	struct segment *best = NULL;

	for (int i = 0; i < RECENT_MAX && r->of[i] != NULL; i++)
		if (segment_is_dirty(r->of[i]) &&
		    (best == NULL ||
			segment_number(r->of[i]) > segment_number(best)))
			best = r->of[i];
	return best;
}

int
recent_commit_others(
    struct recent *r, const struct segment *last, struct segment **ret_bad)
{
	int rc = 0;

	for (int i = 0; i < RECENT_MAX && r->of[i] != NULL && rc == 0; i++) {
		struct segment *one = *ret_bad = r->of[i];

		if (one == last)
			continue;
		if (segment_is_dirty(one))
			rc = segment_commit(one, true);
		else if (segment_number(one) == r->main_day)
			rc = segment_sync(one);
	}
	return rc;
}

void
recent_rollback(struct recent *r)
{
	for (int i = 0; i < RECENT_MAX && r->of[i] != NULL; i++)
		segment_rollback(r->of[i]);
}
