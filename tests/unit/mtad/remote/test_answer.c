#include <arpa/nameser.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"

/* Header with one question and N answers; then t.test. of that type. */
#define HEAD(rcode, n) "\0\1\x81" rcode "\0\1\0" n "\0\0\0\0"
#define QUESTION(type) "\1t\4test\0\0" type "\0\1"
#define RECORD(type, len) "\xc0\x0c\0" type "\0\1\0\0\0\5\0" len
#define PACKET(lit) ((struct slice){ lit, sizeof(lit) - 1 })

START_TEST(mail_hosts)
{
	struct slice p = PACKET(HEAD("\x80", "\3") QUESTION("\x0f") RECORD(
	    "\x0f", "\7") "\0\x14\2m2\xc0\x0c" RECORD("\1",
	    "\4") "\xc0\0\2\1" RECORD("\x0f", "\7") "\0\x0a\2m1\xc0\x0c");
	struct mx mx[4];
	int all;

	ck_assert_int_eq(answer_rcode(p), ns_r_noerror);
	ck_assert_int_eq(answer_mx(p, mx, 4, &all), 2);
	ck_assert_int_eq(all, 2);
	ck_assert_int_eq(mx[0].pref, 20);
	ck_assert_str_eq(mx[0].name, "m2.t.test");
	ck_assert_int_eq(mx[1].pref, 10);
	ck_assert_str_eq(mx[1].name, "m1.t.test");
	ck_assert_int_eq(answer_mx(p, mx, 1, &all), 1);
	ck_assert_int_eq(all, 2);
}
END_TEST

START_TEST(null_mx_has_no_name)
{
	struct slice p = PACKET(
	    HEAD("\x80", "\1") QUESTION("\x0f") RECORD("\x0f", "\3") "\0\0\0");
	struct mx mx[1];
	int all;

	ck_assert_int_eq(answer_mx(p, mx, 1, &all), 1);
	ck_assert_str_eq(mx[0].name, "");
}
END_TEST

START_TEST(odd_names_are_none)
{
	struct slice p = PACKET(HEAD("\x80", "\2") QUESTION("\x0f")
		RECORD("\x0f", "\7") "\0\x0a\2a\n\xc0\x0c" RECORD(
		    "\x0f", "\7") "\0\x0a\2-a\xc0\x0c");
	struct mx mx[2];
	int all;

	ck_assert_int_eq(answer_mx(p, mx, 2, &all), 0);
	ck_assert_int_eq(all, 2);
}
END_TEST

START_TEST(addresses)
{
	struct slice p = PACKET(HEAD("\x80", "\2") QUESTION("\1")
		RECORD("\1", "\4") "\xc0\0\2\1" RECORD("\1", "\3") "\1\2\3");
	unsigned char ip[4][4];

	ck_assert_int_eq(answer_addresses(p, AF_INET, ip[0], 4), 1);
	ck_assert_int_eq(memcmp(ip[0], "\xc0\0\2\1", 4), 0);
	ck_assert_int_eq(answer_addresses(p, AF_INET6, ip[0], 1), 0);
}
END_TEST

START_TEST(rcodes)
{
	ck_assert_int_eq(
	    answer_rcode(PACKET(HEAD("\x83", "\0") QUESTION("\1"))),
	    ns_r_nxdomain);
	ck_assert_int_eq(answer_rcode(PACKET("short")), -EBADMSG);
	ck_assert_int_eq(answer_rcode(PACKET("")), -EBADMSG);
	/* two questions are announced and one is there */
	ck_assert_int_eq(
	    answer_rcode(PACKET("\0\1\x81\x80\0\2\0\0\0\0\0\0" QUESTION("\1"))),
	    -EBADMSG);
}
END_TEST

START_TEST(names)
{
	struct slice p = PACKET(HEAD("\x80", "\1") QUESTION("\x0c")
		RECORD("\x0c", "\5") "\2m1\xc0\x0c");
	char name[2][NAME_MAX_DNS];

	ck_assert_int_eq(answer_names(p, ns_t_ptr, name, 2), 1);
	ck_assert_str_eq(name[0], "m1.t.test");
	ck_assert_int_eq(answer_names(p, ns_t_cname, name, 2), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote_answer");
	TCase *tc = tcase_create("core");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, mail_hosts);
	tcase_add_test(tc, null_mx_has_no_name);
	tcase_add_test(tc, odd_names_are_none);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, rcodes);
	tcase_add_test(tc, names);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
