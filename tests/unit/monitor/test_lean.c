/*
 * Lean days: the events of mail go, and nothing else that can be asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "db.h"
#include "hearing.h"
#include "lean.h"
#include "ledger_days.h"
#include "past_events.h"
#include "privacy_run.h"
#include "schema.h"
#include "series.h"
#include "tmp.h"
#include "trace.h"
#include "unit.h"

static const char *
day_file(void)
{
	return tmp_path("store/ev-20251124.db");
}

static int64_t
ask(const char *sql)
{
	struct db db;
	int64_t n;

	ck_assert_int_eq(
	    db_open(&db, day_file(), &schema_segment, DB_READ, NULL), 0);
	n = db_number(&db, sql, -1);
	db_close(&db);
	return n;
}

static void
connected(struct heard *h, int64_t t, uint64_t seq)
{
	begin(h, EV_CONN_REJECT, t, seq);
	event_cstr(&h->event, F_SESSION_ID, "f0f0f0f000000001");
	event_cstr(&h->event, F_PEER_IP, "203.0.113.7");
	event_cstr(&h->event, F_RCPT_TO, "nobody@here.test");
	event_num(&h->event, F_CODE, 550);
}

static void
host_down(struct heard *h, int64_t t, uint64_t seq)
{
	begin(h, EV_HOST_DOWN, t, seq);
	event_cstr(&h->event, F_HOST_NAME, "mx.there.test");
	event_cstr(&h->event, F_TEXT, "it does not answer");
}

/* Numbers 6 to 8 are missing, and a log.gap says something of another start. */
static void
fill(void)
{
	struct store *s = open_store();
	struct heard h;

	received(&h, "Q1", DAY, 1);
	say(s, &h);
	outcome(&h, EV_DLV_DEFER, "Q1", DAY + 60 * US_SEC, 2, 1);
	say(s, &h);
	outcome(&h, EV_DLV_OK, "Q1", DAY + 120 * US_SEC, 3, 2);
	event_cstr(&h.event, F_REMOTE_ID, "R77");
	say(s, &h);
	done(&h, "Q1", DAY + 121 * US_SEC, 4);
	say(s, &h);
	connected(&h, DAY + 180 * US_SEC, 5);
	say(s, &h);
	connected(&h, DAY + 600 * US_SEC, 9);
	say(s, &h);
	host_down(&h, DAY + 601 * US_SEC, 10);
	say(s, &h);
	connected(&h, DAY + 660 * US_SEC, 11);
	say(s, &h);
	received(&h, "Q2", DAY + 720 * US_SEC, 12);
	say(s, &h);
	begin(&h, EV_LOG_GAP, DAY + 900 * US_SEC, 1);
	h.boot = SLICE("ffffffffffffffffffffffffffffffff");
	event_cstr(&h.event, F_SOURCE_BOOT, "11111111111111111111111111111111");
	event_num(&h.event, F_FROM_SEQ, 1);
	event_num(&h.event, F_TO_SEQ, 2);
	say(s, &h);
	ck_assert_int_eq(
	    store_unparsed(s, TK_UNPARSED, DAY, 1, SLICE("what is nobody@here.test?"), NULL), 0);
	received(&h, "Q3", DAY + US_DAY, 13);
	say(s, &h);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
}

static void
make_lean(int made)
{
	char why[256] = "";
	int n = lean_run(tmp_path("store"), 0, why);

	ck_assert_msg(n == made, "%d: %s", n, why);
}

static void
same_totals(const struct totals *a, const struct totals *b)
{
	for (int k = 0; k < TK_COUNT; k++)
		if (k != TK_LET_GO)
			ck_assert_msg(
			    a->n[k] == b->n[k] && a->bytes[k] == b->bytes[k],
			    "%s", tally_kind_name((enum tally_kind)k));
	ck_assert_uint_eq(a->missing, b->missing);
	ck_assert_uint_eq(a->gaps, b->gaps);
}

START_TEST(what_stays_and_what_goes)
{
	struct totals before, after;
	int64_t sums;

	fill();
	before = totals();
	sums = ask("SELECT count(*) FROM rollup");
	ck_assert_int_eq(ask("SELECT count(*) FROM ev"), 10);
	make_lean(1);
	after = totals();
	same_totals(&before, &after);
	is_sound();
	/* the edges 1, 5, 9, 12, and host.down, log.gap */
	ck_assert_int_eq(ask("SELECT count(*) FROM ev"), 6);
	ck_assert_uint_eq(after.n[TK_LET_GO], 4);
	ck_assert_int_eq(ask("SELECT count(*) FROM rollup"), sums + 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM msg"), 2);
	ck_assert_int_eq(ask("SELECT count(*) FROM rcpt"), 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM hist"), 2);
	ck_assert_int_eq(ask("SELECT count(*) FROM unparsed"), 0);
	make_lean(0);
}
END_TEST

/* An address that only a refusal named, and its host; not its domain, of which
 * there is a sum. */
START_TEST(names_that_nobody_refers_to_go)
{
	struct store *s = open_store();
	struct heard h;

	received(&h, "Q1", DAY, 1);
	say(s, &h);
	connected(&h, DAY + 1, 2);
	say(s, &h);
	outcome(&h, EV_DLV_OK, "Q1", DAY + 2, 3, 1);
	say(s, &h);
	received(&h, "Q2", DAY + US_DAY, 4);
	say(s, &h);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
	ck_assert_int_eq(ask("SELECT count(*) FROM addr"), 3);
	make_lean(1);
	ck_assert_int_eq(ask("SELECT count(*) FROM addr"), 2);
	ck_assert_int_eq(ask("SELECT count(*) FROM host"), 1);
	ck_assert_int_eq(ask("SELECT count(*) FROM domain"), 3);
	is_sound();
}
END_TEST

START_TEST(which_minutes_are_known_is_the_same)
{
	static struct series_day before, after;
	struct db db;

	fill();
	before.begin = after.begin = segment_begin_of(20251124);
	ck_assert_int_eq(
	    db_open(&db, day_file(), &schema_segment, DB_READ, NULL), 0);
	ck_assert_int_eq(series_read_day(&before, &db, 0), 0);
	db_close(&db);
	make_lean(1);
	ck_assert_int_eq(
	    db_open(&db, day_file(), &schema_segment, DB_READ, NULL), 0);
	ck_assert_int_eq(series_read_day(&after, &db, 0), 0);
	db_close(&db);
	ck_assert_int_eq(before.minute[16 * 60 + 5], SM_UNKNOWN);
	ck_assert_int_eq(before.minute[16 * 60 + 15], SM_UNKNOWN);
	ck_assert_mem_eq(&before, &after, sizeof(before));
}
END_TEST

static void
trace(struct trace_query *q, struct buf *out)
{
	q->until = INT64_MAX;
	q->limit = 10;
	buf_init(out, 1 << 20);
	ck_assert_int_ge(trace_find(tmp_path("store"), q, out), 1);
}

START_TEST(a_message_has_its_summary)
{
	static const struct {
		enum trace_by by;
		const char *what;
	} bys[] = { { TRACE_ID, "Q1" }, { TRACE_TO, "bob@there.test" },
		{ TRACE_REMOTE_ID, "R77" }, { TRACE_HOST, "192.0.2.1" } };
	static const char *const says[] = { "its events are gone",
		"from=<Alice@sender.test>", "to=<bob@there.test>, delivered",
		" 250, relay=mx.there.test [192.0.2.1], remote id R77, 2 tries",
		"msgid=<1@sender.test>", "size=1000" };
	struct trace_query q = { .by = bys[_i].by, .what = bys[_i].what };
	struct buf out;

	fill();
	make_lean(1);
	trace(&q, &out);
	for (size_t i = 0; i < ROWS(says); i++)
		ck_assert_msg(strstr(out.data, says[i]) != NULL, "%s: %s",
		    says[i], out.data);
	buf_release(&out);
}
END_TEST

START_TEST(a_summary_is_json_too)
{
	struct trace_query q = { .by = TRACE_ID,
		.what = "Q1",
		.is_json = true };
	const char *first, *last, *state, *to;
	int gone, tries, code;
	struct buf out;
	json_t *json;

	fill();
	make_lean(1);
	trace(&q, &out);
	json = json_loadb(out.data, out.len, JSON_DISABLE_EOF_CHECK, NULL);
	ck_assert_msg(
	    json_unpack(json,
		"{s:[{s:b,s:[{s:s,s:s,s:i,s:i,s:s,s:s}]}]}", "summaries",
		"events_gone", &gone, "recipients", "rcpt_to", &to, "state",
		&state, "code", &code, "tries", &tries, "first", &first, "last",
		&last) == 0,
	    "%s", out.data);
	ck_assert_str_eq(to, "bob@there.test");
	ck_assert_str_eq(state, "delivered");
	ck_assert(gone && tries == 2 && code == 250);
	ck_assert_int_lt(strcmp(first, last), 0);
	json_decref(json);
	buf_release(&out);
	/* a day that has all says nothing of it */
	q.what = "Q3";
	trace(&q, &out);
	ck_assert_ptr_null(strstr(out.data, "summaries"));
	buf_release(&out);
}
END_TEST

START_TEST(messages_of_a_time_are_found)
{
	struct trace_query q = { .by = TRACE_ANY, .since = DAY - US_SEC };
	struct buf out;

	fill();
	make_lean(1);
	trace(&q, &out);
	ck_assert_ptr_nonnull(strstr(out.data, "Q1"));
	ck_assert_ptr_nonnull(strstr(out.data, "Q3"));
	buf_release(&out);
}
END_TEST

/* The same again, what closes a hole, and what is new. */
START_TEST(what_comes_later_is_counted_once)
{
	struct store *s;
	struct heard h;
	struct totals t;

	fill();
	make_lean(1);
	s = open_store();
	outcome(&h, EV_DLV_OK, "Q1", DAY + 120 * US_SEC, 3, 2);
	ck_assert_int_eq(say(s, &h), HEARD_BEFORE);
	outcome(&h, EV_DLV_DEFER, "Q2", DAY + 610 * US_SEC, 7, 1);
	ck_assert_int_eq(say(s, &h), HEARD_NEW);
	ck_assert_int_eq(say(s, &h), HEARD_BEFORE);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
	is_sound();
	t = totals();
	ck_assert_uint_eq(t.n[TK_DEFERRALS], 2);
	ck_assert_uint_eq(t.missing, 2); /* 6 and 8 */
	make_lean(0); /* it is an edge */
	s = open_store();
	outcome(&h, EV_DLV_DEFER, "Q2", DAY + 611 * US_SEC, 6, 2);
	say(s, &h);
	outcome(&h, EV_DLV_OK, "Q2", DAY + 612 * US_SEC, 8, 3);
	say(s, &h);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
	make_lean(1);
	is_sound();
	t = totals();
	ck_assert_uint_eq(t.n[TK_EVENTS], 14);
	ck_assert_uint_eq(t.n[TK_DELIVERED], 2);
	ck_assert_int_eq(ask("SELECT count(*) FROM ev"), 4);
	ck_assert_int_eq(ask("SELECT tries FROM rcpt WHERE state = 1 AND "
			     "msg = (SELECT id FROM msg WHERE qid = 'Q2')"),
	    3);
}
END_TEST

START_TEST(a_day_without_names_stays_so)
{
	char why[256] = "";

	fill();
	ck_assert_int_eq(privacy_run(tmp_path("store"), true, 0, why), 1);
	make_lean(1);
	ck_assert_int_eq(privacy_run(tmp_path("store"), true, 0, why), 0);
	ck_assert_int_eq(
	    ask("SELECT count(*) FROM addr WHERE s NOT LIKE '~%'"), 0);
	is_sound();
}
END_TEST

START_TEST(a_lean_day_loses_its_names)
{
	char why[256] = "";

	fill();
	make_lean(1);
	ck_assert_int_gt(
	    ask("SELECT count(*) FROM addr WHERE s NOT LIKE '~%'"), 0);
	ck_assert_int_eq(privacy_run(tmp_path("store"), true, 0, why), 1);
	ck_assert_int_eq(
	    ask("SELECT count(*) FROM addr WHERE s NOT LIKE '~%'"), 0);
	is_sound();
	make_lean(0);
}
END_TEST

START_TEST(the_ledger_is_as_it_was_noted)
{
	static const char stamp[] = "SELECT t FROM ledger WHERE day = 20251124";
	char why[256] = "";
	int64_t t;

	fill();
	ck_assert_int_eq(ledger_note(tmp_path("store"), false, why), 2);
	t = in_catalog(stamp);
	make_lean(1);
	ck_assert_int_eq(ledger_note(tmp_path("store"), false, why), 0);
	ck_assert_int_eq(in_catalog(stamp), t);
}
END_TEST

START_TEST(a_rebuild_leaves_it)
{
	struct store *s;
	struct totals before, after;
	struct buf said;

	fill();
	make_lean(1);
	before = totals();
	buf_init(&said, 1 << 16);
	s = open_store();
	ck_assert_int_eq(store_rebuild(s, &said), 0);
	store_close(s);
	ck_assert_ptr_nonnull(strstr(said.data,
	    "ev-20251124.db: left as it is, its events are gone"));
	ck_assert_ptr_nonnull(strstr(said.data, "ev-20251125.db: 1 events"));
	after = totals();
	same_totals(&before, &after);
	is_sound();
	buf_release(&said);
}
END_TEST

/* Its file goes in the end, and its sums stay. */
START_TEST(it_goes_as_others_do)
{
	struct keep_rules rules = { US_DAY, 0 };
	struct totals before, after;
	struct store *s;
	char why[256];

	fill();
	before = totals();
	make_lean(1);
	s = open_store();
	ck_assert_msg(store_keep(s, &rules, why) == 1, "%s", why);
	store_close(s);
	after = totals();
	same_totals(&before, &after);
	ck_assert_uint_eq(after.n[TK_LET_GO], 0);
	is_sound();
}
END_TEST

struct seen_events {
	int n;
	int64_t number[16], t[16];
	char said[16][200];
};

static bool
see(void *arg, const struct past_event *e)
{
	struct seen_events *s = arg;

	if (s->n < 16) {
		s->number[s->n] = e->number;
		s->t[s->n] = e->t;
		snprintf(s->said[s->n], sizeof(s->said[0]), "%s %s", e->name,
		    e->sentence);
	}
	s->n++;
	return true;
}

START_TEST(a_console_goes_through_it)
{
	struct seen_events back = { 0 }, on = { 0 };
	struct past_place at = { 0 };
	struct past *p;
	char why[256];
	int64_t t;

	fill();
	make_lean(1);
	p = past_open(tmp_path("store"), why);
	ck_assert_ptr_nonnull(p);
	past_budget(p, US_MIN);
	while (past_back(p, &at, INT64_MAX, 400, see, &back) == 1)
		continue;
	ck_assert_int_eq(back.n, 7);
	ck_assert_int_eq(back.number[1], 10); /* rows keep their numbers */
	at = (struct past_place){ 20251124, 0 };
	while (past_on(p, &at, 400, see, &on) == 1)
		continue;
	ck_assert_int_eq(on.n, 7);
	ck_assert_int_eq(on.number[0], 1);
	ck_assert(past_change(p, DAY + US_HOUR, true, &t));
	ck_assert_int_eq(t, DAY + 900 * US_SEC);
	ck_assert(past_change(p, t, true, &t));
	ck_assert_int_eq(t, DAY + 601 * US_SEC);
	past_close(p);
}
END_TEST

/* All that past_change() looks for, and nothing of mail. */
START_TEST(what_happened_to_the_system_stays)
{
	static const char *const mail[] = { "conn.", "msg.", "rcpt.", "dlv.",
		"dsn.", "queue." };
	static const char *const system[] = { "host.", "sys.", "spool.",
		"op.action", "log.gap" };
	const char *name = event_info((enum event_type)_i)->name;

	for (int i = 0; i < ROWS(mail); i++)
		if (strncmp(name, mail[i], strlen(mail[i])) == 0)
			ck_assert_msg(
			    !lean_keeps((enum event_type)_i), "%s", name);
	for (int i = 0; i < ROWS(system); i++)
		if (strncmp(name, system[i], strlen(system[i])) == 0)
			ck_assert_msg(
			    lean_keeps((enum event_type)_i), "%s", name);
}
END_TEST

/* As events, so that a console need not know. */
START_TEST(a_console_shows_what_became_of_it)
{
	static const char *const says[] = {
		"msg.received from=<Alice@sender.test>, size=1000",
		"dlv.ok to=<bob@there.test>, relay=mx.there.test [192.0.2.1], "
		"stat=Sent (the events of this day are gone)",
		"msg.done " };
	struct seen_events s = { 0 };
	struct past *p;
	char why[256];

	fill();
	make_lean(1);
	p = past_open(tmp_path("store"), why);
	ck_assert_ptr_nonnull(p);
	/* the first is still there, as an edge */
	ck_assert_int_eq(past_life(p, "Q1", see, &s), 3);
	ck_assert_int_eq(s.n, 3);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(
		    strstr(s.said[i], says[i]) == s.said[i], "%s", s.said[i]);
	ck_assert_int_eq(s.t[1], DAY + 120 * US_SEC);
	past_close(p);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lean");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, tmp_enter, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, what_stays_and_what_goes);
	tcase_add_test(tc, names_that_nobody_refers_to_go);
	tcase_add_test(tc, which_minutes_are_known_is_the_same);
	tcase_add_loop_test(tc, a_message_has_its_summary, 0, 4);
	tcase_add_test(tc, a_summary_is_json_too);
	tcase_add_test(tc, messages_of_a_time_are_found);
	tcase_add_test(tc, what_comes_later_is_counted_once);
	tcase_add_test(tc, a_day_without_names_stays_so);
	tcase_add_test(tc, a_lean_day_loses_its_names);
	tcase_add_test(tc, the_ledger_is_as_it_was_noted);
	tcase_add_test(tc, a_rebuild_leaves_it);
	tcase_add_test(tc, it_goes_as_others_do);
	tcase_add_test(tc, a_console_goes_through_it);
	tcase_add_test(tc, a_console_shows_what_became_of_it);
	tcase_add_loop_test(
	    tc, what_happened_to_the_system_stays, 0, EV_COUNT);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
