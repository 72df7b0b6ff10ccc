#include "cache.h"

#include "link.h"

static unsigned
bucket_of(uint8_t mailer, const struct target *t)
{
	const unsigned char *p = (const unsigned char *)&t->addr;
	uint32_t h = 2166136261u ^ mailer; /* FNV-1a */

	for (socklen_t i = 0; i < t->len; i++)
		h = (h ^ p[i]) * 16777619u;
	return (h ^ h >> 15) % CACHE_BUCKETS;
}

void
cache_init(struct cache *c)
{
	TAILQ_INIT(&c->all);
	for (int i = 0; i < CACHE_BUCKETS; i++)
		TAILQ_INIT(&c->bucket[i]);
	c->n = 0;
}

void
cache_add(struct cache *c, struct link *l)
{
	TAILQ_INSERT_TAIL(&c->all, l, list);
	TAILQ_INSERT_TAIL(
	    &c->bucket[bucket_of(l->mailer, l->target)], l, bucket);
	c->n++;
}

void
cache_del(struct cache *c, struct link *l)
{
	TAILQ_REMOVE(&c->all, l, list);
	TAILQ_REMOVE(&c->bucket[bucket_of(l->mailer, l->target)], l, bucket);
	c->n--;
}

struct link *
cache_find(const struct cache *c, uint8_t mailer, const struct target *t)
{
	struct link *l;

	TAILQ_FOREACH_REVERSE(
	    l, &c->bucket[bucket_of(mailer, t)], link_list, bucket)
	if (l->mailer == mailer && target_same(l->target, t))
		return l;
	return NULL;
}

struct link *
cache_oldest(const struct cache *c)
{
	return TAILQ_FIRST(&c->all);
}
