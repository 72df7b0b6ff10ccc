#include <check.h>

#include "classify.h"
#include "unit.h"

static const struct {
	int code;
	const char *enhanced, *text;
	enum reason reason;
} cases[] = {
	{ 250, "2.0.0", "ok", RC_NONE },
	{ 550, "5.1.1", "whatever it says of spam", RC_MAILBOX_UNKNOWN },
	{ 550, "5.1.10", "null MX", RC_DNS_NULLMX },
	{ 452, "4.2.2", "", RC_MAILBOX_FULL },
	{ 552, "5.3.4", "", RC_SIZE },
	{ 552, "5.2.3", "", RC_SIZE },
	{ 554, "5.4.6", "", RC_LOOP },
	{ 530, "5.7.10", "", RC_TLS_REQUIRED },
	{ 550, "5.7.25", "no PTR", RC_REPUTATION },
	{ 421, "4.7.28", "", RC_RATE_LIMIT },
	{ 451, "4.7.1", "Greylisted, try again", RC_GREYLIST },
	{ 451, "4.7.0", "Rate limit exceeded", RC_RATE_LIMIT },
	{ 554, "5.7.1", "looks like SPAM to us", RC_SPAM },
	{ 554, "5.7.1", "blocked using dnsbl.test", RC_REPUTATION },
	{ 554, "5.7.1", "Relaying denied", RC_RELAY_DENIED },
	{ 550, "5.7.1", "no reason given", RC_POLICY },
	{ 550, "", "User unknown in table", RC_MAILBOX_UNKNOWN },
	{ 550, "", "Must issue STARTTLS first", RC_TLS_REQUIRED },
	{ 552, "", "message is too big", RC_SIZE },
	{ 550, "", "go", RC_MAILBOX_UNKNOWN },
	{ 552, "", "go", RC_MAILBOX_FULL },
	{ 421, "", "go", RC_LOCAL_RESOURCE },
	{ 503, "", "go", RC_PROTOCOL },
	{ 535, "", "go", RC_AUTH },
	{ 450, "", "", RC_UNKNOWN },
	{ 599, "5", "", RC_UNKNOWN },
};

START_TEST(reasons)
{
	enum reason r = classify(cases[_i].code, slice_of(cases[_i].enhanced),
	    slice_of(cases[_i].text));

	ck_assert_msg(r == cases[_i].reason, "%d %s %s: %s", cases[_i].code,
	    cases[_i].enhanced, cases[_i].text, reason_name(r));
}
END_TEST

START_TEST(the_first_row_counts)
{
	static const struct phrase rows[] = {
		{ "not here", RC_ADMIN },
		{ "lost", RC_PEER_CLOSED },
		{ "lo", RC_LOOP },
	};

	ck_assert_int_eq(phrase_reason(rows, ROWS(rows), SLICE("a LOOP, LOST")),
	    RC_PEER_CLOSED);
	ck_assert_int_eq(
	    phrase_reason(rows, ROWS(rows), SLICE("los lo")), RC_LOOP);
	ck_assert_int_eq(
	    phrase_reason(rows, ROWS(rows), SLICE("all is l")), RC_NONE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("classify");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, reasons, 0, ROWS(cases));
	tcase_add_test(tc, the_first_row_counts);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
