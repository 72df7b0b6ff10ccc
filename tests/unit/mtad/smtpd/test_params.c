#include <stdlib.h>
#include <string.h>

#include "params.h"
#include "proto.h"
#include "unit.h"

static const struct {
	const char *text;
	const char *refusal; /* its beginning; NULL: fine */
	uint64_t size;
	uint32_t flags;
	uint8_t ret;
	const char *envid;
} mail[] = {
	{ "", NULL, 0, 0, RET_NONE, "" },
	{ " SIZE=100", NULL, 100, 0, RET_NONE, "" },
	{ " size=100  body=8bitmime ", NULL, 100, ENV_8BIT, RET_NONE, "" },
	{ " BODY=7BIT RET=HDRS", NULL, 0, 0, RET_HDRS, "" },
	{ " RET=full ENVID=a+2Bb", NULL, 0, 0, RET_FULL, "a+b" },
	{ " SMTPUTF8", NULL, 0, ENV_UTF8, RET_NONE, "" },
	{ " SIZE=", "501 5.5.4", 0, 0, 0, "" },
	{ " SIZE=1x", "501 5.5.4", 0, 0, 0, "" },
	{ " SIZE=-1", "501 5.5.4", 0, 0, 0, "" },
	{ " SIZE=99999999999999999999", "501 5.5.4", 0, 0, 0, "" },
	{ " BODY=BINARYMIME", "501 5.5.4", 0, 0, 0, "" },
	{ " BODY", "501 5.5.4", 0, 0, 0, "" },
	{ " SMTPUTF8=yes", "501 5.5.4", 0, 0, 0, "" },
	{ " RET=SOME", "501 5.5.4", 0, 0, 0, "" },
	{ " RET=FULL RET=FULL", "501 5.5.0", 0, 0, 0, "" },
	{ " SIZE=1 SIZE=1", "501 5.5.0", 0, 0, 0, "" },
	{ " ENVID=a ENVID=b", "501 5.5.0", 0, 0, 0, "" },
	{ " ENVID=", "501 5.5.4", 0, 0, 0, "" },
	/* 21Nails: what hides a line end goes nowhere */
	{ " ENVID=a+0Ab", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+0Db", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+00b", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+7F", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+C2+85", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+FF", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+0", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+4g", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a+4a", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=a=b", "501 5.5.4", 0, 0, 0, "" },
	{ " ENVID=\xc3\xbc", "501 5.5.4", 0, 0, 0, "" },
	{ " X=1", "555 5.5.4", 0, 0, 0, "" },
	{ " NOTIFY=NEVER", "555 5.5.4", 0, 0, 0, "" },
	{ " =", "555 5.5.4", 0, 0, 0, "" },
};

START_TEST(mail_rows)
{
	struct mail_params p;
	const char *got = mail_params(slice_of(mail[_i].text), &p);

	if (mail[_i].refusal != NULL) {
		ck_assert_msg(
		    got != NULL && strncmp(got, mail[_i].refusal, 9) == 0,
		    "%s: got %s", mail[_i].text, got ? got : "yes");
		return;
	}
	ck_assert_msg(got == NULL, "%s: got %s", mail[_i].text, got);
	ck_assert_uint_eq(p.size, mail[_i].size);
	ck_assert_uint_eq(p.flags, mail[_i].flags);
	ck_assert_uint_eq(p.ret, mail[_i].ret);
	ck_assert_str_eq(p.envid, mail[_i].envid);
}
END_TEST

#define ALL (NOTIFY_SUCCESS | NOTIFY_FAILURE | NOTIFY_DELAY)

static const struct {
	const char *text, *refusal;
	uint8_t notify;
	const char *orcpt;
	bool is_utf8;
} rcpt[] = {
	{ "", NULL, 0, "", false },
	{ " NOTIFY=NEVER", NULL, NOTIFY_NEVER, "", false },
	{ " notify=success,Failure,DELAY", NULL, ALL, "", false },
	{ " ORCPT=rfc822;a+40b", NULL, 0, "rfc822;a@b", false },
	{ " ORCPT=rfc822;a@b NOTIFY=DELAY", NULL, NOTIFY_DELAY, "rfc822;a@b",
	    false },
	{ " ORCPT=utf-8;\xc3\xbc@b", NULL, 0, "utf-8;\xc3\xbc@b", true },
	{ " ORCPT=utf-8;\xc3\xbc@b", "501 5.5.4", 0, "", false },
	{ " ORCPT=utf-8;\xc3@b", "501 5.5.4", 0, "", true },
	{ " NOTIFY=", "501 5.5.4", 0, "", false },
	{ " NOTIFY=SUCCESS,", "501 5.5.4", 0, "", false },
	{ " NOTIFY=,SUCCESS", "501 5.5.4", 0, "", false },
	{ " NOTIFY=NEVER,DELAY", "501 5.5.4", 0, "", false },
	{ " NOTIFY=DELAY,DELAY", "501 5.5.4", 0, "", false },
	{ " NOTIFY=SOMETIMES", "501 5.5.4", 0, "", false },
	{ " NOTIFY=DELAY NOTIFY=DELAY", "501 5.5.0", 0, "", false },
	{ " ORCPT=a@b", "501 5.5.4", 0, "", false },
	{ " ORCPT=;a@b", "501 5.5.4", 0, "", false },
	{ " ORCPT=rfc 822;a@b", "501 5.5.4", 0, "", false },
	{ " ORCPT=rfc822;a+0Ab", "501 5.5.4", 0, "", false },
	{ " ORCPT=rfc822;a+0", "501 5.5.4", 0, "", false },
	{ " ORCPT=rfc822;a ORCPT=rfc822;a", "501 5.5.0", 0, "", false },
	{ " SIZE=1", "555 5.5.4", 0, "", false },
};

START_TEST(rcpt_rows)
{
	struct rcpt_params p;
	const char *got =
	    rcpt_params(slice_of(rcpt[_i].text), rcpt[_i].is_utf8, &p);

	if (rcpt[_i].refusal != NULL) {
		ck_assert_msg(
		    got != NULL && strncmp(got, rcpt[_i].refusal, 9) == 0,
		    "%s: got %s", rcpt[_i].text, got ? got : "yes");
		return;
	}
	ck_assert_msg(got == NULL, "%s: got %s", rcpt[_i].text, got);
	ck_assert_uint_eq(p.notify, rcpt[_i].notify);
	ck_assert_str_eq(p.orcpt, rcpt[_i].orcpt);
}
END_TEST

START_TEST(lengths_have_their_limits)
{
	struct mail_params m;
	struct rcpt_params r;
	char text[800] = " ENVID=";
	struct slice s = { text, 7 + ENVID_MAX };

	memset(text + 7, 'x', sizeof(text) - 7);
	ck_assert_ptr_null(mail_params(s, &m));
	s.n++;
	ck_assert_ptr_nonnull(mail_params(s, &m));
	memcpy(text, " ORCPT=rfc822;", 14);
	s.n = 7 + ORCPT_MAX;
	ck_assert_ptr_null(rcpt_params(s, false, &r));
	ck_assert_uint_eq(strlen(r.orcpt), ORCPT_MAX);
	s.n++;
	ck_assert_ptr_nonnull(rcpt_params(s, false, &r));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_params");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(tc, mail_rows, 0, ROWS(mail));
	tcase_add_loop_test(tc, rcpt_rows, 0, ROWS(rcpt));
	tcase_add_test(tc, lengths_have_their_limits);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
