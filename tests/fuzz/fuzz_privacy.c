/*
 * Any bytes as the words of a reply and as JSON: the address that they are
 * about is gone from them, and what is hidden once stays as it is.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "privacy.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct slice about[] = {
	{ "alice@there.test", 16 },
	{ "o'neil@there.test", 17 },
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct privacy p = { .key = { 1 } };
	struct slice in = { (const char *)data, n };
	struct buf once, again;

	buf_init(&once, 4 << 20);
	buf_init(&again, 4 << 20);
	privacy_text(&p, in, about, 2, &once);
	if (!once.bad &&
	    memmem(once.data, once.len, " <alice@there.test> ", 20) != NULL)
		abort();
	privacy_text(&p, buf_slice(&once), about, 2, &again);
	if (!once.bad && memmem(once.data, once.len, "@", 1) == NULL &&
	    !slice_eq(buf_slice(&once), buf_slice(&again)))
		abort();
	buf_clear(&once);
	privacy_json(&p, in, about, 2, &once);
	buf_clear(&once);
	privacy_address(&p, in, &once);
	buf_release(&once);
	buf_release(&again);
	return 0;
}
