/* A path or an address: what is taken is written so that it reads the same,
 * and holds nothing that would break a line. */
#include <stdlib.h>
#include <string.h>

#include "addr.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const struct addr *a)
{
	struct addr again;
	struct buf b;

	if (a->is_null)
		return;
	for (const char *c = a->local; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20)
			abort();
	buf_init(&b, 4096);
	addr_put(&b, slice_of(a->local), slice_of(a->domain));
	if (addr_parse(buf_slice(&b), ADDR_BARE_OK | ADDR_UTF8_OK, &again) <
		0 ||
	    strcmp(a->local, again.local) != 0 ||
	    strcmp(a->domain, again.domain) != 0)
		abort();
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice all = { (const char *)p, n }, rest, local, domain;
	struct addr a;
	char ip[64];

	for (unsigned flags = 0; flags < 8; flags++) {
		rest = all;
		if (addr_parse_path(&rest, flags, &a) == 0) {
			if (rest.n > n)
				abort();
			check(&a);
		}
		if (addr_parse(all, flags, &a) == 0)
			check(&a);
	}
	addr_split(all, &local, &domain);
	addr_literal(all, ip);
	addr_domain_ok(all, true);
	return 0;
}
