#include "lanes.h"

#include <stdlib.h>
#include <string.h>

#define SLOW (US_SEC / 2)
#define SLOW_AMONG_SLOW (US_SEC / 4)
#define SLOW_DISK (5 * US_SEC)
#define LONG_LINE (10 * US_SEC)
#define QUICK US_SEC /* what fails sooner held nobody up */
#define LANE_IDLE (10 * US_SEC)

enum lane_place { NOWHERE, READY, PASSED };

struct lane {
	TAILQ_ENTRY(lane) link; /* where its place says */
	TAILQ_HEAD(lane_items, lane_item) waiting;
	enum lane_place place;
	enum lane_kind kind;
	const struct crowd *crowd; /* borrowed */
	unsigned waits, runs, width;
	int64_t moved; /* mono: when one ended well, or the first began */
	int64_t usual; /* what one takes */
	bool is_held; /* by its recipient, until one ends well */
	struct slice key; /* behind the struct */
};

/* At once, at most. */
static const unsigned widths[LANE_KINDS] = {
	[LANE_FOLDER] = 16,
	[LANE_FILE] = 2,
	[LANE_PROGRAM] = 4,
};

static uint64_t
hash_lane(const void *entry)
{
	return slice_ihash(((const struct lane *)entry)->key);
}

static bool
is_lane(const void *entry, const void *key)
{
	return slice_eq(
	    ((const struct lane *)entry)->key, *(const struct slice *)key);
}

void
lanes_init(struct lanes *ls)
{
	*ls = (struct lanes){ .slow = 0 };
	map_init(&ls->map, hash_lane, is_lane);
	TAILQ_INIT(&ls->ready);
	TAILQ_INIT(&ls->passed);
}

struct lane *
lanes_get(struct lanes *ls, struct slice key, enum lane_kind kind,
    const struct crowd *crowd)
{
	struct lane *l = map_find(&ls->map, slice_ihash(key), &key);
	char *copy;

	if (l != NULL)
		return l;
	l = calloc(1, sizeof(*l) + key.n + 1);
	if (l == NULL)
		return NULL;
	copy = memcpy(l + 1, key.p, key.n);
	l->key = (struct slice){ copy, key.n };
	l->kind = kind;
	l->crowd = crowd;
	l->width = 1;
	TAILQ_INIT(&l->waiting);
	if (map_add(&ls->map, l) < 0) {
		free(l);
		return NULL;
	}
	return l;
}

static void
set_place(struct lanes *ls, struct lane *l, enum lane_place place)
{
	if (l->place == READY)
		TAILQ_REMOVE(&ls->ready, l, link);
	else if (l->place == PASSED)
		TAILQ_REMOVE(&ls->passed, l, link);
	if (place == READY)
		TAILQ_INSERT_TAIL(&ls->ready, l, link);
	else if (place == PASSED)
		TAILQ_INSERT_TAIL(&ls->passed, l, link);
	l->place = place;
}

static void
update(struct lanes *ls, struct lane *l)
{
	bool wants = l->waits != 0 && l->runs < l->width;

	if (!wants)
		set_place(ls, l, NOWHERE);
	else if (l->place == NOWHERE)
		set_place(ls, l, READY);
}

static int64_t
patience(const struct lanes *ls, const struct lane *l)
{
	if (l->is_held)
		return 0;
	if (l->kind != LANE_PROGRAM)
		return SLOW_DISK;
	return ls->slow != 0 ? SLOW_AMONG_SLOW : SLOW;
}

/* A disk's pace is nobody's fault, a program's is its owner's. */
static bool
has_long_line(const struct lane *l)
{
	return l->kind == LANE_PROGRAM &&
	    l->waits * l->usual / widths[l->kind] >= LONG_LINE;
}

static bool
is_slow(const struct lanes *ls, const struct lane *l, int64_t now)
{
	return (l->runs != 0 || l->place == PASSED) &&
	    (now - l->moved >= patience(ls, l) || has_long_line(l));
}

static bool
has_too_many(const struct lanes *ls, const struct lane *l, int64_t now)
{
	const struct crowd *c = l->crowd;
	unsigned share = c->window / 2 / (ls->slow != 0 ? ls->slow : 1);

	if (l->waits == 0)
		return false;
	if (l->runs != 0 && now - l->moved >= LANE_STALL)
		return true;
	return c->held >= c->window - c->window / 4 && is_slow(ls, l, now) &&
	    l->runs + l->waits > share;
}

static void
take_out(struct lanes *ls, struct lane *l, struct lane_item *it)
{
	TAILQ_REMOVE(&l->waiting, it, link);
	l->waits--;
	update(ls, l);
}

bool
lanes_add(struct lanes *ls, struct lane *l, struct lane_item *it, int64_t now)
{
	it->lane = l;
	it->started = 0;
	if (l->runs == 0 && l->waits == 0) {
		l->moved = now;
		l->is_held = false;
	}
	TAILQ_INSERT_TAIL(&l->waiting, it, link);
	l->waits++;
	if (has_too_many(ls, l, now)) {
		take_out(ls, l, it);
		return false;
	}
	update(ls, l);
	return true;
}

struct lane_item *
lanes_take(struct lanes *ls, int64_t now)
{
	struct lane *l = TAILQ_FIRST(&ls->ready);
	struct lane_item *it;

	if (l == NULL)
		return NULL;
	it = TAILQ_FIRST(&l->waiting);
	if (l->runs == 0 && !l->is_held)
		l->moved = now;
	l->runs++;
	it->started = now;
	set_place(ls, l, NOWHERE); /* its turn is over */
	take_out(ls, l, it);
	return it;
}

void
lanes_pass(struct lanes *ls, struct lane_item *it)
{
	struct lane *l = it->lane;

	it->started = 0;
	l->runs--;
	TAILQ_INSERT_HEAD(&l->waiting, it, link);
	l->waits++;
	set_place(ls, l, PASSED);
}

void
lanes_again(struct lanes *ls)
{
	struct lane *l;

	while ((l = TAILQ_LAST(&ls->passed, lane_list)) != NULL) {
		TAILQ_REMOVE(&ls->passed, l, link);
		TAILQ_INSERT_HEAD(&ls->ready, l, link);
		l->place = READY;
	}
}

void
lanes_end(
    struct lanes *ls, struct lane_item *it, enum lane_end how, int64_t now)
{
	struct lane *l = it->lane;
	int64_t took = now - it->started;

	l->runs--;
	l->usual += (took - l->usual) / 4;
	if (how == LANE_GOOD && l->width < widths[l->kind])
		l->width++;
	if (how == LANE_GOOD || (how == LANE_FAILED && took < QUICK)) {
		l->moved = now;
		l->is_held = false;
	} else {
		l->width = 1;
		l->is_held = true;
	}
	update(ls, l);
}

void
lanes_held(struct lane_item *it)
{
	it->lane->is_held = true;
}

struct lane_item *
lanes_cut(struct lanes *ls, size_t *pos, bool is_all, int64_t now)
{
	size_t here = *pos;
	struct lane *l;

	while ((l = map_next(&ls->map, pos)) != NULL) {
		struct lane_item *it = TAILQ_LAST(&l->waiting, lane_items);

		if (it != NULL && (is_all || has_too_many(ls, l, now))) {
			take_out(ls, l, it);
			*pos = here; /* it may have more */
			return it;
		}
		here = *pos;
	}
	return NULL;
}

void
lanes_tidy(struct lanes *ls, int64_t now)
{
	unsigned slow = 0;
	size_t pos = 0;
	struct lane *l;

	while ((l = map_next(&ls->map, &pos)) != NULL) {
		if (is_slow(ls, l, now)) {
			slow++;
		} else if (l->runs == 0 && l->waits == 0 &&
		    now - l->moved >= LANE_IDLE) {
			map_del(&ls->map, l);
			free(l);
		}
	}
	ls->slow = slow;
}
