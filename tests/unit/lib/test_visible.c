#include <check.h>

#include "unit.h"
#include "visible.h"

static const struct {
	const char *name, *text;
	size_t n;
	bool is_ascii;
	const char *shown;
} cases[] = {
	{ "plain", "250 2.0.0 Ok", 12, false, "250 2.0.0 Ok" },
	{ "wide", "日本", 6, false, "日本" },
	{ "wide, in bytes", "日", 3, true, "\\xe6\\x97\\xa5" },
	{ "an escape sequence", "\x1b[31m", 5, false, "\\x1b[31m" },
	{ "NUL and DEL", "a\0b\x7f", 4, false, "a\\x00b\\x7f" },
	{ "CSI of eight bits",
	    "\x9b"
	    "2J",
	    3, false, "\\x9b2J" },
	{ "CSI as UTF-8",
	    "\xc2\x9b"
	    "2J",
	    4, false, "\\u009b2J" },
	{ "text turned round",
	    "\xe2\x80\xae"
	    "gpj",
	    6, false, "\\u202egpj" },
	{ "a joiner", "a\xe2\x80\x8d", 4, false, "a\\u200d" },
	{ "a tag", "\xf3\xa0\x81\xa1", 4, false, "\\ue0061" },
	{ "cut short", "\xe6\x97", 2, false, "\\xe6\\x97" },
	{ "longer than it need be", "\xc0\xaf", 2, false, "\\xc0\\xaf" },
	{ "a surrogate", "\xed\xa0\x80", 3, false, "\\xed\\xa0\\x80" },
	{ "nothing", "", 0, false, "" },
};

START_TEST(shown)
{
	struct buf b;

	buf_init(&b, 1000);
	visible_put(&b, (struct slice){ cases[_i].text, cases[_i].n },
	    cases[_i].is_ascii);
	ck_assert_msg(strcmp(b.data, cases[_i].shown) == 0, "%s: %s, not %s",
	    cases[_i].name, b.data, cases[_i].shown);
	buf_release(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("visible");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, shown, 0, ROWS(cases));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
