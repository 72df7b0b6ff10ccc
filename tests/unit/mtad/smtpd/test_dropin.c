/*
 * Drop files as a smtpd takes them: made into a message, put off or put
 * aside; the queue is the other end of a socketpair.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "drop.h"
#include "dropin.h"
#include "record.h"
#include "sizes.h"
#include "unit.h"

static struct {
	struct proc proc;
	struct stat_slot slot;
	struct smtpd smtpd;
	struct chan *queue; /* the test's end */
	struct p_msg_new last;
	size_t envelope;
	int news, dones, code, bodies;
	uint64_t number;
	bool keeps_bodies;
} t;

static void
give_segment(void)
{
	struct p_seg_give m = {
		.tag = 1, .seg = 1, .salt = 1, .limit = 64 << 20
	};

	put_p_seg_give(chan_begin(t.queue, P_SEG_GIVE), &m);
	chan_end(t.queue, memfd_create("segment", MFD_CLOEXEC));
}

static void
give_body(void)
{
	struct p_body_give m = { .number = (uint64_t)++t.bodies };

	put_p_body_give(chan_begin(t.queue, P_BODY_GIVE), &m);
	chan_end(t.queue, memfd_create("body", MFD_CLOEXEC));
}

static int
queue_frame(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	struct p_drop_done done;

	(void)arg;
	(void)c;
	(void)fd;
	if (type == P_SEG_WANT)
		give_segment();
	if (type == P_BODY_WANT && !t.keeps_bodies)
		give_body();
	if (type == P_MSG_NEW) {
		ck_assert(get_p_msg_new(s, &t.last));
		t.envelope = t.last.envelope.n;
		t.news++;
	}
	if (type == P_DROP_DONE) {
		ck_assert(get_p_drop_done(s, &done));
		t.code = done.code;
		t.number = done.number;
		t.dones++;
	}
	return 0;
}

static int
smtpd_side(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	(void)arg;
	(void)c;
	ck_assert(
	    store_frame(t.smtpd.store, (enum proto_type)type, s, fd));
	return 0;
}

static void
gone(void *arg, struct chan *c)
{
	(void)arg;
	(void)c;
}

static void
connect_queue(void)
{
	static const struct chan_ops queue_ops = { queue_frame, gone, NULL };
	static const struct chan_ops our_ops = { smtpd_side, gone, NULL };
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
	t.proc.queue.chan = chan_new(t.proc.base, fd[0], &our_ops, NULL);
	t.queue = chan_new(t.proc.base, fd[1], &queue_ops, NULL);
	store_queue_up(t.smtpd.store);
}

static void
turn(void)
{
	event_base_loop(t.proc.base, EVLOOP_NONBLOCK);
	store_turn(t.smtpd.store, false);
	chan_flush(t.proc.queue.chan);
	chan_flush(t.queue);
}

static void
setup(void)
{
	memset(&t, 0, sizeof(t));
	t.proc.base = event_base_new();
	t.proc.conf = conf_new();
	free(t.proc.conf->HostName);
	t.proc.conf->HostName = strdup("mx.test");
	t.proc.slot = &t.slot;
	t.proc.smtpds = 1;
	t.proc.queue.role = R_QUEUE;
	ck_assert_int_eq(smtpd_init(&t.smtpd, &t.proc), 0);
	connect_queue();
	for (int i = 0; i < 20; i++)
		turn();
}

static void
teardown(void)
{
	smtpd_release(&t.smtpd);
	chan_free(t.proc.queue.chan);
	chan_free(t.queue);
	conf_free(t.proc.conf);
	event_base_free(t.proc.base);
}

/* A file of that many recipients; its message is head, then text, each so
 * many times. */
static int
file_of(uint32_t rcpts, const char *to, const char *head, size_t heads,
    const char *text, size_t texts)
{
	struct slice *list = calloc(rcpts, sizeof(*list));
	struct buf message, file;
	int fd = memfd_create("drop", MFD_CLOEXEC);

	buf_init(&message, 1 << 28);
	buf_init(&file, 1 << 28);
	for (size_t i = 0; i < heads; i++)
		buf_adds(&message, head);
	buf_addc(&message, '\n');
	for (size_t i = 0; i < texts; i++)
		buf_adds(&message, text);
	for (uint32_t i = 0; i < rcpts; i++)
		list[i] = slice_of(to);
	drop_put(&file,
	    &(struct drop){ .sender = SLICE("a@b.test"),
		.message = buf_slice(&message) },
	    list, rcpts);
	ck_assert_int_eq(write(fd, file.data, file.len), (ssize_t)file.len);
	buf_release(&file);
	buf_release(&message);
	free(list);
	return fd;
}

static void
hand(int fd, uint64_t number)
{
	struct p_drop m = { .number = number, .uid = 1000 };
	struct buf b;

	buf_init(&b, 1000);
	put_p_drop(&b, &m);
	ck_assert(dropin_take(&t.smtpd, buf_slice(&b), fd));
	buf_release(&b);
}

static void
wait_for_answer(int n)
{
	int64_t until = clock_mono() + 20 * US_SEC;

	while (t.dones < n && clock_mono() < until)
		turn();
	ck_assert_int_eq(t.dones, n);
}

#define LINE "X-Field: 0123456789012345678901234567890123456789012345678\n"
#define LONG_NAME                                                              \
	"uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu@"  \
	"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd.test"     \
	".dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd.test"

static const struct {
	const char *name;
	uint32_t rcpts;
	const char *to, *head;
	size_t heads;
	const char *text;
	size_t texts;
	int code;
} files[] = {
	{ "small", 1, "x@b.test", "Subject: x\n", 1, "hi\n", 1, 250 },
	{ "many small lines", 1, "x@b.test", "Subject: x\n", 1, "\n", 200000,
	    250 },
	{ "large", 1, "x@b.test", "Subject: x\n", 1, LINE, 100000, 250 },
	{ "a header below its limit", 1, "x@b.test", LINE, 4000, "hi\n", 1,
	    250 },
	{ "a header above its limit", 1, "x@b.test", LINE, 5000, "hi\n", 1,
	    552 },
	{ "all header, 45 MB", 1, "x@b.test", LINE, 760000, "", 0, 552 },
	{ "one line of header", 1, "x@b.test", "x", 45 << 20, "", 0, 552 },
	{ "larger than a message may be", 1, "x@b.test", "Subject: x\n", 1,
	    LINE, 1000000, 552 },
	{ "20000 recipients", 20000, LONG_NAME, "Subject: x\n", 1, "hi\n", 1,
	    250 },
	{ "more than there may be", 20001, "x@b.test", "Subject: x\n", 1,
	    "hi\n", 1, 554 },
	{ "a recipient that is none", 1, "<>", "Subject: x\n", 1, "hi\n", 1,
	    554 },
};

START_TEST(each_file_has_its_answer)
{
	hand(file_of(files[_i].rcpts, files[_i].to, files[_i].head,
		 files[_i].heads, files[_i].text, files[_i].texts),
	    7);
	wait_for_answer(1);
	ck_assert_msg(t.code == files[_i].code && t.number == 7,
	    "%s: got %d, want %d", files[_i].name, t.code, files[_i].code);
	ck_assert_int_eq(t.news, files[_i].code == 250);
	ck_assert_uint_le(t.last.length, RECORD_MAX);
	ck_assert_uint_le(t.envelope, ENVELOPE_MAX);
	/* and nothing stands in the way of the next */
	hand(file_of(1, "y@b.test", "Subject: y\n", 1, "hi\n", 1), 8);
	wait_for_answer(2);
	ck_assert_int_eq(t.code, 250);
	ck_assert_uint_eq(t.number, 8);
}
END_TEST

/* Bare names grow by the host's: past what an envelope may be. */
START_TEST(an_envelope_that_grows_too_large_is_refused)
{
	char host[256];

	memset(host, 'h', 255);
	for (int i = 60; i < 250; i += 60)
		host[i] = '.';
	host[250] = '\0';
	free(t.smtpd.host);
	t.smtpd.host = strdup(host);
	hand(file_of(19000, "uuuuuuuuuu", "Subject: x\n", 1, "hi\n", 1), 1);
	wait_for_answer(1);
	ck_assert_int_eq(t.code, 552);
}
END_TEST

START_TEST(torn_files_are_put_aside)
{
	int fd = file_of(1, "x@b.test", "Subject: x\n", 1, "hi\n", 1);

	ck_assert_int_eq(ftruncate(fd, lseek(fd, 0, SEEK_END) - 3), 0);
	hand(fd, 1);
	wait_for_answer(1);
	ck_assert_int_eq(t.code, 554);
	hand(memfd_create("empty", MFD_CLOEXEC), 2);
	wait_for_answer(2);
	ck_assert_int_eq(t.code, 554);
}
END_TEST

/* Who waits for no disk goes on: the file is read in the thread. */
START_TEST(the_loop_does_not_read_it)
{
	hand(file_of(1, "x@b.test", "Subject: x\n", 1, LINE, 500000), 1);
	/* nothing of it is here before a turn of the loop */
	ck_assert(store_is_idle(t.smtpd.store));
	wait_for_answer(1);
	ck_assert_int_eq(t.code, 250);
}
END_TEST

START_TEST(without_a_body_file_it_is_later)
{
	struct submission *s;

	t.keeps_bodies = true;
	for (bool has = true; has;) {
		s = submission_new();
		has = store_take_body(t.smtpd.store, s);
		store_forget(t.smtpd.store, s);
		turn();
	}
	hand(file_of(1, "x@b.test", "Subject: x\n", 1, LINE, 50000), 1);
	wait_for_answer(1);
	ck_assert_int_eq(t.code, 451);
	hand(file_of(1, "x@b.test", "Subject: x\n", 1, LINE, 5), 2);
	wait_for_answer(2);
	ck_assert_int_eq(t.code, 250);
}
END_TEST

/* The number of a dead queue's file may be another file's at the next. */
START_TEST(the_next_queue_hears_of_its_own_files_only)
{
	hand(file_of(1, "x@b.test", "Subject: x\n", 1, LINE, 50000), 1);
	chan_free(t.proc.queue.chan);
	chan_free(t.queue);
	t.proc.queue.chan = NULL;
	store_queue_down(t.smtpd.store);
	connect_queue();
	hand(file_of(1, "x@b.test", "Subject: x\n", 1, "hi\n", 1), 2);
	wait_for_answer(1);
	ck_assert_uint_eq(t.number, 2);
	ck_assert_int_eq(t.news, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_dropin");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, each_file_has_its_answer, 0, ROWS(files));
	tcase_add_test(tc, an_envelope_that_grows_too_large_is_refused);
	tcase_add_test(tc, torn_files_are_put_aside);
	tcase_add_test(tc, the_loop_does_not_read_it);
	tcase_add_test(tc, without_a_body_file_it_is_later);
	tcase_add_test(tc, the_next_queue_hears_of_its_own_files_only);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
