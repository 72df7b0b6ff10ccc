/*
 * event_read: one written event read back, from either carrier.
 *
 * Lines of the event log file (JSON) and of RFC 5424 with the element
 * "mtaev@32473". The vocabulary is event.def, so this is the inverse of
 * event_json() and event_sd() for every row. Fields that nobody knows are
 * skipped; any bytes give an answer or -EBADMSG.
 *
 * Ownership: texts are unescaped where they stand: the line changes, and all
 * slices point into it.
 */
#ifndef EVENT_READ_H
#define EVENT_READ_H

#include <stdint.h>

#include "event.h"

/* What a line says of its writer; 0 and the empty slice are absent. */
struct event_origin {
	int64_t time_us; /* wall clock, microseconds UTC since 1970 */
	uint64_t mono_us, pid, seq;
	struct slice node, instance, prog, boot;
	struct slice via; /* of a store: the address that it came from */
};

struct event_names; /* the vocabulary, ready to be looked up */

struct event_names *event_names_new(void); /* NULL without memory */
void event_names_free(struct event_names *);

/* Where the last event of a line begins: what a killed writer left before
 * it is no event (mta-events(7)). line.n when there is none. */
size_t event_json_start(struct slice line);

/*
 * 0, -EBADMSG (not of this carrier, or damaged), or -ENOENT: an event of a
 * later version. Then the origin is whole and the event has no fields.
 */
int event_read_json(const struct event_names *, char *line, size_t n,
    struct event_origin *ret_origin, struct event *ret_event);
int event_read_sd(const struct event_names *, char *line, size_t n,
    struct event_origin *ret_origin, struct event *ret_event);

#endif
