/*
 * Any bytes as lines of other mailers' logs. A line that begins with a byte
 * below the blank gets a head of the mailer of that number.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "foreign.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const char *const tags[] = { "postfix/smtpd", "postfix/cleanup",
	"postfix/qmgr", "postfix/smtp", "postfix/local", "postfix/pickup",
	"postfix/bounce", "postfix/postsuper", "postfix/postscreen",
	"sendmail", "exim", "smtpd" };

#define TAGS (sizeof(tags) / sizeof(tags[0]))

/* Every byte of every value is read. */
static void
heard(void *ctx, const struct heard *h)
{
	struct buf *b = ctx;

	buf_clear(b);
	event_json(b, &h->event);
	put_json(b, h->node);
	put_json(b, h->instance);
	put_json(b, h->prog);
	if (h->event.n > EVENT_FIELDS_MAX || h->event.type >= EV_COUNT)
		abort();
	for (int i = 0; i < h->event.n; i++)
		for (int k = 0; k < i; k++)
			if (h->event.value[i].field == h->event.value[k].field)
				abort(); /* said twice */
}

static void
feed(struct foreign *f, struct slice line)
{
	struct buf b;

	if (line.n == 0 || (unsigned char)line.p[0] >= ' ') {
		foreign_line(f, line);
		return;
	}
	buf_init(&b, 1 << 20);
	buf_addf(&b, "Jan  9 01:02:03 mail %s[7]: ",
	    tags[(unsigned char)line.p[0] % TAGS]);
	buf_add_slice(&b, slice_sub(line, 1, line.n));
	foreign_line(f, buf_slice(&b));
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice rest = { (const char *)p, n }, line;
	struct foreign *f;
	struct buf b;

	buf_init(&b, 1 << 22);
	f = foreign_new(heard, &b, INT64_C(1768046400000000));
	while (slice_next(&rest, '\n', &line)) {
		/* of its own, so that a step behind its end is seen */
		char *copy = malloc(line.n + 1);

		memcpy(copy, line.p, line.n);
		feed(f, (struct slice){ copy, line.n });
		free(copy);
	}
	foreign_free(f);
	buf_release(&b);
	return 0;
}
