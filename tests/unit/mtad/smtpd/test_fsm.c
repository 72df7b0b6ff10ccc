#include <stdlib.h>

#include "fsm.h"
#include "unit.h"

/* One row is one story: these lines, answered yes where the order allows it;
 * expect the last answer and where it ends. */
static const struct {
	const char *name;
	const char *lines[8];
	int code;
	enum smtp_state end;
} cases[] = {
	{ "happy path", { "EHLO a", "MAIL FROM:<>", "RCPT TO:<b@c>", "DATA" },
	    0, ST_DATA },
	{ "lmtp", { "LHLO a", "MAIL FROM:<>", "RCPT TO:<b@c>", "DATA" }, 0,
	    ST_DATA },
	{ "mail before helo", { "MAIL FROM:<>" }, 503, ST_HELO },
	{ "rcpt before mail", { "HELO a", "RCPT TO:<b@c>" }, 503, ST_READY },
	{ "data without rcpt", { "helo a", "mail FROM:<>", "data" }, 503,
	    ST_MAIL },
	{ "mail within mail", { "helo a", "mail FROM:<>", "mail FROM:<>" }, 503,
	    ST_MAIL },
	{ "chunk without rcpt", { "ehlo a", "mail FROM:<>", "bdat 1" }, 503,
	    ST_MAIL },
	{ "chunks", { "ehlo a", "mail FROM:<>", "rcpt TO:<b>", "bdat 1" }, 0,
	    ST_CHUNK },
	{ "rset forgets the sender",
	    { "HELO a", "MAIL FROM:<>", "RSET", "RCPT TO:<b@c>" }, 503,
	    ST_READY },
	{ "ehlo forgets the sender",
	    { "HELO a", "MAIL FROM:<>", "EHLO b", "RCPT TO:<b@c>" }, 503,
	    ST_READY },
	{ "rset before helo stays there", { "RSET", "MAIL FROM:<>" }, 503,
	    ST_HELO },
	{ "noop changes nothing",
	    { "EHLO a", "MAIL FROM:<>", "NOOP x y", "HELP", "VRFY z",
		"EXPN z" },
	    0, ST_MAIL },
	{ "a verb must end", { "HELOA" }, 500, ST_HELO },
	{ "a verb must be whole", { "HEL a" }, 500, ST_HELO },
	{ "nothing is no verb", { "" }, 500, ST_HELO },
	{ "a blank is no verb", { " EHLO a" }, 500, ST_HELO },
	{ "quit anywhere", { "QUIT" }, 0, ST_CLOSED },
	{ "quit in a transaction", { "EHLO a", "MAIL FROM:<>", "quit" }, 0,
	    ST_CLOSED },
};

START_TEST(stories)
{
	enum smtp_state st = ST_HELO;
	struct smtp_step s = { ST_HELO, 0, NULL };
	struct slice args;

	for (int i = 0; i < 8 && cases[_i].lines[i] != NULL; i++) {
		s = smtp_step(
		    st, smtp_verb(slice_of(cases[_i].lines[i]), &args));
		st = s.next;
	}
	ck_assert_msg(s.code == cases[_i].code && st == cases[_i].end,
	    "%s: got code %d state %d, want code %d state %d", cases[_i].name,
	    s.code, st, cases[_i].code, cases[_i].end);
}
END_TEST

START_TEST(every_cell_is_filled)
{
	for (int st = ST_HELO; st < ST_STATES; st++)
		for (int v = 0; v < V_COUNT; v++) {
			struct smtp_step s =
			    smtp_step((enum smtp_state)st, (enum smtp_verb)v);

			ck_assert_msg(
			    s.code != 421, "state %d verb %d is blank", st, v);
			ck_assert_msg(s.code == 0 || (int)s.next == st,
			    "state %d verb %d: a refusal goes elsewhere", st,
			    v);
		}
}
END_TEST

START_TEST(states_without_commands_take_none)
{
	for (int st = ST_STATES; st <= ST_CLOSED; st++)
		ck_assert_int_eq(
		    smtp_step((enum smtp_state)st, V_NOOP).code, 421);
	ck_assert_int_eq(smtp_step(ST_NONE, V_NOOP).code, 421);
}
END_TEST

START_TEST(arguments_are_trimmed)
{
	struct slice args;

	ck_assert_int_eq(smtp_verb(SLICE("mAiL  FROM:<a@b>  "), &args), V_MAIL);
	ck_assert(slice_eq(args, SLICE("FROM:<a@b>")));
	ck_assert_int_eq(smtp_verb(SLICE("DATA"), &args), V_DATA);
	ck_assert_uint_eq(args.n, 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_fsm");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(tc, stories, 0, ROWS(cases));
	tcase_add_test(tc, every_cell_is_filled);
	tcase_add_test(tc, states_without_commands_take_none);
	tcase_add_test(tc, arguments_are_trimmed);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
