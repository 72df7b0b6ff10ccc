/* A store as the console reads it: from a moment back, on from a place, a
 * message's life, what was in the queue then, and what hosts said. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive.h"
#include "clock.h"
#include "past_events.h"
#include "past_sums.h"
#include "schema.h"
#include "store.h"
#include "tmp.h"
#include "unit.h"

#define BEGIN INT64_C(1764028800000000) /* 2025-11-25 00:00 UTC */
#define EVENTS 1000 /* on each of two days, a second apart */

static struct store *store;
static struct past *past;
static uint64_t seq;

static void
hear(enum event_type type, int64_t t, const char *id)
{
	struct heard h = { .time_us = t,
		.node = SLICE("mx.test"),
		.instance = SLICE("mtad"),
		.prog = SLICE("mtad-queue"),
		.boot = SLICE("00112233445566778899aabbccddeeff"),
		.seq = ++seq };
	enum heard_as as;

	event_init(&h.event, type);
	if (id != NULL)
		event_cstr(&h.event, F_MSG_ID, id);
	event_cstr(&h.event, F_RCPT_TO, "bob@there.test");
	event_cstr(&h.event, F_HOST_NAME, "mx.there.test");
	event_cstr(&h.event, F_HOST_IP, "192.0.2.1");
	event_num(&h.event, F_HOST_PORT, 25);
	if (type == EV_DLV_DEFER)
		event_cstr(&h.event, F_TEXT, "try \033[31mlater");
	if (type == EV_DLV_OK)
		event_num(&h.event, F_STAGE_CONN_US, 41000);
	if (type == EV_QUEUE_SNAPSHOT) {
		event_num(&h.event, F_COUNT, 5);
		event_num(&h.event, F_SIZE_BYTES, 700);
		event_str(&h.event, F_QUEUE,
		    SLICE("[{\"queue\":\"held\",\"domain\":\"there.test\","
			  "\"bucket\":2,\"count\":5}]"));
	}
	ck_assert_int_eq(store_hear(store, &h, &as), 0);
}

static void
set_up(void)
{
	char why[256];

	tmp_enter();
	seq = 0;
	ck_assert_int_eq(store_open(&store, tmp_path("store"), why), 0);
	for (int d = -1; d < 1; d++)
		for (int i = 0; i < EVENTS; i++) {
			char id[20];

			snprintf(id, sizeof(id), "id%d.%d", d + 1, i);
			hear(i % 4 ? EV_DLV_OK : EV_DLV_DEFER,
			    BEGIN + d * US_DAY + i * US_SEC, id);
			if (d == 0 && i == 100)
				hear(EV_QUEUE_SNAPSHOT, BEGIN + i * US_SEC,
				    NULL);
			if (d == 0 && i == 500)
				hear(
				    EV_HOST_DOWN, BEGIN + i * US_SEC + 1, NULL);
		}
	ck_assert_int_eq(store_commit(store, NULL, 0), 0);
	store_close(store);
	past = past_open(tmp_path("store"), why);
	ck_assert_msg(past != NULL, "%s", why);
	past_budget(past, US_MIN);
}

static void
tear_down(void)
{
	past_close(past);
}

struct seen_events {
	int n, most;
	int64_t first, last;
	bool is_falling, is_rising;
};

static bool
see(void *arg, const struct past_event *e)
{
	struct seen_events *s = arg;

	s->is_falling = s->n == 0 || (s->is_falling && e->t <= s->last);
	s->is_rising = s->n == 0 || (s->is_rising && e->t >= s->last);
	if (s->n++ == 0)
		s->first = e->t;
	s->last = e->t;
	return s->n != s->most;
}

START_TEST(back_over_midnight)
{
	struct seen_events s = { .most = -1 };
	struct past_place at = { 0 };

	while (past_back(past, &at, INT64_MAX, 400, see, &s) == 1)
		continue;
	ck_assert_int_eq(s.n, 2 * EVENTS + 2);
	ck_assert_int_eq(s.last, BEGIN - US_DAY);
}
END_TEST

START_TEST(back_from_a_moment)
{
	struct seen_events s = { .most = 10 };
	struct past_place at = { 0 };

	ck_assert_int_eq(
	    past_back(past, &at, BEGIN + 300 * US_SEC, 10000, see, &s), 1);
	ck_assert_int_eq(s.n, 10);
	ck_assert(s.is_falling);
	ck_assert_int_eq(s.first, BEGIN + 300 * US_SEC);
}
END_TEST

START_TEST(on_from_a_place)
{
	struct seen_events s = { .most = -1 };
	struct past_place at = { 20251124, 990 }, newest;

	while (past_on(past, &at, 400, see, &s) == 1)
		continue;
	ck_assert_int_eq(s.n, EVENTS + 2 + 10);
	ck_assert_int_eq(past_newest(past, &newest), 0);
	ck_assert_int_eq(at.number, newest.number);
	ck_assert_int_eq(past_on(past, &at, 400, see, &s), 0);
	ck_assert_int_eq(s.n, EVENTS + 2 + 10);
}
END_TEST

START_TEST(a_life)
{
	struct seen_events s = { .most = -1 };

	ck_assert_int_eq(past_life(past, "id1.7", see, &s), 1);
	ck_assert_int_eq(s.first, BEGIN + 7 * US_SEC);
	ck_assert_int_eq(past_life(past, "nobody", see, &s), 0);
}
END_TEST

START_TEST(what_was_then)
{
	double v[PAST_FLOWS][3];
	double *const to[] = { v[0], v[1], v[2], v[3] };
	struct past_shape shape;
	struct past_stage stage[PAST_STAGES];
	struct buf b;
	int64_t t = 0;

	buf_init(&b, 65536);
	ck_assert_int_eq(past_shape(past, BEGIN + 90 * US_SEC, &shape, &b), 0);
	buf_clear(&b);
	ck_assert_int_eq(past_shape(past, BEGIN + 200 * US_SEC, &shape, &b), 1);
	ck_assert_int_eq(shape.messages, 5);
	ck_assert(strstr(b.data, "\"there.test\"") != NULL);
	buf_release(&b);
	ck_assert(past_snapshot(past, BEGIN, false, &t));
	ck_assert_int_eq(t, BEGIN + 100 * US_SEC);
	ck_assert(!past_snapshot(past, BEGIN, true, &t));
	ck_assert_int_eq(past_minutes(past, BEGIN + 60 * US_SEC, 3, to), 0);
	ck_assert(v[PF_OUT][0] < 0);
	ck_assert_double_eq(v[PF_OUT][2], 45);
	ck_assert_double_eq(v[PF_DEFER][2], 15);
	ck_assert_int_eq(past_stages(past, BEGIN, BEGIN + US_HOUR, stage), 0);
	ck_assert_str_eq(stage[4].name, "conn");
	ck_assert(
	    stage[4].n > 100 && stage[4].p50 > 38000 && stage[4].p50 < 44000);
	ck_assert_uint_eq(stage[3].n, 0);
}
END_TEST

START_TEST(changes)
{
	int64_t t = 0;

	ck_assert(past_change(past, BEGIN - US_HOUR, false, &t));
	ck_assert_int_eq(t, BEGIN + 500 * US_SEC + 1);
	ck_assert(past_change(past, BEGIN + US_HOUR, true, &t));
	ck_assert_int_eq(t, BEGIN + 500 * US_SEC + 1);
	ck_assert(!past_change(past, t, false, &t));
}
END_TEST

static void
take_why(void *arg, const char *text, int64_t n, int64_t of)
{
	snprintf(arg, 100, "%lld/%lld %s", (long long)n, (long long)of, text);
}

START_TEST(hosts)
{
	struct past_host h[4];
	char why[100] = "";

	ck_assert_int_eq(
	    past_hosts(past, "there.test", 0, BEGIN + US_HOUR, h, 4), 1);
	ck_assert_str_eq(h[0].name, "mx.there.test");
	ck_assert_str_eq(h[0].outcome, "d...d...d...d...d...");
	ck_assert_int_eq(h[0].deferred, EVENTS / 4);
	ck_assert_int_eq(h[0].conn_us, 41000);
	ck_assert_int_eq(
	    past_hosts(past, "192.0.2.1", 25, BEGIN + 3 * US_SEC, h, 4), 1);
	ck_assert_str_eq(h[0].outcome, "d...");
	ck_assert_int_eq(
	    past_hosts(past, "192.0.2.1", 2525, BEGIN + 3 * US_SEC, h, 4), 0);
	ck_assert_int_eq(past_hosts(past, "else.test", 0, BEGIN, h, 4), 0);
	ck_assert_int_eq(
	    past_whys(past, "there.test", BEGIN + US_HOUR, take_why, why), 0);
	ck_assert_str_eq(why, "250/250 try \033[31mlater");
}
END_TEST

#define TODAY "ev-20251125.db"

/* As a rebuild does it: another file takes the day's name. */
static void
put_another_day(int events)
{
	char why[256];

	ck_assert_int_eq(store_open(&store, tmp_path("other"), why), 0);
	for (int i = 0; i < events; i++)
		hear(EV_DLV_OK, BEGIN + i * US_SEC, "anew");
	ck_assert_int_eq(store_commit(store, NULL, 0), 0);
	store_close(store);
	ck_assert_int_eq(
	    rename(tmp_path("other/" TODAY), tmp_path("store/" TODAY)), 0);
}

START_TEST(a_day_is_replaced_and_removed)
{
	struct past_place newest;
	struct seen_events s = { .most = -1 };

	ck_assert_int_eq(past_newest(past, &newest), 0);
	ck_assert_int_eq(newest.day, 20251125);
	ck_assert_int_eq(newest.number, EVENTS + 2);
	put_another_day(3);
	ck_assert_int_eq(past_newest(past, &newest), 0);
	ck_assert_int_eq(newest.number, 3);
	ck_assert_int_eq(past_life(past, "anew", see, &s), 3);
	ck_assert_int_eq(s.n, 3);
	ck_assert_int_eq(unlink(tmp_path("store/" TODAY)), 0);
	ck_assert_int_eq(past_newest(past, &newest), 0);
	ck_assert_int_eq(newest.day, 20251124);
	put_another_day(5);
	ck_assert_int_eq(past_newest(past, &newest), 0);
	ck_assert_int_eq(newest.day, 20251125);
	ck_assert_int_eq(newest.number, 5);
}
END_TEST

static size_t
rows_at(struct archive *a, int64_t now)
{
	do
		archive_turn(a, now, BEGIN + US_HOUR);
	while (archive_has_more(a));
	return archive_log_rows(a);
}

START_TEST(rows_of_a_file_that_is_no_more_go)
{
	struct archive a;

	archive_init(&a, tmp_path("store"), "");
	a.wants_log = true;
	a.wanted = LOG_MOST;
	ck_assert_uint_eq(rows_at(&a, US_SEC), 2 * EVENTS + 2);
	put_another_day(3);
	ck_assert_uint_eq(rows_at(&a, 3 * US_SEC), EVENTS + 3);
	ck_assert_str_eq(archive_log(&a, 0)->id, "anew");
	archive_release(&a);
}
END_TEST

/* A cursor that goes by asks for nothing. */
START_TEST(a_trail_is_read_when_the_cursor_rests)
{
	struct archive a;
	int64_t now = US_SEC;

	archive_init(&a, tmp_path("store"), "");
	rows_at(&a, now);
	ck_assert_int_eq(archive_rest(&a, now), INT64_MAX);
	for (int i = 0; i < 3; i++, now += US_SEC / 30) {
		archive_set_trail(&a, i < 2 ? "id1.9" : "id1.8");
		rows_at(&a, now);
		ck_assert(!a.trail.is_read);
	}
	now += archive_rest(&a, now);
	ck_assert_int_gt(now, US_SEC + US_SEC / 10);
	rows_at(&a, now);
	ck_assert_int_lt(archive_rest(&a, now), US_SEC / 10);
	while (!a.trail.is_read) /* a thread does it; the test has its time */
		rows_at(&a, now);
	ck_assert_uint_eq(a.trail.rows.n, 1);
	ck_assert_str_eq(a.trail.rows.at[0].name, "dlv.defer");
	ck_assert_int_eq(archive_rest(&a, now), INT64_MAX);
	/* what was read for another one is nothing */
	archive_set_trace(&a, "id1.7");
	rows_at(&a, now);
	archive_set_trace(&a, "id1.6");
	while (!a.trace.is_read)
		rows_at(&a, now);
	ck_assert_str_eq(a.trace.rows.at[0].id, "id1.6");
	archive_set_trail(&a, "");
	ck_assert_uint_eq(a.trail.rows.n, 0);
	archive_set_trace(&a, "id1.5"); /* and it ends in the midst of it */
	rows_at(&a, now);
	archive_release(&a);
}
END_TEST

START_TEST(no_time_no_answer)
{
	struct past_confession c;
	char why[256];

	past_budget(past, -US_SEC);
	ck_assert_int_eq(
	    past_whys(past, "", BEGIN + US_HOUR, take_why, why), -ETIME);
	past_budget(past, US_SEC);
	ck_assert_int_eq(past_confess(past, BEGIN, &c), 0);
	ck_assert_uint_eq(c.gaps, 0);
	ck_assert_int_eq(c.newest, BEGIN + 960 * US_SEC);
	ck_assert_ptr_null(past_open(tmp_path("none"), why));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("past");
	TCase *tc = tcase_create("store");

	archive_setup();
	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, back_over_midnight);
	tcase_add_test(tc, back_from_a_moment);
	tcase_add_test(tc, on_from_a_place);
	tcase_add_test(tc, a_life);
	tcase_add_test(tc, what_was_then);
	tcase_add_test(tc, changes);
	tcase_add_test(tc, hosts);
	tcase_add_test(tc, a_day_is_replaced_and_removed);
	tcase_add_test(tc, rows_of_a_file_that_is_no_more_go);
	tcase_add_test(tc, a_trail_is_read_when_the_cursor_rests);
	tcase_add_test(tc, no_time_no_answer);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
