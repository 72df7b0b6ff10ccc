/*
 * replace: a new file takes the place of a day's.
 *
 * A stamp says what a day's file has: any commit to it changes it. The
 * catalog's table "private" has, for each day that was made anew, the stamp
 * of the old file while the new one waits, and then that of the new one, or
 * nothing when that still has people's names.
 *
 * The log of the old file goes into it before and its index away with it, so
 * that who reads the old one reads it to the end, and nobody takes one's log
 * for the other's. Only the one writer of a store may do this, and must not
 * have the file open.
 */
#ifndef REPLACE_H
#define REPLACE_H

#include "db.h"

#define REPLACE_STAMP 160
/* In front of the stamp of a file while the new one waits: that has no names,
 * or not all that there were. */
#define REPLACE_ALL "all:"
#define REPLACE_ONE "one:"
#define REPLACE_MARK 4 /* bytes of each */

/* schema: "main" or the name of an attached file. */
int replace_stamp(struct db *, const char *schema, char ret[REPLACE_STAMP]);
int replace_note(struct db *catalog, int day, const char *stamp);
/* "" when it has none. */
int replace_noted(struct db *catalog, int day, char ret[REPLACE_STAMP]);
/* rename, as said above. */
int replace_file(const char *old, const char *new);
/* The day's "FILE.ready", where there is one that is as new as the file; else
 * it is removed. 1: it took the place. */
int replace_day(struct db *catalog, int day, const char *path);
/* A database file with what belongs to it; fine when there is none. */
void replace_remove(const char *path);

#endif
