/*
 * privacy_keys: the keys of a store's catalog, one for the days of a month.
 *
 * Who has the catalog can try whether a name is somebody's, which is how
 * mtatrace finds them; who has a day's file alone cannot.
 */
#ifndef PRIVACY_KEYS_H
#define PRIVACY_KEYS_H

#include "db.h"
#include "privacy.h"

/* The key of a day (YYYYMMDD), made when its month has none. */
int privacy_key(struct db *catalog, int day, unsigned char key[PRIVACY_KEY]);
/* Keys of months before this day go for good. */
int privacy_forget(struct db *catalog, int oldest_day);
/* An address and all that it may be called under a key, as a JSON array.
 * A store without a catalog has no keys. */
void privacy_names(const char *dir, struct slice address, struct buf *ret_json);

#endif
