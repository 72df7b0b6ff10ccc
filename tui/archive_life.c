/*
 * archive_life: the life of one message, for the screen Trace and for the pane
 * of Messages.
 */
#include <stdio.h>
#include <string.h>

#include "archive.h"
#include "clock.h"

void
life_set(struct life *l, const char *id)
{
	if (strcmp(l->id, id) != 0)
		log_rows_clear(&l->rows);
	snprintf(l->id, sizeof(l->id), "%s", id);
	l->is_read = false;
	l->due = 0;
}

struct reading {
	struct life *life;
	int64_t at;
};

static bool
add_event(void *arg, const struct past_event *e)
{
	struct reading *r = arg;

	if ((r->at != 0 && e->t > r->at) || e->severity > r->life->severity)
		return true;
	return log_rows_add(&r->life->rows, e);
}

void
life_read(struct life *l, struct past *p, int64_t at, int64_t now)
{
	int64_t begun = clock_mono(), took;

	log_rows_clear(&l->rows);
	past_life(p, l->id, add_event, &(struct reading){ l, at });
	l->is_read = true;
	took = clock_mono() - begun;
	l->due = now + (took * 50 > 2 * US_SEC ? took * 50 : 2 * US_SEC);
}

bool
life_is_due(const struct life *l, int64_t now)
{
	return l->id[0] != '\0' && now >= l->due;
}
