/*
 * minutes: between which rows of ev the events of each minute are.
 *
 * Events come nearly in the order of time, so this costs a row a minute and
 * serves as an index of time would: look between the lowest and the highest
 * row of the minutes in question, and compare t.
 */
#ifndef MINUTES_H
#define MINUTES_H

#include "db.h"

struct minutes;

struct minutes *minutes_new(struct db *); /* NULL without memory or table */
void minutes_free(struct minutes *);
void minutes_add(struct minutes *, int64_t t, int64_t row);
int minutes_flush(struct minutes *);
void minutes_forget(struct minutes *);

#endif
