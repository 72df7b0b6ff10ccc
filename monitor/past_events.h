/*
 * past_events: events of a store, from any moment backwards, and the whole
 * life of a message.
 */
#ifndef PAST_EVENTS_H
#define PAST_EVENTS_H

#include "fields.h"
#include "past.h"

/* All is borrowed for the call. */
struct past_event {
	int64_t t; /* wall microseconds */
	const char *name; /* dlv.ok */
	int severity; /* as syslog's: 0 worst, 7 least */
	const char *line; /* the event as it was written */
	const char *sentence; /* for people */
	const struct fields *fields;
	int day;
	int64_t number; /* of its row, within the day */
};

/* Where reading goes on: behind (or before) that row. */
struct past_place {
	int day; /* 0: at the newest */
	int64_t number;
};

/* False: no more, please. */
typedef bool past_one(void *arg, const struct past_event *);

/*
 * Backwards from the place, the newest first; at most looked rows are looked
 * at and at most those at or before until are told. The place moves to the
 * last one. 1: there may be more; 0: the beginning was reached.
 */
int past_back(struct past *, struct past_place *, int64_t until, int looked,
    past_one *one, void *arg);
/* What was heard behind the place, the oldest first, at most looked rows. The
 * place moves. 1: there is more. */
int past_on(
    struct past *, struct past_place *, int looked, past_one *one, void *arg);
/* Where the newest is now. Negative errno when there is none. */
int past_newest(struct past *, struct past_place *ret);
/* A message and its notices by its id (or a Message-ID in <>), in the order
 * of time; of lean days what is left of it (past_gone.h). How many events that
 * were, or negative errno. */
int past_life(struct past *, const char *id, past_one *one, void *arg);
/*
 * The nearest moment behind t (is_back: before it) at which something changed
 * that is not a message's daily life: a destination's state, an operator's
 * act, a start, a stop, a fault. False: none was found in time.
 */
bool past_change(struct past *, int64_t t, bool is_back, int64_t *ret);

#endif
