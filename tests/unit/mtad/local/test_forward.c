/* .forward files: what counts, what waits; and delivery programs. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "deliver.h"
#include "tmp.h"
#include "unit.h"

static struct conf *conf;
static struct owner owner;
static struct letter letter;

static void
set(struct conf_list *l, const char *one)
{
	for (size_t i = 0; i < l->n; i++)
		free(l->v[i]);
	l->n = 0;
	if (one != NULL)
		ck_assert_int_eq(conf_list_add(l, one), 0);
}

static void
begin(void)
{
	signal(SIGPIPE, SIG_IGN); /* as in an agent */
	tmp_enter();
	conf = conf_new();
	set(&conf->LocalDomains, "h.test");
	owner = (struct owner){ .name = "me",
		.home = strdup(tmp_path("home")),
		.shell = "/bin/sh",
		.uid = geteuid(),
		.gid = getegid(),
		.mail_gid = (gid_t)-1 };
	letter = (struct letter){ .conf = conf,
		.owner = &owner,
		.sender = SLICE("a@b"),
		.rcpt = SLICE("me+ext@h.test"),
		.head = SLICE("A: 1\r\n\r\nx\r\n"),
		.fd = -1 };
	ck_assert_int_eq(mkdir(owner.home, 0755), 0);
}

/* 1: forwarded to n others; 0: none; -1: not now. */
static const struct {
	const char *text;
	mode_t mode;
	int rc;
	uint32_t n;
	bool keeps;
} files[] = {
	{ "you@there.test\n", 0644, 1, 1, false },
	{ "you@there.test, \\me\n", 0644, 1, 1, true },
	{ "you@there.test\nme\n", 0600, 1, 1, true },
	{ "you@there.test\nME@H.test\n", 0600, 1, 1, true },
	{ "me+other@h.test\n", 0600, 1, 0, true },
	{ "me@there.test\n", 0600, 1, 1, false },
	{ "# nothing\n\n", 0644, 0, 0, false },
	{ "", 0644, 0, 0, false },
	{ "\"|/bin/cat x\"\n/tmp/file\n", 0644, 1, 2, false },
	{ "you@there.test\n", 0664, -1, 0, false },
	{ "you@there.test\n", 0646, -1, 0, false },
	{ "no address here\n", 0644, -1, 0, false },
	{ ":include:/etc/passwd\n", 0644, -1, 0, false },
};

static int
read_it(uint32_t *ret_n, bool *ret_keeps, struct result *r)
{
	struct buf targets;
	struct p_target t;
	struct rd rd;
	int rc;

	buf_init(&targets, 100000);
	rc = forward_read(&letter, &targets, ret_keeps, r);
	*ret_n = 0;
	for (rd = rd_of(buf_slice(&targets)); !rd_end(&rd);)
		*ret_n += get_p_target(&rd, &t);
	buf_release(&targets);
	return rc;
}

START_TEST(a_forward_file)
{
	struct result r = { .text = "" };
	uint32_t n;
	bool keeps;

	begin();
	tmp_write("home/.forward", files[_i].text, files[_i].mode);
	ck_assert_msg(read_it(&n, &keeps, &r) == files[_i].rc, "%s: %s",
	    files[_i].text, r.text);
	if (files[_i].rc == 1) {
		ck_assert_uint_eq(n, files[_i].n);
		ck_assert(keeps == files[_i].keeps);
	}
	if (files[_i].rc < 0)
		ck_assert_int_eq(r.code / 100, 4);
}
END_TEST

/* What stands in the file's place, and what becomes of the mail. */
static const struct {
	const char *what;
	int rc;
} places[] = {
	{ "nothing", 0 },
	{ "folder", -1 },
	{ "fifo", -1 },
	{ "own link", 1 },
	{ "link to nothing", -1 },
	{ "hard link", -1 },
	{ "huge", -1 },
	{ "no home", -1 },
	{ "home is a file", -1 },
	{ "has no home at all", 0 },
	{ "of another", -1 },
};

static void
place(const char *what)
{
	static char huge[70000];

	if (strcmp(what, "folder") == 0) {
		mkdir(tmp_path("home/.forward"), 0755);
	} else if (strcmp(what, "fifo") == 0) {
		mkfifo(tmp_path("home/.forward"), 0644);
	} else if (strcmp(what, "own link") == 0) {
		tmp_write("home/real", "x@y.test\n", 0644);
		ck_assert_int_eq(symlink("real", "home/.forward"), 0);
	} else if (strcmp(what, "link to nothing") == 0) {
		ck_assert_int_eq(symlink("real", "home/.forward"), 0);
	} else if (strcmp(what, "hard link") == 0) {
		tmp_write("home/real", "x@y.test\n", 0644);
		ck_assert_int_eq(link("home/real", "home/.forward"), 0);
	} else if (strcmp(what, "huge") == 0) {
		memset(huge, '\n', sizeof(huge) - 1);
		tmp_write("home/.forward", huge, 0644);
	} else if (strcmp(what, "no home") == 0) {
		ck_assert_int_eq(rmdir("home"), 0);
	} else if (strcmp(what, "home is a file") == 0) {
		ck_assert_int_eq(rmdir("home"), 0);
		tmp_write("home", "x", 0755);
	} else if (strcmp(what, "has no home at all") == 0) {
		snprintf((char *)(uintptr_t)owner.home, 13, "/nonexistent");
	} else if (strcmp(what, "of another") == 0) {
		tmp_write("home/.forward", "x@y.test\n", 0644);
		ck_assert_int_eq(symlink("home/.forward", "seen"), 0);
		owner.uid = geteuid() + 7;
		if (geteuid() == 0) /* root's file counts for everybody */
			ck_assert_int_eq(
			    chown("home/.forward", 12345, (gid_t)-1), 0);
	}
}

START_TEST(what_stands_in_its_place)
{
	struct result r = { .text = "" };
	uint32_t n;
	bool keeps;

	begin();
	place(places[_i].what);
	ck_assert_msg(read_it(&n, &keeps, &r) == places[_i].rc, "%s: %s",
	    places[_i].what, r.text);
}
END_TEST

START_TEST(a_later_place_counts_when_an_earlier_one_fails)
{
	struct result r = { .text = "" };
	uint32_t n;
	bool keeps;

	begin();
	set(&conf->ForwardPath, "$z/.forward.$h");
	conf_list_add(&conf->ForwardPath, "$z/.forward");
	tmp_write("home/.forward.ext", "x@y.test\n", 0666);
	ck_assert_int_eq(read_it(&n, &keeps, &r), -1);
	tmp_write("home/.forward", "x@y.test\n", 0644);
	ck_assert_int_eq(read_it(&n, &keeps, &r), 1);
	set(&conf->ForwardPath, NULL);
	ck_assert_int_eq(read_it(&n, &keeps, &r), 0);
}
END_TEST

/* Exit status to the first digit of the reply (SEMANTICS: result codes). */
static const struct {
	int status, class;
} exits[] = {
	{ 0, 2 },
	{ 1, 4 },
	{ 2, 4 },
	{ 63, 4 },
	{ EX_USAGE, 5 },
	{ EX_DATAERR, 5 },
	{ EX_NOINPUT, 5 },
	{ EX_NOUSER, 5 },
	{ EX_NOHOST, 5 },
	{ EX_UNAVAILABLE, 5 },
	{ EX_SOFTWARE, 5 },
	{ EX_OSERR, 4 },
	{ EX_OSFILE, 4 },
	{ EX_CANTCREAT, 5 },
	{ EX_IOERR, 4 },
	{ EX_TEMPFAIL, 4 },
	{ EX_PROTOCOL, 5 },
	{ EX_NOPERM, 5 },
	{ EX_CONFIG, 4 },
	{ 79, 4 },
	{ 99, 4 },
	{ 126, 4 },
	{ 127, 4 },
	{ 255, 4 },
};

START_TEST(an_exit_status)
{
	struct result r;

	exit_verdict(exits[_i].status << 8, "", &r);
	ck_assert_int_eq(r.code / 100, exits[_i].class);
	ck_assert_int_eq(r.enhanced[0] - '0', exits[_i].class);
	exit_verdict(exits[_i].status << 8, "my words", &r);
	ck_assert_ptr_nonnull(strstr(r.text, "my words"));
}
END_TEST

START_TEST(a_signal_is_no_verdict)
{
	struct result r;

	exit_verdict(9, "", &r);
	ck_assert_int_eq(r.code / 100, 4);
	exit_verdict(11 | 0x80, "", &r);
	ck_assert_int_eq(r.code / 100, 4);
}
END_TEST

static const struct {
	const char *command;
	bool needs;
} commands[] = {
	{ "/bin/p a", false },
	{ "/bin/p 'a|b' \"c;d\" e\\&f", false },
	{ "/bin/p '$x' '`y`'", false },
	{ "IFS=' ' && exec /bin/p || exit 75", true },
	{ "/bin/p > /tmp/x", true },
	{ "/bin/p \"$HOME\"", true },
	{ "/bin/p \"`x`\"", true },
	{ "a; b", true },
	{ "(a)", true },
};

START_TEST(what_only_a_shell_understands)
{
	ck_assert(command_needs_shell(slice_of(commands[_i].command)) ==
	    commands[_i].needs);
}
END_TEST

/* A script in the home, the command, and what becomes of the mail. */
static const struct {
	const char *script;
	int code;
	const char *text;
} programs[] = {
	{ "cat > \"$HOME/got\"; echo fine", 250, "fine" },
	{ "echo first; echo no such folder; exit 67", 550, "no such folder" },
	{ "exit 75", 451, "Temporary failure" },
	{ "kill -9 $$", 451, "signal 9" },
	{ "exit 0", 250, "Delivered" }, /* reads nothing of it */
	{ "sleep 100 & exit 0", 250, "Delivered" }, /* its child lives on */
	{ "sleep 100", 451, "too long" },
	{ "yes 0123456789 | head -c 300000; echo; echo end; exit 69", 550,
	    "0123" },
};

static int
run_script(const char *script, const char *args, struct result *r)
{
	char text[1000], command[5000];

	snprintf(text, sizeof(text), "#!/bin/sh\n%s\n", script);
	tmp_write("home/p", text, 0755);
	snprintf(command, sizeof(command), "%s %s", tmp_path("home/p"), args);
	letter.path = command;
	conf->ProgramTimeout = 700000;
	deliver_program(&letter, r);
	return r->code;
}

START_TEST(a_program)
{
	struct result r;

	begin();
	ck_assert_msg(
	    run_script(programs[_i].script, "", &r) == programs[_i].code,
	    "%s: %d %s", programs[_i].script, r.code, r.text);
	ck_assert_msg(strstr(r.text, programs[_i].text) != NULL, "%s: %s",
	    programs[_i].script, r.text);
}
END_TEST

/* Where they go: who is named in the file is gone with the program that is late. */
static const char *const runaways[] = {
	"sleep 100 & echo $! > pid",
	"setsid sh -c 'echo $$ > pid; exec sleep 100' &",
	"(setsid sh -c 'sleep 100 & echo $! > pid' &)",
	"sleep 100 & echo $! > pid; kill -STOP $!",
};

START_TEST(a_program_that_is_late_takes_all_that_it_started_along)
{
	char script[300];
	struct result r;
	pid_t pid;

	begin();
	snprintf(script, sizeof(script), "cd \"$HOME\"; %s\nsleep 100",
	    runaways[_i]);
	ck_assert_int_eq(run_script(script, "", &r), 451);
	pid = (pid_t)atoi(tmp_read("home/pid"));
	ck_assert_int_gt(pid, 1);
	ck_assert_int_eq(kill(pid, 0), -1);
}
END_TEST

START_TEST(a_program_gets_the_letter_and_a_clean_world)
{
	struct result r;

	begin();
	setenv("LD_PRELOAD_NOT", "x", 1);
	ck_assert_int_eq(run_script("cat > got; env | sort > env; printf '%s|' "
				    "\"$@\" > args; ls /proc/self/fd > fds",
			     "'a b' \"c'd\" $e \\$f '' g\\ h", &r),
	    451); /* $e means something to a shell */
	ck_assert_int_eq(run_script("cat > got; env | sort > env; printf '%s|' "
				    "\"$@\" > args; ls /proc/self/fd > fds",
			     "'a b' \"c'd\" \\$f g\\ h", &r),
	    250);
	ck_assert_str_eq(tmp_read("home/got"),
	    "Return-Path: <a@b>\nDelivered-To: me+ext@h.test\nA: 1\n\nx\n");
	ck_assert_str_eq(tmp_read("home/args"), "a b|c'd|$f|g h|");
	ck_assert_ptr_null(strstr(tmp_read("home/env"), "LD_PRELOAD_NOT"));
	ck_assert_ptr_nonnull(strstr(tmp_read("home/env"), "EXTENSION=ext\n"));
	ck_assert_ptr_nonnull(strstr(tmp_read("home/env"), "SENDER=a@b\n"));
	ck_assert_str_eq(
	    tmp_read("home/fds"), "0\n1\n2\n3\n"); /* 3: ls's own */
}
END_TEST

START_TEST(a_large_letter_streams_through_a_program)
{
	size_t n = 3000000;
	char *big = malloc(n + 1);
	struct result r;

	begin();
	for (size_t i = 0; i < n; i++)
		big[i] = i % 70 == 69 ? '\n' : 'x';
	big[n] = '\0';
	letter.head = slice_of(big);
	conf->ProgramTimeout = 60000000;
	tmp_write("home/p", "#!/bin/sh\nwc -c\n", 0755);
	letter.path = tmp_path("home/p");
	deliver_program(&letter, &r);
	ck_assert_msg(r.code == 250, "%s", r.text);
	ck_assert_int_eq(atoi(r.text),
	    (int)n +
		(int)strlen(
		    "Return-Path: <a@b>\nDelivered-To: me+ext@h.test\n"));
	free(big);
}
END_TEST

static const char *const missing[] = { "/nowhere/program x", "nosuchprogram",
	"relative/path", "/etc/passwd", "/etc", "'open" };

START_TEST(a_program_that_is_not_there_waits)
{
	struct result r;

	begin();
	letter.path = missing[_i];
	deliver_program(&letter, &r);
	ck_assert_msg(r.code / 100 == 4, "%s: %d", missing[_i], r.code);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("forward");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_forward_file, 0, ROWS(files));
	tcase_add_loop_test(tc, what_stands_in_its_place, 0, ROWS(places));
	tcase_add_test(tc, a_later_place_counts_when_an_earlier_one_fails);
	tcase_add_loop_test(tc, an_exit_status, 0, ROWS(exits));
	tcase_add_test(tc, a_signal_is_no_verdict);
	tcase_add_loop_test(
	    tc, what_only_a_shell_understands, 0, ROWS(commands));
	tcase_add_loop_test(tc, a_program, 0, ROWS(programs));
	tcase_add_loop_test(tc,
	    a_program_that_is_late_takes_all_that_it_started_along, 0,
	    ROWS(runaways));
	tcase_add_test(tc, a_program_gets_the_letter_and_a_clean_world);
	tcase_add_test(tc, a_large_letter_streams_through_a_program);
	tcase_add_loop_test(
	    tc, a_program_that_is_not_there_waits, 0, ROWS(missing));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
