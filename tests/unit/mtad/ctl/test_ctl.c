/* sendmail's options and messages; members; conf; route. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "conf.h"
#include "conf_text.h"
#include "members.h"
#include "route.h"
#include "sendmail.h"
#include "unit.h"

static const struct {
	const char *argv[8];
	int rc;
	enum sendmail_mode mode;
	int first;
} options[] = {
	{ { "sendmail", "-t", "-i" }, 0, MODE_DELIVER, 3 },
	{ { "sendmail", "-oi", "-odb", "-f", "a@b", "x@y" }, 0, MODE_DELIVER,
	    5 },
	{ { "sendmail", "-fa@b", "x@y" }, 0, MODE_DELIVER, 2 },
	{ { "/usr/bin/mailq" }, 0, MODE_QUEUE_LIST, 1 },
	{ { "newaliases" }, 0, MODE_ALIASES, 1 },
	{ { "sendmail", "-bs" }, 0, MODE_SMTP, 2 },
	{ { "sendmail", "-bv", "x" }, 0, MODE_VERIFY, 2 },
	{ { "sendmail", "-qRfoo" }, 0, MODE_QUEUE_RUN, 2 },
	{ { "sendmail", "-bd", "-q30m" }, 0, MODE_DAEMON, 3 },
	{ { "sendmail", "-FCronDaemon", "-i", "-odi", "-oem", "-oi", "-t" }, 0,
	    MODE_DELIVER, 7 },
	{ { "sendmail", "--", "-x@y" }, 0, MODE_DELIVER, 2 },
	{ { "sendmail", "-f" }, EX_USAGE, MODE_DELIVER, 0 },
	{ { "sendmail", "-bz" }, EX_USAGE, MODE_DELIVER, 0 },
	{ { "sendmail", "-Z" }, EX_USAGE, MODE_DELIVER, 0 },
};

START_TEST(options_as_programs_give_them)
{
	struct sendmail_options o;
	char why[200];
	int argc = 0;

	while (argc < 8 && options[_i].argv[argc] != NULL)
		argc++;
	ck_assert_int_eq(
	    sendmail_options(argc, (char **)options[_i].argv, &o, why),
	    options[_i].rc);
	if (options[_i].rc == 0) {
		ck_assert_int_eq(o.mode, options[_i].mode);
		ck_assert_int_eq(o.first_rcpt, options[_i].first);
	}
}
END_TEST

static const struct {
	const char *in;
	bool t, i;
	const char *rcpts, *message;
	int rc;
} letters[] = {
	{ "To: a@b\nBcc: c@d\n\nx\n", true, false, "a@b\nc@d\n",
	    "To: a@b\nFrom: \"N\" <u@h>\n\nx\n", 0 },
	{ "plain\n", false, false, "r@s\n", "From: \"N\" <u@h>\n\nplain\n", 0 },
	{ "A: 1\r\n\r\nx\r\n", false, false, "r@s\n",
	    "A: 1\nFrom: \"N\" <u@h>\n\nx\n", 0 },
	{ "\nx\n.\nno\n", false, false, "r@s\n", "From: \"N\" <u@h>\n\nx\n",
	    0 },
	{ "\nx\n.\nyes\n", false, true, "r@s\n",
	    "From: \"N\" <u@h>\n\nx\n.\nyes\n", 0 },
	{ "From: me@here\n\nx\n", false, false, "r@s\n", "From: me@here\n\nx\n",
	    0 },
	{ "Subject: x\n\nx\n", true, false, "", NULL, EX_USAGE },
};

START_TEST(a_message_is_completed)
{
	struct sendmail_options o = { .reads_header = letters[_i].t,
		.ignores_dots = letters[_i].i };
	struct outgoing out;

	outgoing_init(&out);
	ck_assert(outgoing_sender(&out, NULL, "u", "h"));
	if (!letters[_i].t)
		outgoing_add(&out, "r@s");
	ck_assert_int_eq(
	    outgoing_make(&out, &o, slice_of(letters[_i].in), "N", "h"),
	    letters[_i].rc);
	if (letters[_i].rc == 0) {
		ck_assert_str_eq(out.rcpts.data, letters[_i].rcpts);
		ck_assert_str_eq(out.message.data, letters[_i].message);
	}
	outgoing_release(&out);
}
END_TEST

static const struct {
	const char *text;
	uint32_t n;
	bool ok;
} members[] = {
	{ "a@b, c", 2, true },
	{ "\"|/usr/bin/prog -x\", d", 2, true },
	{ "|\"/bin/p a\"", 1, true },
	{ "/var/archive", 1, true },
	{ ":include:/etc/list", 1, true },
	{ "\\user", 1, true },
	{ "# comment\na@b\n\n", 1, true },
	{ "a b", 0, false },
	{ "|", 0, false },
	{ "a@b@c", 0, false },
};

START_TEST(members_of_an_alias)
{
	struct members m;

	members_init(&m);
	ck_assert(
	    members_parse(&m, slice_of(members[_i].text)) == members[_i].ok);
	if (members[_i].ok)
		ck_assert_uint_eq(m.n, members[_i].n);
	members_release(&m);
}
END_TEST

static const struct {
	const char *command;
	int n;
	const char *last;
} commands[] = {
	{ "/bin/p a b", 3, "b" },
	{ "/bin/p 'a b' \"c \\\" d\"", 3, "c \" d" },
	{ "/bin/p $(rm) ; x | y", 6, "y" },
	{ "  ", 0, NULL },
	{ "/bin/p 'open", -1, NULL },
};

START_TEST(words_of_a_command)
{
	char *argv[10], *store;
	int n = command_words(slice_of(commands[_i].command), argv, 9, &store);

	ck_assert_int_eq(n, commands[_i].n);
	if (n > 0)
		ck_assert_str_eq(argv[n - 1], commands[_i].last);
	free(store);
}
END_TEST

static const struct {
	const char *name, *text;
	bool ok;
} values[] = {
	{ "MaxHopCount", "25", true },
	{ "MaxHopCount", "025", false },
	{ "MaxHopCount", "0", false },
	{ "MaxMessageSize", "50MB", true },
	{ "MaxMessageSize", "50XB", false },
	{ "MinQueueAge", "2h30m", true },
	{ "MinQueueAge", "30", false },
	{ "MinQueueAge", "", false },
	{ "BareNewlines", "reject", true },
	{ "BareNewlines", "perhaps", false },
	{ "LocalDomains", "{a, b}", true },
};

START_TEST(values_of_options)
{
	const struct conf_section *s = &conf_sections[0];
	struct conf *c = conf_new();
	char why[200];

	for (size_t i = 0; i < s->opt_n; i++)
		if (strcmp(s->opt[i].name, values[_i].name) == 0)
			ck_assert(
			    (conf_set(&s->opt[i], (char *)c + s->opt[i].offset,
				 values[_i].text, why) == NULL) ==
			    values[_i].ok);
	conf_free(c);
}
END_TEST

/* Text, what libconfuse sees of it, and the line of a complaint. */
static const struct {
	const char *in, *out;
	int line;
} texts[] = {
	{ "# a\nb = c # d\n", "   \nb = c    \n", 0 },
	{ "// a\nb = http://c#d\n", "    \nb = http://c#d\n", 0 },
	{ "/* a\n b */ c = \"# d\"\n", "    \n      c = \"# d\"\n", 0 },
	{ "a = '${x}' # ${y}\n", "a = '${x}'       \n", 0 },
	{ "\na = \"${x}\"\n", "\na = \"${x}\"\n", 2 },
	{ "a = \"\\\"# b\"\r\n", "a = \"\\\"# b\" \n", 0 },
	{ "\na {\n b = {c}\n", "\na {\n b = {c}\n", 2 },
	{ "a = \"b", "a = \"b", 0 },
	{ "/* a", "    ", 0 },
	{ "a = \"\\", "a = \"\\", 0 },
};

static int wrong_line;

static void
note_wrong(int line, const char *what)
{
	ck_assert(*what != '\0');
	wrong_line = line;
}

START_TEST(text_of_a_configuration)
{
	char text[100];

	snprintf(text, sizeof(text), "%s", texts[_i].in);
	wrong_line = 0;
	conf_text_prepare(text, note_wrong);
	ck_assert_str_eq(text, texts[_i].out);
	ck_assert_int_eq(wrong_line, texts[_i].line);
}
END_TEST

START_TEST(a_configuration_survives_the_journey)
{
	struct conf *c = conf_new(), *d;
	struct conf_listener *l = conf_add_section(c, &conf_sections[1], "in");
	struct buf a, b;

	l->Port = 2525;
	buf_init(&a, 1 << 20);
	buf_init(&b, 1 << 20);
	conf_encode(&a, c);
	d = conf_decode(buf_slice(&a));
	ck_assert_ptr_nonnull(d);
	ck_assert_uint_eq(d->listener_n, 1);
	ck_assert_str_eq(d->listener[0].title, "in");
	conf_encode(&b, d);
	ck_assert(slice_eq(buf_slice(&a), buf_slice(&b)));
	for (size_t n = 0; n < a.len; n += 7)
		ck_assert_ptr_null(conf_decode((struct slice){ a.data, n }));
	conf_free(c);
	conf_free(d);
	buf_release(&a);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *domain, *key;
} routes[] = {
	{ "here.test", "local:" },
	{ "virt.test", "virtual:virt.test" },
	{ "far.test", "smtp:far.test" },
	{ "FAR.test.", "smtp:far.test" },
	{ "exact.test", "smtp:[10.0.0.1]:26" },
	{ "x.sub.test", "smtp:gate.test:25" },
	{ "sub.test", "smtp:sub.test" },
};

START_TEST(where_mail_goes)
{
	const struct conf_section *s = &conf_sections[0];
	struct conf *c = conf_new();
	struct conf_route *r;
	struct route route;
	struct buf key;

	for (size_t i = 0; i < s->opt_n; i++)
		if (strcmp(s->opt[i].name, "LocalDomains") == 0)
			conf_set(
			    &s->opt[i], &c->LocalDomains, "{here.test}", NULL);
	conf_add_section(c, &conf_sections[4], "virt.test");
	r = conf_add_section(c, &conf_sections[3], "exact.test");
	free(r->Host);
	r->Host = strdup("[10.0.0.1]:26");
	r = conf_add_section(c, &conf_sections[3], ".sub.test");
	free(r->Host);
	r->Host = strdup("gate.test");
	buf_init(&key, 1000);
	route_find(c, slice_of(routes[_i].domain), &route);
	route_key(&key, &route);
	ck_assert_str_eq(key.data, routes[_i].key);
	buf_release(&key);
	conf_free(c);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ctl");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(
	    tc, options_as_programs_give_them, 0, ROWS(options));
	tcase_add_loop_test(tc, a_message_is_completed, 0, ROWS(letters));
	tcase_add_loop_test(tc, members_of_an_alias, 0, ROWS(members));
	tcase_add_loop_test(tc, words_of_a_command, 0, ROWS(commands));
	tcase_add_loop_test(tc, values_of_options, 0, ROWS(values));
	tcase_add_loop_test(tc, text_of_a_configuration, 0, ROWS(texts));
	tcase_add_test(tc, a_configuration_survives_the_journey);
	tcase_add_loop_test(tc, where_mail_goes, 0, ROWS(routes));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
