#include "texts.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256
#define MUCH 1024

void
texts_release(struct texts *t)
{
	free(t->p);
	*t = (struct texts){ .p = NULL };
}

void
texts_clear(struct texts *t)
{
	t->used = 0;
	t->has = 0;
	if (t->cap > MUCH)
		texts_release(t);
}

static int
make_room(struct texts *t, size_t n)
{
	size_t cap = t->cap != 0 ? t->cap : FIRST_CAP;
	char *p;

	if (n > (size_t)(TEXTS_MAX - t->used))
		return -1;
	while (cap - t->used < n)
		cap *= 2;
	if (cap == t->cap)
		return 0;
	p = realloc(t->p, cap);
	if (p == NULL)
		return -1;
	t->p = p;
	t->cap = (uint16_t)cap;
	return 0;
}

void
texts_set(struct texts *t, unsigned which, struct slice s)
{
	if (s.p == NULL || make_room(t, s.n) < 0)
		return;
	memcpy(t->p + t->used, s.p, s.n);
	t->at[which] = t->used;
	t->n[which] = (uint16_t)s.n;
	t->used = (uint16_t)(t->used + s.n);
	t->has |= (uint8_t)(1u << which);
}

struct slice
texts_get(const struct texts *t, unsigned which)
{
	if ((t->has >> which & 1) == 0)
		return (struct slice){ NULL, 0 };
	return (struct slice){ t->p + t->at[which], t->n[which] };
}
