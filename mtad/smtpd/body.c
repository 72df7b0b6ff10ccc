#include "body.h"

#include <string.h>

enum { B_START, B_TEXT, B_CR, B_DOT, B_DOT_CR };

void
body_init(struct body *b, bool is_dotted)
{
	*b = (struct body){ .is_dotted = is_dotted,
		.is_header = true,
		.max_line = SIZE_MAX,
		.max_header = SIZE_MAX,
		.max_hops = ~0u };
}

static void
fault(struct body *b, enum body_fault f)
{
	if (b->fault == BODY_FINE)
		b->fault = f;
}

static void
put(struct body *b, struct buf *out, const char *p, size_t n)
{
	buf_add(out, p, n);
	b->size += n;
}

/* A line of the header is over: was it the last, was it a hop? */
static void
end_of_line(struct body *b)
{
	if (b->is_header) {
		if (b->line == 0) {
			b->is_header = false;
			b->header_size = (uint32_t)b->size;
		} else if (b->line >= 9 &&
		    slice_ieq(
			(struct slice){ b->start, 9 }, SLICE("Received:")) &&
		    ++b->hops > b->max_hops) {
			fault(b, BODY_TOO_MANY_HOPS);
		}
		if (b->size > b->max_header)
			fault(b, BODY_HEADER_TOO_LARGE);
	}
	b->line = 0;
	b->state = B_START;
}

static void
note_text(struct body *b, const char *p, size_t n)
{
	if (b->is_header)
		for (size_t i = 0; i < n && b->line + i < 9; i++)
			b->start[b->line + i] = p[i];
	b->line += n;
	if (b->line > b->max_line)
		fault(b, BODY_LINE_TOO_LONG);
}

/* The run of plain bytes at p: no CR, no LF, no NUL. Eight at a time. */
static size_t
plain_run(const char *p, size_t n, bool *has_8bit)
{
	static const uint64_t ones = 0x0101010101010101u;
	static const uint64_t high = 0x8080808080808080u;
	size_t i = 0;

	while (i + 8 <= n) {
		uint64_t v, cr, lf;

		memcpy(&v, p + i, 8);
		cr = v ^ ones * '\r';
		lf = v ^ ones * '\n';
		/* exact enough: a false alarm ends in the slow loop */
		if ((((v - ones) & ~v) | ((cr - ones) & ~cr) |
			((lf - ones) & ~lf)) &
		    high)
			break;
		if (v & high)
			*has_8bit = true;
		i += 8;
	}
	for (; i < n && p[i] != '\r' && p[i] != '\n' && p[i] != '\0'; i++)
		if (p[i] & 0x80)
			*has_8bit = true;
	return i;
}

/* A line end that is none: LF or CR alone, or NUL. */
static void
odd_byte(struct body *b, struct buf *out, char c)
{
	if (!b->is_normal)
		fault(b,
		    c == '\n'	    ? BODY_BARE_LF
			: c == '\r' ? BODY_BARE_CR
				    : BODY_NUL);
	if (c == '\0')
		return;
	put(b, out, "\r\n", 2);
	end_of_line(b);
	b->state = B_TEXT; /* no dot behind it ends or was stuffed */
}

/* A line of a dot was not the end: only a dot that was stuffed. */
static void
leave_dot(struct body *b)
{
	b->state = B_TEXT;
}

size_t
body_feed(struct body *b, struct slice s, struct buf *out, bool *ret_end)
{
	size_t i = 0;

	*ret_end = false;
	while (i < s.n && !out->bad) {
		char c = s.p[i];
		size_t n;

		switch (b->state) {
		case B_START:
			b->state = B_TEXT;
			if (c == '.' && b->is_dotted) {
				b->state = B_DOT;
				i++;
			}
			continue;
		case B_TEXT:
			n = plain_run(s.p + i, s.n - i, &b->has_8bit);
			if (n != 0) {
				put(b, out, s.p + i, n);
				note_text(b, s.p + i, n);
				i += n;
				continue;
			}
			i++;
			if (c == '\r')
				b->state = B_CR;
			else
				odd_byte(b, out, c);
			continue;
		case B_CR:
			if (c != '\n') {
				odd_byte(b, out, '\r');
				continue;
			}
			i++;
			put(b, out, "\r\n", 2);
			end_of_line(b);
			continue;
		case B_DOT:
			if (c == '\r') {
				b->state = B_DOT_CR;
				i++;
			} else {
				leave_dot(b);
			}
			continue;
		default: /* B_DOT_CR */
			if (c == '\n') {
				*ret_end = true;
				return i + 1;
			}
			/* ".<CR>x": the dot was stuffed, the CR is alone */
			leave_dot(b);
			odd_byte(b, out, '\r');
		}
	}
	return i;
}

void
body_finish(struct body *b, struct buf *out)
{
	if (b->state == B_CR)
		odd_byte(b, out, '\r');
	if (b->line != 0 || b->state == B_TEXT) { /* no line end at the end */
		put(b, out, "\r\n", 2);
		end_of_line(b);
	}
}

const char *
body_refusal(enum body_fault f)
{
	static const char *const texts[] = {
		[BODY_FINE] = "250 2.0.0 Fine",
		[BODY_BARE_CR] = "550 5.6.11 The message holds a CR without LF",
		[BODY_BARE_LF] = "550 5.6.11 The message holds a LF without CR",
		[BODY_NUL] = "550 5.6.11 The message holds NUL bytes",
		[BODY_LINE_TOO_LONG] =
		    "500 5.6.0 A line of the message is too long",
		[BODY_HEADER_TOO_LARGE] = "552 5.3.4 The header is too large",
		[BODY_TOO_MANY_HOPS] =
		    "554 5.4.6 Too many hops: the message goes in a circle",
	};

	return texts[f];
}
