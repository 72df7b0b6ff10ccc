/*
 * The bytes of a message, cut anywhere: it ends where the first CRLF.CRLF
 * stands and nowhere else; what comes out without a fault has no CR or LF
 * alone and no NUL, whatever the pieces were.
 */
#include <stdlib.h>
#include <string.h>

#include "body.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Where the true end is, behind it; 0: nowhere. */
static size_t
true_end(const char *p, size_t n)
{
	const char *at;

	if (n >= 3 && memcmp(p, ".\r\n", 3) == 0)
		return 3;
	at = memmem(p, n, "\r\n.\r\n", 5);
	return at ? (size_t)(at - p) + 5 : 0;
}

static void
check_clean(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] == '\0' ||
		    (b->data[i] == '\n' &&
			(i == 0 || b->data[i - 1] != '\r')) ||
		    (b->data[i] == '\r' &&
			(i + 1 == b->len || b->data[i + 1] != '\n')))
			abort();
}

static void
feed(struct slice in, size_t step, bool is_dotted, bool is_normal,
    struct buf *out)
{
	size_t used = 0, end = is_dotted ? true_end(in.p, in.n) : 0;
	bool is_end = false;
	struct body b;

	body_init(&b, is_dotted);
	b.is_normal = is_normal;
	b.max_hops = 20;
	buf_init(out, 1 << 24);
	while (used < in.n && !is_end)
		used += body_feed(
		    &b, slice_sub(in, used, used + step), out, &is_end);
	if (is_end != (end != 0) || (is_end && used != end))
		abort();
	if (!is_dotted)
		body_finish(&b, out);
	if (b.size != out->len || b.header_size > b.size)
		abort();
	if ((is_end || !is_dotted) && (is_normal || b.fault == BODY_FINE))
		check_clean(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice in = { (const char *)p + 1, n - 1 };

	if (n == 0)
		return 0;
	for (int way = 0; way < 4; way++) {
		struct buf whole, parts;

		feed(in, n, way & 1, way & 2, &whole);
		feed(in, p[0] % 32u + 1u, way & 1, way & 2, &parts);
		if (!slice_eq(buf_slice(&whole), buf_slice(&parts)))
			abort();
		buf_release(&whole);
		buf_release(&parts);
	}
	return 0;
}
