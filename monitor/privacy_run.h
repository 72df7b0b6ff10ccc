/*
 * privacy_run: names go from days that are old enough, or one person's from
 * all.
 *
 * New files are made beside the days; store_replace() puts them in their
 * places. Nothing of a running collector's is touched, but rows of the
 * catalog: examples of replies become their templates. Copies that were made
 * before an upgrade of a file (FILE.vN) go, as nobody looks into them.
 */
#ifndef PRIVACY_RUN_H
#define PRIVACY_RUN_H

#include <stdint.h>

#include "buf.h"

/* Days that ended longer ago than age_us, and the newest in no case. The
 * number of files made, or negative errno and why. */
int privacy_run(
    const char *dir, bool keeps_keys, int64_t age_us, char ret_why[256]);
/* One address, from all days; nobody else may write. As above. */
int privacy_erase(const char *dir, const char *address, char ret_why[256]);

#endif
