/*
 * dict: the texts of one table, each by a number.
 *
 * A text is looked for in memory, then in the table, then added. What is in
 * memory is a copy of rows and never holds more than its ceiling: when that
 * is full it is forgotten and fills again.
 *
 * Numbers given in a transaction that is rolled back are void: dict_forget().
 */
#ifndef DICT_H
#define DICT_H

#include <stdint.h>

#include "db.h"
#include "slice.h"

struct dict;

/* table: (id, s, …). extra names a second column of the key, a second text
 * ("ip" of a host), or NULL. NULL without memory or table. */
struct dict *dict_new(struct db *, const char *table, const char *first,
    const char *extra, size_t bytes_max);
void dict_free(struct dict *);
void dict_forget(struct dict *);
/*
 * The number of a text (or of two); negative errno. ret_is_new may be NULL.
 * fill is bound as ?3 when the row is added: the domain of an address.
 */
int64_t
dict_key(struct dict *, struct slice, struct slice second, int64_t fill);
/* Like it, but never added: 0 when it is not there. */
int64_t dict_find(struct dict *, struct slice, struct slice second);

#endif
