/*
 * privacy_run: names go from days that are old enough, or one person's from
 * all.
 *
 * Done as anew_run.h says; but for one person a day is copied within a turn,
 * as the newest one always changes. Examples of replies become their
 * templates. Copies that were made before an upgrade of a file (FILE.vN) go,
 * as nobody looks into them.
 */
#ifndef PRIVACY_RUN_H
#define PRIVACY_RUN_H

#include <stdbool.h>
#include <stdint.h>

/* Days that ended longer ago than age_us, and the newest in no case. How many
 * were made anew, or negative errno and why. */
int privacy_run(
    const char *dir, bool keeps_keys, int64_t age_us, char ret_why[256]);
/* One address, from all days that name it. As above. */
int privacy_erase(const char *dir, const char *address, char ret_why[256]);

#endif
