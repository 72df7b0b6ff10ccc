/* sendmail: every option of the field, messages, and a daemon of all moods. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "drop.h"
#include "sendmail.h"
#include "tmp.h"
#include "unit.h"

/* What programs call, as they call it: rc, and how many words are
 * recipients. */
static const struct {
	const char *line;
	int rc, rcpts;
} calls[] = {
	{ "sendmail -i -FCronDaemon -B8BITMIME -oem root", 0, 1 },
	{ "sendmail -FCronDaemon -odi -oem root", 0, 1 },
	{ "sendmail -t", 0, 0 },
	{ "sendmail -i -t -r me@h", 0, 0 },
	{ "sendmail -oem -oi -f me@h -- a@b c@d", 0, 2 },
	{ "sendmail -i a@b c@d", 0, 2 },
	{ "sendmail -oi -t -odq", 0, 0 },
	{ "sendmail -N delay,failure -R hdrs -V id a@b", 0, 1 },
	{ "sendmail -G -i -f <> a@b", 0, 1 },
	{ "sendmail -bm -om -odb -odf -odq -oep -oeq -e* -em a@b", 0, 1 },
	{ "sendmail -C /etc/mail/sendmail.cf -Ac -Am a@b", 0, 1 },
	{ "sendmail -h 3 -L tag -m -n -O Timeout.x=1 -o7 -o8 a@b", 0, 1 },
	{ "sendmail -p ESMTP:host -X /tmp/log -U -v -d0.1 a@b", 0, 1 },
	{ "sendmail -B 7BIT -D /tmp/x -I -M xname a@b", 0, 2 },
	{ "sendmail -fa@b -rc@d x@y", 0, 1 },
	{ "sendmail -N never a", 0, 1 },
	{ "sendmail -N NEVER,delay a", EX_USAGE, 0 },
	{ "sendmail -N success, a", EX_USAGE, 0 },
	{ "sendmail -N success,other a", EX_USAGE, 0 },
	{ "sendmail -R all a", EX_USAGE, 0 },
	{ "sendmail -V", EX_USAGE, 0 },
	{ "sendmail -bq", EX_USAGE, 0 },
};

static int
split(const char *line, char *text, char **argv)
{
	int n = 0;

	snprintf(text, 300, "%s", line);
	while (text != NULL)
		argv[n++] = strsep(&text, " ");
	return n;
}

START_TEST(a_call)
{
	char text[300], *argv[30], why[200];
	struct sendmail_options o;
	int n = split(calls[_i].line, text, argv);
	int rc = sendmail_options(n, argv, &o, why);

	ck_assert_msg(rc == calls[_i].rc, "%s: %d %s", calls[_i].line, rc, why);
	if (rc == 0)
		ck_assert_msg(n - o.first_rcpt == calls[_i].rcpts, "%s: %d",
		    calls[_i].line, n - o.first_rcpt);
}
END_TEST

START_TEST(a_newline_in_an_option_is_refused)
{
	const char *const bad[][2] = { { "-N", "never\r\nRCPT TO:<x>" },
		{ "-R", "full\nx" } };
	struct sendmail_options o;
	char why[200];

	for (size_t i = 0; i < 2; i++) {
		const char *argv[] = { "sendmail", bad[i][0], bad[i][1], "a" };

		ck_assert_int_eq(
		    sendmail_options(4, (char **)argv, &o, why), EX_USAGE);
	}
}
END_TEST

/* One word of the command line: recipients, or the thing that is none. */
static const struct {
	const char *word, *rcpts, *bad;
} words[] = {
	{ "root", "root\n", "" },
	{ "a@b", "a@b\n", "" },
	{ "a@b, c@d", "a@b\nc@d\n", "" },
	{ "A B <a@b>", "a@b\n", "" },
	{ "a@b (c, d)", "a@b\n", "" },
	{ "\"a b\"@c", "\"a b\"@c\n", "" },
	{ "|/bin/sh", "|/bin/sh\n", "" }, /* a name, to the daemon */
	{ "a b", "", "a b" },
	{ "a@b\nRCPT TO:<c@d>", "", "a@b?RCPT TO:<c@d>" },
	{ "a@b> NOTIFY=NEVER", "", NULL },
	{ "a@b@c", "", "a@b@c" },
	{ "a@-b-", "", "a@-b-" },
	{ "", "", "" },
};

START_TEST(a_word)
{
	struct outgoing o;

	outgoing_init(&o);
	outgoing_add(&o, words[_i].word);
	if (words[_i].bad != NULL) {
		ck_assert_str_eq(o.rcpts.data, words[_i].rcpts);
		ck_assert_str_eq(o.bad, words[_i].bad);
	}
	for (size_t i = 0; i < o.rcpts.len; i++)
		ck_assert(o.rcpts.data[i] == '\n' ||
		    (unsigned char)o.rcpts.data[i] >= ' ');
	ck_assert_ptr_null(strchr(o.rcpts.data, '>'));
	outgoing_release(&o);
}
END_TEST

static const struct {
	const char *given, *want; /* NULL: refused */
} senders[] = {
	{ NULL, "me@h" },
	{ "a@b", "a@b" },
	{ "you", "you@h" },
	{ "<a@b>", "a@b" },
	{ "Me <a@b>", "a@b" },
	{ "", "" },
	{ "<>", "" },
	{ " ", "" },
	{ "a b", NULL },
	{ "a@b\r\nDATA", NULL },
};

START_TEST(a_sender)
{
	struct outgoing o;
	bool ok;

	outgoing_init(&o);
	ok = outgoing_sender(&o, senders[_i].given, "me", "h");
	ck_assert(ok == (senders[_i].want != NULL));
	if (ok)
		ck_assert_str_eq(o.sender, senders[_i].want);
	outgoing_release(&o);
}
END_TEST

static const struct {
	const char *value, *want;
} lists[] = {
	{ "root", "root@h" },
	{ "a@b", "a@b" },
	{ "root, a@b, me", "root@h, a@b, me@h" },
	{ "root (The, boss)", "root@h (The, boss)" },
	{ "(x) root", "(x) root@h" },
	{ "Me <me>", "Me <me@h>" },
	{ "\"a@b\" <me>", "\"a@b\" <me@h>" },
	{ "Me <me@x>, you", "Me <me@x>, you@h" },
	{ "us: me, you;", "us: me@h, you@h;" },
	{ "nobody:;", "nobody:;" },
	{ "undisclosed recipients:;", "undisclosed recipients:;" },
	{ "two words", "two words" },
	{ "me,\n you", "me@h,\n you@h" },
	{ "\"q, r\"", "\"q, r\"@h" },
	{ "<>", "<>" },
	{ ",", "," },
	{ "", "" },
	{ "(open", "(open" },
	{ "\"open", "\"open@h" },
	{ "<open", "<open" },
};

START_TEST(bare_names_of_a_field)
{
	char raw[200], want[200];
	struct slice s, v;
	struct buf b;

	snprintf(raw, sizeof(raw), "To: %s\n", lists[_i].value);
	snprintf(want, sizeof(want), "To: %s\n", lists[_i].want);
	s = slice_of(raw);
	v = slice_trim(slice_sub(s, 3, s.n));
	buf_init(&b, 1000);
	put_completed(&b, s, v, "h");
	ck_assert_str_eq(b.data, want);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *in, *rcpts, *message;
} headers[] = {
	{ "To: a\nCc: b@c, a\nBcc: d\nFrom: f\n\n", "a\nb@c\nd\n",
	    "To: a@h\nCc: b@c, a@h\nFrom: f@h\n\n" },
	{ "To: a\nResent-To: b\nResent-Bcc: c\nFrom: f@h\n\n", "b\nc\n",
	    "To: a@h\nResent-To: b@h\nFrom: f@h\n\n" },
	{ "From me Mon Jan\nTo: a\nFrom: f@h\n\nx", "a\n",
	    "To: a@h\nFrom: f@h\n\nx\n" },
	{ "From : f@h\nTo: a\n\n", "a\n", "From : f@h\nTo: a@h\n\n" },
	{ "To: a,\n b\nFrom: f@h\n\n", "a\nb\n",
	    "To: a@h,\n b@h\nFrom: f@h\n\n" },
	{ "to: a\nBCC:\n x,\n y\nfrom: f@h\n\nBcc: z\n", "a\nx\ny\n",
	    "to: a@h\nfrom: f@h\n\nBcc: z\n" },
};

START_TEST(a_header_with_t)
{
	struct sendmail_options opt = { .reads_header = true };
	struct outgoing o;

	outgoing_init(&o);
	ck_assert(outgoing_sender(&o, "f@h", "me", "h"));
	ck_assert_int_eq(
	    outgoing_make(&o, &opt, slice_of(headers[_i].in), "N", "h"), 0);
	ck_assert_str_eq(o.rcpts.data, headers[_i].rcpts);
	ck_assert_str_eq(o.message.data, headers[_i].message);
	outgoing_release(&o);
}
END_TEST

/*
 * A daemon that answers as told: a reply for the connection, and one for each
 * line, or for the whole message behind 354. What it read is in "heard".
 */
static void
serve(int listener, const char *const *replies)
{
	FILE *heard = fopen(tmp_path("heard"), "w");
	int fd = accept(listener, NULL, NULL);
	FILE *f = fdopen(fd, "r+");
	char line[2000];

	setvbuf(f, NULL, _IONBF, 0);
	for (; *replies != NULL; replies++) {
		fprintf(f, "%s\r\n", *replies);
		do {
			if (fgets(line, sizeof(line), f) == NULL)
				break;
			fputs(line, heard);
		} while (strncmp(*replies, "354", 3) == 0 &&
		    strcmp(line, ".\r\n") != 0);
	}
	fclose(heard);
	_exit(0);
}

static pid_t
daemon_of(const char *const *replies)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = "sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(fd, 1), 0);
	pid = fork();
	if (pid == 0)
		serve(fd, replies);
	close(fd);
	return pid;
}

#define OK "250 ok"
static const struct {
	const char *replies[12];
	int rc;
	const char *left; /* recipients that nobody has taken */
} moods[] = {
	{ { "220 x", OK, OK, OK, OK, "354 go", OK, "221 bye" }, EX_OK, "" },
	{ { "421 no" }, EX_OSERR, "a@b\nc@d\n" },
	{ { "554 never" }, EX_DATAERR, "a@b\nc@d\n" },
	{ { "220 x", OK, "452 full" }, EX_OSERR, "a@b\nc@d\n" },
	{ { "220 x", OK, "553 bad" }, EX_NOUSER, "a@b\nc@d\n" },
	{ { "220 x", OK, OK, "550 who", OK, "354 go", OK, "221 bye" },
	    EX_NOUSER, "" },
	{ { "220 x", OK, OK, "550 who", "550 who", OK, "221 bye" }, EX_NOUSER,
	    "" },
	{ { "220 x", OK, OK, OK, "451 later" }, EX_OSERR, "a@b\nc@d\n" },
	/* so many at once, the rest after it */
	{ { "220 x", OK, OK, OK, "452 many", "354 go", OK, OK, OK, "354 go", OK,
	      "221 bye" },
	    EX_OK, "" },
	{ { "220 x", OK, OK, OK, "452 many", "354 go", OK, "451 later" },
	    EX_OSERR, "c@d\n" },
	{ { "220 x", OK, OK, OK, OK, "354 go", "452 full" }, EX_OSERR,
	    "a@b\nc@d\n" },
	{ { "220 x", OK, OK, OK, OK, "354 go", "552 large" }, EX_UNAVAILABLE,
	    "a@b\nc@d\n" },
	{ { "220 x", OK, OK, OK, OK, "354 go" }, EX_OSERR, "a@b\nc@d\n" },
	{ { "220 x", OK, OK, OK }, EX_OSERR, "a@b\nc@d\n" },
	{ { "220-x\r\n220 y", "250-a\r\n250 b", OK, OK, OK, "354 go", OK,
	      "221 bye" },
	    EX_OK, "" },
};

static void
compose(struct outgoing *o, const char *text)
{
	struct sendmail_options opt = { .ignores_dots = true };

	outgoing_init(o);
	outgoing_add(o, "a@b");
	outgoing_add(o, "c@d");
	ck_assert(outgoing_sender(o, "s@h", "me", "h"));
	ck_assert_int_eq(outgoing_make(o, &opt, slice_of(text), "N", "h"), 0);
}

START_TEST(a_daemon_of_that_mood)
{
	struct sendmail_options opt = {
		.notify = "never", .envid = "e+1", .ret = "hdrs"
	};
	struct outgoing o;
	int status;
	pid_t pid;

	tmp_enter();
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	pid = daemon_of(moods[_i].replies);
	compose(&o, "From: s@h\n\n.x\n.\ny");
	ck_assert_int_eq(submit_smtp("sock", &o, &opt), moods[_i].rc);
	ck_assert_str_eq(o.rcpts.data, moods[_i].left);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	outgoing_release(&o);
}
END_TEST

START_TEST(what_the_daemon_hears)
{
	struct sendmail_options opt = {
		.notify = "never", .envid = "e+1", .ret = "hdrs"
	};
	struct outgoing o;
	int status;
	pid_t pid;

	tmp_enter();
	pid = daemon_of(moods[0].replies);
	compose(&o, "From: s@h\r\n\r\n.x\n.\nb\xc3\xa4\rd\ny");
	ck_assert_int_eq(submit_smtp("sock", &o, &opt), EX_OK);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_str_eq(tmp_read("heard"),
	    "EHLO localhost\r\n"
	    "MAIL FROM:<s@h> RET=hdrs ENVID=e+2B1 BODY=8BITMIME\r\n"
	    "RCPT TO:<a@b> NOTIFY=never\r\nRCPT TO:<c@d> NOTIFY=never\r\n"
	    "DATA\r\nFrom: s@h\r\n\r\n..x\r\n..\r\nb\xc3\xa4"
	    "d\r\ny\r\n"
	    ".\r\nQUIT\r\n");
	outgoing_release(&o);
}
END_TEST

START_TEST(without_a_daemon_there_is_a_drop_file)
{
	struct sendmail_options opt = { .envid = "e" };
	struct outgoing o;
	struct drop d;
	char name[300];

	tmp_enter();
	compose(&o, "From: s@h\n\nmtad-end 3\n");
	ck_assert_int_eq(submit_smtp("sock", &o, &opt), EX_OSERR);
	ck_assert_int_eq(mkdir("drop", 0700), 0);
	ck_assert_int_eq(submit_drop(".", &o, &opt), EX_OK);
	snprintf(name, sizeof(name), "drop/%s", tmp_only("drop"));
	ck_assert_int_eq(drop_parse(slice_of(tmp_read(name)), &d), 0);
	ck_assert_uint_eq(d.rcpts, 2);
	ck_assert(slice_eq(d.sender, SLICE("s@h")));
	ck_assert(slice_eq(d.message, buf_slice(&o.message)));
	outgoing_release(&o);
}
END_TEST

START_TEST(a_folder_that_takes_nothing_is_said)
{
	struct sendmail_options opt = { .envid = "e" };
	struct outgoing o;

	tmp_enter();
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stderr));
	compose(&o, "x");
	ck_assert_int_eq(submit_drop("nowhere", &o, &opt), EX_TEMPFAIL);
	outgoing_release(&o);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sendmail");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_call, 0, ROWS(calls));
	tcase_add_test(tc, a_newline_in_an_option_is_refused);
	tcase_add_loop_test(tc, a_word, 0, ROWS(words));
	tcase_add_loop_test(tc, a_sender, 0, ROWS(senders));
	tcase_add_loop_test(tc, bare_names_of_a_field, 0, ROWS(lists));
	tcase_add_loop_test(tc, a_header_with_t, 0, ROWS(headers));
	tcase_add_loop_test(tc, a_daemon_of_that_mood, 0, ROWS(moods));
	tcase_add_test(tc, what_the_daemon_hears);
	tcase_add_test(tc, without_a_daemon_there_is_a_drop_file);
	tcase_add_test(tc, a_folder_that_takes_nothing_is_said);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
