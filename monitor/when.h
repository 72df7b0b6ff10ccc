/*
 * when: times as people type them.
 *
 *	2026-11-24T12:00:00Z	RFC 3339, any zone
 *	2026-11-24 [12:00[:00]]	local time
 *	today yesterday now	local midnight; this moment
 *	2h 30m 1d12h		so long ago
 */
#ifndef WHEN_H
#define WHEN_H

#include <stdbool.h>
#include <stdint.h>

#define WHEN_FIRST INT64_C(0)
#define WHEN_LAST INT64_MAX

/* False, and nothing written, when it is none of these. */
bool when_read(const char *text, int64_t *ret_wall_us);

#endif
