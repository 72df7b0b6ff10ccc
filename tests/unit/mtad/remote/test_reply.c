#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

/* Bytes of a server, and what is made of the first reply in them. */
static const struct {
	const char *name, *bytes;
	enum reply_state state;
	int code;
	const char *text;
	size_t used;
} cases[] = {
	{ "one line", "250 ok\r\n", REPLY_WHOLE, 250, "ok", 8 },
	{ "LF alone", "250 ok\n", REPLY_WHOLE, 250, "ok", 7 },
	{ "no text", "250\r\n", REPLY_WHOLE, 250, "", 5 },
	{ "blank only", "250 \r\n", REPLY_WHOLE, 250, "", 6 },
	{ "two lines", "220-a\r\n220 b\r\nx", REPLY_WHOLE, 220, "a b", 14 },
	{ "empty middle", "220-a\r\n220-\r\n220 b\r\n", REPLY_WHOLE, 220,
	    "a  b", 20 },
	{ "enhanced code on each line", "550-5.1.1 no\r\n550 5.1.1 such\r\n",
	    REPLY_WHOLE, 550, "5.1.1 no such", 30 },
	{ "control bytes are blanks", "250 a\tb\001c\r\r\n", REPLY_WHOLE, 250,
	    "a b c ", 12 },
	{ "not yet", "250-ok\r\n25", REPLY_MORE, 0, NULL, 10 },
	{ "nothing", "", REPLY_MORE, 0, NULL, 0 },
	{ "http", "HTTP/1.1 400 Bad\r\n", REPLY_BAD, 0, NULL, 0 },
	{ "empty line", "\r\n", REPLY_BAD, 0, NULL, 0 },
	{ "short line", "25\r\n", REPLY_BAD, 0, NULL, 0 },
	{ "no blank", "250ok\r\n", REPLY_BAD, 0, NULL, 0 },
	{ "codes differ", "250-a\r\n251 b\r\n", REPLY_BAD, 0, NULL, 0 },
	{ "1yz", "100 go on\r\n", REPLY_BAD, 0, NULL, 0 },
	{ "6yz", "650 what\r\n", REPLY_BAD, 0, NULL, 0 },
};

static enum reply_state
feed(struct server_reply *r, const char *bytes, size_t n, size_t *used)
{
	server_reply_init(r);
	return server_reply_feed(
	    r, (struct slice){ bytes, n }, used, NULL, NULL);
}

START_TEST(at_once)
{
	struct server_reply r;
	size_t used;
	enum reply_state st =
	    feed(&r, cases[_i].bytes, strlen(cases[_i].bytes), &used);

	ck_assert_msg(st == cases[_i].state, "%s: %d", cases[_i].name, st);
	if (st == REPLY_BAD)
		return;
	ck_assert_msg(used == cases[_i].used, "%s: %zu", cases[_i].name, used);
	if (st == REPLY_MORE)
		return;
	ck_assert_int_eq(r.code, cases[_i].code);
	ck_assert_str_eq(r.text, cases[_i].text);
}
END_TEST

START_TEST(byte_by_byte)
{
	const char *p = cases[_i].bytes;
	enum reply_state st = REPLY_MORE;
	struct server_reply r;
	size_t used, all = 0;

	server_reply_init(&r);
	while (*p != '\0' && st == REPLY_MORE) {
		st = server_reply_feed(
		    &r, (struct slice){ p++, 1 }, &used, NULL, NULL);
		all += used;
	}
	ck_assert_msg(st == cases[_i].state, "%s: %d", cases[_i].name, st);
	if (st == REPLY_WHOLE) {
		ck_assert_str_eq(r.text, cases[_i].text);
		ck_assert_uint_eq(all, cases[_i].used);
	}
}
END_TEST

/* 70 lines of 900 bytes are read and cut; the text stays bounded. */
START_TEST(long_replies_are_cut)
{
	static char bytes[70 * 902];
	struct server_reply r;
	size_t used;

	memset(bytes, 'a', sizeof(bytes));
	for (int i = 0; i < 70; i++) {
		memcpy(bytes + i * 902, i == 69 ? "550 " : "550-", 4);
		memcpy(bytes + i * 902 + 900, "\r\n", 2);
	}
	ck_assert_int_eq(feed(&r, bytes, sizeof(bytes), &used), REPLY_WHOLE);
	ck_assert_uint_eq(used, sizeof(bytes));
	ck_assert_uint_eq(strlen(r.text), REPLY_TEXT_MAX);
}
END_TEST

START_TEST(endless_ones_are_bad)
{
	static char line[REPLY_LINE_MAX + 10], many[REPLY_BYTES_MAX + 10];
	struct server_reply r;
	size_t used;

	memset(line, '2', sizeof(line));
	ck_assert_int_eq(feed(&r, line, sizeof(line), &used), REPLY_BAD);
	for (size_t i = 0; i + 5 < sizeof(many); i += 5)
		memcpy(many + i, "250-\n", 5);
	ck_assert_int_eq(feed(&r, many, sizeof(many) - 5, &used), REPLY_BAD);
}
END_TEST

static const struct {
	const char *text, *id;
} ids[] = {
	{ "Ok: queued as 4XyZ123", "4XyZ123" },
	{ "ok 1234567 qp 99", "1234567" },
	{ "2.0.0 49abc123 Message accepted for delivery", "49abc123" },
	{ "OK id=1abcDE-0001-2F", "1abcDE-0001-2F" },
	{ "2.6.0 <abc1234@host> Queued mail for delivery", "abc1234@host" },
	{ "Message accepted", "" },
	{ "ok", "" },
	{ "", "" },
	{ "queued as (A1B2C3).", "A1B2C3" },
};

START_TEST(remote_id)
{
	struct slice id = reply_remote_id(slice_of(ids[_i].text));

	ck_assert_msg(slice_eq(id, slice_of(ids[_i].id)), "%s: %.*s",
	    ids[_i].text, SLICE_ARG(id));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote_reply");
	TCase *tc = tcase_create("core");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(tc, at_once, 0, COUNT(cases));
	tcase_add_loop_test(tc, byte_by_byte, 0, COUNT(cases));
	tcase_add_test(tc, long_replies_are_cut);
	tcase_add_test(tc, endless_ones_are_bad);
	tcase_add_loop_test(tc, remote_id, 0, COUNT(ids));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
