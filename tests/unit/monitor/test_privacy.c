/*
 * Names of people: which bytes of a text are one, and that a day without
 * them is the same day.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "privacy_day.h"
#include "privacy_keys.h"
#include "privacy_run.h"
#include "replace.h"
#include "schema.h"
#include "store.h"
#include "tmp.h"
#include "totals.h"
#include "unit.h"

/* What each name becomes is shown as ~ alone. */
static void
shorten(struct buf *b)
{
	struct buf out;

	buf_init(&out, 65536);
	for (size_t i = 0; i < b->len; i++) {
		buf_addc(&out, b->data[i]);
		if (b->data[i] == '~')
			i += 20;
	}
	buf_clear(b);
	buf_add_slice(b, buf_slice(&out));
	buf_release(&out);
}

/* Of events about bob.b@there.test and carol. */
static const struct {
	const char *name, *text, *becomes;
} texts[] = {
	{ "an address", "to a.b+c@x.test", "to ~@x.test" },
	{ "at the end of a sentence", "for bob@x.test.", "for ~@x.test." },
	{ "in brackets", "<bob@x.test>: no", "<~@x.test>: no" },
	{ "quoted", "\"b o b\"@x.test", "~@x.test" },
	{ "at an address literal", "bob@[192.0.2.1]", "~@[192.0.2.1]" },
	{ "several", "a1@x.test,b1@y.test", "~@x.test,~@y.test" },
	{ "not ASCII", "\xc3\xbc@x.test", "~@x.test" },
	{ "nothing before", "@x.test is up", "@x.test is up" },
	{ "nothing behind", "bob@ home", "bob@ home" },
	{ "two signs", "a1@@x.test", "a1@@x.test" },
	{ "a name alone", "user Bob.B unknown", "user ~ unknown" },
	{ "within a path", "/var/mail/carol: full", "/var/mail/~: full" },
	{ "a name is a word", "carols carol-x xcarol",
	    "carols carol-x xcarol" },
	{ "another's name", "user dave unknown", "user dave unknown" },
	{ "hidden before", "~0123456789abcdef0123@x.test", "~@x.test" },
	{ "empty", "", "" },
};

static const struct slice about[] = { { "bob.b@there.test", 16 },
	{ "carol", 5 } };

START_TEST(names_in_texts)
{
	struct privacy p = { .n = 0 };
	struct buf out;

	buf_init(&out, 65536);
	privacy_text(&p, slice_of(texts[_i].text), about, 2, &out);
	if (strcmp(texts[_i].name, "hidden before") == 0)
		ck_assert_str_eq(out.data, texts[_i].text);
	shorten(&out);
	ck_assert_msg(strcmp(out.data, texts[_i].becomes) == 0, "%s: %s",
	    texts[_i].name, out.data);
	buf_release(&out);
}
END_TEST

START_TEST(fields_that_are_names)
{
	static const char json[] =
	    "{\"from\":\"root\",\"to\":\"carol\",\"retold\":true,"
	    "\"orcpt\":\"rfc822;bob@x.test\",\"message_id\":\"<1@x.test>\","
	    "\"count\":3,\"cause\":\"said to carol\"}";
	struct privacy p = { .n = 0 };
	struct buf out;

	buf_init(&out, 65536);
	privacy_json(&p, slice_of(json), about, 2, &out);
	shorten(&out);
	ck_assert_str_eq(out.data,
	    "{\"from\":\"~\",\"to\":\"~\",\"retold\":true,"
	    "\"orcpt\":\"rfc822;~@x.test\",\"message_id\":\"<1@x.test>\","
	    "\"count\":3,\"cause\":\"said to ~\"}");
	buf_release(&out);
}
END_TEST

START_TEST(one_person)
{
	const struct slice only[] = { { "bob@x.test", 10 } };
	struct privacy p = { .only = only, .n = 1 };
	struct buf out;

	buf_init(&out, 65536);
	privacy_text(&p,
	    SLICE("Bob@x.test, bob@y.test and al@x.test: bob unknown"), only, 1,
	    &out);
	shorten(&out);
	ck_assert_str_eq(
	    out.data, "~@x.test, bob@y.test and al@x.test: ~ unknown");
	buf_release(&out);
}
END_TEST

#define DAY INT64_C(1764000000000000) /* 2025-11-24 16:00 UTC */

static void
hear(struct store *s, int64_t t, uint64_t seq, const char *to)
{
	struct heard h = { .time_us = t,
		.node = SLICE("mx.test"),
		.prog = SLICE("mtad-queue"),
		.boot = SLICE("00112233445566778899aabbccddeeff"),
		.seq = seq };
	enum heard_as as;

	event_init(&h.event, EV_DLV_FAIL);
	event_cstr(&h.event, F_MSG_ID, "Q1");
	event_num(&h.event, F_RCPT_ID, seq);
	event_cstr(&h.event, F_MAIL_FROM, "zebedee@s.test");
	event_cstr(&h.event, F_RCPT_TO, to);
	event_cstr(&h.event, F_TEXT, "no zebedee, no ZEBEDEE@there.test here");
	event_cstr(&h.event, F_ORCPT, "rfc822;zebedee@there.test");
	ck_assert_int_eq(store_hear(s, &h, &as), 0);
}

static struct store *
open_store(void)
{
	struct store *s = NULL;
	char why[256];

	ck_assert_msg(store_open(&s, tmp_path("store"), why) == 0, "%s", why);
	return s;
}

/* Two days, one with lines that nobody knows. */
static void
fill(void)
{
	struct store *s = open_store();

	hear(s, DAY, 1, "Zebedee@there.test");
	hear(s, DAY, 2, "zebedee@there.test");
	hear(s, DAY, 3, "zebedee");
	ck_assert_int_eq(
	    store_unparsed(s, TK_UNPARSED, DAY, 1, SLICE("what zebedee@x.test?"), NULL), 0);
	hear(s, DAY + US_DAY, 4, "someone@there.test");
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
}

/* In how many of the store's files the name is. */
static int
files_with(const char *name)
{
	char *command =
	    buf_text("cat %s/*.db* | grep -aic %s", tmp_path("store"), name);
	FILE *f = popen(command, "r");
	int n = -1;

	ck_assert_int_eq(fscanf(f, "%d", &n), 1);
	pclose(f);
	free(command);
	return n;
}

static int64_t
ask(const char *day, const char *sql)
{
	struct db db;
	char *path = buf_text("%s/ev-%s.db", tmp_path("store"), day);
	int64_t n;

	ck_assert_int_eq(db_open(&db, path, &schema_segment, DB_READ, NULL), 0);
	n = db_number(&db, sql, -1);
	db_close(&db);
	free(path);
	return n;
}

static struct totals
totals(void)
{
	struct totals t;

	ck_assert_int_eq(totals_read(tmp_path("store"), 0, INT64_MAX, &t), 0);
	return t;
}

static void
hear_more(uint64_t seq, const char *to)
{
	struct store *s = open_store();

	hear(s, DAY, seq, to);
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
}

static void
hide_old(int made)
{
	char why[256] = "";
	int n = privacy_run(tmp_path("store"), true, 0, why);

	ck_assert_msg(n == made, "%d: %s", n, why);
}

START_TEST(an_old_day_has_no_names)
{
	struct totals before, after;

	fill();
	before = totals();
	ck_assert_int_gt(files_with("zebedee"), 0);
	hide_old(1);
	after = totals();
	ck_assert_mem_eq(&before, &after, sizeof(before));
	ck_assert_int_eq(ask("20251124", "SELECT count(*) FROM addr"), 3);
	ck_assert_int_eq(
	    ask("20251124", "SELECT count(DISTINCT addr) FROM rcpt"), 2);
	ck_assert_int_eq(ask("20251124", "SELECT count(*) FROM unparsed"), 0);
	ck_assert_int_eq(ask("20251124",
			     "SELECT count(*) FROM ev WHERE text LIKE "
			     "'%zebedee%' OR extra LIKE '%zebedee%'"),
	    0);
	hide_old(0);
	/* what comes later is hidden later */
	hear_more(5, "zebedee@there.test");
	hide_old(1);
	ck_assert_int_eq(ask("20251124", "SELECT count(*) FROM addr"), 3);
}
END_TEST

/* What came while the new file was made is not lost: it is made again. */
START_TEST(a_day_that_changed_stays)
{
	char *path = buf_text("%s/ev-20251124.db", tmp_path("store"));
	struct day day = { 20251124, path };
	struct privacy p = { .n = 0 };
	struct db catalog;
	char why[256] = "";

	fill();
	ck_assert_int_eq(db_open(&catalog, tmp_path("store/catalog.db"),
			     &schema_catalog, DB_WRITE, NULL),
	    0);
	ck_assert_int_eq(privacy_copy(&catalog, &day, &p, why), 0);
	hear_more(5, "late@there.test");
	ck_assert_int_eq(replace_day(&catalog, 20251124, path), 0);
	ck_assert_int_eq(ask("20251124", "SELECT count(*) FROM ev"), 4);
	ck_assert_int_eq(privacy_copy(&catalog, &day, &p, why), 0);
	ck_assert_int_eq(replace_day(&catalog, 20251124, path), 1);
	ck_assert_int_eq(ask("20251124", "SELECT count(*) FROM ev"), 4);
	db_close(&catalog);
	free(path);
}
END_TEST

/* A reader in the middle goes on with the old one, and the new one waits. */
START_TEST(a_day_that_is_read_waits)
{
	char *path = buf_text("%s/ev-20251124.db", tmp_path("store"));
	struct db reader;

	fill();
	hear_more(5, "late@there.test");
	ck_assert_int_eq(
	    db_open(&reader, path, &schema_segment, DB_READ, NULL), 0);
	ck_assert_int_eq(db_exec(&reader, "BEGIN"), 0);
	ck_assert_int_eq(db_number(&reader, "SELECT count(*) FROM ev", 0), 4);
	hear_more(6, "later@there.test");
	hide_old(0);
	ck_assert_int_eq(db_number(&reader, "SELECT count(*) FROM ev", 0), 4);
	db_close(&reader);
	hide_old(1);
	ck_assert_int_eq(ask("20251124", "SELECT count(*) FROM ev"), 5);
	free(path);
}
END_TEST

/* By whatever they are called: their own name, or a hidden one. */
START_TEST(a_person_is_erased)
{
	static const char *const names[] = { "zebedee@there.test",
		"zebedee@s.test", "zebedee" };
	char why[256] = "";
	struct buf json;
	const char *at;
	char *hidden;

	fill();
	hide_old(1);
	buf_init(&json, 65536);
	privacy_names(tmp_path("store"), SLICE("zebedee@there.test"), &json);
	at = strchr(json.data, '~');
	ck_assert_ptr_nonnull(at);
	hidden = slice_dup((struct slice){ at, 21 });
	ck_assert_int_gt(files_with(hidden), 0);
	for (int i = 0; i < 3; i++)
		ck_assert_msg(privacy_erase(tmp_path("store"), names[i], why) ==
			(i < 2 ? 2 : 1),
		    "%d: %s", i, why);
	ck_assert_int_eq(files_with("zebedee"), 0);
	ck_assert_int_eq(files_with(hidden), 0);
	ck_assert_int_gt(files_with("someone@there.test"), 0);
	free(hidden);
	buf_release(&json);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("privacy");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, tmp_enter, NULL);
	tcase_add_loop_test(tc, names_in_texts, 0, ROWS(texts));
	tcase_add_test(tc, fields_that_are_names);
	tcase_add_test(tc, one_person);
	tcase_add_test(tc, an_old_day_has_no_names);
	tcase_add_test(tc, a_day_that_changed_stays);
	tcase_add_test(tc, a_day_that_is_read_waits);
	tcase_add_test(tc, a_person_is_erased);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
