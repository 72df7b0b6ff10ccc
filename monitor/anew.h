/*
 * anew: a day's file made anew, copied otherwise than it is.
 *
 * The new file is beside the old one, "FILE.ready", whole and synced, with
 * what the old one was when it was copied in the catalog's table "private";
 * replace.h puts it in its place unless the old one has changed since. So
 * nothing is in freed pages, the collector goes on meanwhile, and a crash
 * leaves the old file or the new one. Until it is whole it is "FILE.copy", as a
 * rebuild may make a "FILE.new" in the same moment.
 */
#ifndef ANEW_H
#define ANEW_H

#include "days.h"
#include "db.h"
#include "privacy.h"

/* In SQL the old table is o, other tables of the old file are old.NAME. */
struct anew_change {
	const char *table;
	const char *column; /* NULL: of the table these rows stay */
	const char *to;
};

enum anew_names { ANEW_SAME_NAMES, ANEW_NO_NAMES, ANEW_FEWER_NAMES };

/* All is borrowed. */
struct anew_plan {
	const struct anew_change *change; /* the last one has no table */
	const char *before, *after; /* SQL around the copying; NULL: none */
	const char *apart; /* table that before fills; NULL: none */
	const struct privacy *privacy; /* of privacy_sql.h; NULL: not used */
	enum anew_names names; /* that are in the new file */
};

/* Makes FILE.ready. 0 or negative errno and why. */
int anew_copy(struct db *catalog, const struct day *, const struct anew_plan *,
    char ret_why[256]);

#endif
