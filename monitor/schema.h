/*
 * schema: the tables of the store, as SQL. mta-store(7) describes them for
 * people who type SQL themselves; a test compares both.
 */
#ifndef SCHEMA_H
#define SCHEMA_H

#include "db.h"

extern const struct db_kind schema_catalog; /* catalog.db */
extern const struct db_kind schema_segment; /* ev-YYYYMMDD.db */

#endif
