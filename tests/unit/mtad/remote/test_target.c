#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "target.h"

static void
fill(struct mx *v, const char *const *names, const uint16_t *prefs, int n)
{
	for (int i = 0; i < n; i++) {
		v[i].pref = prefs[i];
		snprintf(v[i].name, sizeof(v[i].name), "%s", names[i]);
	}
}

START_TEST(lower_preference_first)
{
	static const char *const names[] = { "c", "a", "d", "b" };
	static const uint16_t prefs[] = { 30, 10, 40, 20 };
	struct mx v[4];

	for (uint64_t random = 0; random < 50; random++) {
		fill(v, names, prefs, 4);
		mx_sort(v, 4, random << 40 | random);
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(v[i].name[0], 'a' + i);
	}
}
END_TEST

/* Each of three equals is first about as often. */
START_TEST(equal_preference_is_shuffled)
{
	static const char *const names[] = { "a", "b", "c", "z" };
	static const uint16_t prefs[] = { 10, 10, 10, 20 };
	int first[3] = { 0 };
	struct mx v[4];

	for (uint64_t i = 0; i < 3000; i++) {
		fill(v, names, prefs, 4);
		mx_sort(v, 4, (i + 1) * UINT64_C(0x9e3779b97f4a7c15));
		ck_assert_str_eq(v[3].name, "z");
		first[v[0].name[0] - 'a']++;
	}
	for (int i = 0; i < 3; i++)
		ck_assert_msg(first[i] > 800 && first[i] < 1200, "%c: %d",
		    'a' + i, first[i]);
}
END_TEST

static const struct {
	const char *self;
	int left;
} selves[] = { { "a", 0 }, { "B", 1 }, { "c", 1 }, { "d", 3 }, { "x", 4 } };

START_TEST(as_bad_as_ourselves_is_not_used)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	static const uint16_t prefs[] = { 1, 2, 2, 3 };
	struct mx v[4];

	fill(v, names, prefs, 4);
	ck_assert_int_eq(
	    mx_before_self(v, 4, slice_of(selves[_i].self)), selves[_i].left);
}
END_TEST

static const struct {
	const char *ip;
	bool is_nowhere;
} places[] = { { "127.0.0.1", true }, { "127.9.9.9", true },
	{ "0.0.0.0", true }, { "0.1.2.3", true }, { "128.0.0.1", false },
	{ "192.0.2.1", false }, { "::1", true }, { "::", true },
	{ "::ffff:127.0.0.1", true }, { "::ffff:192.0.2.1", false },
	{ "2001:db8::1", false } };

START_TEST(nowhere)
{
	int family = strchr(places[_i].ip, ':') ? AF_INET6 : AF_INET;
	unsigned char addr[16];
	struct target t;
	char ip[64];

	ck_assert_int_eq(inet_pton(family, places[_i].ip, addr), 1);
	target_inet(&t, family, addr, 2525);
	ck_assert_msg(target_is_nowhere(&t) == places[_i].is_nowhere, "%s",
	    places[_i].ip);
	target_ip(&t, ip);
	ck_assert_str_eq(ip, places[_i].ip);
	ck_assert_uint_eq(target_port(&t), 2525);
}
END_TEST

START_TEST(paths)
{
	char longest[200];
	struct target t;

	memset(longest, 'x', sizeof(longest));
	ck_assert(target_unix(&t, SLICE("/run/lmtp")));
	ck_assert_str_eq(t.addr.un.sun_path, "/run/lmtp");
	ck_assert(!target_unix(&t, (struct slice){ longest, 200 }));
	ck_assert(!target_unix(&t, SLICE("")));
}
END_TEST

START_TEST(a_reason_names_the_domain)
{
	struct targets *t = targets_none(
	    550, "5.1.2", RC_DNS_NONE, "There is no domain %s here", "a%sb");

	ck_assert(
	    slice_eq(t->verdict.text, SLICE("There is no domain a%sb here")));
	targets_unref(targets_ref(t));
	targets_unref(t);
}
END_TEST

START_TEST(reverse_names)
{
	char name[80];

	ck_assert(name_reverse("192.0.2.1", name));
	ck_assert_str_eq(name, "1.2.0.192.in-addr.arpa");
	ck_assert(name_reverse("2001:db8::1", name));
	ck_assert_str_eq(name,
	    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."
	    "ip6.arpa");
	ck_assert(!name_reverse("mail", name));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("remote_target");
	TCase *tc = tcase_create("core");
	SRunner *sr = srunner_create(s);
	int failed;

	tcase_add_test(tc, lower_preference_first);
	tcase_add_test(tc, equal_preference_is_shuffled);
	tcase_add_loop_test(tc, as_bad_as_ourselves_is_not_used, 0,
	    (int)(sizeof(selves) / sizeof(selves[0])));
	tcase_add_loop_test(
	    tc, nowhere, 0, (int)(sizeof(places) / sizeof(places[0])));
	tcase_add_test(tc, paths);
	tcase_add_test(tc, a_reason_names_the_domain);
	tcase_add_test(tc, reverse_names);
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
