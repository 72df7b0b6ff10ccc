#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "drop.h"
#include "unit.h"

static void
write_one(struct buf *b, const char *message)
{
	const struct slice rcpts[] = { SLICE("b@c"), SLICE("d\nR e@f") };
	struct drop d = { .sender = SLICE("a@b"),
		.envid = SLICE("id"),
		.ret = SLICE("hdrs"),
		.notify = SLICE("never"),
		.message = slice_of(message) };

	buf_init(b, 1 << 20);
	drop_put(b, &d, rcpts, 2);
}

START_TEST(what_is_written_is_read)
{
	struct buf b;
	struct drop d;
	struct slice r;
	size_t pos = 0;

	write_one(&b, "Subject: x\n\nmtad-end 3\n");
	ck_assert_int_eq(drop_parse(buf_slice(&b), &d), 0);
	ck_assert(slice_eq(d.sender, SLICE("a@b")));
	ck_assert(slice_eq(d.envid, SLICE("id")));
	ck_assert(slice_eq(d.ret, SLICE("hdrs")));
	ck_assert(slice_eq(d.notify, SLICE("never")));
	ck_assert(slice_eq(d.message, SLICE("Subject: x\n\nmtad-end 3\n")));
	ck_assert_uint_eq(d.rcpts, 2);
	ck_assert(drop_next_rcpt(&d, &pos, &r));
	ck_assert(slice_eq(r, SLICE("b@c")));
	ck_assert(drop_next_rcpt(&d, &pos, &r));
	ck_assert_msg(slice_eq(r, SLICE("d R e@f")),
	    "a newline makes no second recipient");
	ck_assert(!drop_next_rcpt(&d, &pos, &r));
	buf_release(&b);
}
END_TEST

/* Whatever was not written is missed: no prefix of a file is one. */
START_TEST(no_prefix_is_whole)
{
	struct buf b;
	struct drop d;

	write_one(&b, "one\ntwo\n\n");
	for (size_t n = 0; n < b.len; n++)
		ck_assert_int_eq(
		    drop_parse((struct slice){ b.data, n }, &d), -EBADMSG);
	buf_release(&b);
}
END_TEST

static const char *const bad[] = {
	"",
	"mtad-drop 2\nR a\n\nmtad-end 0\n",
	"mtad-drop 1\n\nmtad-end 0\n",
	"mtad-drop 1\nX a\nR a\n\nmtad-end 0\n",
	"mtad-drop 1\nR a\n\nxmtad-end 0\n",
	"mtad-drop 1\nR a\n\nmtad-end 1\n",
	"mtad-drop 1\nR a\n\nmtad-end 99999999999999999999\n",
	"mtad-drop 1\nR a\n\nmtad-end -1\n",
	"mtad-drop 1\nRa\n\nmtad-end 0\n",
};

START_TEST(bad_files_are_refused)
{
	struct drop d;

	ck_assert_msg(
	    drop_parse(slice_of(bad[_i]), &d) == -EBADMSG, "%s", bad[_i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("drop");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_test(tc, what_is_written_is_read);
	tcase_add_test(tc, no_prefix_is_whole);
	tcase_add_loop_test(tc, bad_files_are_refused, 0, ROWS(bad));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
