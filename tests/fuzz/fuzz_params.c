/* Parameters of MAIL and RCPT: nothing that ends a line comes out. */
#include <stdlib.h>
#include <string.h>

#include "params.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check(const char *text, size_t max)
{
	if (strlen(text) > max)
		abort();
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice s = { (const char *)p, n };
	struct mail_params m;
	struct rcpt_params r;

	if (mail_params(s, &m) == NULL)
		check(m.envid, ENVID_MAX);
	for (int is_utf8 = 0; is_utf8 < 2; is_utf8++)
		if (rcpt_params(s, is_utf8, &r) == NULL)
			check(r.orcpt, ORCPT_MAX);
	return 0;
}
