/*
 * columns: how each column of an event stands in a day's file, in the order of
 * segment.def, which is the order of the table.
 */
#ifndef COLUMNS_H
#define COLUMNS_H

#include "event.h"

enum column_how {
	NUM, /* as it is */
	TEXT,
	WORD, /* number of a row in this dictionary, and the next two */
	ADDR,
	HOST,
	CODE, /* enhanced code as one number */
	HEX /* eight bytes as one number */
};

struct column {
	const char *name;
	enum event_field field;
	enum column_how how;
};

enum {
#define COLUMN(name, type, field, how, doc) COLUMN_##name,
#include "segment.def"
	COLUMNS
};

extern const struct column columns[COLUMNS];

#endif
