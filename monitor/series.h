/*
 * series: the numbers of a day as they are drawn, out of the store's sums.
 *
 * A minute is known when something was heard in it, whoever spoke, and
 * nothing of it is missing. Between two such minutes a quiet stretch of up
 * to SERIES_QUIET is known, too: nothing happened. In a longer one nobody
 * may have listened.
 */
#ifndef SERIES_H
#define SERIES_H

#include <stdbool.h>

#include "days.h"
#include "hist.h"
#include "stages.h"

#define SERIES_QUIET 10 /* minutes */
#define SERIES_MINUTES 1440 /* of a day */
#define SERIES_MAILERS 16 /* that have series of their own */
#define SERIES_NAME 24 /* bytes of a mailer's name, with its NUL */

/* What happened, by the minute; the names are those of the totals. */
enum series_flow {
	SF_DELIVERED,
	SF_DEFERRALS,
	SF_BOUNCED,
	SF_EXPIRED,
	SF_DISCARDED,
	SF_BYTES_OUT,
	SF_OF_MAILER, /* the ones before are those of a mailer */
	SF_RECEIVED = SF_OF_MAILER,
	SF_BYTES_IN,
	SF_REJECTED,
	SF_HELD,
	SF_NOTICES,
	SF_EVENTS,
	SF_COUNT
};

enum series_minute { SM_NOTHING, SM_KNOWN, SM_UNKNOWN };

struct series_flow_of {
	double n[SERIES_MINUTES][SF_COUNT];
};

/* Place 0 is all mailers together, the others are in the order of name. */
struct series_day {
	int64_t begin; /* microseconds */
	char name[SERIES_MAILERS + 1][SERIES_NAME]; /* "" for place 0 */
	int mailers; /* places in use */
	struct series_flow_of flow[SERIES_MAILERS + 1];
	enum series_minute minute[SERIES_MINUTES];
};

/* The place of a mailer, given when it is new; -1: its name is no file's, or
 * there are too many. */
int series_mailer(struct series_day *, const char *name);

/* Fills flow and minute (and name, which stays from day to day) with what is
 * at or behind from. 0 or negative errno. */
int series_read_day(struct series_day *, struct db *segment, int64_t from);
/* The same of a day that is gone: sums of five minutes, hours or the day,
 * spread over their minutes. */
int series_read_gone(struct series_day *, struct db *catalog, int64_t begin);

#endif
