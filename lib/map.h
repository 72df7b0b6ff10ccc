/*
 * map: a hash table of pointers to entries that the caller owns.
 *
 * The entry holds its own key; the caller says how to hash a key and how to
 * compare an entry with one. Open addressing, at most 3/4 full, so an entry
 * costs 11 to 21 bytes here. Nothing is allocated before the first insert.
 */
#ifndef MAP_H
#define MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct map {
	void **slot; /* private from here on */
	size_t cap, n, dead;
	uint64_t (*hash)(const void *entry);
	bool (*is)(const void *entry, const void *key);
};

void map_init(struct map *, uint64_t (*hash)(const void *entry),
    bool (*is)(const void *entry, const void *key));
void map_release(struct map *); /* the entries stay the caller's */
void *map_find(const struct map *, uint64_t hash, const void *key);
/* The key must not be there yet. 0, or -ENOMEM with the map unchanged. */
int map_add(struct map *, void *entry);
void map_del(struct map *, void *entry);
/* Walk: start with *pos = 0; NULL at the end. Deleting the entry just
 * returned is allowed; adding is not. */
void *map_next(const struct map *, size_t *pos);

#endif
