#include "asks.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "map.h"

#define KNOWN_MAX 4096
#define KNOWN_FOR (5 * US_SEC)

struct asked {
	uint64_t key;
	int64_t since; /* mono */
	struct session *session; /* borrowed */
};

struct known {
	int64_t until; /* mono */
	size_t n;
	char addr[];
};

struct asks {
	struct map open, known;
	uint64_t next;
};

static uint64_t
hash_asked(const void *entry)
{
	return ((const struct asked *)entry)->key *
	    UINT64_C(0x9e3779b97f4a7c15) >>
	    20;
}

static bool
is_asked(const void *entry, const void *key)
{
	return ((const struct asked *)entry)->key == *(const uint64_t *)key;
}

static struct slice
known_slice(const struct known *k)
{
	return (struct slice){ k->addr, k->n };
}

static uint64_t
hash_known(const void *entry)
{
	return slice_ihash(known_slice(entry));
}

static bool
is_known(const void *entry, const void *key)
{
	return slice_ieq(known_slice(entry), *(const struct slice *)key);
}

struct asks *
asks_new(void)
{
	struct asks *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	map_init(&a->open, hash_asked, is_asked);
	map_init(&a->known, hash_known, is_known);
	return a;
}

void
asks_forget(struct asks *a)
{
	size_t pos = 0;
	void *k;

	while ((k = map_next(&a->known, &pos)) != NULL)
		free(k);
	map_release(&a->known);
}

void
asks_free(struct asks *a)
{
	size_t pos = 0;
	void *k;

	asks_forget(a);
	while ((k = map_next(&a->open, &pos)) != NULL)
		free(k);
	map_release(&a->open);
	free(a);
}

uint64_t
asks_add(struct asks *a, struct session *s)
{
	struct asked *k = malloc(sizeof(*k));

	if (k == NULL)
		return 0;
	*k = (struct asked){ ++a->next, clock_mono(), s };
	if (map_add(&a->open, k) < 0) {
		free(k);
		return 0;
	}
	return k->key;
}

struct session *
asks_take(struct asks *a, uint64_t key)
{
	struct asked probe = { .key = key };
	struct asked *k = map_find(&a->open, hash_asked(&probe), &key);
	struct session *s;

	if (k == NULL)
		return NULL;
	s = k->session;
	map_del(&a->open, k);
	free(k);
	return s;
}

void
asks_drop(struct asks *a, uint64_t key)
{
	if (key != 0)
		asks_take(a, key);
}

struct session *
asks_overdue(struct asks *a, int64_t mono)
{
	size_t pos = 0;
	struct asked *k;

	while ((k = map_next(&a->open, &pos)) != NULL)
		if (k->since < mono)
			return asks_take(a, k->key);
	return NULL;
}

static bool
join(char addr[1024], size_t *ret_n, struct slice local, struct slice domain)
{
	if (local.n + domain.n + 1 > 1024)
		return false;
	memcpy(addr, local.p, local.n);
	addr[local.n] = '@';
	memcpy(addr + local.n + 1, domain.p, domain.n);
	*ret_n = local.n + 1 + domain.n;
	return true;
}

bool
asks_is_known(struct asks *a, struct slice local, struct slice domain)
{
	char addr[1024];
	struct slice key = { addr, 0 };
	struct known *k;

	if (!join(addr, &key.n, local, domain))
		return false;
	k = map_find(&a->known, slice_ihash(key), &key);
	if (k == NULL || k->until > clock_mono())
		return k != NULL;
	map_del(&a->known, k);
	free(k);
	return false;
}

void
asks_know(struct asks *a, struct slice local, struct slice domain)
{
	char addr[1024];
	size_t n;
	struct known *k;

	if (!join(addr, &n, local, domain) || asks_is_known(a, local, domain))
		return;
	if (a->known.n >= KNOWN_MAX)
		asks_forget(a);
	k = malloc(sizeof(*k) + n);
	if (k == NULL)
		return;
	k->until = clock_mono() + KNOWN_FOR;
	k->n = n;
	memcpy(k->addr, addr, n);
	if (map_add(&a->known, k) < 0)
		free(k);
}
