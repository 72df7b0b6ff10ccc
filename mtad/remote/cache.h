/*
 * cache: idle connections, to be used again (sendmail's
 * ConnectionCacheSize).
 *
 * Found by what they lead to: mailer and address. The one used last is taken
 * first, as its server is least likely to have closed it; the one used
 * longest ago goes when there are too many.
 */
#ifndef REMOTE_CACHE_H
#define REMOTE_CACHE_H

#include <stdint.h>
#include <sys/queue.h>

#include "proto.h"
#include "target.h"

#define CACHE_BUCKETS 256

struct link;
TAILQ_HEAD(link_list, link);

struct cache {
	struct link_list all; /* used longest ago first */
	struct link_list bucket[CACHE_BUCKETS]; /* likewise */
	int n;
};

void cache_init(struct cache *);
void cache_add(struct cache *, struct link *);
void cache_del(struct cache *, struct link *); /* it must be in it */
/* Stays in the cache; NULL when there is none. */
struct link *
cache_find(const struct cache *, uint8_t mailer, const struct target *);
struct link *cache_oldest(const struct cache *);

#endif
