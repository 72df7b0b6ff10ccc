#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "unit.h"

/*
 * The matrix of SMTP smuggling: what some server somewhere takes for the end
 * of a message, in the middle of one. Each is fed at once and byte by byte;
 * none may end it, and by default none may pass.
 */
static const char *const line_ends[] = { "\r\n", "\n", "\r", "\r\r\n", "\n\r",
	"\r\n\r", "\n\n", "\r\r", "\\0", "\r\\0\n", " \r\n", "\t\n", "\x85",
	"\x0b", "\x0c", "\xe2\x80\xa8", "" };
#define ENDS (sizeof(line_ends) / sizeof(line_ends[0]))

static size_t
unescape(char *to, const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		if (text[0] == '\\' && text[1] == '0') {
			to[n++] = '\0';
			text++;
		} else {
			to[n++] = *text;
		}
	return n;
}

struct run {
	struct body body;
	struct buf out;
	size_t used;
	bool is_end;
};

static void
run(struct run *r, struct slice in, size_t step, bool is_normal)
{
	body_init(&r->body, true);
	r->body.is_normal = is_normal;
	buf_init(&r->out, 1 << 20);
	r->used = 0;
	r->is_end = false;
	while (r->used < in.n && !r->is_end) {
		struct slice part = slice_sub(in, r->used, r->used + step);

		r->used += body_feed(&r->body, part, &r->out, &r->is_end);
	}
}

/* What goes out again: no CR without LF, no LF without CR, no NUL. */
static void
check_clean(const struct run *r, const char *what)
{
	const char *p = r->out.data;

	for (size_t i = 0; i < r->out.len; i++) {
		ck_assert_msg(p[i] != '\0', "%s: NUL passes", what);
		if (p[i] == '\n')
			ck_assert_msg(i > 0 && p[i - 1] == '\r',
			    "%s: a bare LF passes", what);
		if (p[i] == '\r')
			ck_assert_msg(i + 1 < r->out.len && p[i + 1] == '\n',
			    "%s: a bare CR passes", what);
	}
}

START_TEST(only_crlf_dot_crlf_ends)
{
	static const char tail[] = "MAIL FROM:<evil@x>\r\n";
	const char *before = line_ends[_i / (int)ENDS];
	const char *after = line_ends[_i % (int)ENDS];
	size_t before_n = strlen(before);
	bool is_true_end = strncmp(after, "\r\n", 2) == 0 && before_n >= 2 &&
	    strcmp(before + before_n - 2, "\r\n") == 0;
	char in[200], what[100];
	size_t n, end;

	/* "text" keeps what stands before from being the start of a line */
	memcpy(in, "A: b\r\n\r\ntext", 12);
	n = 12 + unescape(in + 12, before);
	in[n++] = '.';
	end = n + 2;
	n += unescape(in + n, after);
	memcpy(in + n, tail, strlen(tail));
	n += strlen(tail);
	memcpy(in + n, "\r\n.\r\n", 5);
	n += 5;
	snprintf(what, sizeof(what), "case %d of %d ends", _i, (int)ENDS);
	for (int way = 0; way < 4; way++) {
		struct run r;

		run(&r, (struct slice){ in, n }, way & 1 ? 1 : n, way & 2);
		ck_assert_msg(r.is_end, "%s: the true end is missed", what);
		ck_assert_msg(r.used == (is_true_end ? end : n),
		    "%s: ended at %zu, not at %zu (before %zu, after %zu)",
		    what, r.used, is_true_end ? end : n, _i / ENDS, _i % ENDS);
		if (r.body.fault == BODY_FINE || (way & 2))
			check_clean(&r, what);
		buf_release(&r.out);
	}
}
END_TEST

/* Every mix of these around a lone dot, longer line ends too. */
START_TEST(no_mix_of_bytes_smuggles)
{
	static const char alphabet[] = { '\r', '\n', '\0', ' ', 'x', '.' };

	for (int n = 0; n < 6 * 6 * 6 * 6 * 6; n++) {
		char text[] = { 'a', alphabet[n % 6], alphabet[n / 6 % 6],
			alphabet[n / 36 % 6], alphabet[n / 216 % 6],
			alphabet[n / 1296 % 6] };
		bool is_true = memcmp(text + 1, "\r\n.\r\n", 5) == 0;
		struct run r;

		run(&r, (struct slice){ text, sizeof(text) }, 3, false);
		ck_assert_msg(r.is_end == is_true, "mix %d", n);
		buf_release(&r.out);
	}
}
END_TEST

/* name, input, output (NULL: refused), fault, header size, hops */
static const struct {
	const char *name, *in, *out;
	enum body_fault fault;
	uint32_t header_size;
	unsigned hops;
} stories[] = {
	{ "empty message", ".\r\n", "", BODY_FINE, 0, 0 },
	{ "dots are unstuffed", "A: b\r\n\r\n..\r\n...x\r\n.y\r\n.\r\n",
	    "A: b\r\n\r\n.\r\n..x\r\ny\r\n", BODY_FINE, 8, 0 },
	{ "header only", "A: b\r\nC: d\r\n.\r\n", "A: b\r\nC: d\r\n", BODY_FINE,
	    12, 0 },
	{ "no header", "hello\r\nA: b\r\n.\r\n", "hello\r\nA: b\r\n", BODY_FINE,
	    0, 0 },
	{ "empty header", "\r\ntext\r\n.\r\n", "\r\ntext\r\n", BODY_FINE, 2,
	    0 },
	{ "header cut by text", "A: b\r\n c\r\ntext\r\nReceived: x\r\n.\r\n",
	    "A: b\r\n c\r\ntext\r\nReceived: x\r\n", BODY_FINE, 10, 0 },
	{ "fold first", " c\r\nA: b\r\n.\r\n", " c\r\nA: b\r\n", BODY_FINE, 0,
	    0 },
	{ "blank before the colon", "A : b\r\n\r\n.\r\n", "A : b\r\n\r\n",
	    BODY_FINE, 9, 0 },
	{ "hops are counted",
	    "received: a\r\nRECEIVED: b\r\nX: y\r\n"
	    "\r\nReceived: no\r\n.\r\n",
	    "received: a\r\nRECEIVED: b\r\nX: y\r\n\r\nReceived: no\r\n",
	    BODY_FINE, 34, 2 },
	{ "a loop",
	    "Received: a\r\nReceived: b\r\nReceived: c\r\n"
	    "Received: d\r\n\r\n.\r\n",
	    NULL, BODY_TOO_MANY_HOPS, 54, 4 },
	{ "long line",
	    "A: b\r\n\r\n0123456789012345678901234567890123456789"
	    "0\r\n.\r\n",
	    NULL, BODY_LINE_TOO_LONG, 8, 0 },
	{ "large header",
	    "A: 0123456789012345678901234567890123\r\n"
	    "B: 0123456789012345678901234567890123\r\n\r\n.\r\n",
	    NULL, BODY_HEADER_TOO_LARGE, 80, 0 },
	{ "bare LF", "A: b\r\n\r\nx\ny\r\n.\r\n", NULL, BODY_BARE_LF, 8, 0 },
	{ "bare CR", "A: b\r\n\r\nx\ry\r\n.\r\n", NULL, BODY_BARE_CR, 8, 0 },
};

START_TEST(stories_of_bodies)
{
	struct body b;
	struct buf out;
	bool is_end = false;
	struct slice in = slice_of(stories[_i].in);
	const char *name = stories[_i].name;

	body_init(&b, true);
	b.max_hops = 3;
	b.max_line = 40;
	b.max_header = 60;
	buf_init(&out, 1 << 16);
	ck_assert_uint_eq(body_feed(&b, in, &out, &is_end), in.n);
	ck_assert_msg(is_end, "%s: has no end", name);
	ck_assert_msg(
	    b.fault == stories[_i].fault, "%s: fault %d", name, b.fault);
	ck_assert_msg(b.header_size == stories[_i].header_size,
	    "%s: header of %u", name, b.header_size);
	ck_assert_msg(b.hops == stories[_i].hops, "%s: %u hops", name, b.hops);
	if (stories[_i].out != NULL) {
		ck_assert_str_eq(out.data, stories[_i].out);
		ck_assert_uint_eq(b.size, out.len);
	}
	buf_release(&out);
}
END_TEST

START_TEST(normalize_makes_lines)
{
	struct run r;

	run(&r, SLICE("a\nb\rc\0d\n..e\n.\n.\r\nf\r\n.\r\n"), 1000, true);
	ck_assert(r.is_end);
	ck_assert_int_eq(r.body.fault, BODY_FINE);
	ck_assert_str_eq(r.out.data, "a\r\nb\r\ncd\r\n.e\r\n.\r\n.\r\nf\r\n");
	buf_release(&r.out);
}
END_TEST

/* A chunk has no dots to take off and no end but its size (RFC 3030). */
START_TEST(chunks_are_taken_as_they_are)
{
	struct body b;
	struct buf out;
	bool is_end;

	body_init(&b, false);
	buf_init(&out, 1000);
	body_feed(&b, SLICE("A: b\r"), &out, &is_end);
	body_feed(&b, SLICE("\n\r\n..x\r\n.\r\n.y"), &out, &is_end);
	ck_assert(!is_end);
	body_finish(&b, &out);
	ck_assert_int_eq(b.fault, BODY_FINE);
	ck_assert_str_eq(out.data, "A: b\r\n\r\n..x\r\n.\r\n.y\r\n");
	body_init(&b, false);
	body_feed(&b, SLICE("A: b\r"), &out, &is_end);
	body_finish(&b, &out);
	ck_assert_int_eq(b.fault, BODY_BARE_CR);
	buf_release(&out);
}
END_TEST

START_TEST(eight_bits_are_seen)
{
	static const char *const texts[] = { "\xc3\xbc", "0123456789\xff",
		"01234567\r\n\r\nabcdefghijk\xe4lmnop" };

	for (int i = 0; i < 3; i++) {
		struct run r;

		run(&r, slice_of(texts[i]), 1000, false);
		ck_assert_msg(r.body.has_8bit, "text %d", i);
		buf_release(&r.out);
		run(&r, slice_of(texts[i]), 1, false);
		ck_assert_msg(r.body.has_8bit, "text %d by bytes", i);
		buf_release(&r.out);
	}
}
END_TEST

START_TEST(a_refusal_has_its_words)
{
	for (int f = BODY_BARE_CR; f <= BODY_TOO_MANY_HOPS; f++) {
		const char *text = body_refusal((enum body_fault)f);

		ck_assert_msg(text != NULL && text[0] == '5' &&
			text[3] == ' ' && text[4] == '5' && text[5] == '.',
		    "fault %d", f);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_body");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(tc, only_crlf_dot_crlf_ends, 0, (int)(ENDS * ENDS));
	tcase_add_test(tc, no_mix_of_bytes_smuggles);
	tcase_add_loop_test(tc, stories_of_bodies, 0, ROWS(stories));
	tcase_add_test(tc, normalize_makes_lines);
	tcase_add_test(tc, chunks_are_taken_as_they_are);
	tcase_add_test(tc, eight_bits_are_seen);
	tcase_add_test(tc, a_refusal_has_its_words);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
