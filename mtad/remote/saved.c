#include "saved.h"

#include <stdlib.h>
#include <string.h>

void
saved_set(struct saved *s, const struct verdict *v)
{
	size_t n = v->enhanced.n < sizeof(s->enhanced) ? v->enhanced.n : 0;

	s->code = (uint16_t)v->code;
	s->reason = (uint8_t)v->reason;
	if (n != 0)
		memcpy(s->enhanced, v->enhanced.p, n);
	s->enhanced[n] = '\0';
	free(s->text);
	s->text = slice_dup(v->text);
}

struct verdict
saved_get(const struct saved *s)
{
	return (struct verdict){ .code = s->code,
		.reason = (enum reason)s->reason,
		.enhanced = slice_of(s->enhanced),
		.text = slice_of(s->text) };
}

void
saved_release(struct saved *s)
{
	free(s->text);
	s->text = NULL;
}
