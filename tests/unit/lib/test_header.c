#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "unit.h"

START_TEST(fields_come_one_after_the_other)
{
	struct slice rest = SLICE("A: one\r\nB:\r\n two\r\n\tthree\r\n"
				  "C :x\r\n\r\nbody: no\r\n");
	struct header_field f;

	ck_assert(header_next(&rest, &f));
	ck_assert(slice_eq(f.name, SLICE("A")));
	ck_assert(slice_eq(f.value, SLICE("one")));
	ck_assert(slice_eq(f.raw, SLICE("A: one\r\n")));
	ck_assert(header_next(&rest, &f));
	ck_assert(slice_eq(f.name, SLICE("B")));
	ck_assert(slice_eq(f.value, SLICE("two\r\n\tthree")));
	ck_assert(header_next(&rest, &f));
	ck_assert(slice_eq(f.name, SLICE("C")));
	ck_assert(!header_next(&rest, &f));
	ck_assert(slice_eq(rest, SLICE("\r\nbody: no\r\n")));
}
END_TEST

static const struct {
	const char *name, *message;
	size_t size;
	bool has_subject;
} messages[] = {
	{ "empty", "", 0, false },
	{ "no header", "\r\nSubject: x\r\n", 0, false },
	{ "text only", "hello\r\nSubject: x\r\n", 0, false },
	{ "one field", "Subject: x\r\n\r\n", 12, true },
	{ "LF too", "SUBJECT: x\n\n", 11, true },
	{ "without end", "subject: x", 10, true },
	{ "cut by text", "A: b\r\ntext\r\nSubject: x\r\n\r\n", 6, false },
	{ "colon first", ": x\r\nSubject: x\r\n", 0, false },
};

START_TEST(headers_end_where_they_end)
{
	struct slice m = slice_of(messages[_i].message);
	struct header_field f;

	ck_assert_msg(header_size(m) == messages[_i].size, "%s: size %zu",
	    messages[_i].name, header_size(m));
	ck_assert_msg(
	    header_find(m, SLICE("Subject"), &f) == messages[_i].has_subject,
	    "%s", messages[_i].name);
}
END_TEST

static void
join(void *arg, struct slice addr)
{
	buf_add_slice(arg, addr);
	buf_addc(arg, '|');
}

static const struct {
	const char *value, *addresses;
	bool ok;
} lists[] = {
	{ "a@b", "a@b|", true },
	{ "a@b, c", "a@b|c|", true },
	{ "A Name <a@b>", "a@b|", true },
	{ "\"Last, First\" <a@b>, x", "a@b|x|", true },
	{ "(comment, with) a@b (another (nested))", "a@b|", true },
	{ "friends: a@b, <c@d>;, e", "a@b|c@d|e|", true },
	{ "undisclosed-recipients:;", "", true },
	{ "<@x,@y:a@b>", "a@b|", true },
	{ "\"a b\"@c", "\"a b\"@c|", true },
	{ "a@[IPv6:2001:db8::1], c", "a@[IPv6:2001:db8::1]|c|", true },
	{ "<a@[IPv6:::1]>", "a@[IPv6:::1]|", true },
	{ "a@b,\r\n\tc@d", "a@b|c@d|", true },
	{ ",,,", "", true },
	{ "<><><>", "", true },
	{ "\"never closed", "\"never closed|", false },
	{ "<a@b", "a@b|", false },
	{ "a, <b, c", "a|b,c|", false },
	{ "a <b (c>", "b|", false },
	{ "a, (never closed, b", "a|", false },
	{ "a (closed)", "a|", true },
	{ "a@[1.2.3.4, b", "a@[1.2.3.4, b|", false },
};

START_TEST(lists_give_their_addresses)
{
	struct buf b;
	bool ok;

	buf_init(&b, 10000);
	ok = header_addresses(slice_of(lists[_i].value), join, &b);
	ck_assert_msg(strcmp(b.data, lists[_i].addresses) == 0, "%s: got %s",
	    lists[_i].value, b.data);
	ck_assert_msg(ok == lists[_i].ok, "%s", lists[_i].value);
	buf_release(&b);
}
END_TEST

/* CA-2003-07 and its kind: depth and number cost nothing but time. */
START_TEST(hostile_lists_are_only_long)
{
	struct buf v, out;

	buf_init(&v, 1 << 20);
	buf_init(&out, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_addc(&v, '(');
	for (int i = 0; i < 500; i++)
		buf_adds(&v, "<><>");
	for (int i = 0; i < 5000; i++)
		buf_addc(&v, (char)0xff);
	header_addresses(buf_slice(&v), join, &out);
	buf_release(&v);
	buf_release(&out);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("header");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_test(tc, fields_come_one_after_the_other);
	tcase_add_loop_test(tc, headers_end_where_they_end, 0, ROWS(messages));
	tcase_add_loop_test(tc, lists_give_their_addresses, 0, ROWS(lists));
	tcase_add_test(tc, hostile_lists_are_only_long);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
