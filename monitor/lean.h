/*
 * lean: old days without the events of mail.
 *
 * After a while nobody asks for each step of a message any more, but what
 * became of it: the rows of msg and rcpt stay, with the names that they refer
 * to, and all sums. Of the events those stay that tell what happened to the
 * system, and those at the edges of holes in the numbers, by which one knows
 * which minutes are whole. How many went is the sum "let_go" of the day, by
 * which it is known to be lean.
 */
#ifndef LEAN_H
#define LEAN_H

#include <stdbool.h>
#include <stdint.h>

#include "db.h"
#include "event.h"

/* Do events of this kind stay in a lean day? */
bool lean_keeps(enum event_type);
bool lean_is(struct db *segment);
/* Days that ended longer ago than age_us, but the newest in no case; a lean
 * one for which something came later, too. How many were made so, or negative
 * errno and why. */
int lean_run(const char *dir, int64_t age_us, char ret_why[256]);

#endif
