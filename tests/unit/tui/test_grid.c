/* Cells: what is drawn, what is cut, and what never gets through. */
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"
#include "say.h"
#include "unit.h"

static struct grid g;

static void
set_up(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	ck_assert_int_eq(grid_init(&g, 3, 20), 0);
}

static void
tear_down(void)
{
	grid_release(&g);
}

/* One row is one text in so many columns, and what then stands there. */
static const struct {
	const char *text;
	int width;
	bool is_ascii;
	const char *want;
} drawn[] = {
	{ "plain", 20, false, "plain" },
	{ "cut here", 5, false, "cut …" },
	{ "cut here", 5, true, "cut ~" },
	{ "日本語", 6, false, "日本語" },
	{ "日本語", 5, false, "日本…" },
	{ "日本語", 4, false, "日…" }, /* no half of one */
	{ "日本語", 20, true, "???" },
	{ "e\xcc\x81t\xc3\xa9", 3, false, "e\xcc\x81t\xc3\xa9" },
	{ "e\xcc\x81t\xc3\xa9", 2, false, "e\xcc\x81…" },
	{ "\x1b[2J", 20, false, "\\x1b[2J" },
	{ "\x1b]0;title\x07", 20, false, "\\x1b]0;title\\x07" },
	{ "a\xc2\x9b"
	  "31mb",
	    20, false, "a\\u009b31mb" }, /* C1 CSI */
	{ "a\x9b"
	  "31mb",
	    20, false, "a\\x9b31mb" },
	{ "moc\xe2\x80\xae.txt", 20, false, "moc\\u202e.txt" },
	{ "\xe2\x80\x8b\xef\xbb\xbf", 20, false, "\\u200b\\ufeff" },
	{ "\r\n\t\x7f", 20, false, "\\x0d\\x0a\\x09\\x7f" },
	{ "\xc0\xaf\xed\xa0\x80", 20, false, "\\xc0\\xaf\\xed\\xa0\\x80" },
	{ "\xf4\x90\x80\x80", 20, false, "\\xf4\\x90\\x80\\x80" },
	{ "\xe6\x97", 20, false, "\\xe6\\x97" }, /* ends too early */
	{ "", 20, false, "" },
};

START_TEST(texts)
{
	struct buf b;

	buf_init(&b, 1000);
	g.is_ascii = drawn[_i].is_ascii;
	grid_put(&g, 1, 0, drawn[_i].width, LOOK_PLAIN, drawn[_i].text);
	grid_text(&g, 1, &b);
	ck_assert_str_eq(b.data, drawn[_i].want);
	for (size_t i = 0; i < b.len; i++)
		ck_assert((unsigned char)b.data[i] >= ' ');
	if (drawn[_i].width == 20 && !drawn[_i].is_ascii)
		ck_assert_int_eq(grid_shows_all(drawn[_i].text),
		    strcmp(drawn[_i].text, drawn[_i].want) == 0);
	buf_release(&b);
}
END_TEST

/* Every byte alone, and behind the first byte of a longer character. */
START_TEST(no_byte_steers_a_terminal)
{
	static const char *const heads[] = { "", "\xc2", "\xe2\x80", "\xf0" };
	struct buf b;

	buf_init(&b, 1000);
	for (size_t h = 0; h < 4; h++)
		for (int i = 1; i < 256; i++) {
			char text[8];
			size_t n = strlen(heads[h]);

			memcpy(text, heads[h], n);
			text[n] = (char)i;
			text[n + 1] = '\0';
			grid_clear(&g);
			grid_put(&g, 0, 0, 20, LOOK_PLAIN, text);
			buf_clear(&b);
			grid_text(&g, 0, &b);
			for (size_t k = 0; k < b.len; k++)
				ck_assert((unsigned char)b.data[k] >= ' ' &&
				    b.data[k] != 0x7f);
			ck_assert_ptr_null(strstr(b.data, "\xc2\x9b"));
			ck_assert_ptr_null(strstr(b.data, "\xe2\x80\xae"));
		}
	buf_release(&b);
}
END_TEST

START_TEST(half_a_wide_one_is_a_blank)
{
	struct buf b;

	buf_init(&b, 1000);
	grid_put(&g, 0, 0, 20, LOOK_PLAIN, "日本語");
	grid_put(&g, 0, 1, 1, LOOK_PLAIN, "x");
	grid_put(&g, 0, 4, 1, LOOK_PLAIN, "y");
	grid_text(&g, 0, &b);
	ck_assert_str_eq(b.data, " x本y");
	ck_assert_int_eq(grid_at(&g, 0, 0)->width, 1);
	ck_assert_int_eq(grid_at(&g, 0, 5)->width, 1);
	buf_release(&b);
}
END_TEST

START_TEST(marks_pile_up_no_further)
{
	char text[200] = "a";

	for (int i = 0; i < 60; i++)
		strncat(text, "\xcc\x81", 2 + 1);
	ck_assert_int_eq(grid_put(&g, 0, 0, 20, LOOK_PLAIN, text), 1);
	ck_assert_uint_lt(strlen(grid_at(&g, 0, 0)->text), 14);
}
END_TEST

START_TEST(outside_is_clipped)
{
	ck_assert_int_eq(grid_put(&g, -1, 0, 9, LOOK_PLAIN, "x"), 0);
	ck_assert_int_eq(grid_put(&g, 3, 0, 9, LOOK_PLAIN, "x"), 0);
	ck_assert_int_eq(grid_put(&g, 0, 20, 9, LOOK_PLAIN, "x"), 0);
	ck_assert_int_eq(grid_put(&g, 0, 19, 9, LOOK_PLAIN, "日"), 1);
	ck_assert_str_eq(grid_at(&g, 0, 19)->text, "…");
	ck_assert_ptr_null(grid_at(&g, 0, 20));
	ck_assert_int_eq(grid_resize(&g, 100000, 0), 0);
	ck_assert_int_le(g.rows, 500);
	ck_assert_int_eq(g.cols, 1);
	grid_put(&g, 0, 0, 9, LOOK_PLAIN, "日本");
	grid_row_look(&g, 499, 0, LOOK_BAD);
}
END_TEST

START_TEST(numbers_keep_their_left)
{
	struct buf b;

	buf_init(&b, 1000);
	grid_right(&g, 0, 0, 8, LOOK_PLAIN, "48,213");
	grid_right(&g, 0, 9, 3, LOOK_PLAIN, "48,213");
	grid_text(&g, 0, &b);
	ck_assert_str_eq(b.data, "  48,213 48,213");
	buf_release(&b);
}
END_TEST

static const struct {
	int64_t value;
	const char *number, *bytes, *span;
} said[] = {
	{ 0, "0", "0", "0s" },
	{ 999, "999", "999", "0s" },
	{ 48213000000, "48,213,000,000", "45G", "13h23m" },
	{ -1000, "-1,000", "-1000", "0s" },
	{ 119000000, "119,000,000", "113M", "119s" },
	{ 1153434, "1,153,434", "1.1M", "1s" },
	{ 270000000000, "270,000,000,000", "251G", "3d03h" },
};

START_TEST(numbers)
{
	char s[SAY_MAX];

	say_number(s, said[_i].value);
	ck_assert_str_eq(s, said[_i].number);
	say_bytes(s, said[_i].value);
	ck_assert_str_eq(s, said[_i].bytes);
	say_span(s, said[_i].value);
	ck_assert_str_eq(s, said[_i].span);
}
END_TEST

START_TEST(charts)
{
	static const double v[] = { 0, 0.01, 4, 8 };
	struct buf b;

	buf_init(&b, 1000);
	g.is_ascii = true;
	say_chart(&g, 0, 0, 9, v, 4);
	grid_text(&g, 0, &b);
	ck_assert_str_eq(b.data, " .-#");
	g.is_plain = true;
	say_chart(&g, 1, 0, 4, v, 4);
	buf_clear(&b);
	grid_text(&g, 1, &b);
	ck_assert_str_eq(b.data, "");
	buf_release(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("grid");
	TCase *tc = tcase_create("cells");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, texts, 0, ROWS(drawn));
	tcase_add_test(tc, no_byte_steers_a_terminal);
	tcase_add_test(tc, half_a_wide_one_is_a_blank);
	tcase_add_test(tc, marks_pile_up_no_further);
	tcase_add_test(tc, outside_is_clipped);
	tcase_add_test(tc, numbers_keep_their_left);
	tcase_add_loop_test(tc, numbers, 0, ROWS(said));
	tcase_add_test(tc, charts);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
