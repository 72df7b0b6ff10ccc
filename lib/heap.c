#include "heap.h"

#include <errno.h>
#include <stdlib.h>

void
heap_init(struct heap *h)
{
	*h = (struct heap){ 0 };
}

void
heap_release(struct heap *h)
{
	free(h->v);
	heap_init(h);
}

static void
set(struct heap *h, size_t i, struct heap_node *x)
{
	h->v[i - 1] = x;
	x->at = i;
}

static void
up(struct heap *h, size_t i, struct heap_node *x)
{
	while (i > 1 && h->v[i / 2 - 1]->key > x->key) {
		set(h, i, h->v[i / 2 - 1]);
		i /= 2;
	}
	set(h, i, x);
}

static void
down(struct heap *h, size_t i, struct heap_node *x)
{
	for (size_t c; (c = i * 2) <= h->n; i = c) {
		if (c < h->n && h->v[c]->key < h->v[c - 1]->key)
			c++;
		if (h->v[c - 1]->key >= x->key)
			break;
		set(h, i, h->v[c - 1]);
	}
	set(h, i, x);
}

int
heap_add(struct heap *h, struct heap_node *x)
{
	if (h->n == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 16;
		struct heap_node **v = realloc(h->v, cap * sizeof(*v));

		if (v == NULL)
			return -ENOMEM;
		h->v = v;
		h->cap = cap;
	}
	h->n++;
	up(h, h->n, x);
	return 0;
}

void
heap_del(struct heap *h, struct heap_node *x)
{
	size_t i = x->at;
	struct heap_node *last;

	if (i == 0)
		return;
	x->at = 0;
	last = h->v[--h->n];
	if (last == x)
		return;
	if (i > 1 && h->v[i / 2 - 1]->key > last->key)
		up(h, i, last);
	else
		down(h, i, last);
}

struct heap_node *
heap_min(const struct heap *h)
{
	return h->n ? h->v[0] : NULL;
}
