/* addr, header, event, drop: mail's own syntax. */
#include <errno.h>
#include <string.h>

#include "addr.h"
#include "drop.h"
#include "event.h"
#include "header.h"
#include "unit.h"
#include "verdict.h"

static const struct {
	const char *path;
	unsigned flags;
	int rc;
	const char *local, *domain;
} paths[] = {
	{ "<a@b.c>", 0, 0, "a", "b.c" },
	{ "<>", ADDR_NULL_OK, 0, "", "" },
	{ "<>", 0, -EINVAL, NULL, NULL },
	{ "<postmaster>", ADDR_BARE_OK, 0, "postmaster", "" },
	{ "<postmaster>", 0, -EINVAL, NULL, NULL },
	{ "<@x.y,@z:a@b.c>", 0, 0, "a", "b.c" },
	{ "<\"a b\"@c.d>", 0, 0, "a b", "c.d" },
	{ "<\"a\\\"b\"@c.d>", 0, 0, "a\"b", "c.d" },
	{ "<\"a\x01\"@c.d>", 0, -EINVAL, NULL, NULL },
	{ "<a@[1.2.3.4]>", 0, 0, "a", "[1.2.3.4]" },
	{ "<a@[IPv6:::1]>", 0, 0, "a", "[IPv6:::1]" },
	{ "<a@[1.2.3]>", 0, -EINVAL, NULL, NULL },
	{ "<a@b.c.>", 0, 0, "a", "b.c" },
	{ "<a@b..c>", 0, -EINVAL, NULL, NULL },
	{ "<a@-b.c>", 0, -EINVAL, NULL, NULL },
	{ "<.a@b.c>", 0, -EINVAL, NULL, NULL },
	{ "<a..b@b.c>", 0, -EINVAL, NULL, NULL },
	{ "<a b@c.d>", 0, -EINVAL, NULL, NULL },
	{ "<a@b.c", 0, -EINVAL, NULL, NULL },
	{ "a@b.c>", 0, -EINVAL, NULL, NULL },
	{ "<a@b@c.d>", 0, -EINVAL, NULL, NULL },
	{ "<\xc3\xa9@b.c>", ADDR_UTF8_OK, 0, "\xc3\xa9", "b.c" },
	{ "<\xc3\xa9@b.c>", 0, -EINVAL, NULL, NULL },
	{ "<\xff@b.c>", ADDR_UTF8_OK, -EILSEQ, NULL, NULL },
	{ "<a;rm -rf@b.c>", 0, -EINVAL, NULL, NULL },
};

START_TEST(a_path_is_read_strictly)
{
	struct slice line = slice_of(paths[_i].path);
	struct addr a;
	int rc = addr_parse_path(&line, paths[_i].flags, &a);

	ck_assert_msg(rc == paths[_i].rc, "%s: got %d, want %d", paths[_i].path,
	    rc, paths[_i].rc);
	if (rc == 0) {
		ck_assert_str_eq(a.local, paths[_i].local);
		ck_assert_str_eq(a.domain, paths[_i].domain);
		ck_assert_uint_eq(line.n, 0);
	}
}
END_TEST

static const struct {
	const char *local, *out;
} quoted[] = {
	{ "a.b", "a.b@x.y" },
	{ "a b", "\"a b\"@x.y" },
	{ "a\"b", "\"a\\\"b\"@x.y" },
	{ "", "\"\"@x.y" },
};

START_TEST(an_address_is_quoted_where_it_must_be)
{
	struct buf b;

	buf_init(&b, 100);
	addr_put(&b, slice_of(quoted[_i].local), SLICE("x.y"));
	ck_assert_str_eq(b.data, quoted[_i].out);
	buf_release(&b);
}
END_TEST

static void
collect(void *arg, struct slice addr)
{
	buf_addf(arg, "[%.*s]", SLICE_ARG(addr));
}

static const struct {
	const char *value, *out;
} lists[] = {
	{ "a@b, \"C, D\" <c@d> (x, y), e", "[a@b][c@d][e]" },
	{ "group: a@b, c@d;, e@f", "[a@b][c@d][e@f]" },
	{ "<@r.s:a@b>", "[a@b]" },
	{ "", "" },
	{ "\"a\\\"b\" <x@y>", "[x@y]" },
	{ "((((a))))b@c", "[b@c]" },
};

START_TEST(a_list_gives_its_addresses)
{
	struct buf b;

	buf_init(&b, 1000);
	header_addresses(slice_of(lists[_i].value), collect, &b);
	ck_assert_str_eq(b.data, lists[_i].out);
	buf_release(&b);
}
END_TEST

START_TEST(ten_thousand_comments_do_not_recurse)
{
	static char deep[20001];
	struct buf b;

	memset(deep, '(', 20000);
	buf_init(&b, 1000);
	header_addresses(slice_of(deep), collect, &b);
	ck_assert_uint_eq(b.len, 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_header_ends_at_the_empty_line)
{
	struct slice m = SLICE("A: 1\r\nB: 2\r\n 3\r\n\r\nC: no\r\n");
	struct header_field f;

	ck_assert_uint_eq(header_size(m), 16);
	ck_assert(header_find(m, SLICE("b"), &f));
	ck_assert(slice_eq(f.value, SLICE("2\r\n 3")));
	ck_assert(!header_find(m, SLICE("C"), &f));
}
END_TEST

START_TEST(an_event_is_json_whatever_a_stranger_says)
{
	struct event e;
	struct buf b;

	buf_init(&b, 1000);
	event_init(&e, EV_DLV_DEFER);
	event_str(&e, F_TEXT, SLICE("a\"b\\\n\x01\xff\xc3\xa9"));
	event_num(&e, F_CODE, 451);
	event_json(&b, &e);
	ck_assert_str_eq(b.data,
	    ",\"text\":\"a\\\"b\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\",\"code\":"
	    "451");
	buf_release(&b);
}
END_TEST

START_TEST(a_sentence_leaves_out_what_is_not_known)
{
	struct event e;
	struct buf b;

	buf_init(&b, 1000);
	event_init(&e, EV_DLV_OK);
	event_cstr(&e, F_RCPT_TO, "a@b");
	event_cstr(&e, F_MAILER, "smtp");
	event_num(&e, F_TOTAL_US, UINT64_C(3725123456));
	event_cstr(&e, F_HOST_IP, "1.2.3.4");
	event_cstr(&e, F_TEXT, "ok\nforged line");
	event_sentence(&b, &e);
	ck_assert_str_eq(b.data,
	    "to=<a@b>, delay=01:02:05, mailer=smtp [1.2.3.4], "
	    "stat=Sent (ok?forged line)");
	buf_release(&b);
}
END_TEST

START_TEST(a_drop_file_proves_that_it_is_whole)
{
	struct slice rcpts[] = { SLICE("x@y"), SLICE("evil\nR z@w") }, one;
	struct drop d = { .sender = SLICE("a@b"),
		.message = SLICE("Subject: x\n\nmtad-end 5\n") },
		    got;
	struct buf b;
	size_t pos = 0;

	buf_init(&b, 4096);
	drop_put(&b, &d, rcpts, 2);
	ck_assert_int_eq(drop_parse(buf_slice(&b), &got), 0);
	ck_assert_uint_eq(got.rcpts, 2);
	ck_assert(slice_eq(got.message, d.message));
	ck_assert(drop_next_rcpt(&got, &pos, &one));
	ck_assert(slice_eq(one, SLICE("x@y")));
	ck_assert(drop_next_rcpt(&got, &pos, &one));
	ck_assert(slice_eq(one, SLICE("evil R z@w")));
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(
		    drop_parse((struct slice){ b.data, n }, &got), -EBADMSG);
	buf_release(&b);
}
END_TEST

START_TEST(an_enhanced_code_is_cut_only_where_it_is_one)
{
	struct slice text = SLICE("5.1.1 no"), got;

	ck_assert(verdict_cut_enhanced(550, &text, &got));
	ck_assert(slice_eq(got, SLICE("5.1.1")) && slice_eq(text, SLICE("no")));
	text = SLICE("4.1.1 other class");
	ck_assert(!verdict_cut_enhanced(550, &text, &got));
	text = SLICE("5.1.1000 x");
	ck_assert(!verdict_cut_enhanced(550, &text, &got));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mail");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, a_path_is_read_strictly, 0, ROWS(paths));
	tcase_add_loop_test(
	    tc, an_address_is_quoted_where_it_must_be, 0, ROWS(quoted));
	tcase_add_loop_test(tc, a_list_gives_its_addresses, 0, ROWS(lists));
	tcase_add_test(tc, ten_thousand_comments_do_not_recurse);
	tcase_add_test(tc, a_header_ends_at_the_empty_line);
	tcase_add_test(tc, an_event_is_json_whatever_a_stranger_says);
	tcase_add_test(tc, a_sentence_leaves_out_what_is_not_known);
	tcase_add_test(tc, a_drop_file_proves_that_it_is_whole);
	tcase_add_test(tc, an_enhanced_code_is_cut_only_where_it_is_one);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
