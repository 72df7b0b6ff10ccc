#include <stdlib.h>

#include "access.h"
#include "unit.h"

static const struct {
	const char *network, *ip;
	bool has;
} networks[] = {
	{ "127.0.0.0/8", "127.1.2.3", true },
	{ "127.0.0.0/8", "128.0.0.1", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.128/25", "192.0.2.127", false },
	{ "192.0.2.128/25", "192.0.2.200", true },
	{ "0.0.0.0/0", "1.2.3.4", true },
	{ "0.0.0.0/0", "::1", false },
	{ "::1/128", "::1", true },
	{ "2001:db8::/32", "2001:db8:1::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "192.0.2.0/24", "::ffff:192.0.2.9", true },
	{ "192.0.2.0/33", "192.0.2.0", false },
	{ "nonsense", "192.0.2.0", false },
	{ "192.0.2.0/24", "nonsense", false },
};

START_TEST(networks_have_their_addresses)
{
	ck_assert_msg(network_has(networks[_i].network, networks[_i].ip) ==
		networks[_i].has,
	    "%s %s", networks[_i].network, networks[_i].ip);
}
END_TEST

/* Local parts, unquoted, that would have another host send it on. */
static const struct {
	const char *local;
	bool relays;
} locals[] = {
	{ "user", false },
	{ "user+detail", false },
	{ "user=other.test", false },
	{ "user.name", false },
	{ "/G=user/", false },
	{ "user%other.test", true },
	{ "user%other.test%third.test", true },
	{ "user@other.test", true }, /* was "user@other.test"@local */
	{ "@other.test:user", true },
	{ "other.test!user", true },
	{ "a!b!c", true },
	{ "user%", true },
	{ "other.test:user", true },
};

START_TEST(routes_are_seen)
{
	ck_assert_msg(
	    local_part_relays(slice_of(locals[_i].local)) == locals[_i].relays,
	    "%s", locals[_i].local);
}
END_TEST

START_TEST(clients_are_counted)
{
	struct conf *c = conf_new();
	struct access *a;
	struct client *x, *y;

	ck_assert_ptr_nonnull(c);
	a = access_new(c);
	x = access_open(a, "192.0.2.1");
	ck_assert_ptr_eq(access_open(a, "192.0.2.1"), x);
	ck_assert_uint_eq(x->n, 2);
	y = access_open(a, "192.0.2.2");
	ck_assert_uint_eq(y->n, 1);
	/* one IPv6 client has a whole /64 to come from */
	ck_assert_ptr_eq(
	    access_open(a, "2001:db8::1"), access_open(a, "2001:db8::2"));
	ck_assert_ptr_ne(
	    access_open(a, "2001:db8::1"), access_open(a, "2001:db8:0:1::1"));
	access_close(a, y);
	access_close(a, x);
	ck_assert_uint_eq(x->n, 1);
	y = access_open(a, "uid 1000");
	ck_assert_ptr_eq(access_open(a, "uid 1000"), y);
	ck_assert_ptr_ne(access_open(a, "uid 100"), y);
	ck_assert(access_is_trusted(a, "127.0.0.1"));
	ck_assert(access_is_trusted(a, "::1"));
	ck_assert(!access_is_trusted(a, "192.0.2.1"));
	ck_assert(!access_is_trusted(a, ""));
	access_free(a);
	conf_free(c);
}
END_TEST

static const struct {
	const char *ip;
	bool is_trusted;
	enum access_class class;
} classes[] = {
	{ "", true, CLASS_LOCAL },
	{ "", false, CLASS_LOCAL },
	{ "127.0.0.1", true, CLASS_HOST },
	{ "127.9.9.9", true, CLASS_HOST },
	{ "::1", true, CLASS_HOST },
	{ "::ffff:127.0.0.2", true, CLASS_HOST },
	{ "127.0.0.1", false, CLASS_STRANGER },
	{ "128.0.0.1", true, CLASS_TRUSTED },
	{ "::2", true, CLASS_TRUSTED },
	{ "192.0.2.1", false, CLASS_STRANGER },
};

START_TEST(clients_have_their_class)
{
	ck_assert_msg(access_class_of(classes[_i].ip, classes[_i].is_trusted) ==
		classes[_i].class,
	    "'%s'", classes[_i].ip);
}
END_TEST

static const struct {
	enum access_class class;
	int64_t sessions, per_client;
	int processes;
	uint32_t limit, reserve;
} limits[] = {
	{ CLASS_STRANGER, 12000, 100, 1, 101, 1501 },
	{ CLASS_STRANGER, 12000, 100, 2, 51, 751 },
	{ CLASS_TRUSTED, 12000, 100, 1, 1001, 1501 },
	{ CLASS_LOCAL, 12000, 100, 1, 1001, 1501 },
	{ CLASS_LOCAL, 400, 100, 1, 101, 51 },
	{ CLASS_TRUSTED, 400, 100, 1, 1001, 51 },
	{ CLASS_HOST, 400, 100, 1, 1001, 51 },
	{ CLASS_LOCAL, 1, 1, 16, 1, 1 },
};

START_TEST(classes_have_their_share)
{
	struct conf *c = conf_new();

	c->MaxSessions = limits[_i].sessions;
	c->MaxSessionsPerClient = limits[_i].per_client;
	ck_assert_uint_eq(
	    access_limit(c, limits[_i].class, limits[_i].processes),
	    limits[_i].limit);
	ck_assert_uint_eq(
	    access_reserve(c, limits[_i].processes), limits[_i].reserve);
	conf_free(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_access");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(
	    tc, networks_have_their_addresses, 0, ROWS(networks));
	tcase_add_loop_test(tc, routes_are_seen, 0, ROWS(locals));
	tcase_add_test(tc, clients_are_counted);
	tcase_add_loop_test(tc, clients_have_their_class, 0, ROWS(classes));
	tcase_add_loop_test(tc, classes_have_their_share, 0, ROWS(limits));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
