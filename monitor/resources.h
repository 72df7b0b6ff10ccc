/*
 * resources: what mail had of this host, minute by minute, in the catalog's
 * table "resource": load, memory of mtad's processes and of the collector,
 * room on the disks of the queue and of the store.
 */
#ifndef RESOURCES_H
#define RESOURCES_H

#include "db.h"

/* Now, as the row of this minute; rows that are two months old go. What
 * cannot be told is NULL. 0 or negative errno and why. */
int resources_note(const char *store, char ret_why[256]);

#endif
