/* Any line, by both carriers: an answer, and slices that stay within it. */
#include <stdlib.h>
#include <string.h>

#include "event_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
within(struct slice s, const char *line, size_t n)
{
	if (s.n != 0 && (s.p < line || s.p + s.n > line + n))
		abort();
}

static void
read_one(const uint8_t *data, size_t n, bool is_sd)
{
	static struct event_names *names;
	struct event_origin o;
	struct event e;
	char *line = malloc(n + 1);
	int rc;

	if (names == NULL)
		names = event_names_new();
	if (n != 0)
		memcpy(line, data, n);
	rc = (is_sd ? event_read_sd : event_read_json)(names, line, n, &o, &e);
	within(o.node, line, n);
	within(o.boot, line, n);
	for (int i = 0; rc == 0 && i < e.n; i++) {
		enum field_kind k = field_info(e.value[i].field)->kind;

		if (k == FK_STR || k == FK_JSON)
			within(e.value[i].v.str, line, n);
	}
	free(line);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	size_t start =
	    event_json_start((struct slice){ (const char *)data, n });

	if (start > n)
		abort();
	read_one(data, n, false);
	read_one(data, n, true);
	return 0;
}
