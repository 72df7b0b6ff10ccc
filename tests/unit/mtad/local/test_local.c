/* The real mtad-local, given jobs by a queue that is this test. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rig.h"
#include "tmp.h"
#include "unit.h"
#include "verdict.h"

#define PROGRAM "mtad/local/mtad-local"
#define HEAD "A: 1\r\n\r\n"

static char program[4200];
static struct conf *conf;
static struct rig rig;
static struct buf in;
static uint64_t next_job = 1;

static void
set(const char *name, const char *text)
{
	const struct conf_section *s = &conf_sections[0];
	char why[200];

	for (size_t i = 0; i < s->opt_n; i++)
		if (strcmp(s->opt[i].name, name) == 0)
			ck_assert_ptr_null(conf_set(&s->opt[i],
			    (char *)conf + s->opt[i].offset, text, why));
}

static void
begin(void)
{
	char text[5000], here[4000];

	if (program[0] == '\0' && getcwd(here, sizeof(here)) != NULL)
		snprintf(program, sizeof(program), "%s/" PROGRAM, here);
	tmp_enter();
	conf = conf_new();
	set("HostName", "h.test");
	snprintf(text, sizeof(text), "{%s}", tmp_path("forward"));
	set("ForwardPath", text);
	snprintf(text, sizeof(text), "%s$u/", tmp_path("mail/"));
	set("LocalMailbox", text);
	ck_assert_int_eq(mkdir(tmp_path("mail"), 0755), 0);
	buf_init(&in, 1 << 20);
	rig_start(&rig, program, conf, R_QUEUE);
	ck_assert_int_eq(rig_receive(rig.peer, &in), P_HOLDING_END);
}

static void
put_rcpt(
    struct buf *b, uint32_t index, enum proto_target kind, const char *path)
{
	struct p_job_rcpt r = { .index = index,
		.kind = (uint8_t)kind,
		.addr = SLICE("me@h.test"),
		.user = SLICE("me"),
		.path = slice_of(path) };

	put_p_job_rcpt(b, &r);
}

/* fd: the rest of a message of that size, or -1. */
static uint64_t
send_job(const struct buf *rcpts, size_t size, int fd)
{
	struct p_job j = { .job = next_job++,
		.mailer = MAILER_LOCAL,
		.sender = SLICE("a@b"),
		.size = size,
		.body = SLICE(HEAD),
		.rcpts = buf_slice(rcpts) };
	struct buf b;

	buf_init(&b, 1 << 20);
	put_p_job(&b, &j);
	rig_send(rig.peer, P_JOB, &b, fd);
	buf_release(&b);
	return j.job;
}

static uint64_t
send_one(enum proto_target kind, const char *path)
{
	struct buf b;
	uint64_t job;

	buf_init(&b, 10000);
	put_rcpt(&b, 3, kind, path);
	job = send_job(&b, strlen(HEAD), -1);
	buf_release(&b);
	return job;
}

static void
ack(uint64_t serial)
{
	struct p_result_ack m = { .serial = serial };
	struct buf b;

	buf_init(&b, 100);
	put_p_result_ack(&b, &m);
	rig_send(rig.peer, P_RESULT_ACK, &b, -1);
	buf_release(&b);
}

/* The code of one recipient in the next frame, which is a result. */
static int
result_of(uint64_t job, uint32_t index, uint64_t *ret_serial)
{
	struct p_result m;
	struct p_result_rcpt r;
	struct verdict v = { .code = 0 };

	ck_assert_int_eq(rig_receive(rig.peer, &in), P_RESULT);
	ck_assert(get_p_result(buf_slice(&in), &m));
	ck_assert_uint_eq(m.job, job);
	*ret_serial = m.serial;
	for (struct rd rd = rd_of(m.rcpts); !rd_end(&rd);) {
		struct rd words;

		ck_assert(get_p_result_rcpt(&rd, &r));
		words = rd_of(r.verdict);
		if (r.index == index)
			v = get_verdict(&words);
	}
	return v.code;
}

static const struct {
	enum proto_target kind;
	const char *path; /* below the test's folder, or a command */
	int code;
	const char *count; /* a folder that has one message then */
} kinds[] = {
	{ TARGET_VIRTUAL, "mail/v/", 250, "mail/v/new" },
	{ TARGET_VIRTUAL, "away/v/", 451, NULL },
	{ TARGET_MAILBOX, "", 250, NULL },
	{ TARGET_USER, "", 250, NULL },
	{ TARGET_FILE, "box", 250, NULL },
	{ TARGET_FILE, "away/box", 451, NULL },
	{ TARGET_PROGRAM, "/bin/true", 250, NULL },
	{ TARGET_PROGRAM, "/bin/false", 451, NULL },
	{ TARGET_PROGRAM, "/nowhere/p", 451, NULL },
};

START_TEST(a_job)
{
	bool is_command = kinds[_i].kind == TARGET_PROGRAM;
	uint64_t job, serial;

	begin();
	job = send_one(kinds[_i].kind,
	    is_command ? kinds[_i].path : tmp_path(kinds[_i].path));
	ck_assert_int_eq(result_of(job, 3, &serial), kinds[_i].code);
	ack(serial);
	if (kinds[_i].count != NULL)
		ck_assert_int_eq(tmp_count(kinds[_i].count), 1);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

START_TEST(many_recipients_have_one_result)
{
	uint64_t job, serial;
	struct buf b;

	begin();
	buf_init(&b, 100000);
	for (uint32_t i = 0; i < 300; i++)
		put_rcpt(&b, i, TARGET_VIRTUAL, tmp_path("mail/v/"));
	put_rcpt(&b, 300, TARGET_PROGRAM, "/bin/false");
	job = send_job(&b, strlen(HEAD), -1);
	ck_assert_int_eq(result_of(job, 300, &serial), 451);
	ck_assert_int_eq(tmp_count("mail/v/new"), 300);
	ack(serial);
	ck_assert_int_eq(rig_stop(&rig), 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_large_message_comes_in_a_descriptor)
{
	static char big[300000];
	uint64_t job, serial;
	char name[400];
	struct buf b;
	struct stat st;

	begin();
	memset(big, 'x', sizeof(big));
	buf_init(&b, 10000);
	put_rcpt(&b, 0, TARGET_VIRTUAL, tmp_path("mail/v/"));
	job = send_job(
	    &b, strlen(HEAD) + sizeof(big), rig_memory(big, sizeof(big)));
	ck_assert_int_eq(result_of(job, 0, &serial), 250);
	snprintf(name, sizeof(name), "mail/v/new/%s", tmp_only("mail/v/new"));
	ck_assert_int_eq(stat(tmp_path(name), &st), 0);
	ck_assert_int_gt((int)st.st_size, (int)sizeof(big));
	ack(serial);
	ck_assert_int_eq(rig_stop(&rig), 0);
	buf_release(&b);
}
END_TEST

/* Shorter than the job says: nothing of it may pass for the whole. */
START_TEST(a_message_that_is_not_whole_is_not_delivered)
{
	uint64_t job, serial;
	struct buf b;

	begin();
	buf_init(&b, 10000);
	put_rcpt(&b, 0, TARGET_VIRTUAL, tmp_path("mail/v/"));
	job = send_job(&b, strlen(HEAD) + 100, rig_memory("abc", 3));
	ck_assert_int_eq(result_of(job, 0, &serial), 451);
	ck_assert_int_eq(tmp_count("mail/v/new"), 0);
	ack(serial);
	ck_assert_int_eq(rig_stop(&rig), 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_forward_goes_back_to_the_queue)
{
	struct p_forward f;
	struct p_target t;
	struct rd rd;
	uint64_t job;

	begin();
	tmp_write("forward", "you@there.test\n\\me\n", 0644);
	job = send_one(TARGET_USER, "");
	ck_assert_int_eq(rig_receive(rig.peer, &in), P_FORWARD);
	ck_assert(get_p_forward(buf_slice(&in), &f));
	ck_assert_uint_eq(f.job, job);
	ck_assert_uint_eq(f.rcpt, 3);
	rd = rd_of(f.targets);
	ck_assert(get_p_target(&rd, &t));
	ck_assert(slice_eq(t.text, SLICE("you@there.test")));
	ack(f.serial);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

/* What no queue has made durable is told to the next one; what is under way
 * is said to be. */
START_TEST(a_new_queue_hears_what_the_old_one_may_not_know)
{
	char command[5000];
	struct p_holding h;
	uint64_t first, second, serial;

	begin();
	first = send_one(TARGET_PROGRAM, "/bin/true");
	ck_assert_int_eq(result_of(first, 3, &serial), 250);
	ck_assert_int_eq(mkfifo(tmp_path("fifo"), 0600), 0);
	tmp_write("p", "#!/bin/sh\nread x < \"$1\"\n", 0755);
	snprintf(
	    command, sizeof(command), "%s %s", tmp_path("p"), tmp_path("fifo"));
	second = send_one(TARGET_PROGRAM, command);
	rig_new_peer(&rig, R_QUEUE);
	ck_assert_int_eq(rig_receive(rig.peer, &in), P_HOLDING);
	ck_assert(get_p_holding(buf_slice(&in), &h));
	ck_assert_uint_eq(h.job, second);
	ck_assert_int_eq(result_of(first, 3, &serial), 250);
	ack(serial);
	ck_assert_int_eq(rig_receive(rig.peer, &in), P_HOLDING_END);
	tmp_write("fifo", "go\n", 0600);
	ck_assert_int_eq(result_of(second, 3, &serial), 250);
	ack(serial);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

/* Who is done is told of, while another one takes his time. */
START_TEST(a_slow_recipient_does_not_keep_back_the_others)
{
	uint64_t job, serial;
	char command[5000];
	struct buf b;

	begin();
	ck_assert_int_eq(mkfifo(tmp_path("fifo"), 0600), 0);
	tmp_write("p", "#!/bin/sh\nread x < \"$1\"\n", 0755);
	snprintf(
	    command, sizeof(command), "%s %s", tmp_path("p"), tmp_path("fifo"));
	buf_init(&b, 10000);
	put_rcpt(&b, 0, TARGET_PROGRAM, command);
	put_rcpt(&b, 1, TARGET_VIRTUAL, tmp_path("mail/v/"));
	job = send_job(&b, strlen(HEAD), -1);
	ck_assert_int_eq(result_of(job, 1, &serial), 250);
	ack(serial);
	tmp_write("fifo", "go\n", 0600);
	ck_assert_int_eq(result_of(job, 0, &serial), 250);
	ack(serial);
	ck_assert_int_eq(rig_stop(&rig), 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_stopped_delivery_is_ended)
{
	uint64_t job, serial;

	begin();
	tmp_write("p", "#!/bin/sh\nkill -STOP $PPID\nexec sleep 100\n", 0755);
	job = send_one(TARGET_PROGRAM, tmp_path("p"));
	ck_assert_int_eq(result_of(job, 3, &serial), 451);
	ack(serial);
	ck_assert_int_eq(rig_stop(&rig), 0);
}
END_TEST

static void
wait_for_file(const char *name)
{
	for (int i = 0; access(tmp_path(name), F_OK) < 0; i++) {
		ck_assert_int_lt(i, 1000);
		usleep(10000);
	}
}

/* A program that says where it has begun, and waits for what comes. */
static uint64_t
send_waiter(const char *begun)
{
	char command[9000];

	snprintf(command, sizeof(command), "%s %s %s", tmp_path("p"),
	    tmp_path("fifo"), tmp_path(begun));
	return send_one(TARGET_PROGRAM, command);
}

static void
make_waiter(void)
{
	ck_assert_int_eq(mkfifo(tmp_path("fifo"), 0600), 0);
	tmp_write("p", "#!/bin/sh\n: > \"$2\"; read x < \"$1\"\n", 0755);
}

/* A recipient who got along has two at once. */
START_TEST(a_good_end_makes_a_line_wider)
{
	uint64_t job, serial;

	begin();
	make_waiter();
	job = send_one(TARGET_PROGRAM, "/bin/true");
	ck_assert_int_eq(result_of(job, 3, &serial), 250);
	ack(serial);
	send_waiter("begun1");
	wait_for_file("begun1");
	send_waiter("begun2");
	wait_for_file("begun2");
	tmp_write("fifo", "go\ngo\n", 0600);
	ck_assert_int_eq(rig_receive(rig.peer, &in), P_RESULT);
	kill(rig.pid, SIGKILL);
}
END_TEST

/* A stop waits for what runs; what waits in line is for the next process. */
START_TEST(a_stop_does_not_wait_for_the_line)
{
	uint64_t first, serial;
	struct buf none;
	int status;

	begin();
	make_waiter();
	first = send_waiter("begun");
	send_waiter("never");
	send_waiter("never");
	wait_for_file("begun");
	buf_init(&none, 10);
	put_u8(&none, 0);
	rig_send(rig.parent, P_STOP, &none, -1);
	tmp_write("fifo", "go\n", 0600);
	ck_assert_int_eq(result_of(first, 3, &serial), 250);
	ack(serial);
	ck_assert_int_eq(waitpid(rig.pid, &status, 0), rig.pid);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	ck_assert_int_lt(access(tmp_path("never"), F_OK), 0);
	buf_release(&none);
}
END_TEST

/* The master dies; what its agent has begun is not left half. */
START_TEST(a_delivery_outlives_the_master)
{
	char command[9000];
	int tries = 0, status;

	begin();
	ck_assert_int_eq(mkfifo(tmp_path("fifo"), 0600), 0);
	tmp_write("p", "#!/bin/sh\n: > \"$3\"; read x < \"$1\"; cat > \"$2\"\n",
	    0755);
	snprintf(command, sizeof(command), "%s %s %s %s", tmp_path("p"),
	    tmp_path("fifo"), tmp_path("got"), tmp_path("begun"));
	send_one(TARGET_PROGRAM, command);
	while (access(tmp_path("begun"), F_OK) < 0 && tries++ < 1000)
		usleep(10000);
	ck_assert_int_eq(kill(rig.pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(rig.pid, &status, 0), rig.pid);
	tmp_write("fifo", "go\n", 0600);
	for (tries = 0; tries < 1000; tries++) {
		const char *got = tmp_read("got");

		if (got != NULL && strstr(got, "A: 1\n\n") != NULL)
			return;
		usleep(10000);
	}
	ck_abort_msg("the program did not get its message");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("local");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_job, 0, ROWS(kinds));
	tcase_add_test(tc, many_recipients_have_one_result);
	tcase_add_test(tc, a_large_message_comes_in_a_descriptor);
	tcase_add_test(tc, a_message_that_is_not_whole_is_not_delivered);
	tcase_add_test(tc, a_forward_goes_back_to_the_queue);
	tcase_add_test(tc, a_new_queue_hears_what_the_old_one_may_not_know);
	tcase_add_test(tc, a_slow_recipient_does_not_keep_back_the_others);
	tcase_add_test(tc, a_stopped_delivery_is_ended);
	tcase_add_test(tc, a_good_end_makes_a_line_wider);
	tcase_add_test(tc, a_stop_does_not_wait_for_the_line);
	tcase_add_test(tc, a_delivery_outlives_the_master);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
