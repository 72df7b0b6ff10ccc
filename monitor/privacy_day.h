/*
 * privacy_day: a day's file anew, without people's names. Made as anew.h says.
 */
#ifndef PRIVACY_DAY_H
#define PRIVACY_DAY_H

#include "days.h"
#include "db.h"
#include "privacy.h"

/* Has it changed since it was made so? */
bool privacy_is_due(struct db *catalog, const struct day *);
/* Does it name somebody whose name is to be hidden? An unreadable one: yes. */
bool privacy_concerns(const struct day *, const struct privacy *);
/* Lines that nobody understood are dropped, but those that an erasure of one
 * person does not concern. 0 or negative errno and why. */
int privacy_copy(struct db *catalog, const struct day *, const struct privacy *,
    char ret_why[256]);

#endif
