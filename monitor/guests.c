#include "guests.h"

#include <stdlib.h>

#include "clock.h"
#include "seed.h"

#define SLOTS 4096
#define LINE_COST 200 /* bytes in the store beside those of the line */
#define OPEN_LINES 100
#define OPEN_MAX 60

struct guests {
	struct seed seed;
	int64_t lines_max, bytes_max, day, bytes; /* of all peers */
	struct allowance all;
	struct guest slot[SLOTS];
};

struct guests *
guests_new(int64_t lines_per_second, int64_t bytes_per_day)
{
	struct guests *gs = calloc(1, sizeof(*gs));

	if (gs == NULL)
		return NULL;
	gs->seed = seed_draw();
	gs->lines_max = lines_per_second;
	gs->bytes_max = bytes_per_day;
	for (unsigned i = 0; i < SLOTS; i++) {
		gs->slot[i].number = i;
		gs->slot[i].opens = OPEN_MAX * OPEN_LINES;
		TAILQ_INIT(&gs->slot[i].seats);
	}
	return gs;
}

void
guests_free(struct guests *gs)
{
	free(gs);
}

/* All begin each day anew, at their first line. */
static void
begin_day(struct guests *gs, struct guest *g)
{
	int64_t day = clock_wall() / US_DAY + 1;

	if (gs->day != day) {
		allowance_init(&gs->all, NULL);
		gs->bytes = 0;
	}
	if (g->day != day) {
		allowance_init(&g->may, &gs->all);
		g->bytes = 0;
	}
	gs->day = g->day = day;
}

struct guest *
guests_get(struct guests *gs, const struct peer *p)
{
	struct slice key = { (const char *)p->key, sizeof(p->key) };
	uint64_t h = seed_hash(&gs->seed, gs->seed.begin, key);
	struct guest *g = &gs->slot[(h >> 32) % SLOTS];

	begin_day(gs, g);
	return g;
}

struct guest *
guests_fullest(struct guests *gs)
{
	struct guest *most = &gs->slot[0];

	for (size_t i = 1; i < SLOTS; i++)
		if (gs->slot[i].conns > most->conns)
			most = &gs->slot[i];
	return most;
}

bool
guests_takes(struct guests *gs, struct guest *g, size_t bytes)
{
	int64_t second = clock_mono() / US_SEC;

	if (g->second != second) {
		g->second = second;
		g->lines = 0;
		begin_day(gs, g);
	}
	if (g->lines >= gs->lines_max || g->bytes >= gs->bytes_max ||
	    gs->bytes / ALLOWANCE_PEERS >= gs->bytes_max)
		return false;
	g->lines++;
	g->bytes += (int64_t)bytes + LINE_COST;
	gs->bytes += (int64_t)bytes + LINE_COST;
	if (g->opens < OPEN_MAX * OPEN_LINES)
		g->opens++;
	return true;
}

void
guest_charge(struct guest *g, int64_t lines)
{
	g->lines += lines;
	g->bytes += lines * LINE_COST;
}

bool
guest_opens(struct guest *g)
{
	if (g->opens < OPEN_LINES)
		return false;
	g->opens -= OPEN_LINES;
	return true;
}
