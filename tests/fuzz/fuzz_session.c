/*
 * A whole session, BDAT above all: the first byte says what listener, how
 * the rest is cut and whether the client is trusted. One world for all
 * inputs, as one process has many clients.
 */
#include <stdlib.h>
#include <string.h>

#include "smtpd_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct world *
the_world(void)
{
	static struct world w;
	static bool is_made;

	if (!is_made) {
		world_init(&w, false);
		is_made = true;
	}
	return &w;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const kinds[] = { "smtp", "lmtp", "submission",
		"local" };
	struct world *w = the_world();
	size_t step;
	struct buf heard;

	if (n == 0)
		return 0;
	step = (p[0] >> 3) * 16u + 1u;
	world_connect(w, kinds[p[0] & 3],
	    (p[0] & 3) == 3 ? NULL
		: p[0] & 4  ? "127.0.0.1"
			    : "192.0.2.1");
	buf_init(&heard, 1 << 22);
	for (size_t at = 1; at < n; at += step)
		world_say(w,
		    (struct slice){
			(const char *)p + at, n - at < step ? n - at : step });
	world_hear(w, &heard);
	world_hang_up(w);
	if (!LIST_EMPTY(&w->smtpd.sessions) || w->smtpd.body_bytes != 0)
		abort();
	for (size_t i = 1; i < heard.len; i++)
		if (heard.data[i] == '\n' && heard.data[i - 1] != '\r')
			abort(); /* a reply holds what a client said */
	buf_release(&heard);
	return 0;
}
