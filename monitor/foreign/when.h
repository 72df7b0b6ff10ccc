/*
 * when: the times that logs begin with.
 *
 * RFC 3164 times have no year and no zone: the zone is this machine's, and
 * the year is the one that puts the line latest but not after a given "now"
 * (with a day's grace). RFC 3339 and Exim's own times say all. What was
 * worked out for one hour is kept, so that a line costs no calendar.
 */
#ifndef WHEN_H
#define WHEN_H

#include <stdbool.h>
#include <stdint.h>

#include "slice.h"

struct when {
	int64_t now_us; /* no line is later */
	char stem[16]; /* private: up to the hour */
	size_t stem_n;
	int64_t stem_us;
	bool has_year;
};

void when_init(struct when *, int64_t now_us);

/*
 * Each cuts a time and the blank behind it off *line. False with *line as it
 * was: there is none of this kind. All in microseconds UTC since 1970.
 */

/* "Nov 24 19:45:48", also with a year before or behind the day. */
bool when_rfc3164(
    struct when *, struct slice *line, int64_t *ret, bool *ret_is_inferred);
/* "2026-11-24T19:45:48.123456+09:00", "...Z" */
bool when_rfc3339(struct when *, struct slice *line, int64_t *ret);
/* "2026-11-24 19:45:48", with fractions and a zone " +0900" or without */
bool when_exim(struct when *, struct slice *line, int64_t *ret);

/* "1.23", "12" seconds as microseconds. */
bool when_seconds(struct slice, uint64_t *ret_us);
/* "00:01:02", "3+00:01:02" of sendmail. */
bool when_days(struct slice, uint64_t *ret_us);
/* "1d2h3m4s" of Exim and OpenSMTPD, any of its parts. */
bool when_span(struct slice, uint64_t *ret_us);

#endif
