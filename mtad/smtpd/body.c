#include "body.h"

#include <string.h>

/*
 *	START --"."--> DOT --CR--> DOT_CR --LF--> the end, when CRLF began the
 *	  |             |             |           line; else "." is its text
 *	  +--any------> TEXT <--any---+
 *	                TEXT --CR--> CR --LF--> START, after CRLF
 *	LF, or CR and not LF: odd_byte(), then START, not after CRLF
 */
enum { B_START, B_TEXT, B_CR, B_DOT, B_DOT_CR };

void
body_init(struct body *b, bool is_dotted)
{
	*b = (struct body){ .is_dotted = is_dotted,
		.is_header = true,
		.is_after_crlf = true,
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

/* What a line of the header is, as far as it was seen: the name of a field,
 * blanks behind the name, a field or the rest of one, none of these. */
enum { K_NAME, K_BLANK, K_FIELD, K_TEXT };

static void
end_of_header(struct body *b, uint64_t size)
{
	b->is_header = false;
	b->header_size = (uint32_t)size;
}

static void
end_of_header_line(struct body *b)
{
	if (b->line == 0)
		end_of_header(b, b->size);
	else if (b->kind != K_FIELD) /* the body began without an empty line */
		end_of_header(b, b->size - b->line - 2);
	else if (b->line >= 9 &&
	    slice_ieq((struct slice){ b->start, 9 }, SLICE("Received:")) &&
	    ++b->hops > b->max_hops)
		fault(b, BODY_TOO_MANY_HOPS);
	if (b->header_size > b->max_header ||
	    (b->is_header && b->size > b->max_header))
		fault(b, BODY_HEADER_TOO_LARGE);
}

static void
end_of_line(struct body *b)
{
	if (b->is_header)
		end_of_header_line(b);
	b->line = 0;
	b->kind = K_NAME;
	b->state = B_START;
}

/* A blank at the start goes on with the field above, if there is one. */
static uint8_t
next_kind(uint8_t kind, bool is_first_line, size_t at, char c)
{
	if (c == ' ' || c == '\t')
		return at != 0 ? K_BLANK : is_first_line ? K_TEXT : K_FIELD;
	if (c == ':')
		return at == 0 ? K_TEXT : K_FIELD;
	return kind == K_BLANK || (unsigned char)c < 0x20 ? K_TEXT : K_NAME;
}

static void
note_header_text(struct body *b, const char *p, size_t n)
{
	bool is_first_line = b->size == b->line + n;

	for (size_t i = 0; i < n && b->line + i < 9; i++)
		b->start[b->line + i] = p[i];
	for (size_t i = 0; i < n && b->kind <= K_BLANK; i++)
		b->kind = next_kind(b->kind, is_first_line, b->line + i, p[i]);
	if (b->size > b->max_header)
		fault(b, BODY_HEADER_TOO_LARGE);
}

static void
note_text(struct body *b, const char *p, size_t n)
{
	if (b->is_header)
		note_header_text(b, p, n);
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
	b->state = B_TEXT;
	if (c == '\0')
		return;
	put(b, out, "\r\n", 2);
	end_of_line(b);
	b->is_after_crlf = false;
}

static void
crlf(struct body *b, struct buf *out)
{
	put(b, out, "\r\n", 2);
	end_of_line(b);
	b->is_after_crlf = true;
}

/* A line of a dot that does not end the message: the dot is its text. */
static void
keep_dot(struct body *b, struct buf *out)
{
	put(b, out, ".", 1);
	note_text(b, ".", 1);
	b->state = B_TEXT;
}

/* From the start of text on, up to a byte that needs a look, and past it. */
static size_t
feed_text(struct body *b, struct slice s, struct buf *out)
{
	size_t n = plain_run(s.p, s.n, &b->has_8bit);

	if (n != 0) {
		put(b, out, s.p, n);
		note_text(b, s.p, n);
		return n;
	}
	if (s.n >= 2 && s.p[0] == '\r' && s.p[1] == '\n') {
		crlf(b, out);
		return 2;
	}
	if (s.p[0] == '\r')
		b->state = B_CR;
	else
		odd_byte(b, out, s.p[0]);
	return 1;
}

size_t
body_feed(struct body *b, struct slice s, struct buf *out, bool *ret_end)
{
	size_t i = 0;

	*ret_end = false;
	while (i < s.n && !out->bad) {
		char c = s.p[i];

		switch (b->state) {
		case B_START:
			b->state = B_TEXT;
			if (c == '.' && b->is_dotted) {
				b->state = B_DOT;
				i++;
			}
			break;
		case B_TEXT:
			i += feed_text(b, slice_sub(s, i, s.n), out);
			break;
		case B_CR:
			if (c == '\n') {
				crlf(b, out);
				i++;
			} else {
				odd_byte(b, out, '\r');
			}
			break;
		case B_DOT:
			if (c == '\r') {
				b->state = B_DOT_CR;
				i++;
			} else if (c == '\n') {
				keep_dot(b, out);
			} else {
				b->state = B_TEXT; /* the dot was stuffed */
			}
			break;
		default: /* B_DOT_CR */
			if (c == '\n' && b->is_after_crlf) {
				body_finish(b, out);
				*ret_end = true;
				return i + 1;
			}
			keep_dot(b, out);
			b->state = B_CR;
		}
	}
	return i;
}

/* What never got its line end gets one; a header may be all there is. */
void
body_finish(struct body *b, struct buf *out)
{
	if (!b->is_dotted) {
		if (b->state == B_CR)
			odd_byte(b, out, '\r');
		else if (b->line != 0 || b->state == B_TEXT)
			crlf(b, out);
	}
	if (b->is_header)
		end_of_header(b, b->size);
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
		[BODY_HEADER_TOO_LARGE] = "552 5.3.4 Headers too long",
		[BODY_TOO_MANY_HOPS] =
		    "554 5.4.6 Too many hops: the message goes in a circle",
	};

	return texts[f];
}
