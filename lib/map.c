#include "map.h"

#include <errno.h>
#include <stdlib.h>

static char tomb; /* marks a slot whose entry was deleted */

void
map_init(struct map *m, uint64_t (*hash)(const void *),
    bool (*is)(const void *, const void *))
{
	*m = (struct map){ .hash = hash, .is = is };
}

void
map_release(struct map *m)
{
	free(m->slot);
	map_init(m, m->hash, m->is);
}

void *
map_find(const struct map *m, uint64_t hash, const void *key)
{
	if (m->n == 0)
		return NULL;
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		void *e = m->slot[i];

		if (e == NULL)
			return NULL;
		if (e != &tomb && m->is(e, key))
			return e;
	}
}

static void
place(struct map *m, void *entry)
{
	size_t i = m->hash(entry) & (m->cap - 1);

	while (m->slot[i] != NULL && m->slot[i] != &tomb)
		i = (i + 1) & (m->cap - 1);
	if (m->slot[i] == &tomb)
		m->dead--;
	m->slot[i] = entry;
	m->n++;
}

static int
resize(struct map *m, size_t cap)
{
	struct map old = *m;

	m->slot = calloc(cap, sizeof(*m->slot));
	if (m->slot == NULL) {
		*m = old;
		return -ENOMEM;
	}
	m->cap = cap;
	m->n = m->dead = 0;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slot[i] != NULL && old.slot[i] != &tomb)
			place(m, old.slot[i]);
	free(old.slot);
	return 0;
}

int
map_add(struct map *m, void *entry)
{
	size_t used = m->n + m->dead + 1;

	if (used * 4 > m->cap * 3) {
		size_t cap = m->cap ? m->cap : 16;

		if ((m->n + 1) * 2 > cap)
			cap *= 2;
		if (resize(m, cap) < 0)
			return -ENOMEM;
	}
	place(m, entry);
	return 0;
}

void
map_del(struct map *m, void *entry)
{
	if (m->n == 0)
		return;
	for (size_t i = m->hash(entry) & (m->cap - 1); m->slot[i] != NULL;
	     i = (i + 1) & (m->cap - 1)) {
		if (m->slot[i] != entry)
			continue;
		m->slot[i] = &tomb;
		m->dead++;
		m->n--;
		return;
	}
}

void *
map_next(const struct map *m, size_t *pos)
{
	while (*pos < m->cap) {
		void *e = m->slot[(*pos)++];

		if (e != NULL && e != &tomb)
			return e;
	}
	return NULL;
}
