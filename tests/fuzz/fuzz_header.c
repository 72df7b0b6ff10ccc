/* Header fields and lists of addresses. */
#include <stdlib.h>

#include "header.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
each(void *arg, struct slice a)
{
	*(size_t *)arg += a.n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = { (const char *)p, n }, rest = all;
	struct header_field f;
	size_t sum = 0, of_fields = 0;

	while (header_next(&rest, &f)) {
		of_fields += f.raw.n;
		if (f.raw.n == 0)
			abort();
		header_addresses(f.value, each, &sum);
	}
	if (of_fields != header_size(all) || of_fields + rest.n != n)
		abort();
	sum = 0;
	header_addresses(all, each, &sum);
	header_find(all, SLICE("Subject"), &f);
	return sum > n ? abort(), 0 : 0;
}
