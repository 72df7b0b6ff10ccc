/*
 * The store: what is heard is there once, in any order, and comes back as it
 * was; what was rolled back never happened.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "event_read.h"
#include "hearing.h"
#include "ladder.h"
#include "recall.h"
#include "schema.h"
#include "store.h"
#include "tmp.h"
#include "turn.h"
#include "trace.h"
#include "unit.h"

/* One message that waits once, over midnight. */
static void
story(struct heard h[4])
{
	received(&h[0], "Q1", DAY, 1);
	outcome(&h[1], EV_DLV_DEFER, "Q1", DAY + US_SEC, 2, 1);
	outcome(&h[2], EV_DLV_OK, "Q1", DAY + 10 * US_HOUR, 3, 2);
	done(&h[3], "Q1", DAY + 10 * US_HOUR + 5, 4);
}

START_TEST(any_order_and_twice)
{
	static const int orders[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 },
		{ 2, 0, 3, 1 } };
	struct store *s = open_store();
	struct heard h[4];
	struct totals t;

	story(h);
	for (int i = 0; i < 4; i++) {
		say(s, &h[orders[_i][i]]);
		if (_i == 2)
			ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(say(s, &h[i]), HEARD_BEFORE);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
	t = totals();
	ck_assert_uint_eq(t.n[TK_RECEIVED], 1);
	ck_assert_uint_eq(t.n[TK_DELIVERED], 1);
	ck_assert_uint_eq(t.n[TK_DEFERRALS], 1);
	ck_assert_uint_eq(t.n[TK_EVENTS], 4);
	ck_assert_uint_eq(t.bytes[TK_DELIVERED], 1000);
	ck_assert_uint_eq(t.missing, 0);
	is_sound();
}
END_TEST

START_TEST(what_was_rolled_back_never_happened)
{
	struct store *s = open_store();
	struct place p = { 0 }, got;
	struct heard h[4];

	story(h);
	p.source = store_source(s, "events", "x");
	ck_assert(!store_place(s, p.source, &got));
	p.file = 3;
	p.off = 77;
	say(s, &h[0]);
	ck_assert_int_eq(store_commit(s, &p, 1), 0);
	for (int i = 1; i < 4; i++)
		say(s, &h[i]);
	store_rollback(s);
	ck_assert_uint_eq(totals().n[TK_EVENTS], 1);
	ck_assert(store_place(s, p.source, &got));
	ck_assert(got.file == 3 && got.off == 77);
	for (int i = 1; i < 4; i++)
		ck_assert_int_eq(say(s, &h[i]), HEARD_NEW);
	p.off = 99;
	ck_assert_int_eq(store_commit(s, &p, 1), 0);
	ck_assert(store_place(s, p.source, &got) && got.off == 99);
	store_close(s);
	ck_assert_uint_eq(totals().n[TK_EVENTS], 4);
	is_sound();
}
END_TEST

START_TEST(holes_in_the_numbers_are_missing_events)
{
	struct store *s = open_store();
	struct heard h[4];
	struct totals t;

	story(h);
	say(s, &h[0]);
	say(s, &h[3]);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	t = totals();
	ck_assert_uint_eq(t.gaps, 1);
	ck_assert_uint_eq(t.missing, 2);
	ck_assert(!totals_is_complete(&t));
	say(s, &h[1]);
	say(s, &h[2]);
	store_commit(s, NULL, 0);
	store_close(s);
	t = totals();
	ck_assert(totals_is_complete(&t));
}
END_TEST

START_TEST(the_end_of_a_writer_is_missing_when_a_gap_says_so)
{
	struct store *s = open_store();
	struct heard h;
	struct totals t;

	received(&h, "Q1", DAY, 1);
	say(s, &h);
	begin(&h, EV_LOG_GAP, DAY + US_SEC, 1);
	h.boot = SLICE("ffffffffffffffffffffffffffffffff");
	event_cstr(&h.event, F_SOURCE_BOOT, "00112233445566778899aabbccddeeff");
	event_num(&h.event, F_FROM_SEQ, 2);
	event_num(&h.event, F_TO_SEQ, 5);
	say(s, &h);
	store_commit(s, NULL, 0);
	store_close(s);
	t = totals();
	ck_assert_uint_eq(t.missing, 4);
}
END_TEST

/* told, told again under a new number: the one that comes first stays */
START_TEST(what_is_told_again_counts_once)
{
	static const struct {
		const char *name;
		int64_t first, again; /* when */
		bool is_again_first;
	} cases[] = {
		{ "after it", DAY, DAY + US_SEC, false },
		{ "before it, from files in any order", DAY, DAY + US_SEC,
		    true },
		{ "the next day", DAY + 7 * US_HOUR, DAY + 9 * US_HOUR, false },
	};
	struct heard first, again;
	struct store *s = open_store();

	outcome(&first, EV_DLV_OK, "Q1", cases[_i].first, 1, 1);
	outcome(&again, EV_DLV_OK, "Q1", cases[_i].again, 1, 1);
	again.boot = SLICE("ffffffffffffffffffffffffffffffff");
	event_num(&again.event, F_RETOLD, 1);
	say(s, cases[_i].is_again_first ? &again : &first);
	ck_assert_msg(
	    say(s, cases[_i].is_again_first ? &first : &again) == HEARD_BEFORE,
	    "%s", cases[_i].name);
	store_commit(s, NULL, 0);
	store_close(s);
	ck_assert_uint_eq(totals().n[TK_DELIVERED], 1);
	is_sound();
}
END_TEST

/* Holds of one message have the same key and are no retelling. */
START_TEST(what_happens_twice_counts_twice)
{
	struct store *s = open_store();
	struct heard h;

	for (uint64_t seq = 1; seq <= 3; seq++) {
		begin(&h, EV_MSG_HOLD, DAY + (int64_t)seq, seq);
		event_cstr(&h.event, F_MSG_ID, "Q1");
		event_cstr(&h.event, F_WHY, "held");
		ck_assert_int_eq(say(s, &h), HEARD_NEW);
	}
	outcome(&h, EV_DLV_OK, "Q2", DAY, 4, 1);
	event_num(&h.event, F_RETOLD, 1);
	say(s, &h);
	begin(&h, EV_MSG_HOLD, DAY + 9, 5);
	event_cstr(&h.event, F_MSG_ID, "Q1");
	event_cstr(&h.event, F_WHY, "held");
	ck_assert_int_eq(say(s, &h), HEARD_NEW);
	store_commit(s, NULL, 0);
	store_close(s);
	ck_assert_uint_eq(totals().n[TK_HELD], 4);
}
END_TEST

START_TEST(no_mail_is_of_such_a_time)
{
	struct store *s = open_store();
	struct heard h;
	enum heard_as as;

	received(&h, "Q1", 1, 1);
	ck_assert_int_eq(store_hear(s, &h, &as), -ERANGE);
	received(&h, "Q1", clock_wall() + 3 * US_DAY, 1);
	ck_assert_int_eq(store_hear(s, &h, &as), -ERANGE);
	store_close(s);
}
END_TEST

START_TEST(a_batch_of_many_days_ends_first)
{
	struct store *s = open_store();
	enum heard_as as;
	struct heard h;
	int rc = 0, day = 0;

	for (; rc == 0 && day < 20; day++) {
		received(&h, "Q1", DAY + day * US_DAY, (uint64_t)day + 1);
		rc = store_hear(s, &h, &as);
	}
	ck_assert_int_eq(rc, -EXFULL);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	ck_assert_int_eq(store_hear(s, &h, &as), 0);
	store_commit(s, NULL, 0);
	store_close(s);
	ck_assert_uint_eq(totals().n[TK_RECEIVED], (uint64_t)day);
}
END_TEST

/* In their order, then backwards; by number, and by address alone. */
START_TEST(a_message_has_as_many_recipients_as_it_has)
{
	struct store *s = open_store();
	struct heard h;
	struct db db;
	char address[40];

	for (int i = 0; i < 12000; i++) {
		int n = i < 4000 ? i : 3999 - i % 4000;

		outcome(&h, i < 4000 ? EV_DLV_DEFER : EV_DLV_OK,
		    i < 8000 ? "Q1" : "Q2", DAY + i, (uint64_t)i + 1,
		    i < 4000 ? 1 : 2);
		snprintf(address, sizeof(address), "a%d@there.test", n);
		for (int k = 0; k < h.event.n; k++)
			if (h.event.value[k].field == F_RCPT_TO)
				h.event.value[k].v.str = slice_of(address);
			else if (h.event.value[k].field == F_RCPT_ID)
				h.event.value[k].v.num = (uint64_t)n;
		if (i >= 8000)
			h.event.value[1] = h.event.value[--h.event.n];
		say(s, &h);
		if (i % 4000 == 3999)
			ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	}
	store_close(s);
	ck_assert_int_eq(db_open(&db, tmp_path("store/ev-20251124.db"),
			     &schema_segment, DB_READ, NULL),
	    0);
	ck_assert_int_eq(db_number(&db, "SELECT count(*) FROM rcpt", 0), 8000);
	ck_assert_int_eq(db_number(&db,
			     "SELECT count(*) FROM rcpt WHERE msg = 1 "
			     "AND tries = 2 AND state = 1",
			     0),
	    4000);
	db_close(&db);
	is_sound();
}
END_TEST

START_TEST(one_after_the_other_writes)
{
	struct store *s = open_store();
	struct turn other;

	ck_assert_int_eq(turn_init(&other, tmp_path("store")), 0);
	ck_assert(!store_is_wanted(s));
	ck_assert_int_eq(turn_try(&other), -EBUSY);
	ck_assert(store_is_wanted(s));
	store_pause(s);
	ck_assert_int_eq(turn_try(&other), 0);
	ck_assert_int_eq(store_resume(s), -EBUSY);
	ck_assert(turn_is_wanted(&other));
	turn_end(&other);
	ck_assert_int_eq(store_resume(s), 0);
	ck_assert(!store_is_wanted(s));
	turn_release(&other);
	store_close(s);
}
END_TEST

/* Every field of every kind comes back: columns, keys and the rest. */
static void
fill(struct event *e, int from, int to)
{
	for (int f = from; f < to; f++) {
		enum event_field field = (enum event_field)f;

		/* a Boolean "retold" would make it one that was here */
		if (field == F_RETOLD)
			continue;
		switch (field_info(field)->kind) {
		case FK_STR:
			event_cstr(e, field,
			    field == F_MSG_ID	      ? "Q\"1"
				: field == F_ENHANCED ? "5.1.1"
						      : "a\"b \xc3\xa9");
			break;
		case FK_JSON:
			event_cstr(e, field, "[{\"a\":1}]");
			break;
		case FK_BOOL:
			event_num(e, field, 1);
			break;
		case FK_NUM:
			event_num(e, field, 7);
			break;
		case FK_TIME:
			event_num(e, field, (uint64_t)DAY);
			break;
		}
	}
}

static const struct event_value *
value_of(const struct event *e, enum event_field f)
{
	for (int i = 0; i < e->n; i++)
		if (e->value[i].field == f)
			return &e->value[i];
	return NULL;
}

static void
same(const struct event *want, const struct event *got)
{
	ck_assert_int_eq(want->type, got->type);
	for (int i = 0; i < want->n; i++) {
		enum event_field f = want->value[i].field;
		const struct event_value *v = value_of(got, f);
		enum field_kind kind = field_info(f)->kind;

		ck_assert_msg(v != NULL, "%s is gone", field_info(f)->name);
		if (kind == FK_STR || kind == FK_JSON)
			ck_assert_msg(slice_eq(v->v.str, want->value[i].v.str),
			    "%s: %.*s", field_info(f)->name,
			    SLICE_ARG(v->v.str));
		else
			ck_assert_msg(v->v.num == want->value[i].v.num, "%s",
			    field_info(f)->name);
	}
}

static void
come_back(const struct heard *h, int row)
{
	struct event_names *names = event_names_new();
	struct event_origin o;
	struct event e;
	struct db db;
	struct buf line;
	struct recall *r;

	ck_assert_int_eq(db_open(&db, tmp_path("store/ev-20251124.db"),
			     &schema_segment, DB_READ, NULL),
	    0);
	r = recall_new(&db, "e.id = ?1");
	ck_assert_ptr_nonnull(r);
	recall_bind(r, row, 0);
	buf_init(&line, 1 << 20);
	ck_assert_int_eq(recall_next(r, &line, NULL), 1);
	ck_assert_msg(event_read_json(names, line.data, line.len, &o, &e) == 0,
	    "%s", line.data);
	ck_assert(o.time_us == h->time_us && o.seq == h->seq && o.pid == 7);
	ck_assert(slice_eq(o.boot, h->boot) && slice_eq(o.node, h->node));
	same(&h->event, &e);
	buf_release(&line);
	recall_free(r);
	db_close(&db);
	event_names_free(names);
}

START_TEST(every_event_comes_back_as_it_was)
{
	int step = EVENT_FIELDS_MAX - 2, row = 0;

	for (int from = 0; from < FIELD_COUNT; from += step) {
		int to = from + step < FIELD_COUNT ? from + step : FIELD_COUNT;
		struct store *s = open_store();
		struct heard h;

		begin(&h, (enum event_type)_i, DAY, (uint64_t)row + 1);
		fill(&h.event, from, to);
		say(s, &h);
		ck_assert_int_eq(store_commit(s, NULL, 0), 0);
		store_close(s);
		come_back(&h, ++row);
	}
}
END_TEST

static const struct {
	enum trace_by by;
	const char *what, *says;
} traces[] = {
	{ TRACE_ID, "Q1", "stat=Deferred: greylisted" },
	{ TRACE_MSGID, "1@sender.test", "stat=Sent" },
	{ TRACE_FROM, "Alice@sender.test", "msg.done" },
	{ TRACE_TO, "bob@THERE.test", "#2 to=<bob@there.test>" },
	{ TRACE_HOST, "192.0.2.1", "in all 5.0 ms" },
	{ TRACE_HOST, "mx.there.test", "relay=mx.there.test [192.0.2.1]" },
	{ TRACE_ID, "Q2", NULL },
	{ TRACE_TO, "alice@sender.test", NULL },
};

START_TEST(a_message_is_found_by_what_people_know)
{
	struct trace_query q = { .by = traces[_i].by,
		.what = traces[_i].what,
		.until = INT64_MAX,
		.limit = 10 };
	struct store *s = open_store();
	struct heard h[4];
	struct buf out;

	story(h);
	for (int i = 0; i < 4; i++)
		say(s, &h[i]);
	store_commit(s, NULL, 0);
	store_close(s);
	buf_init(&out, 1 << 20);
	ck_assert_int_eq(
	    trace_find(tmp_path("store"), &q, &out), traces[_i].says != NULL);
	if (traces[_i].says != NULL)
		ck_assert_msg(
		    strstr(out.data, traces[_i].says) != NULL, "%s", out.data);
	buf_release(&out);
}
END_TEST

/* Days go, their sums and places stay, in the catalog. */
START_TEST(old_days_go_and_their_sums_stay)
{
	struct keep_rules rules = { 14 * US_DAY, 0 };
	struct store *s = open_store();
	struct place p = { 0 }, got;
	struct heard h[4], today;
	struct totals a, b;
	char why[256];

	story(h);
	p.source = store_source(s, "file", "x");
	p.file = 3;
	for (int i = 0; i < 4; i++)
		say(s, &h[i]);
	ck_assert_int_eq(store_commit(s, &p, 1), 0);
	received(&today, "Q9", clock_wall(), 5);
	say(s, &today);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s); /* days in use do not go */
	a = totals();
	s = open_store();
	ck_assert_msg(store_keep(s, &rules, why) == 2, "%s", why);
	ck_assert_int_eq(store_keep(s, &rules, why), 0);
	ck_assert(access(tmp_path("store/ev-20251124.db"), F_OK) < 0);
	b = totals();
	ck_assert_int_eq(memcmp(a.n, b.n, sizeof(a.n)), 0);
	ck_assert_int_eq(memcmp(a.bytes, b.bytes, sizeof(a.bytes)), 0);
	ck_assert(store_place(s, p.source, &got) && got.file == 3);
	/* the same again, such as an archive that is imported twice */
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(say(s, &h[i]), HEARD_BEFORE);
	/* a late one makes the day again, and it goes again */
	received(&today, "Q1", DAY, 77);
	say(s, &today);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
	s = open_store();
	rules.time_us = 20000 * US_DAY;
	rules.free_bytes = INT64_MAX; /* the disk is full */
	ck_assert_int_eq(store_keep(s, &rules, why), 2);
	ck_assert_ptr_nonnull(strstr(why, "before its time"));
	store_close(s);
	ck_assert_uint_eq(totals().n[TK_RECEIVED], a.n[TK_RECEIVED] + 1);
}
END_TEST

/* Holes within a day, between days, and what a gap names. */
START_TEST(what_is_missing_is_known_when_the_days_are_gone)
{
	struct keep_rules rules = { 14 * US_DAY, 0 };
	struct store *s = open_store();
	struct heard h;
	struct totals a, b;
	char why[256];

	received(&h, "Q1", DAY, 1);
	say(s, &h);
	received(&h, "Q2", DAY, 4); /* two are missing */
	say(s, &h);
	received(&h, "Q3", DAY + US_DAY, 6); /* one */
	say(s, &h);
	begin(&h, EV_LOG_GAP, DAY + US_DAY, 1);
	h.boot = SLICE("ffffffffffffffffffffffffffffffff");
	event_cstr(&h.event, F_SOURCE_BOOT, "00112233445566778899aabbccddeeff");
	event_num(&h.event, F_FROM_SEQ, 7);
	event_num(&h.event, F_TO_SEQ, 10); /* four */
	say(s, &h);
	received(&h, "Q4", clock_wall(), 2);
	h.boot = SLICE("ffffffffffffffffffffffffffffffff");
	say(s, &h);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
	a = totals();
	ck_assert_uint_eq(a.missing, 7);
	ck_assert_uint_eq(a.gaps, 3);
	s = open_store();
	ck_assert_msg(store_keep(s, &rules, why) == 2, "%s", why);
	store_close(s);
	b = totals();
	ck_assert_uint_eq(b.missing, 7);
	ck_assert_uint_eq(b.gaps, 3);
	ck_assert_int_eq(
	    totals_read(tmp_path("store"), 0, DAY + 8 * US_HOUR, &b), 0);
	ck_assert_uint_eq(b.missing, 2);
}
END_TEST

/* An hour ago, and 100 and 800 days: how many rows, of how many minutes. */
START_TEST(sums_grow_coarser)
{
	static const struct {
		int days;
		bool is_domain;
		int rows, res;
	} ages[] = { { 0, false, 12, 5 }, { 100, false, 1, 60 },
		{ 800, false, 1, 1440 }, { 0, true, 1, 60 },
		{ 100, true, 1, 1440 } };
	int64_t t = clock_wall() - ages[_i].days * US_DAY;
	struct db db;
	char why[256], *sql;

	store_close(open_store());
	t -= t % US_DAY + US_DAY;
	sql = buf_text("INSERT INTO name VALUES(1, 'delivered'), (2, '%s');"
		       "WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL "
		       "SELECT n + 1 FROM i WHERE n < %d) "
		       "INSERT INTO rollup(kind, dim, key, t, n, bytes, res) "
		       "SELECT 1, 2, 3, %lld + n * 300000000, 1, 10, %d FROM i",
	    ages[_i].is_domain ? "domain" : "", ages[_i].is_domain ? 0 : 11,
	    (long long)t, ages[_i].is_domain ? 60 : 5);
	ck_assert_int_eq(db_open(&db, tmp_path("store/catalog.db"),
			     &schema_catalog, DB_WRITE, NULL),
	    0);
	ck_assert_int_eq(db_exec(&db, sql), 0);
	db_close(&db);
	free(sql);
	for (int i = 0; i < 2; i++)
		ck_assert_msg(
		    ladder_climb(tmp_path("store"), why) == 0, "%s", why);
	ck_assert_int_eq(
	    in_catalog("SELECT count(*) FROM rollup"), ages[_i].rows);
	ck_assert_int_eq(
	    in_catalog("SELECT max(res) FROM rollup"), ages[_i].res);
	ck_assert_int_eq(in_catalog("SELECT sum(n) * 10 - sum(bytes) FROM "
				    "rollup"),
	    0);
	ck_assert_int_eq(in_catalog("SELECT sum(n) FROM rollup"),
	    ages[_i].is_domain ? 1 : 12);
}
END_TEST

static void
ask(const char *qid, struct buf *out)
{
	struct trace_query q = { .by = TRACE_ID,
		.what = qid,
		.until = INT64_MAX,
		.is_json = true,
		.limit = 10 };

	buf_init(out, 1 << 20);
	ck_assert_int_eq(trace_find(tmp_path("store"), &q, out), 1);
}

START_TEST(a_rebuilt_store_says_the_same)
{
	struct store *s = open_store();
	struct buf before, after, said;
	struct totals a, b;
	struct heard h[4];

	story(h);
	for (int i = 0; i < 4; i++)
		if (i != 2) /* and what is missing stays missing */
			say(s, &h[i]);
	store_unparsed(s, TK_UNPARSED, DAY, 1, SLICE("what is this?"), NULL);
	store_count(s, TK_LOST, DAY, 5);
	store_commit(s, NULL, 0);
	a = totals();
	ask("Q1", &before);
	buf_init(&said, 1 << 16);
	store_close(s);
	s = open_store();
	ck_assert_msg(store_rebuild(s, &said) == 0, "%s", said.data);
	ck_assert_ptr_nonnull(strstr(said.data, ": 2 events"));
	store_close(s);
	b = totals();
	ck_assert_int_eq(memcmp(&a, &b, sizeof(a)), 0);
	ask("Q1", &after);
	ck_assert_str_eq(before.data, after.data);
	is_sound();
	buf_release(&before);
	buf_release(&after);
	buf_release(&said);
}
END_TEST

START_TEST(a_newer_file_and_one_of_others_are_refused)
{
	struct store *s = open_store();
	char why[256];
	struct db db;

	store_close(s);
	ck_assert_int_eq(db_open(&db, tmp_path("store/catalog.db"),
			     &schema_catalog, DB_WRITE, why),
	    0);
	db_exec(&db, "PRAGMA user_version = 99");
	db_close(&db);
	ck_assert_int_eq(store_open(&s, tmp_path("store"), why), -EPROTO);
	ck_assert_ptr_nonnull(strstr(why, "another version"));
	tmp_write("store/catalog.db", "this is no database, is it?", 0600);
	ck_assert_int_eq(store_open(&s, tmp_path("store"), why), -EBADMSG);
}
END_TEST

START_TEST(all_steps_are_taken_or_none)
{
	static const char *const steps[] = { "CREATE TABLE a(x)", "no SQL" };
	struct db_kind good = { 7, steps, 1 }, bad = { 7, steps, 2 };
	struct db db;

	ck_assert_int_lt(
	    db_open(&db, tmp_path("new.db"), &bad, DB_WRITE, NULL), 0);
	ck_assert_int_eq(
	    db_open(&db, tmp_path("new.db"), &good, DB_READ, NULL), -ENODATA);
	ck_assert_int_eq(
	    db_open(&db, tmp_path("new.db"), &good, DB_WRITE, NULL), 0);
	db_close(&db);
}
END_TEST

START_TEST(an_older_file_is_copied_and_brought_up)
{
	static const char *const steps[] = { "CREATE TABLE a(x)",
		"ALTER TABLE a ADD y DEFAULT 5" };
	struct db_kind old = { 7, steps, 1 }, new = { 7, steps, 2 };
	struct db db;

	ck_assert_int_eq(
	    db_open(&db, tmp_path("old.db"), &old, DB_WRITE, NULL), 0);
	db_exec(&db, "INSERT INTO a VALUES(1)");
	db_close(&db);
	ck_assert_int_eq(
	    db_open(&db, tmp_path("old.db"), &new, DB_READ, NULL), -ESTALE);
	ck_assert_int_eq(
	    db_open(&db, tmp_path("old.db"), &new, DB_WRITE, NULL), 0);
	ck_assert_int_eq(db_number(&db, "SELECT y FROM a", 0), 5);
	db_close(&db);
	ck_assert_int_eq(
	    db_open(&db, tmp_path("old.db.v1"), &old, DB_READ, NULL), 0);
	ck_assert_int_eq(db_number(&db, "SELECT x FROM a", 0), 1);
	db_close(&db);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("store");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, tmp_enter, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, any_order_and_twice, 0, 3);
	tcase_add_test(tc, what_was_rolled_back_never_happened);
	tcase_add_test(tc, holes_in_the_numbers_are_missing_events);
	tcase_add_test(tc, the_end_of_a_writer_is_missing_when_a_gap_says_so);
	tcase_add_loop_test(tc, what_is_told_again_counts_once, 0, 3);
	tcase_add_test(tc, what_happens_twice_counts_twice);
	tcase_add_test(tc, no_mail_is_of_such_a_time);
	tcase_add_test(tc, a_batch_of_many_days_ends_first);
	tcase_add_test(tc, a_message_has_as_many_recipients_as_it_has);
	tcase_add_test(tc, one_after_the_other_writes);
	tcase_add_loop_test(tc, every_event_comes_back_as_it_was, 0, EV_COUNT);
	tcase_add_loop_test(
	    tc, a_message_is_found_by_what_people_know, 0, ROWS(traces));
	tcase_add_test(tc, old_days_go_and_their_sums_stay);
	tcase_add_test(tc, what_is_missing_is_known_when_the_days_are_gone);
	tcase_add_loop_test(tc, sums_grow_coarser, 0, 5);
	tcase_add_test(tc, a_rebuilt_store_says_the_same);
	tcase_add_test(tc, a_newer_file_and_one_of_others_are_refused);
	tcase_add_test(tc, all_steps_are_taken_or_none);
	tcase_add_test(tc, an_older_file_is_copied_and_brought_up);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
