/*
 * clock: wall time, monotonic time, and how they are written.
 *
 * All times are microseconds in int64_t. Wall time is UTC since 1970 and
 * may jump; intervals use monotonic time only (SPOOL rules of time). Tests
 * turn both by clock_shift().
 */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"

#define US_SEC INT64_C(1000000)
#define US_MIN (60 * US_SEC)
#define US_HOUR (3600 * US_SEC)
#define US_DAY (86400 * US_SEC)

int64_t clock_wall(void);
int64_t clock_mono(void); /* since boot, suspended time included */
void clock_shift(int64_t wall_us, int64_t mono_us); /* tests only */

/* 2026-11-24T12:00:00.123456Z (RFC 3339). */
void clock_rfc3339(struct buf *, int64_t wall_us);
/* The same read back, with any zone and at most microseconds; more digits
 * are cut. False, and nothing written, on anything else. */
bool clock_read_rfc3339(struct slice, int64_t *ret_wall_us);
/* Tue, 24 Nov 2026 12:00:00 +0900 (RFC 5322 section 3.3), local zone. */
void clock_rfc5322(struct buf *, int64_t wall_us);
/* "5d", "2h30m", "45s"; 0 is "0s". */
void clock_span(struct buf *, int64_t us);

#endif
