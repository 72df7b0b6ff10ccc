/* reply, classify: what a server says. */
#include <string.h>

#include "classify.h"
#include "reply.h"
#include "unit.h"

static const struct {
	const char *in;
	enum reply_state st;
	int code;
	const char *text;
} replies[] = {
	{ "250 ok\r\n", REPLY_WHOLE, 250, "ok" },
	{ "250-a\r\n250-b\r\n250 c\r\n", REPLY_WHOLE, 250, "a b c" },
	{ "220\r\n", REPLY_WHOLE, 220, "" },
	{ "250 ok\n", REPLY_WHOLE, 250, "ok" },
	{ "250-a\r\n251 b\r\n", REPLY_BAD, 0, NULL },
	{ "hello\r\n", REPLY_BAD, 0, NULL },
	{ "25\r\n", REPLY_BAD, 0, NULL },
	{ "999 x\r\n", REPLY_BAD, 0, NULL },
	{ "150 x\r\n", REPLY_BAD, 0, NULL },
	{ "250xok\r\n", REPLY_BAD, 0, NULL },
	{ "250-a\r\n", REPLY_MORE, 0, NULL },
	{ "550 a\x01\x7fz\r\n", REPLY_WHOLE, 550, "a  z" },
};

START_TEST(a_reply_is_read_with_suspicion)
{
	for (size_t step = 1; step < 40; step += 7) {
		struct slice in = slice_of(replies[_i].in);
		enum reply_state st = REPLY_MORE;
		struct server_reply r;
		size_t at = 0, used;

		server_reply_init(&r);
		while (at < in.n && st == REPLY_MORE) {
			st = server_reply_feed(&r, slice_sub(in, at, at + step),
			    &used);
			at += used;
		}
		ck_assert_int_eq(st, replies[_i].st);
		if (st == REPLY_WHOLE) {
			ck_assert_int_eq(r.code, replies[_i].code);
			ck_assert_str_eq(r.text, replies[_i].text);
		}
	}
}
END_TEST

START_TEST(an_endless_reply_is_an_error)
{
	static char line[1000];
	struct server_reply r;
	enum reply_state st = REPLY_MORE;
	size_t used;
	int n = 0;

	memset(line, 'x', sizeof(line));
	memcpy(line, "250-", 4);
	line[sizeof(line) - 1] = '\n';
	server_reply_init(&r);
	while (st == REPLY_MORE && ++n < 1000)
		st = server_reply_feed(&r,
		    (struct slice){ line, sizeof(line) }, &used);
	ck_assert_int_eq(st, REPLY_BAD);
	ck_assert_int_lt(n, 100);
}
END_TEST

static const struct {
	const char *text, *id;
} ids[] = {
	{ "2.0.0 Ok: queued as 4XYZ12", "4XYZ12" },
	{ "OK id=1abcDE-0001-2F", "1abcDE-0001-2F" },
	{ "2.0.0 49abc123 Message accepted", "49abc123" },
	{ "ok 1234 qp 99", "1234" },
	{ "thanks", "" },
};

START_TEST(the_other_sides_id_is_found)
{
	struct slice id = reply_remote_id(slice_of(ids[_i].text));

	ck_assert_msg(slice_eq(id, slice_of(ids[_i].id)), "%s: %.*s",
	    ids[_i].text, SLICE_ARG(id));
}
END_TEST

static const struct {
	int code;
	const char *enhanced, *text;
	enum reason reason;
} reasons[] = {
	{ 250, "2.0.0", "ok", RC_NONE },
	{ 550, "5.1.1", "x", RC_MAILBOX_UNKNOWN },
	{ 452, "4.2.2", "x", RC_MAILBOX_FULL },
	{ 450, "", "Greylisted, come back", RC_GREYLIST },
	{ 421, "4.7.28", "unusual rate of mail", RC_RATE_LIMIT },
	{ 554, "5.7.1", "listed in a blocklist", RC_REPUTATION },
	{ 550, "5.7.1", "no", RC_POLICY },
	{ 550, "", "no such user here", RC_MAILBOX_UNKNOWN },
	{ 451, "", "something", RC_UNKNOWN },
};

START_TEST(a_reply_has_a_reason)
{
	ck_assert_int_eq(classify(reasons[_i].code,
			     slice_of(reasons[_i].enhanced),
			     slice_of(reasons[_i].text)),
	    reasons[_i].reason);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, a_reply_is_read_with_suspicion, 0,
	    ROWS(replies));
	tcase_add_test(tc, an_endless_reply_is_an_error);
	tcase_add_loop_test(tc, the_other_sides_id_is_found, 0, ROWS(ids));
	tcase_add_loop_test(tc, a_reply_has_a_reason, 0, ROWS(reasons));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
