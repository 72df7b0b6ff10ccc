/*
 * reasons: what other hosts say when they do not take mail, as rows that
 * outlive the days: which reply was ever heard, and when first.
 */
#ifndef REASONS_H
#define REASONS_H

#include "db.h"
#include "heard.h"
#include "reason.h"

struct reasons;

/* What an event says of why it was refused. */
struct why {
	int64_t id; /* the template's hash; 0: no reason */
	enum reason class; /* RC_NONE: no reason, or the event names one */
	struct slice template; /* until the next call */
	struct slice text; /* of the event */
	bool is_changed; /* the template is new or more general than it was */
};

/* With all that the catalog has. NULL without memory or table. */
struct reasons *reasons_new(struct db *catalog);
void reasons_free(struct reasons *);
/* 0 or negative errno; rows wait in a transaction of the catalog. Peers change
 * nothing beyond what they may, nor in the half of the table that is for what
 * this host reads itself. */
int reasons_find(struct reasons *, const struct heard *, struct why *ret);
int reasons_commit(struct reasons *);

#endif
