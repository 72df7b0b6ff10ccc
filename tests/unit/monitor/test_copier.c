/* What is committed gets from the log into the file beside the writer. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "copier.h"
#include "days.h"
#include "hearing.h"
#include "schema.h"
#include "segment.h"
#include "tmp.h"
#include "unit.h"

#define EVENTS 500

static struct store *
open_with(struct copier *c)
{
	struct store *s;

	ck_assert_int_eq(copier_start(c), 0);
	s = open_store();
	store_set_copier(s, c);
	return s;
}

static void
say_some(struct store *s, uint64_t from)
{
	struct heard h;
	char qid[24];

	for (uint64_t i = from; i < from + EVENTS; i++) {
		snprintf(qid, sizeof(qid), "Q%llu", (unsigned long long)i);
		received(&h, qid, DAY + (int64_t)i, i);
		ck_assert_int_eq(say(s, &h), HEARD_NEW);
	}
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
}

/* Rows of the file alone, as if its log were lost. */
static int64_t
rows_without_log(void)
{
	char *day = days_path(tmp_path("store"), segment_day(DAY));
	char *command = buf_text("cp %s %s", day, tmp_path("alone.db"));
	struct db db;
	int64_t n;

	ck_assert_int_eq(system(command), 0);
	ck_assert_int_eq(
	    db_open(&db, tmp_path("alone.db"), &schema_segment, DB_READ, NULL),
	    0);
	n = db_number(&db, "SELECT count(*) FROM ev", -1);
	db_close(&db);
	free(command);
	free(day);
	return n;
}

START_TEST(it_copies_what_is_committed)
{
	struct copier c;
	struct store *s = open_with(&c);

	say_some(s, 1);
	copier_wait(&c);
	ck_assert_int_eq(rows_without_log(), EVENTS);
	say_some(s, 1 + EVENTS);
	store_pause(s); /* it has no file open in another's turn */
	ck_assert(!c.is_busy);
	ck_assert_int_eq(store_resume(s), 0);
	ck_assert_int_eq(rows_without_log(), 2 * EVENTS);
	store_close(s);
	copier_stop(&c);
	ck_assert_uint_eq(totals().n[TK_EVENTS], 2 * EVENTS);
	is_sound();
}
END_TEST

START_TEST(one_that_died_is_not_missed)
{
	struct copier c;
	struct store *s = open_with(&c);

	kill(c.pid, SIGKILL);
	say_some(s, 1);
	copier_wait(&c);
	say_some(s, 1 + EVENTS);
	store_close(s);
	copier_stop(&c);
	ck_assert_uint_eq(totals().n[TK_EVENTS], 2 * EVENTS);
	is_sound();
}
END_TEST

START_TEST(without_one_nothing_is_asked)
{
	struct copier c = COPIER_NONE;

	copier_ask(&c, "no file");
	copier_wait(&c);
	copier_stop(&c);
	ck_assert(!c.is_busy);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("copier");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, tmp_enter, NULL);
	tcase_add_test(tc, it_copies_what_is_committed);
	tcase_add_test(tc, one_that_died_is_not_missed);
	tcase_add_test(tc, without_one_nothing_is_asked);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
