/* Alias files, lists of members, .forward files and the commands in them. */
#include <stdint.h>
#include <stdlib.h>

#include "aliases.h"
#include "deliver.h"
#include "members.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
members(struct slice text)
{
	struct members m;
	struct p_target t;
	struct rd r;

	members_init(&m);
	members_parse(&m, text);
	for (r = rd_of(buf_slice(&m.targets)); !rd_end(&r);) {
		char *argv[101], *store = NULL;

		if (!get_p_target(&r, &t))
			abort(); /* what was put can be got */
		if (t.kind != TARGET_PROGRAM)
			continue;
		command_words(t.text, argv, 100, &store);
		command_needs_shell(t.text);
		free(store);
	}
	members_release(&m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct slice text = { (const char *)data, n }, found;
	struct aliases *as = aliases_new();
	char why[300];

	aliases_parse(as, "fuzz", text, why);
	aliases_find(as, SLICE("a"), &found);
	aliases_free(as);
	members(text);
	return 0;
}
