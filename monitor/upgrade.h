/*
 * upgrade: files of an older version are brought up, so that they can be read.
 *
 * Who writes to a file brings it up, but most days are only read. It is done a
 * file at a time, within a turn (turn.h), as there must be room for the copy
 * that is made before (db.h). That of a day goes when the day is sound
 * afterwards, and with the day; that of the catalog stays.
 */
#ifndef UPGRADE_H
#define UPGRADE_H

#include "db.h"

/* How many were brought up, or negative errno and why: of the first that was
 * not; the others are. */
int upgrade_store(const char *dir, const struct db_kind *catalog,
    const struct db_kind *day, char ret_why[256]);
/* Copies of a file from before its upgrades go. */
void upgrade_forget(const char *path, const struct db_kind *);

#endif
