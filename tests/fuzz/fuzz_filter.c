/* mtactl queue's terms, and what they say of a message. */
#include <stdlib.h>
#include <string.h>

#include "filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const struct msg *
the_message(void)
{
	static struct index ix;
	static struct msg *m;

	if (m == NULL) {
		struct p_envelope e = { .sender = SLICE("alice@a.test"),
			.size = 1000 };
		struct msgid id = { 1, 2, 3 };
		struct verdict v = VERDICT(
		    451, "4.7.1", RC_GREYLIST, "greylisted");

		index_init(&ix);
		m = index_add_bare(&ix, id, &e);
		msg_add_rcpt(&ix, m, SLICE("bob@b.test"), SLICE(""), 0,
		    TARGET_ADDRESS, SLICE(""), SLICE(""));
		rcpt_set_text(&ix, &m->rcpt[0], &v);
	}
	return m;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice text = { (const char *)p, n };
	char why[200];
	struct filter *f = filter_new(text, why);
	struct msgid id;

	if (f == NULL) {
		if (why[0] == '\0' || strlen(why) >= sizeof(why))
			abort(); /* a refusal says why */
		return 0;
	}
	filter_match(f, the_message(), INT64_MAX / 2);
	if (filter_only_id(f, &id) && filter_match(f, the_message(), 0) &&
	    !msgid_eq(id, the_message()->id))
		abort();
	filter_free(f);
	return 0;
}
