/*
 * fields: an event's values by name: which are there, and what they are.
 */
#ifndef FIELDS_H
#define FIELDS_H

#include <string.h>

#include "event.h"

struct fields {
	const struct event *event; /* borrowed */
	signed char at[FIELD_COUNT]; /* place in the event; -1: absent */
};

/* When a field stands twice the last one counts. */
static inline void
fields_of(struct fields *f, const struct event *e)
{
	f->event = e;
	memset(f->at, -1, sizeof(f->at));
	for (int i = 0; i < e->n; i++)
		f->at[e->value[i].field] = (signed char)i;
}

static inline bool
fields_has(const struct fields *f, enum event_field which)
{
	return f->at[which] >= 0;
}

/* Empty when absent. */
static inline struct slice
fields_str(const struct fields *f, enum event_field which)
{
	return f->at[which] < 0 ? (struct slice){ 0 }
				: f->event->value[f->at[which]].v.str;
}

/* def when absent. */
static inline uint64_t
fields_num(const struct fields *f, enum event_field which, uint64_t def)
{
	return f->at[which] < 0 ? def : f->event->value[f->at[which]].v.num;
}

#endif
