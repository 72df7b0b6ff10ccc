#include "best.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "slice.h"

int
best_init(struct best *b, size_t max)
{
	max = max < 1 ? 1 : max > BEST_MAX ? BEST_MAX : max;
	*b = (struct best){ calloc(max, sizeof(*b->row)), 0, max, 0 };
	return b->row == NULL ? -ENOMEM : 0;
}

void
best_release(struct best *b)
{
	free(b->row);
	*b = (struct best){ 0 };
}

static bool
is_before(const struct best_row *x, const struct best_row *y)
{
	return x->key != y->key ? x->key < y->key : x->came < y->came;
}

static void
swap(struct best_row *x, struct best_row *y)
{
	struct best_row was = *x;

	*x = *y;
	*y = was;
}

/* A heap with the last of the kept ones at its root. */
static void
sink(struct best *b, size_t at)
{
	for (size_t child = at * 2 + 1; child < b->n; child = at * 2 + 1) {
		if (child + 1 < b->n &&
		    is_before(&b->row[child], &b->row[child + 1]))
			child++;
		if (is_before(&b->row[child], &b->row[at]))
			return;
		swap(&b->row[child], &b->row[at]);
		at = child;
	}
}

static void
rise(struct best *b, size_t at)
{
	while (at > 0 && is_before(&b->row[(at - 1) / 2], &b->row[at])) {
		swap(&b->row[(at - 1) / 2], &b->row[at]);
		at = (at - 1) / 2;
	}
}

void
best_add(struct best *b, struct best_row r)
{
	r.came = b->came++;
	if (b->n < b->max) {
		b->row[b->n++] = r;
		rise(b, b->n - 1);
	} else if (is_before(&r, &b->row[0])) {
		b->row[0] = r;
		sink(b, 0);
	}
}

static int
in_order(const void *x, const void *y)
{
	return is_before(x, y) ? -1 : 1;
}

void
best_sort(struct best *b)
{
	if (b->n > 1)
		qsort(b->row, b->n, sizeof(*b->row), in_order);
}

int64_t
best_text(const char *s)
{
	uint64_t v = 0;

	for (int i = 0; i < 7; i++) {
		v = v << 8 | (unsigned char)ascii_lower(*s);
		if (*s != '\0')
			s++;
	}
	return (int64_t)v;
}
