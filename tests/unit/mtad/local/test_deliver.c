/* Letters into mailboxes, on real folders; what fails leaves nothing. */
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "deliver.h"
#include "lock.h"
#include "tmp.h"
#include "unit.h"

static struct conf *conf;
static struct owner owner;
static struct letter letter;

static void
begin(const char *text)
{
	tmp_enter();
	conf = conf_new();
	owner = (struct owner){ .name = "me",
		.home = strdup(tmp_path("")),
		.shell = "/bin/sh",
		.uid = geteuid(),
		.gid = getegid(),
		.mail_gid = (gid_t)-1 };
	letter = (struct letter){ .conf = conf,
		.owner = &owner,
		.sender = SLICE("a@b"),
		.rcpt = SLICE("me+x@h"),
		.head = slice_of(text),
		.fd = -1 };
}

static void
to(const char *name)
{
	static char path[4200];

	snprintf(path, sizeof(path), "%s", tmp_path(name));
	letter.path = path;
	letter.fixed = strlen(tmp_path(""));
	letter.is_own = true;
}

/* The rest of the message, as it lies in a file. */
static void
rest(const char *text)
{
	tmp_write("rest", text, 0600);
	letter.fd = open(tmp_path("rest"), O_RDONLY);
	letter.rest = strlen(text);
}

static int
gather(void *arg, const char *p, size_t n)
{
	buf_add(arg, p, n);
	return 0;
}

#define TOP "Return-Path: <a@b>\nDelivered-To: me+x@h\n"

static const struct {
	const char *head, *rest, *want;
} letters[] = {
	{ "A: 1\r\n\r\nx\r\n", NULL, TOP "A: 1\n\nx\n" },
	{ "A: 1\r\n\r\nx\r", "\ny\r\n", TOP "A: 1\n\nx\ny\n" },
	{ "A: 1\r\n\r\nx\r\ry\r", "z\r", TOP "A: 1\n\nx\r\ry\rz\r" },
	{ "Return-Path: <o@p>\r\nA: 1\r\n\r\nReturn-Path: y\r\n", NULL,
	    TOP "A: 1\n\nReturn-Path: y\n" },
	{ "A: 1\r\nreturn-path:\r\n <o>\r\nB: 2\r\n\r\n", NULL,
	    TOP "A: 1\nB: 2\n\n" },
	{ "", NULL, TOP },
};

START_TEST(a_letter_is_written)
{
	struct buf b;

	begin(letters[_i].head);
	if (letters[_i].rest != NULL)
		rest(letters[_i].rest);
	buf_init(&b, 10000);
	ck_assert_int_eq(letter_write(&letter, gather, &b), 0);
	ck_assert_str_eq(b.data, letters[_i].want);
	buf_release(&b);
}
END_TEST

START_TEST(a_letter_that_is_shorter_than_promised_fails)
{
	struct buf b;

	begin("A: 1\r\n\r\n");
	rest("xyz");
	letter.rest = 100;
	buf_init(&b, 10000);
	ck_assert_int_lt(letter_write(&letter, gather, &b), 0);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *head;
	bool is_loop;
} loops[] = {
	{ "A: 1\r\n\r\n", false },
	{ "Delivered-To: ME+x@H\r\n\r\n", true },
	{ "Delivered-To: you@h\r\nDelivered-To: me+x@h\r\n\r\n", true },
	{ "Delivered-To: me@h\r\n\r\n", false },
	{ "A: 1\r\n\r\nDelivered-To: me+x@h\r\n", false },
};

START_TEST(a_message_that_was_here_is_a_loop)
{
	struct result r = { .code = 0 };

	begin(loops[_i].head);
	ck_assert(deliver_is_loop(&letter, &r) == loops[_i].is_loop);
	if (loops[_i].is_loop)
		ck_assert_str_eq(r.enhanced, "5.4.6");
}
END_TEST

static void
skip_line(const char **p)
{
	ck_assert(strncmp(*p, "From a@b ", 9) == 0);
	*p = strchr(*p, '\n') + 1;
}

START_TEST(mbox_quotes_what_looks_like_the_next_message)
{
	struct result r;
	const char *p;

	begin("A: 1\r\n\r\nFrom x\r\n From y\r\nFro");
	rest("m z\r\nFromage\r\nFrom");
	to("box");
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code, 250);
	p = tmp_read("box");
	skip_line(&p);
	ck_assert_str_eq(
	    p, TOP "A: 1\n\n>From x\n From y\n>From z\nFromage\nFrom\n\n");
}
END_TEST

START_TEST(mbox_appends)
{
	struct result r;
	struct stat st;
	const char *p;

	begin("A: 1\r\n\r\nx\r\n");
	tmp_write("box", "old, cut of", 0600);
	to("box");
	deliver_mailbox(&letter, &r);
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code, 250);
	p = tmp_read("box");
	ck_assert(strncmp(p, "old, cut of\n\n", 13) == 0);
	p += 13;
	skip_line(&p);
	p += strlen(TOP "A: 1\n\nx\n\n");
	skip_line(&p);
	ck_assert_str_eq(p, TOP "A: 1\n\nx\n\n");
	ck_assert_int_eq(stat(letter.path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	ck_assert_int_lt(access(tmp_path("box.lock"), F_OK), 0);
}
END_TEST

/* No write gets farther than this. */
static void
limit(rlim_t bytes)
{
	struct rlimit r = { bytes, bytes };

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &r), 0);
}

START_TEST(mbox_that_cannot_be_written_is_as_before)
{
	static char big[20000];
	struct result r;

	memset(big, 'x', sizeof(big) - 1);
	begin(big);
	tmp_write("box", "From a\n\nold\n\n", 0600);
	to("box");
	limit(10000);
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code / 100, 4);
	ck_assert_str_eq(tmp_read("box"), "From a\n\nold\n\n");
	ck_assert_int_lt(access(tmp_path("box.lock"), F_OK), 0);
}
END_TEST

START_TEST(maildir_that_cannot_be_written_is_as_before)
{
	static char big[20000];
	struct result r;

	memset(big, 'x', sizeof(big) - 1);
	begin(big);
	to("Maildir/");
	limit(10000);
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code / 100, 4);
	ck_assert_int_eq(tmp_count("Maildir/tmp"), 0);
	ck_assert_int_eq(tmp_count("Maildir/new"), 0);
}
END_TEST

/* What was planted in the mailbox's place is not touched. */
static const char *const planted[] = { "symlink", "hardlink", "fifo", "folder",
	"other" };

static void
plant(const char *what)
{
	tmp_write("precious", "mine", 0600);
	if (strcmp(what, "symlink") == 0)
		ck_assert_int_eq(symlink("precious", tmp_path("box")), 0);
	else if (strcmp(what, "hardlink") == 0)
		ck_assert_int_eq(link("precious", tmp_path("box")), 0);
	else if (strcmp(what, "fifo") == 0)
		ck_assert_int_eq(mkfifo(tmp_path("box"), 0600), 0);
	else if (strcmp(what, "folder") == 0)
		ck_assert_int_eq(mkdir(tmp_path("box"), 0700), 0);
	else
		tmp_write("box", "", 0666);
}

START_TEST(a_planted_mailbox_is_refused)
{
	const char *what = planted[_i];
	struct result r;

	begin("A: 1\r\n\r\nx\r\n");
	plant(what);
	if (strcmp(what, "other") == 0)
		owner.uid++;
	to("box");
	deliver_mailbox(&letter, &r);
	ck_assert_msg(r.code / 100 == 4, "%s: %d", what, r.code);
	ck_assert_str_eq(tmp_read("precious"), "mine");
}
END_TEST

START_TEST(a_locked_mbox_waits_for_its_lock)
{
	struct result r;
	pid_t pid;

	begin("A: 1\r\n\r\nx\r\n");
	to("box");
	tmp_write("box.lock", "", 0600);
	pid = fork();
	if (pid == 0) { /* who reads it is done when somebody waits */
		while (access(letter.path, F_OK) < 0)
			usleep(10000);
		unlink(tmp_path("box.lock"));
		_exit(0);
	}
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code, 250);
	ck_assert_int_lt(access(tmp_path("box.lock"), F_OK), 0);
}
END_TEST

/* A mailbox that somebody locks for long is not to keep up another one. */
START_TEST(each_mailbox_has_a_turn_of_its_own)
{
	struct turn *held = turn_take("/box");
	char path[20];

	ck_assert_ptr_nonnull(held);
	for (int i = 0; i < 1000; i++) {
		snprintf(path, sizeof(path), "/box%d", i);
		turn_leave(turn_take(path));
	}
	turn_leave(held);
}
END_TEST

START_TEST(maildir_is_made_below_what_is_there)
{
	struct result r;
	char name[400];

	begin("A: 1\r\n\r\nFrom x\r\n");
	to("dom/me/Maildir/");
	deliver_mailbox(&letter, &r);
	ck_assert_msg(r.code == 250, "%s", r.text);
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(tmp_count("dom/me/Maildir/new"), 2);
	ck_assert_int_eq(tmp_count("dom/me/Maildir/tmp"), 0);
	ck_assert_int_eq(tmp_count("dom/me/Maildir/cur"), 0);
	to("one/");
	deliver_mailbox(&letter, &r);
	snprintf(name, sizeof(name), "one/new/%s", tmp_only("one/new"));
	ck_assert_str_eq(tmp_read(name), TOP "A: 1\n\nFrom x\n");
}
END_TEST

/* Filesystems without files that have no name, a system without /proc. */
static const int odd[] = { EOPNOTSUPP, EISDIR, EINVAL, ENOENT };
static int linkat_error;

int
linkat(int from, const char *path, int to, const char *name, int flags)
{
	if (linkat_error == 0)
		return (int)syscall(SYS_linkat, from, path, to, name, flags);
	errno = linkat_error;
	return -1;
}

START_TEST(maildir_is_reached_through_tmp_where_no_link_is)
{
	struct result r;
	char name[400];

	begin("A: 1\r\n\r\n");
	to("one/");
	linkat_error = odd[_i];
	deliver_mailbox(&letter, &r);
	linkat_error = 0;
	ck_assert_msg(r.code == 250, "%s", r.text);
	ck_assert_int_eq(tmp_count("one/tmp"), 0);
	snprintf(name, sizeof(name), "one/new/%s", tmp_only("one/new"));
	ck_assert_str_eq(tmp_read(name), TOP "A: 1\n\n");
}
END_TEST

START_TEST(maildir_that_takes_no_link_is_as_before)
{
	struct result r;

	begin("A: 1\r\n\r\n");
	to("one/");
	linkat_error = EDQUOT;
	deliver_mailbox(&letter, &r);
	linkat_error = 0;
	ck_assert_int_eq(r.code, 452);
	ck_assert_int_eq(tmp_count("one/tmp"), 0);
	ck_assert_int_eq(tmp_count("one/new"), 0);
}
END_TEST

START_TEST(a_maildir_on_a_disk_that_is_away_is_not_made)
{
	struct result r;

	begin("A: 1\r\n\r\n");
	to("mnt/mail/me/");
	letter.fixed = strlen(tmp_path("mnt/mail/"));
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code / 100, 4);
	ck_assert_int_eq(tmp_count("mnt"), -1);
}
END_TEST

static const struct {
	const char *tmpl, *home;
	size_t n;
} fixed[] = {
	{ "/var/mail/$u", "/h", 10 },
	{ "/var/vmail/$d/$u/", "", 11 },
	{ "/var/vmail/x$u/", "", 11 },
	{ "$z/Maildir/", "/home/me", 8 },
	{ "/var/all/", "", 5 },
	{ "/var/all", "", 5 },
};

START_TEST(what_of_a_path_must_be_there)
{
	ck_assert_uint_eq(
	    path_fixed(fixed[_i].tmpl, fixed[_i].home), fixed[_i].n);
}
END_TEST

START_TEST(dev_null_takes_all_and_other_devices_nothing)
{
	struct result r;

	begin("A: 1\r\n\r\n");
	letter.path = "/dev/null";
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code, 250);
	letter.path = "/dev/zero";
	deliver_mailbox(&letter, &r);
	ck_assert_int_eq(r.code / 100, 4);
}
END_TEST

START_TEST(a_full_disk_is_named)
{
	struct result r;

	begin("");
	result_errno(&r, -ENOSPC, "mailbox", tmp_path("a/b"));
	ck_assert_int_eq(r.code, 452);
	ck_assert_str_eq(r.enhanced, "4.3.1");
	ck_assert_int_eq(r.fs[0], '/');
	ck_assert_ptr_nonnull(strstr(r.text, "filesystem"));
	result_errno(&r, EDQUOT, "mailbox", tmp_path("a/b"));
	ck_assert_str_eq(r.enhanced, "4.2.2");
	result_errno(&r, EACCES, "mailbox", tmp_path("a/b"));
	ck_assert_int_eq(r.code, 451);
	ck_assert_int_eq(r.fs[0], '\0');
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("deliver");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, a_letter_is_written, 0, ROWS(letters));
	tcase_add_test(tc, a_letter_that_is_shorter_than_promised_fails);
	tcase_add_loop_test(
	    tc, a_message_that_was_here_is_a_loop, 0, ROWS(loops));
	tcase_add_test(tc, mbox_quotes_what_looks_like_the_next_message);
	tcase_add_test(tc, mbox_appends);
	tcase_add_test(tc, mbox_that_cannot_be_written_is_as_before);
	tcase_add_test(tc, maildir_that_cannot_be_written_is_as_before);
	tcase_add_loop_test(tc, a_planted_mailbox_is_refused, 0, ROWS(planted));
	tcase_add_test(tc, a_locked_mbox_waits_for_its_lock);
	tcase_add_test(tc, each_mailbox_has_a_turn_of_its_own);
	tcase_add_test(tc, maildir_is_made_below_what_is_there);
	tcase_add_loop_test(tc,
	    maildir_is_reached_through_tmp_where_no_link_is, 0, ROWS(odd));
	tcase_add_test(tc, maildir_that_takes_no_link_is_as_before);
	tcase_add_test(tc, a_maildir_on_a_disk_that_is_away_is_not_made);
	tcase_add_loop_test(tc, what_of_a_path_must_be_there, 0, ROWS(fixed));
	tcase_add_test(tc, dev_null_takes_all_and_other_devices_nothing);
	tcase_add_test(tc, a_full_disk_is_named);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
