#include "handed.h"

#include <errno.h>
#include <stdlib.h>

int
handed_add(struct handed *h, uint64_t number, int writer)
{
	if (h->n == h->cap) {
		uint32_t cap = h->cap ? h->cap * 2 : 16;
		struct handed_body *grown =
		    realloc(h->body, cap * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		h->body = grown;
		h->cap = cap;
	}
	h->body[h->n++] = (struct handed_body){ number, writer };
	return 0;
}

bool
handed_take(struct handed *h, uint64_t number, int writer)
{
	for (uint32_t i = 0; i < h->n; i++) {
		if (h->body[i].number != number || h->body[i].writer != writer)
			continue;
		h->body[i] = h->body[--h->n];
		return true;
	}
	return false;
}

void
handed_forget(struct handed *h, int writer)
{
	for (uint32_t i = h->n; i-- > 0;)
		if (h->body[i].writer == writer)
			h->body[i] = h->body[--h->n];
}

uint32_t
handed_count(const struct handed *h, int writer)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n; i++)
		n += h->body[i].writer == writer;
	return n;
}
