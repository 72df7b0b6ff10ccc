/*
 * privacy_sql: privacy.h for statements of a database.
 *
 *	hide_address(A)		what an address becomes
 *	hide(TEXT, A, B)	a text that is about the addresses A and B
 *	hide_json(JSON, A, B)	a JSON object that is about them
 *	names_one(TEXT)		does it name somebody whose name is hidden? Of
 *				everybody: yes.
 */
#ifndef PRIVACY_SQL_H
#define PRIVACY_SQL_H

#include "db.h"
#include "privacy.h"

/* The second is borrowed for as long as the first is open. */
int privacy_functions(struct db *, const struct privacy *);

#endif
