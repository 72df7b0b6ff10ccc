/*
 * privacy_day: a day's file anew, without people's names.
 *
 * The new file is beside the old one, "FILE.ready", whole and synced, with
 * what the old one was when it was copied in the catalog's table "private";
 * replace.h puts it in its place unless the old one has changed since. So
 * nothing is in freed pages, the collector goes on meanwhile, and a crash
 * leaves the old file or the new one.
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
