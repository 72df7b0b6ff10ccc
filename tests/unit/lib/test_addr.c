#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "unit.h"

#define NULLISH ADDR_NULL_OK
#define BARE ADDR_BARE_OK
#define UTF8 ADDR_UTF8_OK

/* What stands between MAIL FROM: and the parameters. */
static const struct {
	const char *path;
	unsigned flags;
	int rc;
	const char *local, *domain, *rest;
} paths[] = {
	{ "<a@b>", 0, 0, "a", "b", "" },
	{ "<a.b+c@x.example> SIZE=1", 0, 0, "a.b+c", "x.example", " SIZE=1" },
	{ "<>", NULLISH, 0, "", "", "" },
	{ "<>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<postmaster>", BARE, 0, "postmaster", "", "" },
	{ "<postmaster>", 0, -EINVAL, NULL, NULL, NULL },
	{ "a@b", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@b", 0, -EINVAL, NULL, NULL, NULL },
	{ "< a@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@b >", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a b@c>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@.>", BARE, -EINVAL, NULL, NULL, NULL },
	{ "<a@b..c>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@b..>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@.b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@b.>", 0, 0, "a", "b", "" },
	{ "<a@-b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<.a@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a.@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a..b@c>", 0, -EINVAL, NULL, NULL, NULL },
	/* quoted strings */
	{ "<\"a b\"@c>", 0, 0, "a b", "c", "" },
	{ "<\"a\\\"b\"@c>", 0, 0, "a\"b", "c", "" },
	{ "<\"a@b\"@c>", 0, 0, "a@b", "c", "" },
	{ "<\"a\"b@c>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<\"a@c>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<\"a\\", 0, -EINVAL, NULL, NULL, NULL },
	{ "<\"a\nb\"@c>", 0, -EINVAL, NULL, NULL, NULL },
	/* source routes: checked and dropped */
	{ "<@x.example:a@b>", 0, 0, "a", "b", "" },
	{ "<@x,@y.example:a@b>", 0, 0, "a", "b", "" },
	{ "<@x,:a@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<@x,y:a@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<@:a@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<@x|y:a@b>", 0, -EINVAL, NULL, NULL, NULL },
	/* literals */
	{ "<a@[192.0.2.1]>", 0, 0, "a", "[192.0.2.1]", "" },
	{ "<a@[IPv6:2001:db8::1]>", 0, 0, "a", "[IPv6:2001:db8::1]", "" },
	{ "<a@[192.0.2]>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@[192.0.2.1>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@[2001:db8::1]>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@[192.0.2.1]x>", 0, -EINVAL, NULL, NULL, NULL },
	/* UTF-8 */
	{ "<\xc3\xbc@b>", UTF8, 0, "\xc3\xbc", "b", "" },
	{ "<\xc3\xbc@b>", 0, -EINVAL, NULL, NULL, NULL },
	{ "<a@\xc3\xbc.example>", UTF8, 0, "a", "\xc3\xbc.example", "" },
	{ "<\xc3@b>", UTF8, -EILSEQ, NULL, NULL, NULL },
	{ "<\"\xc3\xbc\"@b>", 0, -EILSEQ, NULL, NULL, NULL },
	{ "<\xed\xa0\x80@b>", UTF8, -EILSEQ, NULL, NULL, NULL },
};

START_TEST(paths_are_read)
{
	struct slice line = slice_of(paths[_i].path);
	struct addr a;
	int rc = addr_parse_path(&line, paths[_i].flags, &a);

	ck_assert_msg(rc == paths[_i].rc, "%s: got %d, want %d", paths[_i].path,
	    rc, paths[_i].rc);
	if (rc < 0)
		return;
	ck_assert_str_eq(a.local, paths[_i].local);
	ck_assert_str_eq(a.domain, paths[_i].domain);
	ck_assert(slice_eq(line, slice_of(paths[_i].rest)));
}
END_TEST

START_TEST(too_long_is_named)
{
	char text[800];
	struct slice line = { text, 0 };
	struct addr a;

	memset(text, 'a', sizeof(text));
	text[0] = '<';
	memcpy(text + 1 + ADDR_LOCAL_MAX, "@b>", 3);
	line.n = ADDR_LOCAL_MAX + 4;
	ck_assert_int_eq(addr_parse_path(&line, 0, &a), 0);
	memset(text + 1, 'a', ADDR_LOCAL_MAX + 1);
	memcpy(text + 2 + ADDR_LOCAL_MAX, "@b>", 3);
	line = (struct slice){ text, ADDR_LOCAL_MAX + 5 };
	ck_assert_int_eq(addr_parse_path(&line, 0, &a), -ENAMETOOLONG);
	memset(text + 1, 'a', sizeof(text) - 1);
	memcpy(text, "<a@", 3);
	text[sizeof(text) - 1] = '>';
	line = (struct slice){ text, sizeof(text) };
	ck_assert_int_eq(addr_parse_path(&line, 0, &a), -ENAMETOOLONG);
}
END_TEST

/* What was read is written so that it is read the same again. */
START_TEST(what_is_put_is_read_back)
{
	static const char *const locals[] = { "a", "a.b", "a b", "a\"b", "a\\b",
		"", ".a", "a@b", "\xc3\xbc", "<>", "a,b" };
	struct buf b;

	buf_init(&b, 1000);
	for (size_t i = 0; i < sizeof(locals) / sizeof(locals[0]); i++) {
		struct addr a;

		buf_clear(&b);
		addr_put(&b, slice_of(locals[i]), SLICE("x.example"));
		ck_assert_int_eq(addr_parse(buf_slice(&b), UTF8, &a), 0);
		ck_assert_str_eq(a.local, locals[i]);
		ck_assert_str_eq(a.domain, "x.example");
	}
	buf_release(&b);
}
END_TEST

START_TEST(split_takes_the_last_at_outside_quotes)
{
	struct slice local, domain;

	ck_assert(addr_split(SLICE("a@b"), &local, &domain));
	ck_assert(slice_eq(local, SLICE("a")));
	ck_assert(slice_eq(domain, SLICE("b")));
	ck_assert(addr_split(SLICE("\"a@b\"@c"), &local, &domain));
	ck_assert(slice_eq(local, SLICE("\"a@b\"")));
	ck_assert(!addr_split(SLICE("a"), &local, &domain));
	ck_assert(!addr_split(SLICE("\"a@b\""), &local, &domain));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("addr");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(tc, paths_are_read, 0, ROWS(paths));
	tcase_add_test(tc, too_long_is_named);
	tcase_add_test(tc, what_is_put_is_read_back);
	tcase_add_test(tc, split_takes_the_last_at_outside_quotes);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
