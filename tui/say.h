/*
 * say: numbers and times as the screens show them. Pure; texts are short
 * and always end with NUL.
 */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>
#include <stdint.h>

#include "grid.h"

#define SAY_MAX 32

void say_number(char ret[SAY_MAX], int64_t); /* "48,213" */
void say_bytes(char ret[SAY_MAX], int64_t); /* "812", "24K", "1.1M" */
/* "45s", "14m", "11h02m", "3d02h"; below zero as 0s. */
void say_span(char ret[SAY_MAX], int64_t us);
/* "11:58:03"; of another day "Tue 11:58", "3 Nov 26"; "-" for 0. */
void say_time(char ret[SAY_MAX], int64_t wall, int64_t now, bool is_utc);
/* "2026-11-24 11:58:03" */
void say_stamp(char ret[SAY_MAX], int64_t wall, bool is_utc);
/* "11:58:03.120"; of another day "24 Nov 11:58" */
void say_moment(char ret[SAY_MAX], int64_t wall, int64_t now, bool is_utc);
/* "34ms", "1.2s", "41m" of microseconds. */
void say_took(char ret[SAY_MAX], uint64_t us);
/* At most five columns: "980", "11k", "1.2M"; "." for 0. */
void say_short(char ret[SAY_MAX], int64_t);
void say_rate(char ret[SAY_MAX], double a_second); /* "0.4", "212" */
/* The last n of the values (newest at the end) in n columns; below zero: not
 * known, a '?' once one was. */
void
say_chart(struct grid *, int y, int x, int n, const double *values, int count);

#endif
