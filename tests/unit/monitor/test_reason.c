#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reason.h"
#include "unit.h"

static const struct {
	const char *text, *template;
} templates[] = {
	{ "", "" },
	{ "  User\tUNKNOWN \r\n", "user unknown" },
	{ "<Some.One@example.org>: Recipient address rejected",
	    "<addr>: recipient address rejected" },
	{ "<>: no", "<addr>: no" },
	{ "user <bob> unknown", "user <addr> unknown" },
	{ "bob@example.org... User unknown", "<addr>... user unknown" },
	{ "client [192.0.2.1] blocked", "client [<ip>] blocked" },
	{ "host 192.0.2.1.", "host <ip>." },
	{ "[IPv6:2001:db8::1]: no", "[ipv<n>:<ip>]: no" },
	{ "from 2001:db8::1, no", "from <ip>, no" },
	{ "::1 is no", "<ip> is no" },
	{ "1.2.3.4.5 is none", "<n>.<n>.<n>.<n>.<n> is none" },
	{ "4.7.28 too much", "4.7.28 too much" },
	{ "wait 300 seconds", "wait <n> seconds" },
	{ "queued as 4XyZ1w3vQ2z9", "queued as <id>" },
	{ "queued as E0CB91FD2", "queued as <id>" },
	{ "see mx1.example.org now", "see mx<n>.example.org now" },
	{ "gave up. e12-20020a5d4e8c000000b0030ae3a6c8d9si1234567wrx.123 - "
	  "gsmtp",
	    "gave up. <id> - gsmtp" },
	{ "id=550e8400-e29b-41d4-a716-446655440000 x", "id=<id> x" },
	{ "see https://www.example.org/why?ip=192.0.2.1.",
	    "see www.example.org<path>." },
	{ "(http://example.org)", "(example.org)" },
	{ "<https://example.org/a>", "<example.org<path>>" },
	{ "until Tue, 24 Nov 2026 12:00:00 +0900 x", "until <t> x" },
	{ "until 2026-11-24T12:00:00.123Z", "until <t>" },
	{ "at 12:00:01 or Nov 24", "at <t> or <t>" },
	{ "since November 24, 2026", "since <t>" },
	{ "the dots may come back", "the dots may come back" },
	{ "<addr> <ip> <id> <n> a<path> <t> <*>",
	    "<addr> <ip> <id> <n> a<path> <t> <*>" },
	{ "a\1b\177c", "a b c" },
};

START_TEST(a_text_becomes_a_template)
{
	struct buf b;

	buf_init(&b, 4096);
	reason_template(&b, slice_of(templates[_i].text));
	ck_assert_str_eq(b.data, templates[_i].template);
	buf_release(&b);
}
END_TEST

START_TEST(a_template_is_bounded)
{
	struct buf b, text;

	buf_init(&text, 1 << 20);
	for (int i = 0; i < 10000; i++)
		buf_adds(&text, "<a@b> 1.2.3.4 ");
	buf_init(&b, 4096);
	reason_template(&b, buf_slice(&text));
	ck_assert(!b.bad && b.len <= REASON_TEMPLATE_MAX);
	buf_release(&b);
	buf_release(&text);
}
END_TEST

/* A hash is in stores: it never changes. */
START_TEST(a_hash_stays)
{
	ck_assert_uint_eq(
	    reason_hash(SLICE("user unknown")), UINT64_C(327884673207150955));
	ck_assert_uint_ne(reason_hash(SLICE("")), 0);
}
END_TEST

static const struct {
	unsigned code;
	const char *enhanced, *text, *class;
} classes[] = {
	{ 250, "2.0.0", "queued", "" },
	{ 550, "5.1.1", "no", "mailbox-unknown" },
	{ 421, "4.7.28", "unusual rate", "rate-limit" },
	{ 450, "4.2.0", "Greylisted, come back", "greylist" },
	{ 554, "5.7.1", "Relay access denied", "relay-denied" },
	{ 0, "4.4.1", "connect to x[192.0.2.1]:25: Connection refused",
	    "conn-refused" },
	{ 0, "4.4.1", "connect to x[192.0.2.1]:25: Connection timed out",
	    "conn-timeout" },
	{ 0, "4.4.2", "lost connection with x while sending RCPT TO",
	    "peer-closed" },
	{ 0, "4.4.3",
	    "Host or domain name not found. Name service error for name=x "
	    "type=MX: Host not found, try again",
	    "dns-temp" },
	{ 0, "5.4.4",
	    "Host or domain name not found. Name service error for name=x "
	    "type=A: Host not found",
	    "dns-none" },
	{ 0, "", "retry timeout exceeded", "expired" },
	{ 0, "5.4.6", "mail for x loops back to myself", "loop" },
	{ 0, "5.1.1", "unknown user: \"bob\"", "mailbox-unknown" },
	{ 0, "4.4.9", "something else", "unknown" },
	{ 0, "", "", "unknown" },
};

START_TEST(a_reply_has_a_class)
{
	enum reason r = reason_classify(classes[_i].code,
	    slice_of(classes[_i].enhanced), slice_of(classes[_i].text));

	ck_assert_str_eq(reason_name(r), classes[_i].class);
}
END_TEST

START_TEST(one_providers_deferral_is_one_row)
{
	struct reason_tree *t = reason_tree_new();
	uint64_t first = 0;
	char text[300];

	for (unsigned i = 0; i < 185; i++) {
		struct reason_row r;

		snprintf(text, sizeof(text),
		    "4.7.28 [192.0.2.%u] Our system has detected an unusual "
		    "rate of mail. x%u-%08xabc%xsi%u.%u - gsmtp",
		    i, i % 7, i * 2654435761u, i, 100000 + i, i);
		r = reason_tree_find(t, slice_of(text));
		if (i == 0)
			first = r.hash;
		ck_assert(r.is_new == (i == 0));
		ck_assert_uint_eq(r.hash, first);
	}
	reason_tree_free(t);
}
END_TEST

static struct reason_row
find(struct reason_tree *t, const char *text)
{
	return reason_tree_find(t, slice_of(text));
}

START_TEST(words_that_differ_gather)
{
	struct reason_tree *t = reason_tree_new();
	struct reason_row a = find(t, "the mail for alice is held here"), b;
	uint64_t hash = a.hash;

	ck_assert(a.is_new);
	ck_assert_uint_eq(hash, reason_hash(a.template));
	b = find(t, "the mail for alice was held here");
	ck_assert(!b.is_new && b.is_changed && b.hash == hash);
	ck_assert(
	    slice_eq(b.template, SLICE("the mail for alice <*> held here")));
	b = find(t, "the mail for alice is held here");
	ck_assert(!b.is_new && !b.is_changed && b.hash == hash);
	/* other first words, another number of words, too little in common */
	ck_assert(find(t, "the mail to alice is held here").is_new);
	ck_assert(find(t, "the mail for alice is held here again").is_new);
	ck_assert(find(t, "the mail for alice now goes away").is_new);
	reason_tree_free(t);
}
END_TEST

START_TEST(classes_are_never_mixed)
{
	struct reason_tree *t = reason_tree_new();

	ck_assert(find(t, "the remote end says connection refused").is_new);
	ck_assert(find(t, "the remote end says connection reset").is_new);
	ck_assert(!find(t, "the remote end says connection refused").is_new);
	reason_tree_free(t);
}
END_TEST

START_TEST(a_row_of_an_earlier_run)
{
	struct reason_tree *t = reason_tree_new();
	struct reason_row r;

	reason_tree_add(t, 4711, SLICE("the mail for <addr> <*> held here"));
	r = find(t, "The mail for <bob@example.org> was held here");
	ck_assert(!r.is_new && !r.is_changed);
	ck_assert_uint_eq(r.hash, 4711);
	reason_tree_free(t);
}
END_TEST

START_TEST(a_full_tree_says_other)
{
	struct reason_tree *t = reason_tree_new();
	struct reason_row r = { 0 };
	char text[64];

	for (int i = 0; i <= REASON_TREE_MAX; i++) {
		snprintf(text, sizeof(text), "%c%c%c%c nothing alike",
		    'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26,
		    'a' + i / 17576);
		r = find(t, text);
	}
	ck_assert(!r.is_new);
	ck_assert(slice_eq(r.template, SLICE("other")));
	ck_assert_uint_eq(r.hash, reason_hash(SLICE("other")));
	ck_assert(slice_eq(find(t, "aaaa nothing alike").template,
	    SLICE("aaaa nothing alike")));
	reason_tree_free(t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("reason");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, a_text_becomes_a_template, 0, ROWS(templates));
	tcase_add_test(tc, a_template_is_bounded);
	tcase_add_test(tc, a_hash_stays);
	tcase_add_loop_test(tc, a_reply_has_a_class, 0, ROWS(classes));
	tcase_add_test(tc, one_providers_deferral_is_one_row);
	tcase_add_test(tc, words_that_differ_gather);
	tcase_add_test(tc, classes_are_never_mixed);
	tcase_add_test(tc, a_row_of_an_earlier_run);
	tcase_add_test(tc, a_full_tree_says_other);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
