#include "hist.h"

#include <string.h>

static unsigned
bucket_of(uint64_t v)
{
	unsigned power;

	if (v < 16)
		return (unsigned)v;
	power = 63u - (unsigned)__builtin_clzll(v);
	if (power >= HIST_POWERS)
		return HIST_BUCKETS - 1;
	return 16 + (power - 4) * 16 + (unsigned)(v >> (power - 4) & 15);
}

/* The middle of what falls into it. */
static uint64_t
value_of(unsigned bucket)
{
	unsigned power = (bucket - 16) / 16 + 4;
	uint64_t low;

	if (bucket < 16)
		return bucket;
	low = (uint64_t)(16 + (bucket - 16) % 16) << (power - 4);
	return low + ((UINT64_C(1) << (power - 4)) >> 1);
}

void
hist_clear(struct hist *h)
{
	memset(h, 0, sizeof(*h));
}

void
hist_add(struct hist *h, uint64_t v)
{
	if (h->n == 0 || v < h->min)
		h->min = v;
	if (h->n == 0 || v > h->max)
		h->max = v;
	h->n++;
	h->sum += v;
	h->bucket[bucket_of(v)]++;
}

void
hist_merge(struct hist *to, const struct hist *from)
{
	if (from->n == 0)
		return;
	if (to->n == 0 || from->min < to->min)
		to->min = from->min;
	if (to->n == 0 || from->max > to->max)
		to->max = from->max;
	to->n += from->n;
	to->sum += from->sum;
	for (unsigned i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

static void
put_varint(struct buf *b, uint32_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_addc(b, (char)(v | 0x80));
	buf_addc(b, (char)v);
}

static bool
get_varint(struct slice *s, uint32_t *ret)
{
	uint64_t v = 0;

	for (unsigned shift = 0; s->n != 0 && shift < 35; shift += 7) {
		unsigned char c = (unsigned char)*s->p++;

		s->n--;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (c < 0x80) {
			*ret = (uint32_t)v;
			return v <= UINT32_MAX;
		}
	}
	return false;
}

void
hist_encode(struct buf *b, const struct hist *h)
{
	unsigned last = 0;

	for (unsigned i = 0; i < HIST_BUCKETS; i++) {
		if (h->bucket[i] == 0)
			continue;
		put_varint(b, i - last);
		put_varint(b, h->bucket[i]);
		last = i;
	}
}

bool
hist_decode(struct hist *h, struct slice s)
{
	uint32_t step, n;
	uint64_t at = 0;

	while (s.n != 0) {
		if (!get_varint(&s, &step) || !get_varint(&s, &n))
			return false;
		at += step;
		if (at >= HIST_BUCKETS)
			return false;
		h->bucket[at] += n;
	}
	return true;
}

uint64_t
hist_at(const struct hist *h, unsigned permille)
{
	uint64_t want = (h->n * permille + 999) / 1000, below = 0;

	for (unsigned i = 0; h->n != 0 && i < HIST_BUCKETS; i++) {
		below += h->bucket[i];
		if (below >= want && h->bucket[i] != 0) {
			uint64_t v = value_of(i);

			return v < h->min ? h->min : v > h->max ? h->max : v;
		}
	}
	return h->n != 0 ? h->max : 0;
}
