#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

/* The lines of EHLO's answer, and what is said to that server. */
static const struct {
	const char *ehlo[6];
	uint32_t flags;
	uint8_t ret, notify;
	const char *envid, *orcpt;
	const char *mail, *rcpt;
} cases[] = {
	{ { "mx" }, ENV_8BIT | ENV_UTF8, RET_FULL, NOTIFY_NEVER, "id",
	    "rfc822;o", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n" },
	{ { "mx", "SIZE 0" }, 0, 0, 0, "", "", "MAIL FROM:<a@b> SIZE=99\r\n",
	    "RCPT TO:<c@d>\r\n" },
	{ { "mx", "8bitmime", "smtputf8" }, ENV_8BIT | ENV_UTF8, 0, 0, "", "",
	    "MAIL FROM:<a@b> BODY=8BITMIME SMTPUTF8\r\n", "RCPT TO:<c@d>\r\n" },
	{ { "mx", "DSN" }, 0, RET_HDRS, NOTIFY_SUCCESS | NOTIFY_FAILURE,
	    "a+b=c\001", "rfc822;x y+",
	    "MAIL FROM:<a@b> RET=HDRS ENVID=a+2Bb+3Dc+01\r\n",
	    "RCPT TO:<c@d> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+20y+2B\r\n" },
	{ { "mx", "DSN" }, 0, 0, NOTIFY_NEVER, "", "no semicolon",
	    "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d> NOTIFY=NEVER\r\n" },
	/* the first line is the server's name, whatever it says */
	{ { "DSN", "XDSN" }, 0, RET_FULL, 0, "", "", "MAIL FROM:<a@b>\r\n",
	    "RCPT TO:<c@d>\r\n" },
};

START_TEST(parameters)
{
	struct p_job job = { .sender = SLICE("a@b"),
		.flags = cases[_i].flags,
		.ret = cases[_i].ret,
		.envid = slice_of(cases[_i].envid) };
	struct ehlo e = { .max_size = 0 };
	struct buf b;

	for (int i = 0; cases[_i].ehlo[i] != NULL; i++)
		ehlo_line(&e, slice_of(cases[_i].ehlo[i]));
	buf_init(&b, 4096);
	put_mail_command(&b, &e, &job, 99);
	ck_assert_str_eq(b.data, cases[_i].mail);
	buf_clear(&b);
	put_rcpt_command(
	    &b, &e, SLICE("c@d"), slice_of(cases[_i].orcpt), cases[_i].notify);
	ck_assert_str_eq(b.data, cases[_i].rcpt);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *line;
	uint64_t size;
} sizes[] = { { "SIZE 1000", 1000 }, { "SIZE", 0 }, { "size  77 ", 77 },
	{ "SIZE -5", 0 }, { "SIZE 99999999999999999999999", 0 },
	{ "SIZE 5x", 0 } };

START_TEST(size)
{
	struct ehlo e = { .max_size = 0 };

	ehlo_line(&e, SLICE("mx"));
	ehlo_line(&e, slice_of(sizes[_i].line));
	ck_assert(e.has_size);
	ck_assert_uint_eq(e.max_size, sizes[_i].size);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote_command");
	TCase *tc = tcase_create("core");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_loop_test(
	    tc, parameters, 0, (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_loop_test(
	    tc, size, 0, (int)(sizeof(sizes) / sizeof(sizes[0])));
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
