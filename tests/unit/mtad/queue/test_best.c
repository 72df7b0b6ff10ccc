/* Of many rows the first few, whatever order they came in. */
#include <stdlib.h>

#include "best.h"
#include "unit.h"

#define MANY 20000

static int64_t
key_of(int i)
{
	return (int64_t)i * 7919 % 1000;
}

static int
compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(the_first_are_kept)
{
	static const size_t maxes[] = { 1, 2, 3, 100, BEST_MAX };
	static int64_t all[MANY];
	struct best b;

	for (int i = 0; i < MANY; i++)
		all[i] = key_of(i);
	qsort(all, MANY, sizeof(all[0]), compare);
	ck_assert_int_eq(best_init(&b, maxes[_i]), 0);
	for (int i = 0; i < MANY; i++)
		best_add(&b, (struct best_row){ .key = key_of(i) });
	best_sort(&b);
	ck_assert_uint_eq(b.n, maxes[_i]);
	for (size_t i = 0; i < b.n; i++) {
		ck_assert_int_eq(b.row[i].key, all[i]);
		ck_assert(i == 0 || b.row[i].key != b.row[i - 1].key ||
		    b.row[i].came > b.row[i - 1].came);
	}
	best_release(&b);
}
END_TEST

START_TEST(texts_are_in_order)
{
	ck_assert(best_text("a.test") < best_text("B.test"));
	ck_assert(best_text("") < best_text("a"));
	ck_assert(best_text("example.net") == best_text("EXAMPLE.org"));
	ck_assert(best_text("\xff") > best_text("z"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("best");
	TCase *tc = tcase_create("rows");

	tcase_add_loop_test(tc, the_first_are_kept, 0, 5);
	tcase_add_test(tc, texts_are_in_order);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
