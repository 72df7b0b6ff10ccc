/*
 * reason_date: dates and times at the beginning of a text, as people and
 * programs write them in replies. Pure.
 */
#ifndef REASON_DATE_H
#define REASON_DATE_H

#include "slice.h"

/* How many bytes are a date, a time or both; 0: none. */
size_t reason_date(struct slice);

#endif
