/*
 * ledger_days: the ledger of each day, noted in the catalog's table "ledger".
 *
 * A day is looked at five minutes after its end, and again when it is another
 * one than it was (late events, files that were imported); the day that goes
 * on when mtad started after a stop that was none, or when it is asked for.
 * A ledger that does not balance is told in the log, too.
 */
#ifndef LEDGER_DAYS_H
#define LEDGER_DAYS_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"

/* How many days were looked at, or negative errno and why. */
int ledger_note(const char *dir, bool is_now, char ret_why[256]);
/* Messages that do not agree, by what is noted of the days from and to
 * (YYYYMMDD). */
uint64_t ledger_imbalances(struct db *catalog, int from, int to);

#endif
