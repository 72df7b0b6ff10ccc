/*
 * Numbers that are seen, and distributions: the pure parts of the store.
 */
#include <stdlib.h>
#include <string.h>

#include "hist.h"
#include "row.h"
#include "seen.h"
#include "unit.h"

/* A row: these numbers come; then these ranges are there. */
static const struct {
	const char *name;
	int come[8], ranges[8]; /* each to a 0 */
	int again; /* how many were here already */
} rows[] = {
	{ "in order", { 1, 2, 3 }, { 1, 3 }, 0 },
	{ "twice", { 1, 2, 2, 1 }, { 1, 2 }, 2 },
	{ "a hole", { 1, 2, 5 }, { 1, 2, 5, 5 }, 0 },
	{ "a hole closes", { 1, 3, 2 }, { 1, 3 }, 0 },
	{ "backwards", { 3, 2, 1 }, { 1, 3 }, 0 },
	{ "before all", { 7, 3, 5 }, { 3, 3, 5, 5, 7, 7 }, 0 },
	{ "within", { 1, 9, 5, 5 }, { 1, 1, 5, 5, 9, 9 }, 1 },
	{ "two become one", { 1, 2, 4, 5, 3 }, { 1, 5 }, 0 },
};

START_TEST(numbers_become_ranges)
{
	struct seen s = { 0 };
	int again = 0, rc;
	size_t n = 0;

	for (int i = 0; rows[_i].come[i] != 0; i++) {
		again += !seen_add(&s, (uint64_t)rows[_i].come[i], &rc);
		ck_assert_int_eq(rc, 0);
	}
	for (; rows[_i].ranges[n * 2] != 0; n++)
		ck_assert_msg(n < s.n &&
			s.v[n].lo == (uint64_t)rows[_i].ranges[n * 2] &&
			s.v[n].hi == (uint64_t)rows[_i].ranges[n * 2 + 1],
		    "%s: range %zu", rows[_i].name, n);
	ck_assert_msg(n == s.n && again == rows[_i].again, "%s", rows[_i].name);
	seen_release(&s);
}
END_TEST

/* Against a plain table, with numbers drawn at random. */
START_TEST(numbers_as_a_table_has_them)
{
	bool had[512] = { false };
	struct seen s = { 0 };
	uint64_t missing = 0;
	int rc;

	srand(7);
	for (int i = 0; i < 3000; i++) {
		unsigned n = 1 + (unsigned)rand() % 500;

		ck_assert_int_eq(seen_add(&s, n, &rc), !had[n]);
		had[n] = true;
	}
	for (uint64_t n = s.v[0].lo; n <= s.v[s.n - 1].hi; n++)
		missing += !had[n];
	ck_assert_uint_eq(seen_missing(&s), missing);
	seen_release(&s);
}
END_TEST

START_TEST(a_writer_with_too_many_holes_is_not_kept_up_with)
{
	struct seen s = { 0 };
	int rc;

	for (uint64_t n = 1; n <= SEEN_MAX + 10; n++)
		ck_assert(seen_add(&s, n * 2, &rc));
	ck_assert_uint_eq(s.n, SEEN_MAX);
	seen_release(&s);
}
END_TEST

START_TEST(a_value_is_at_most_a_sixteenth_off)
{
	for (uint64_t v = 1; v < (uint64_t)1 << 42; v = v * 5 / 3 + 1) {
		struct hist h;
		uint64_t got;

		hist_clear(&h);
		hist_add(&h, v);
		h.min = 0; /* so that the bucket's own value is seen */
		h.max = UINT64_MAX;
		got = hist_at(&h, 500);
		ck_assert_msg(got * 17 >= v * 16 && got * 15 <= v * 16,
		    "%llu came back as %llu", (unsigned long long)v,
		    (unsigned long long)got);
	}
}
END_TEST

static void
fill(struct hist *h, unsigned seed, int n)
{
	hist_clear(h);
	srand(seed);
	for (int i = 0; i < n; i++)
		hist_add(h, (uint64_t)rand() % 5000000);
}

START_TEST(parts_add_up_to_the_whole)
{
	struct hist a, b, back, whole;
	struct buf text;

	fill(&a, 1, 1000);
	fill(&b, 2, 3000);
	whole = a;
	hist_merge(&whole, &b);
	buf_init(&text, 1 << 16);
	hist_encode(&text, &a);
	back = b;
	ck_assert(hist_decode(&back, buf_slice(&text)));
	ck_assert_int_eq(
	    memcmp(back.bucket, whole.bucket, sizeof(whole.bucket)), 0);
	ck_assert_uint_eq(whole.n, 4000);
	ck_assert_uint_eq(whole.sum, a.sum + b.sum);
	ck_assert(hist_at(&whole, 500) > 2300000);
	ck_assert(hist_at(&whole, 500) < 2700000);
	ck_assert_uint_eq(hist_at(&whole, 1000), whole.max);
	buf_release(&text);
}
END_TEST

START_TEST(damaged_buckets_are_refused)
{
	static const struct slice damaged[] = {
		{ "\x05", 1 },
		{ "\xff\xff\xff\xff\xff\xff\x01", 7 },
		{ "\xff\x7f\x01", 3 },
		{ "\x80", 1 },
	};
	struct hist h;

	hist_clear(&h);
	for (int i = 0; i < ROWS(damaged); i++)
		ck_assert(!hist_decode(&h, damaged[i]));
	ck_assert_uint_eq(hist_at(&h, 500), 0);
}
END_TEST

START_TEST(enhanced_codes_are_numbers)
{
	static const struct {
		const char *text;
		int64_t number;
	} codes[] = {
		{ "5.1.1", 5001001 },
		{ "4.7.28", 4007028 },
		{ "2.0.0", 2000000 },
		{ "5.1", -1 },
		{ "5.1.1.1", -1 },
		{ "", -1 },
		{ "x.1.1", -1 },
		{ "5.1000.1", -1 },
	};
	char text[24];

	for (int i = 0; i < ROWS(codes); i++) {
		ck_assert_msg(
		    enhanced_number(slice_of(codes[i].text)) == codes[i].number,
		    "%s", codes[i].text);
		if (codes[i].number < 0)
			continue;
		ck_assert(enhanced_text(codes[i].number, text));
		ck_assert_str_eq(text, codes[i].text);
	}
	ck_assert(!enhanced_text(-1, text));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sums");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, numbers_become_ranges, 0, ROWS(rows));
	tcase_add_test(tc, numbers_as_a_table_has_them);
	tcase_add_test(tc, a_writer_with_too_many_holes_is_not_kept_up_with);
	tcase_add_test(tc, a_value_is_at_most_a_sixteenth_off);
	tcase_add_test(tc, parts_add_up_to_the_whole);
	tcase_add_test(tc, damaged_buckets_are_refused);
	tcase_add_test(tc, enhanced_codes_are_numbers);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
