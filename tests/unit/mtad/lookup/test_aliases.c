/* Alias files, lists of users, :include: files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "aliases.h"
#include "lookup.h"
#include "tmp.h"
#include "unit.h"
#include "userlist.h"

/* One row: this text; then this key has these members, or the error. */
static const struct {
	const char *text, *key, *members, *error;
} files[] = {
	{ "a: b\n", "a", " b", NULL },
	{ "A: b\n", "a", " b", NULL },
	{ "a: b\n", "A", " b", NULL },
	{ "a: b\n", "c", NULL, NULL },
	{ "a: b,\n c\nd: e", "a", " b,\n c", NULL },
	{ "a: b,\n\tc\n\nd: e", "d", " e", NULL },
	{ "# x: y\na: b\n", "x", NULL, NULL },
	{ "\n\n   \na: b\n", "a", " b", NULL },
	{ "\"a b\": c\n", "a b", " c", NULL },
	{ "\"a:b\" : c\n", "a:b", " c", NULL },
	{ "a :b\n", "a", "b", NULL },
	{ "a: b\r\nc: d\r\n", "c", " d\r", NULL },
	{ "x@y.test: b\n", "X@Y.test", " b", NULL },
	{ "a: \"|/bin/p x\", /file, :include:/f, \\u\n", "a",
	    " \"|/bin/p x\", /file, :include:/f, \\u", NULL },
	{ "a: b\na: c\n", "a", " b",
	    "f:2: this name is there already; the first counts" },
	{ "a\n", NULL, NULL, "f:1: name: members is wanted" },
	{ "a: b\n\n: c\n", NULL, NULL, "f:3: name: members is wanted" },
	{ "a:\n", NULL, NULL, "f:1: there is nothing behind the colon" },
	{ "a: b\nc: d e\n", NULL, NULL, "f:2: that is no address" },
	{ "a: b\n\"c: d\n", NULL, NULL, "f:2: name: members is wanted" },
};

START_TEST(an_alias_file)
{
	struct aliases *as = aliases_new();
	struct slice got = { NULL, 0 };
	char why[300] = "";
	bool ok = aliases_parse(as, "f", slice_of(files[_i].text), why);

	ck_assert_str_eq(why, files[_i].error ? files[_i].error : "");
	ck_assert(ok == (files[_i].key != NULL));
	if (ok)
		ck_assert(aliases_find(as, slice_of(files[_i].key), &got) ==
		    (files[_i].members != NULL));
	if (ok && files[_i].members != NULL)
		ck_assert_msg(slice_eq(got, slice_of(files[_i].members)),
		    "got '%.*s'", SLICE_ARG(got));
	aliases_free(as);
}
END_TEST

static struct conf_list
one_file(char **at, const char *path)
{
	*at = (char *)(uintptr_t)path;
	return (struct conf_list){ at, 1 };
}

START_TEST(a_missing_file_is_not_an_empty_one)
{
	char why[300], *v;
	struct conf_list l = one_file(&v, "/nowhere/aliases");

	ck_assert_ptr_null(aliases_read(&l, why));
	ck_assert_str_eq(why, "/nowhere/aliases: No such file or directory");
}
END_TEST

START_TEST(a_changed_file_is_noticed)
{
	char why[300], *v;
	struct conf_list l;
	struct aliases *as;

	tmp_enter();
	tmp_write("aliases", "a: b\n", 0644);
	l = one_file(&v, tmp_path("aliases"));
	as = aliases_read(&l, why);
	ck_assert_ptr_nonnull(as);
	ck_assert_uint_eq(aliases_count(as), 1);
	ck_assert(!aliases_are_old(as));
	ck_assert(aliases_is_owner(as, geteuid()));
	tmp_write("aliases", "a: b\nc: d\n", 0644);
	ck_assert(aliases_are_old(as));
	ck_assert_int_eq(unlink(v), 0);
	ck_assert(aliases_are_old(as));
	aliases_free(as);
}
END_TEST

START_TEST(users_of_a_virtual_domain)
{
	struct userlist l;

	tmp_enter();
	tmp_write("users", "# all\nbob\n  Amy # she\n\nbob\nc#d\n", 0644);
	userlist_init(&l, tmp_path("users"));
	ck_assert_int_eq(userlist_refresh(&l), 0);
	ck_assert(userlist_is_readable(&l));
	ck_assert(userlist_has(&l, SLICE("BOB")));
	ck_assert(userlist_has(&l, SLICE("amy")));
	ck_assert(userlist_has(&l, SLICE("c#d")));
	ck_assert(!userlist_has(&l, SLICE("# all")));
	ck_assert(!userlist_has(&l, SLICE("")));
	ck_assert_int_eq(unlink(l.path), 0);
	ck_assert_int_lt(userlist_refresh(&l), 0);
	ck_assert(!userlist_is_readable(&l));
	tmp_write("users", "eve\n", 0644);
	ck_assert_int_eq(userlist_refresh(&l), 0);
	ck_assert(!userlist_has(&l, SLICE("bob")));
	ck_assert(userlist_has(&l, SLICE("eve")));
	userlist_release(&l);
}
END_TEST

static int
collect(const char *text, uint32_t *ret_n, char why[300])
{
	char reason[300], *v;
	struct conf_list l = one_file(&v, tmp_path("aliases"));
	struct aliases *as = aliases_read(&l, reason);
	struct members all;
	struct p_target t;
	struct rd r;
	int rc;

	ck_assert_ptr_nonnull(as);
	members_init(&all);
	rc = include_collect(as, &all, slice_of(text), why);
	*ret_n = 0;
	for (r = rd_of(buf_slice(&all.targets)); !rd_end(&r);)
		if (get_p_target(&r, &t))
			++*ret_n;
	members_release(&all);
	aliases_free(as);
	return rc;
}

static const char *
including(const char *name)
{
	static char text[5000];

	snprintf(text, sizeof(text), "x, :include:%.4000s", tmp_path(name));
	return text;
}

START_TEST(a_list_is_read_from_its_file)
{
	char why[300], again[5000];
	uint32_t n;

	tmp_enter();
	tmp_write("aliases", "", 0644);
	tmp_write("deep", "d\ne", 0644);
	snprintf(again, sizeof(again), "# us\na, b\nc\n:include:%s\n",
	    tmp_path("deep"));
	tmp_write("list", again, 0640);
	ck_assert_int_eq(collect(including("list"), &n, why), 0);
	ck_assert_uint_eq(n, 6);
}
END_TEST

START_TEST(a_list_that_includes_itself_ends)
{
	char why[300], text[5000];
	uint32_t n;

	tmp_enter();
	tmp_write("aliases", "", 0644);
	snprintf(text, sizeof(text), ":include:%s\n", tmp_path("list"));
	tmp_write("list", text, 0644);
	ck_assert_int_lt(collect(including("list"), &n, why), 0);
	ck_assert_ptr_nonnull(strstr(why, "include each other"));
}
END_TEST

/* What is not read, and why. */
static const struct {
	const char *name, *why;
} unsafe[] = {
	{ "missing", "No such file" },
	{ "group", "written by others" },
	{ "world", "written by others" },
	{ "link", "symbolic links" },
	{ "fifo", "no regular file" },
	{ "folder", "no regular file" },
	{ "broken", "no address" },
	{ "other", "belongs to neither" },
};

START_TEST(an_unsafe_list_is_not_read)
{
	char why[300] = "";
	uint32_t n;

	tmp_enter();
	tmp_write("aliases", "", 0644);
	tmp_write("group", "a\n", 0664);
	tmp_write("world", "a\n", 0646);
	tmp_write("broken", "a b\n", 0644);
	tmp_write("other", "a\n", 0644);
	if (chown(tmp_path("other"), 65534, (gid_t)-1) < 0 &&
	    strcmp(unsafe[_i].name, "other") == 0)
		return; /* needs root */
	ck_assert_int_eq(symlink("broken", tmp_path("link")), 0);
	ck_assert_int_eq(mkfifo(tmp_path("fifo"), 0644), 0);
	ck_assert_int_eq(mkdir(tmp_path("folder"), 0755), 0);
	ck_assert_int_lt(collect(including(unsafe[_i].name), &n, why), 0);
	ck_assert_msg(strstr(why, unsafe[_i].why) != NULL, "%s: %s",
	    unsafe[_i].name, why);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("aliases");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, an_alias_file, 0, ROWS(files));
	tcase_add_test(tc, a_missing_file_is_not_an_empty_one);
	tcase_add_test(tc, a_changed_file_is_noticed);
	tcase_add_test(tc, users_of_a_virtual_domain);
	tcase_add_test(tc, a_list_is_read_from_its_file);
	tcase_add_test(tc, a_list_that_includes_itself_ends);
	tcase_add_loop_test(tc, an_unsafe_list_is_not_read, 0, ROWS(unsafe));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
