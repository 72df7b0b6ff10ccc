#include "lines.h"

#include <string.h>

void
lines_init(struct lines *l, bool stuffs)
{
	*l = (struct lines){ .stuffs = stuffs, .is_at_start = true };
}

/* A CR that the last block ended with: its LF comes now, or never. */
static void
settle_cr(struct lines *l, struct buf *b, struct slice *s)
{
	l->has_cr = false;
	if (s->n != 0 && s->p[0] == '\n') {
		buf_add(b, "\r\n", 2);
		*s = slice_sub(*s, 1, s->n);
		l->is_at_start = true;
		return;
	}
	buf_addc(b, ' ');
	l->is_at_start = false;
}

/* Text without LF: what there is of CR in it stands alone. */
static void
put_text(struct buf *b, struct slice s)
{
	const char *cr;

	while ((cr = s.n ? memchr(s.p, '\r', s.n) : NULL) != NULL) {
		size_t n = (size_t)(cr - s.p);

		buf_add(b, s.p, n);
		buf_addc(b, ' ');
		s = slice_sub(s, n + 1, s.n);
	}
	buf_add_slice(b, s);
}

/* One line with its end, or what there is of it. */
static size_t
put_line(struct lines *l, struct buf *b, struct slice s)
{
	size_t nl = slice_find(s, '\n');
	struct slice text = slice_sub(s, 0, nl);

	if (l->stuffs && l->is_at_start && s.p[0] == '.')
		buf_addc(b, '.');
	if (nl == s.n) { /* the block ends within it */
		l->has_cr = text.p[text.n - 1] == '\r';
		text.n -= l->has_cr;
		put_text(b, text);
		l->is_at_start = l->is_at_start && text.n == 0;
		return nl;
	}
	if (text.n != 0 && text.p[text.n - 1] == '\r') {
		put_text(b, slice_sub(text, 0, text.n - 1));
		buf_add(b, "\r\n", 2);
		l->is_at_start = true;
	} else {
		put_text(b, text);
		buf_addc(b, ' ');
		l->is_at_start = false;
	}
	return nl + 1;
}

/* How many bytes from the start of a line on need no change: whole lines
 * that end with CRLF, hold no other CR and do not begin with a dot. */
static size_t
clean_run(const struct lines *l, struct slice s)
{
	size_t run = 0;

	while (run < s.n && !(l->stuffs && s.p[run] == '.')) {
		const char *cr = memchr(s.p + run, '\r', s.n - run);
		const char *lf = memchr(s.p + run, '\n', s.n - run);

		if (cr == NULL || lf != cr + 1)
			break;
		run = (size_t)(lf + 1 - s.p);
	}
	return run;
}

void
lines_put(struct lines *l, struct buf *b, struct slice s)
{
	if (l->has_cr && s.n != 0)
		settle_cr(l, b, &s);
	while (s.n != 0) {
		size_t n = l->is_at_start ? clean_run(l, s) : 0;

		buf_add(b, s.p, n);
		s = slice_sub(s, n, s.n);
		if (s.n != 0)
			s = slice_sub(s, put_line(l, b, s), s.n);
	}
}

void
lines_end(struct lines *l, struct buf *b)
{
	struct slice none = { "", 0 };

	if (l->has_cr)
		settle_cr(l, b, &none);
	if (!l->stuffs)
		return;
	if (!l->is_at_start)
		buf_add(b, "\r\n", 2);
	buf_add(b, ".\r\n", 3);
}
