/* Whose turn it is, and who has had enough: on a clock that the test turns. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lanes.h"
#include "unit.h"

#define ITEMS 400

static struct lanes lanes;
static struct crowd crowd;
static struct lane_item items[ITEMS];
static int used;
static int64_t now;

static void
begin(unsigned window)
{
	lanes_init(&lanes);
	crowd = (struct crowd){ .window = window };
	used = 0;
	now = 100 * US_SEC;
}

/* One more for this recipient. False: refused. */
static bool
add(const char *key, enum lane_kind kind)
{
	struct lane *l = lanes_get(&lanes, slice_of(key), kind, &crowd);

	ck_assert_ptr_nonnull(l);
	ck_assert_int_lt(used, ITEMS);
	crowd.held++;
	if (lanes_add(&lanes, l, &items[used], now)) {
		used++;
		return true;
	}
	crowd.held--;
	return false;
}

static int
add_many(const char *key, enum lane_kind kind, int n)
{
	int taken = 0;

	for (int i = 0; i < n; i++)
		taken += add(key, kind);
	return taken;
}

static struct lane_item *
take(void)
{
	return lanes_take(&lanes, now);
}

static int
take_all(void)
{
	int n = 0;

	while (take() != NULL)
		n++;
	return n;
}

static void
end(struct lane_item *it, enum lane_end how)
{
	ck_assert_ptr_nonnull(it);
	lanes_end(&lanes, it, how, now);
	crowd.held--;
}

/* Refusals of one moment. */
static int
cut(void)
{
	size_t pos = 0;
	int n = 0;

	lanes_tidy(&lanes, now);
	while (lanes_cut(&lanes, &pos, false, now) != NULL) {
		crowd.held--;
		n++;
	}
	return n;
}

START_TEST(lanes_take_turns)
{
	struct lane_item *it;

	begin(200);
	add_many("a", LANE_FOLDER, 100);
	add("b", LANE_FOLDER);
	add("c", LANE_FOLDER);
	it = take();
	ck_assert_ptr_eq(it, &items[0]);
	ck_assert_ptr_eq(take(), &items[100]);
	ck_assert_ptr_eq(take(), &items[101]);
	ck_assert_ptr_null(take()); /* a new lane runs one */
	end(it, LANE_GOOD);
	ck_assert_ptr_eq(take(), &items[1]);
	ck_assert_ptr_eq(take(), &items[2]); /* one more with each good end */
	ck_assert_ptr_null(take());
}
END_TEST

static const struct {
	enum lane_kind kind;
	int most;
} widths[] = { { LANE_FOLDER, 16 }, { LANE_FILE, 2 }, { LANE_PROGRAM, 4 } };

START_TEST(a_lane_gets_wider_up_to_its_kind)
{
	begin(200);
	add_many("a", widths[_i].kind, 150);
	for (int i = 0; i < 40; i++)
		end(take(), LANE_GOOD);
	ck_assert_int_eq(take_all(), widths[_i].most);
}
END_TEST

/* A long line at a mailbox, each of it after most of a second. */
START_TEST(who_gets_along_waits_as_long_as_it_takes)
{
	struct lane_item *running;

	begin(200);
	add_many("a", LANE_FILE, 200);
	running = take();
	for (int i = 0; i < 150; i++) {
		now += US_SEC * 9 / 10;
		ck_assert_int_eq(cut(), 0);
		end(running, LANE_GOOD);
		running = take();
		take_all();
		add("a", LANE_FILE);
	}
	ck_assert_uint_eq(lanes.slow, 0);
}
END_TEST

/* Programs: what each takes, and how many of 200 are sent away. */
static const struct {
	int64_t us;
	int cut;
} paces[] = { { 20000, 0 }, { 150000, 0 }, { 900000, 47 } };

START_TEST(programs_may_not_make_a_line_of_seconds)
{
	begin(200);
	add_many("a", LANE_PROGRAM, 200);
	for (int i = 0; i < 4; i++) {
		struct lane_item *it = take();

		now += paces[_i].us;
		end(it, LANE_GOOD);
	}
	take_all();
	ck_assert_int_eq(cut(), paces[_i].cut);
}
END_TEST

/* Its recipient ends its process again and again. */
START_TEST(what_is_lost_at_once_is_no_good_end)
{
	begin(200);
	add_many("a", LANE_FILE, 200);
	end(take(), LANE_LOST);
	ck_assert_int_eq(take_all(), 1);
	ck_assert_int_eq(cut(), 50);
	now += LANE_STALL;
	ck_assert_int_eq(cut(), 148);
}
END_TEST

START_TEST(a_program_that_takes_its_time_makes_room_for_others)
{
	begin(200);
	ck_assert_int_eq(add_many("a", LANE_PROGRAM, 200), 200);
	ck_assert_int_eq(take_all(), 1);
	now += US_SEC / 4;
	ck_assert_int_eq(cut(), 0);
	now += US_SEC / 4;
	ck_assert_int_eq(cut(), 51); /* a quarter is free */
	ck_assert_int_eq(add_many("a", LANE_PROGRAM, 1000), 0);
	ck_assert_int_eq(add_many("b", LANE_PROGRAM, 51), 51);
	ck_assert_int_eq(take_all(), 1);
	ck_assert_int_gt(cut(), 0); /* and half is not for the slow */
	ck_assert_int_eq(cut(), 0);
}
END_TEST

/* Nobody is short of anything: it may wait. */
START_TEST(a_slow_one_is_let_be_while_there_is_room)
{
	begin(200);
	add_many("a", LANE_PROGRAM, 140);
	take_all();
	now += 20 * US_SEC;
	ck_assert_int_eq(cut(), 0);
	ck_assert(add("a", LANE_PROGRAM));
}
END_TEST

START_TEST(many_slow_ones_share_the_half)
{
	char key[2] = "a";

	begin(200);
	for (int i = 0; i < 10; i++, key[0]++)
		add_many(key, LANE_PROGRAM, 20);
	ck_assert_int_eq(take_all(), 10);
	now += US_SEC / 2;
	ck_assert_int_eq(cut(), 51);
	ck_assert_uint_eq(lanes.slow, 10);
	/* the next one has a quarter of a second to show what he is */
	add_many("z", LANE_PROGRAM, 60);
	ck_assert_int_eq(take_all(), 1);
	now += US_SEC / 4;
	ck_assert_int_gt(cut(), 0);
	ck_assert_uint_eq(lanes.slow, 11);
	ck_assert_int_lt((int)crowd.held, 150);
}
END_TEST

/* A disk that is slow is nobody's fault; a lock that is held is. */
START_TEST(a_mailbox_has_longer_but_when_it_is_locked)
{
	struct lane_item *it;

	begin(200);
	add_many("a", LANE_FILE, 200);
	it = take();
	now += 2 * US_SEC;
	ck_assert_int_eq(cut(), 0);
	lanes_held(it);
	ck_assert_int_eq(cut(), 51);
	end(it, LANE_GOOD);
	ck_assert_int_eq(take_all(), 2);
	add_many("a", LANE_FILE, 52);
	ck_assert_int_eq(cut(), 0);
	now += 5 * US_SEC;
	ck_assert_int_eq(cut(), 51);
}
END_TEST

START_TEST(nothing_for_half_a_minute_and_all_that_waits_goes)
{
	struct lane_item *it;

	begin(200);
	add_many("a", LANE_FOLDER, 20);
	it = take();
	now += LANE_STALL - 1;
	ck_assert_int_eq(cut(), 0);
	now += 1;
	ck_assert_int_eq(cut(), 19);
	ck_assert(!add("a", LANE_FOLDER));
	end(it, LANE_FAILED); /* a new chance */
	ck_assert(add("a", LANE_FOLDER));
	ck_assert(add("a", LANE_FOLDER));
	ck_assert_int_eq(take_all(), 1);
}
END_TEST

/* Answers that are no good but come at once hold nobody up. */
START_TEST(a_full_mailbox_is_not_slow)
{
	begin(200);
	add_many("a", LANE_FOLDER, 150);
	for (int i = 0; i < 100; i++) {
		struct lane_item *it = take();

		now += US_SEC * 9 / 10;
		end(it, LANE_FAILED);
		ck_assert_int_eq(cut(), 0);
	}
	ck_assert_int_eq(take_all(), 1);
}
END_TEST

START_TEST(who_finds_no_room_stands_aside_and_is_first_again)
{
	struct lane_item *it;

	begin(200);
	add("a", LANE_FILE);
	add("b", LANE_FILE);
	it = take();
	lanes_pass(&lanes, it);
	ck_assert_ptr_eq(take(), &items[1]);
	ck_assert_ptr_null(take());
	now += LANE_STALL; /* it waits for room, which others do not need */
	ck_assert_int_eq(cut(), 0);
	lanes_again(&lanes);
	ck_assert_ptr_eq(take(), it);
}
END_TEST

START_TEST(who_finds_no_room_does_not_take_that_of_others)
{
	char key[10];

	begin(200);
	for (int i = 0; i < 200; i++) {
		snprintf(key, sizeof(key), "%d", i);
		add(key, LANE_PROGRAM);
	}
	for (int i = 0; i < 200; i++) {
		struct lane_item *it = take();

		if (i >= 96)
			lanes_pass(&lanes, it);
	}
	now += US_SEC / 2;
	ck_assert_int_eq(cut(), 51);
	add("nice", LANE_FILE);
	ck_assert_int_eq(take_all(), 1);
}
END_TEST

START_TEST(who_has_nothing_is_forgotten)
{
	begin(200);
	add("a", LANE_FILE);
	end(take(), LANE_GOOD);
	ck_assert_uint_eq(lanes.map.n, 1);
	now += US_MIN;
	lanes_tidy(&lanes, now);
	ck_assert_uint_eq(lanes.map.n, 0);
}
END_TEST

START_TEST(all_that_waits_can_be_taken_out)
{
	size_t pos = 0;
	int n = 0;

	begin(200);
	add_many("a", LANE_FILE, 5);
	add_many("b", LANE_FILE, 5);
	take_all();
	while (lanes_cut(&lanes, &pos, true, now) != NULL)
		n++;
	ck_assert_int_eq(n, 8);
	ck_assert_ptr_null(take());
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lanes");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, lanes_take_turns);
	tcase_add_loop_test(
	    tc, a_lane_gets_wider_up_to_its_kind, 0, ROWS(widths));
	tcase_add_test(tc, who_gets_along_waits_as_long_as_it_takes);
	tcase_add_loop_test(
	    tc, programs_may_not_make_a_line_of_seconds, 0, ROWS(paces));
	tcase_add_test(tc, what_is_lost_at_once_is_no_good_end);
	tcase_add_test(tc, a_program_that_takes_its_time_makes_room_for_others);
	tcase_add_test(tc, a_slow_one_is_let_be_while_there_is_room);
	tcase_add_test(tc, many_slow_ones_share_the_half);
	tcase_add_test(tc, a_mailbox_has_longer_but_when_it_is_locked);
	tcase_add_test(tc, nothing_for_half_a_minute_and_all_that_waits_goes);
	tcase_add_test(tc, a_full_mailbox_is_not_slow);
	tcase_add_test(tc, who_finds_no_room_stands_aside_and_is_first_again);
	tcase_add_test(tc, who_finds_no_room_does_not_take_that_of_others);
	tcase_add_test(tc, who_has_nothing_is_forgotten);
	tcase_add_test(tc, all_that_waits_can_be_taken_out);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
