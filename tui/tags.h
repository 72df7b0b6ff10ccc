/*
 * tags: the names of rows that were tagged. Pure.
 */
#ifndef TAGS_H
#define TAGS_H

#include <stdbool.h>
#include <stddef.h>

#define TAGS_MOST 5000

struct tags {
	char **name; /* owned, as are the texts */
	size_t n;
};

void tags_clear(struct tags *);
bool tags_has(const struct tags *, const char *name);
/* False when there are TAGS_MOST already, or without memory. */
bool tags_add(struct tags *, const char *name);
void tags_toggle(struct tags *, const char *name);

#endif
