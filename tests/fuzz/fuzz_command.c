/* A command line: its verb, and every state's answer to it. */
#include <stdlib.h>

#include "fsm.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice line = { (const char *)p, n }, args;
	enum smtp_verb v = smtp_verb(line, &args);

	if (v >= V_COUNT || args.n > n)
		abort();
	for (int st = ST_NONE; st <= ST_CLOSED; st++) {
		struct smtp_step s = smtp_step((enum smtp_state)st, v);

		if (s.next == ST_NONE || (s.code != 0 && s.text == NULL))
			abort();
	}
	return 0;
}
