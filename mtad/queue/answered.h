/*
 * answered: what lookup and agents may say of a recipient. They are trusted
 * less than the queue: an answer is held against what was asked and what the
 * configuration says, and one that goes beyond it counts as none.
 */
#ifndef ANSWERED_H
#define ANSWERED_H

#include <stdbool.h>

#include "conf.h"
#include "proto.h"
#include "slice.h"

/* Is this account the one that the address names (NSS may write it in another
 * case, or with its domain), with or without +detail? */
bool
answered_is_account(const struct conf *, struct slice local, struct slice user);
/* Is this the mailbox of that virtual user, and of its section? */
bool answered_is_virtual(const struct conf *, struct slice local,
    struct slice domain, struct slice user, struct slice path);
/* Target after target, whole, of kinds that a list or a .forward can have. */
bool answered_are_targets(struct slice targets);
/* No control character, and no longer than an address can be. */
bool answered_is_text(struct slice);

#endif
