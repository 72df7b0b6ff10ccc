/*
 * dict: the texts of one table, each by a number.
 *
 * A text is looked for in memory, then in the table, then added. What is in
 * memory is a copy of rows and never holds more than its ceiling: when that
 * is full it is forgotten and fills again. New rows wait in memory, too, and
 * are written many at a time, at the latest by dict_flush().
 *
 * Numbers given in a transaction that is rolled back are void: dict_forget().
 */
#ifndef DICT_H
#define DICT_H

#include <stdint.h>

#include "allowance.h"
#include "db.h"
#include "slice.h"

struct dict;

/* A table (id, first, second, number): a key is one text or two, number is
 * told of it. second, number: NULL for none. */
struct dict_table {
	const char *name, *first, *second, *number;
};

/* bytes_max: of memory, at least 64 times the longest key. NULL without
 * memory or table. */
struct dict *dict_new(struct db *, const struct dict_table *, size_t bytes_max);
void dict_free(struct dict *);
void dict_forget(struct dict *);
int dict_flush(struct dict *); /* before the commit */
/* Who asks from now on: the text of more new ones than it may have is
 * ALLOWANCE_OTHER. Borrowed; NULL: any number of them. */
void dict_set_asker(struct dict *, struct allowance *, enum allowed);
/* The number of a text (or of two), made when it is new; then fill is its
 * number column's. Negative errno. */
int64_t
dict_key(struct dict *, struct slice, struct slice second, int64_t fill);
/* Like it, but never added: 0 when it is not there. */
int64_t dict_find(struct dict *, struct slice, struct slice second);

#endif
