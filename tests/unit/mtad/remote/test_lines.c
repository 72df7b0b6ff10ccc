#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "lines.h"

/* A body, as DATA and as BDAT send it. */
static const struct {
	const char *name, *body, *data, *bdat;
} cases[] = {
	{ "plain", "a\r\nb\r\n", "a\r\nb\r\n.\r\n", "a\r\nb\r\n" },
	{ "empty", "", ".\r\n", "" },
	{ "dots", ".\r\n..\r\n.a\r\na.\r\n", "..\r\n...\r\n..a\r\na.\r\n.\r\n",
	    ".\r\n..\r\n.a\r\na.\r\n" },
	{ "no end", "a\r\nb", "a\r\nb\r\n.\r\n", "a\r\nb" },
	{ "a dot at the end", "a\r\n.", "a\r\n..\r\n.\r\n", "a\r\n." },
	{ "bare LF", "a\n.\nb\r\n", "a . b\r\n.\r\n", "a . b\r\n" },
	{ "bare CR", "a\r.\rb\r\n", "a . b\r\n.\r\n", "a . b\r\n" },
	{ "smuggled end", "a\r\n.\r\r\nb\n.\r\n", "a\r\n.. \r\nb .\r\n.\r\n",
	    "a\r\n. \r\nb .\r\n" },
	{ "LF dot CRLF", "a\r\n\n.\r\nb\r\n", "a\r\n .\r\nb\r\n.\r\n",
	    "a\r\n .\r\nb\r\n" },
	{ "CR at the end", "a\r", "a \r\n.\r\n", "a " },
	{ "CRCRLF", "\r\r\n.\r\n", " \r\n..\r\n.\r\n", " \r\n.\r\n" },
	{ "empty lines", "\r\n\r\n.\r\n", "\r\n\r\n..\r\n.\r\n",
	    "\r\n\r\n.\r\n" },
};

static void
send_in(const char *body, size_t block, bool stuffs, struct buf *ret)
{
	struct slice rest = slice_of(body);
	struct lines l;

	lines_init(&l, stuffs);
	while (rest.n != 0) {
		lines_put(&l, ret, slice_sub(rest, 0, block));
		rest = slice_sub(rest, block, rest.n);
	}
	lines_end(&l, ret);
}

START_TEST(in_blocks_of_any_size)
{
	struct buf b;

	buf_init(&b, 4096);
	for (size_t block = 1; block < 12; block++) {
		buf_clear(&b);
		send_in(cases[_i].body, block, true, &b);
		ck_assert_msg(strcmp(b.data, cases[_i].data) == 0,
		    "%s, DATA by %zu: %s", cases[_i].name, block, b.data);
		buf_clear(&b);
		send_in(cases[_i].body, block, false, &b);
		ck_assert_msg(strcmp(b.data, cases[_i].bdat) == 0,
		    "%s, BDAT by %zu: %s", cases[_i].name, block, b.data);
		ck_assert_uint_eq(b.len, strlen(cases[_i].body));
	}
	buf_release(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote_lines");
	TCase *tc = tcase_create("core");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, in_blocks_of_any_size, 0,
	    (int)(sizeof(cases) / sizeof(cases[0])));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
