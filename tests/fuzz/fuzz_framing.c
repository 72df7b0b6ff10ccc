/* Any stream of syslog, in any pieces: whole messages within it, and an end. */
#include <stdlib.h>

#include "framing.h"

#define MAX 512

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice rest = { (const char *)data, n }, msg;
	enum framing what;
	size_t used;

	while ((what = framing_next(rest, MAX, &msg, &used)) == FRAMING_ONE) {
		if (used == 0 || used > rest.n || msg.n > MAX ||
		    (msg.n != 0 &&
			(msg.p < rest.p || msg.p + msg.n > rest.p + used)))
			abort();
		rest = slice_sub(rest, used, rest.n);
	}
	if (what == FRAMING_MORE && rest.n > MAX + FRAMING_LENGTH_DIGITS + 1)
		abort(); /* no buffer could hold it */
	return 0;
}
