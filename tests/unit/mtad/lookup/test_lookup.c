/* The real mtad-lookup, asked by a smtpd and a queue that are this test. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig.h"
#include "tmp.h"
#include "unit.h"
#include "verdict.h"

#define PROGRAM "mtad/lookup/mtad-lookup"

static char program[4200];
static struct conf *conf;
static struct rig rig;
static struct buf in;

static void
set(const char *name, void *base, const struct conf_section *s,
    const char *text)
{
	char why[200];

	for (size_t i = 0; i < s->opt_n; i++)
		if (strcmp(s->opt[i].name, name) == 0)
			ck_assert_ptr_null(conf_set(&s->opt[i],
			    (char *)base + s->opt[i].offset, text, why));
}

static void
set_global(const char *name, const char *text)
{
	set(name, conf, &conf_sections[0], text);
}

static const char aliases[] = "postmaster: one@far.test, nosuch, postmaster\n"
			      "root: nosuch\n"
			      "one: two@far.test\n"
			      "list: a@far.test, b@far.test, \"|/bin/p x\"\n"
			      "owner-list: boss@far.test\n"
			      "pair: a@far.test\n"
			      "owner-pair: x@far.test, y@far.test\n"
			      "plus+tag: tagged@far.test\n"
			      "whole@h.test: w@far.test\n"
			      "bob@v.test: alias@far.test\n"
			      "inc: :include:/nowhere/list\n"
			      "\"a b\": spaced@far.test\n"
			      "self: \\one\n";

static void
begin(enum proto_role peer)
{
	const struct conf_section *s = &conf_sections[4];
	char list[5000], here[4000];
	struct conf_virtual *v;

	if (program[0] == '\0' && getcwd(here, sizeof(here)) != NULL)
		snprintf(program, sizeof(program), "%s/" PROGRAM, here);
	tmp_enter();
	conf = conf_new();
	v = conf_add_section(conf, s, "v.test");
	tmp_write("aliases", aliases, 0644);
	tmp_write("users", "bob\namy\n..x\na/b\n", 0644);
	snprintf(list, sizeof(list), "{%s}", tmp_path("aliases"));
	set_global("AliasFile", list);
	set_global("HostName", "h.test");
	set_global("LocalDomains", "{h.test}");
	if (geteuid() == 0)
		set_global("LookupUser", "nobody");
	set("Users", v, s, tmp_path("users"));
	set("Mailbox", v, s, "/m/$d/$u/");
	set("User", v, s, "vmail");
	buf_init(&in, 1 << 20);
	rig_start(&rig, program, conf, peer);
}

static int
code_of(struct slice verdict)
{
	struct rd r = rd_of(verdict);

	return get_verdict(&r).code;
}

static int
ask_rcpt(enum proto_ask what, const char *local, const char *domain,
    struct p_rcpt_answer *ret)
{
	struct p_rcpt_ask m = { .key = 7,
		.what = (uint8_t)what,
		.local = slice_of(local),
		.domain = slice_of(domain) };
	struct buf b;

	buf_init(&b, 10000);
	put_p_rcpt_ask(&b, &m);
	rig_send(rig.peer, P_RCPT_ASK, &b, -1);
	buf_release(&b);
	ck_assert_int_eq(rig_receive(rig.peer, &in), P_RCPT_ANSWER);
	ck_assert(get_p_rcpt_answer(buf_slice(&in), ret));
	ck_assert_uint_eq(ret->key, 7);
	return code_of(ret->verdict);
}

static const struct {
	const char *local, *domain;
	int code;
} rcpts[] = {
	{ "one", "h.test", 250 },
	{ "ONE", "H.test", 250 },
	{ "one+x", "h.test", 250 },
	{ "plus+tag", "h.test", 250 },
	{ "whole", "h.test", 250 },
	{ "inc", "h.test", 250 },
	{ "\"a b\"", "h.test", 250 },
	{ "nosuchuserhere", "h.test", 550 },
	{ "nosuchuserhere", "", 550 },
	{ "+x", "h.test", 550 },
	{ "-rf", "h.test", 550 },
	{ "a:b", "h.test", 550 },
	{ "../x", "h.test", 550 },
	{ "postmaster", "", 250 },
	{ "PostMaster", "v.test", 250 },
	{ "root", "h.test", 250 },
	{ "nobody", "h.test", 250 },
	{ "bob", "v.test", 250 },
	{ "Amy+detail", "V.TEST", 250 },
	{ "eve", "v.test", 550 },
	{ "..x", "v.test", 550 },
	{ "a/b", "v.test", 550 },
	{ "one", "v.test", 550 },
};

START_TEST(a_recipient)
{
	struct p_rcpt_answer a;

	begin(R_SMTPD);
	ck_assert_int_eq(
	    ask_rcpt(ASK_RCPT, rcpts[_i].local, rcpts[_i].domain, &a),
	    rcpts[_i].code);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

START_TEST(a_name_of_any_length_has_an_answer)
{
	static char name[2000];
	struct p_rcpt_answer a;

	begin(R_SMTPD);
	for (size_t n = 200; n < sizeof(name); n += 57) {
		memset(name, 'x', n);
		ck_assert_int_eq(ask_rcpt(ASK_RCPT, name, "h.test", &a), 550);
		ck_assert_int_eq(ask_rcpt(ASK_RCPT, "x", name, &a), 550);
	}
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

START_TEST(a_list_is_told_to_those_who_may_ask)
{
	struct p_rcpt_answer a;

	begin(R_SMTPD);
	ck_assert_int_eq(ask_rcpt(ASK_EXPN, "list", "h.test", &a), 250);
	ck_assert(slice_eq(a.lines, SLICE("a@far.test\nb@far.test\n")));
	ck_assert_int_eq(ask_rcpt(ASK_EXPN, "inc", "h.test", &a), 451);
	ck_assert_int_eq(
	    ask_rcpt(ASK_VRFY, "nosuchuserhere", "h.test", &a), 550);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

/* Tables that cannot be read now: nobody is unknown. */
static const struct {
	const char *gone, *local, *domain;
	int code;
} unreadable[] = {
	{ "aliases", "one", "h.test", 451 },
	{ "aliases", "nosuchuserhere", "h.test", 451 },
	{ "aliases", "bob", "v.test", 451 },
	{ "aliases", "postmaster", "h.test", 250 },
	{ "users", "bob", "v.test", 250 }, /* an alias */
	{ "users", "amy", "v.test", 451 },
	{ "users", "eve", "v.test", 451 },
	{ "users", "one", "h.test", 250 },
};

START_TEST(a_table_that_cannot_be_read)
{
	struct p_rcpt_answer a;
	char list[5000];

	begin(R_SMTPD);
	rig_stop(&rig);
	snprintf(list, sizeof(list), "%s", tmp_path(unreadable[_i].gone));
	ck_assert_int_eq(unlink(list), 0);
	rig_start(&rig, program, conf, R_SMTPD);
	ck_assert_int_eq(
	    ask_rcpt(ASK_RCPT, unreadable[_i].local, unreadable[_i].domain, &a),
	    unreadable[_i].code);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

START_TEST(a_directory_that_is_down_makes_nobody_unknown)
{
	struct p_rcpt_answer a;

	begin(R_SMTPD);
	rig_stop(&rig);
	set_global("LocalUserCheck", "{root, nobody-has-this}");
	rig_start(&rig, program, conf, R_SMTPD);
	ck_assert_int_eq(
	    ask_rcpt(ASK_RCPT, "nosuchuserhere", "h.test", &a), 451);
	ck_assert_int_eq(ask_rcpt(ASK_RCPT, "nobody", "h.test", &a), 250);
	ck_assert_int_eq(ask_rcpt(ASK_RCPT, "one", "h.test", &a), 250);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

static const struct {
	const char *local, *domain;
	enum proto_expand kind;
	int code; /* of a verdict */
	const char *user, *path, *owner, *targets; /* each with its kind */
} expansions[] = {
	{ "nobody", "h.test", EXPAND_USER, 0, "nobody", "", "", "" },
	{ "NoBody+x", "h.test", EXPAND_USER, 0, "nobody", "", "", "" },
	{ "amy", "v.test", EXPAND_VIRTUAL, 0, "vmail", "/m/v.test/amy/", "",
	    "" },
	{ "AMY+x", "V.test", EXPAND_VIRTUAL, 0, "vmail", "/m/v.test/amy/", "",
	    "" },
	{ "bob", "v.test", EXPAND_LIST, 0, "nobody", "", "",
	    "0 alias@far.test\n" },
	{ "list", "h.test", EXPAND_LIST, 0, "nobody", "", "boss@far.test",
	    "0 a@far.test\n0 b@far.test\n4 /bin/p x\n" },
	{ "pair", "h.test", EXPAND_LIST, 0, "nobody", "", "owner-pair@h.test",
	    "0 a@far.test\n" },
	{ "self", "h.test", EXPAND_LIST, 0, "nobody", "", "", "2 one\n" },
	{ "eve", "v.test", EXPAND_VERDICT, 550, "", "", "", "" },
	{ "inc", "h.test", EXPAND_VERDICT, 451, "", "", "", "" },
	{ "root", "h.test", EXPAND_VERDICT, 451, "", "", "", "" },
	/* who does not exist, and itself, are left out */
	{ "postmaster", "h.test", EXPAND_LIST, 0, "nobody", "", "",
	    "0 one@far.test\n" },
	{ "postmaster", "v.test", EXPAND_LIST, 0, "nobody", "", "",
	    "0 one@far.test\n" },
};

static void
put_targets(struct buf *b, struct slice targets)
{
	struct rd r = rd_of(targets);
	struct p_target t;

	while (!rd_end(&r) && get_p_target(&r, &t))
		buf_addf(b, "%u %.*s\n", t.kind, SLICE_ARG(t.text));
}

START_TEST(an_expansion)
{
	struct p_expand_ask m = { .key = 9,
		.local = slice_of(expansions[_i].local),
		.domain = slice_of(expansions[_i].domain) };
	struct p_expand_answer a;
	struct buf b;

	begin(R_QUEUE);
	buf_init(&b, 10000);
	put_p_expand_ask(&b, &m);
	rig_send(rig.peer, P_EXPAND_ASK, &b, -1);
	ck_assert_int_eq(rig_receive(rig.peer, &in), P_EXPAND_ANSWER);
	ck_assert(get_p_expand_answer(buf_slice(&in), &a));
	ck_assert_int_eq(a.kind, expansions[_i].kind);
	ck_assert(!a.has_more);
	if (a.kind == EXPAND_VERDICT)
		ck_assert_int_eq(code_of(a.verdict), expansions[_i].code);
	ck_assert(slice_eq(a.user, slice_of(expansions[_i].user)));
	ck_assert(slice_eq(a.path, slice_of(expansions[_i].path)));
	ck_assert(slice_eq(a.owner, slice_of(expansions[_i].owner)));
	buf_clear(&b);
	put_targets(&b, a.targets);
	ck_assert_str_eq(b.data, expansions[_i].targets);
	buf_release(&b);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

static void
expand(uint64_t key, const char *local)
{
	struct p_expand_ask m = { .key = key,
		.local = slice_of(local),
		.domain = SLICE("h.test") };
	struct buf b;

	buf_init(&b, 10000);
	put_p_expand_ask(&b, &m);
	rig_send(rig.peer, P_EXPAND_ASK, &b, -1);
	buf_release(&b);
}

static uint64_t
next_answered(void)
{
	struct p_expand_answer a;

	ck_assert_int_eq(rig_receive(rig.peer, &in), P_EXPAND_ANSWER);
	ck_assert(get_p_expand_answer(buf_slice(&in), &a));
	ck_assert_int_eq(a.kind, EXPAND_LIST);
	return a.key;
}

/* Its file takes long to read; it could be on a filesystem that hangs. */
START_TEST(an_included_file_keeps_nobody_else_waiting)
{
	struct buf b;

	begin(R_QUEUE);
	rig_stop(&rig);
	buf_init(&b, 10 << 20);
	for (int i = 0; i < 300000; i++)
		buf_addf(&b, "m%d@far.test\n", i);
	tmp_write("slow", b.data, 0644);
	buf_clear(&b);
	buf_addf(&b, "slow: :include:%s\nquick: a@far.test\n",
	    tmp_path("slow"));
	tmp_write("aliases", b.data, 0644);
	rig_start(&rig, program, conf, R_QUEUE);
	buf_release(&in);
	buf_init(&in, 4 << 20);
	expand(1, "slow");
	expand(2, "quick");
	ck_assert_uint_eq(next_answered(), 2);
	ck_assert_uint_eq(next_answered(), 1);
	ck_assert_int_eq(rig_stop(&rig), 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_huge_list_comes_in_frames)
{
	struct p_expand_ask m = { .local = SLICE("big"),
		.domain = SLICE("h.test") };
	struct p_expand_answer a;
	struct buf text, b;
	size_t frames = 0, n = 0;

	begin(R_QUEUE);
	rig_stop(&rig);
	buf_init(&text, 10 << 20);
	buf_adds(&text, "big: x@y.test");
	for (int i = 0; i < 100000; i++)
		buf_addf(&text, ",\n m%d@far.test", i);
	tmp_write("aliases", text.data, 0644);
	rig_start(&rig, program, conf, R_QUEUE);
	buf_init(&b, 10000);
	put_p_expand_ask(&b, &m);
	rig_send(rig.peer, P_EXPAND_ASK, &b, -1);
	buf_release(&in);
	buf_init(&in, 4 << 20);
	do {
		ck_assert_int_eq(rig_receive(rig.peer, &in), P_EXPAND_ANSWER);
		ck_assert(get_p_expand_answer(buf_slice(&in), &a));
		ck_assert_int_eq(a.kind, EXPAND_LIST);
		frames++;
		for (struct rd r = rd_of(a.targets); !rd_end(&r); n++) {
			struct p_target t;

			ck_assert(get_p_target(&r, &t));
		}
	} while (a.has_more);
	ck_assert_uint_eq(n, 100001);
	ck_assert_uint_ge(frames, 2);
	ck_assert_int_eq(rig_stop(&rig), 0);
	buf_release(&text);
	buf_release(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("lookup");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_recipient, 0, ROWS(rcpts));
	tcase_add_test(tc, a_name_of_any_length_has_an_answer);
	tcase_add_test(tc, a_list_is_told_to_those_who_may_ask);
	tcase_add_loop_test(
	    tc, a_table_that_cannot_be_read, 0, ROWS(unreadable));
	tcase_add_test(tc, a_directory_that_is_down_makes_nobody_unknown);
	tcase_add_loop_test(tc, an_expansion, 0, ROWS(expansions));
	tcase_add_test(tc, an_included_file_keeps_nobody_else_waiting);
	tcase_add_test(tc, a_huge_list_comes_in_frames);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
