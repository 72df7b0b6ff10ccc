/*
 * Days that are gone, and days of an older version.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db.h"
#include "hearing.h"
#include "hist.h"
#include "ladder.h"
#include "past_sums.h"
#include "schema.h"
#include "stages.h"
#include "tmp.h"
#include "unit.h"
#include "upgrade.h"

/* Two hours of deliveries that take longer and longer, and the next day. */
static void
fill(void)
{
	struct store *s = open_store();
	struct heard h;

	for (int i = 0; i < 240; i++) {
		outcome(&h, EV_DLV_OK, "Q1", DAY + i * 30 * US_SEC,
		    (uint64_t)i + 1, 1);
		for (int k = 0; k < h.event.n; k++)
			if (h.event.value[k].field == F_TOTAL_US)
				h.event.value[k].v.num =
				    (uint64_t)(i + 1) * 1000;
		say(s, &h);
	}
	received(&h, "Q2", DAY + US_DAY, 241);
	say(s, &h);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
}

static void
let_go(void)
{
	struct keep_rules rules = { US_DAY, 0 };
	struct store *s = open_store();
	char why[256];

	ck_assert_msg(store_keep(s, &rules, why) == 1, "%s", why);
	store_close(s);
}

/* The stage "total" of an hour. */
static struct past_stage
stage(int64_t from)
{
	struct past_stage all[PAST_STAGES];
	struct past *p;
	char why[256];
	int i = 0;

	p = past_open(tmp_path("store"), why);
	ck_assert_ptr_nonnull(p);
	past_budget(p, US_MIN);
	ck_assert_int_eq(past_stages(p, from, from + US_HOUR - 1, all), 0);
	past_close(p);
	while (strcmp(stage_name((unsigned)i), "total") != 0)
		i++;
	return all[i];
}

START_TEST(an_hours_distribution_outlives_its_day)
{
	int64_t from = DAY + _i * US_HOUR;
	struct past_stage before, after;

	fill();
	before = stage(from);
	ck_assert_uint_eq(before.n, 120);
	ck_assert_uint_gt(before.p95, before.p50);
	let_go();
	after = stage(from);
	ck_assert_uint_eq(after.n, before.n);
	ck_assert_uint_eq(after.p50, before.p50);
	ck_assert_uint_eq(after.p95, before.p95);
	/* of all, and of the mailer */
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM hist"), 4);
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM hist h "
				    "JOIN name m ON m.id = h.mailer "
				    "WHERE m.s = 'smtp'"),
	    2);
}
END_TEST

START_TEST(a_day_that_comes_again_adds_to_it)
{
	struct store *s;
	struct heard h;

	fill();
	let_go();
	s = open_store();
	outcome(&h, EV_DLV_OK, "Q1", DAY, 999, 1);
	say(s, &h);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
	let_go();
	ck_assert_uint_eq(stage(DAY).n, 121);
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM hist"), 4);
}
END_TEST

START_TEST(hours_become_days_after_two_years)
{
	struct db db;
	char why[256];
	int64_t sum;

	fill();
	let_go();
	sum = in_catalog("SELECT sum(sum) FROM hist");
	ck_assert_msg(ladder_climb(tmp_path("store"), why) == 0, "%s", why);
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM hist"), 4);
	ck_assert_int_eq(db_open(&db, tmp_path("store/catalog.db"),
			     &schema_catalog, DB_WRITE, NULL),
	    0);
	ck_assert_int_eq(
	    db_exec(&db, "UPDATE hist SET t = t - 86400000000 * 800"), 0);
	db_close(&db);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(
		    ladder_climb(tmp_path("store"), why) == 0, "%s", why);
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM hist"), 2);
	ck_assert_int_eq(in_catalog("SELECT min(res) FROM hist"), 1440);
	ck_assert_int_eq(in_catalog("SELECT sum(sum) FROM hist"), sum);
	ck_assert_int_eq(in_catalog("SELECT min(n) FROM hist"), 240);
	ck_assert_uint_eq(stage(DAY - 800 * US_DAY).n, 240);
}
END_TEST

static int
bring_up(const struct db_kind *day, char why[256])
{
	return upgrade_store(tmp_path("store"), &schema_catalog, day, why);
}

/* By whoever writes, and by tidy. */
START_TEST(an_older_catalog_is_brought_up)
{
	struct db_kind old = schema_catalog;
	char why[256] = "";
	struct db db;

	old.version = 2;
	store_close(open_store());
	ck_assert_int_eq(unlink(tmp_path("store/catalog.db")), 0);
	ck_assert_int_eq(
	    db_open(&db, tmp_path("store/catalog.db"), &old, DB_WRITE, NULL),
	    0);
	ck_assert_int_eq(db_exec(&db, "INSERT INTO name(s) VALUES('x')"), 0);
	db_close(&db);
	if (_i == 0)
		store_close(open_store());
	else
		ck_assert_msg(bring_up(&schema_segment, why) == 1, "%s", why);
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM hist"), 0);
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM name"), 1);
	ck_assert_int_eq(access(tmp_path("store/catalog.db.v2"), F_OK), 0);
}
END_TEST

/* The next step of the ladder, as it may be once. */
START_TEST(days_of_an_older_version_are_brought_up)
{
	const char *steps[] = { schema_segment.steps[0],
		"ALTER TABLE msg ADD COLUMN colour TEXT" };
	const struct db_kind next = { schema_segment.application_id, steps, 2 };
	char why[256] = "", *days[2];
	struct db db;

	fill();
	days[0] = strdup(tmp_path("store/ev-20251124.db"));
	days[1] = strdup(tmp_path("store/ev-20251125.db"));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    db_open(&db, days[i], &next, DB_READ, why), -ESTALE);
	ck_assert_ptr_nonnull(strstr(why, "mtacollect tidy"));
	ck_assert_msg(
	    bring_up(&next, why) == 2, "%s", why);
	ck_assert_int_eq(bring_up(&next, why), 0);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(
		    db_open(&db, days[i], &next, DB_READ, why), 0);
		ck_assert_int_eq(
		    db_number(&db, "SELECT count(*) FROM msg "
				   "WHERE colour IS NULL", 0),
		    1);
		db_close(&db);
		free(days[i]);
	}
	/* sound, so there is no copy left; and who is older refuses them */
	ck_assert_int_lt(access(tmp_path("store/ev-20251124.db.v1"), F_OK), 0);
	ck_assert_int_eq(db_open(&db, tmp_path("store/ev-20251124.db"),
			     &schema_segment, DB_READ, NULL),
	    -EPROTO);
}
END_TEST

/* One that cannot be brought up is in no other's way, and is as it was. */
START_TEST(a_day_that_fails_stays_as_it_was)
{
	const char *steps[] = { schema_segment.steps[0],
		"CREATE UNIQUE INDEX x ON ev(ty)" };
	const struct db_kind next = { schema_segment.application_id, steps, 2 };
	char why[256] = "";
	struct db db;

	fill();
	ck_assert_int_lt(bring_up(&next, why), 0);
	ck_assert_ptr_nonnull(strstr(why, "ev-20251124.db"));
	ck_assert_int_eq(db_open(&db, tmp_path("store/ev-20251125.db"), &next,
			     DB_READ, NULL),
	    0);
	db_close(&db);
	ck_assert_int_eq(db_open(&db, tmp_path("store/ev-20251124.db"),
			     &schema_segment, DB_READ, NULL),
	    0);
	ck_assert_int_eq(db_number(&db, "SELECT count(*) FROM ev", 0), 240);
	db_close(&db);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("gone");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, tmp_enter, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, an_hours_distribution_outlives_its_day, 0, 2);
	tcase_add_test(tc, a_day_that_comes_again_adds_to_it);
	tcase_add_test(tc, hours_become_days_after_two_years);
	tcase_add_loop_test(tc, an_older_catalog_is_brought_up, 0, 2);
	tcase_add_test(tc, days_of_an_older_version_are_brought_up);
	tcase_add_test(tc, a_day_that_fails_stays_as_it_was);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
