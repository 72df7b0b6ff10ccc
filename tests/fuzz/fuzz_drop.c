/* A drop file: what is taken lies inside it. */
#include <stdlib.h>

#include "drop.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice file = { (const char *)p, n }, r;
	struct drop d;
	size_t pos = 0;
	uint32_t rcpts = 0;

	if (drop_parse(file, &d) < 0)
		return 0;
	if (d.message.p < file.p || d.message.p + d.message.n > file.p + n)
		abort();
	while (drop_next_rcpt(&d, &pos, &r))
		rcpts++;
	if (rcpts > d.rcpts)
		abort();
	return 0;
}
