/* Any bytes as the replies of servers, a line each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reason.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Bounded, and one line without blanks around it. */
static void
check_template(struct slice text)
{
	struct buf once;

	buf_init(&once, REASON_TEMPLATE_MAX);
	reason_template(&once, text);
	if (once.bad || memchr(once.data, '\n', once.len) != NULL ||
	    (once.len != 0 && (once.data[0] == ' ' ||
				  once.data[once.len - 1] == ' ')))
		abort();
	buf_release(&once);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice rest = { (const char *)p, n }, line;
	struct reason_tree *t = reason_tree_new();

	while (slice_next(&rest, '\n', &line)) {
		char *copy = malloc(line.n + 1);
		struct slice text = { copy, line.n };
		struct reason_row first, again;
		uint64_t hash;

		memcpy(copy, line.p, line.n);
		check_template(text);
		reason_classify(550, slice_sub(text, 0, 5), text);
		reason_classify(0, slice_sub(text, 0, 5), text);
		first = reason_tree_find(t, text);
		hash = first.hash;
		again = reason_tree_find(t, text);
		if (hash == 0 || again.hash != hash || again.is_new ||
		    again.is_changed)
			abort();
		free(copy);
	}
	reason_tree_free(t);
	return 0;
}
