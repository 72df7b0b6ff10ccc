/*
 * The store against a queue of the test's own: real files, a real worker
 * thread, frames over a socketpair.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "crc32c.h"
#include "record.h"
#include "sizes.h"
#include "store.h"
#include "unit.h"

#define TAG 7u
#define SALT UINT64_C(0x1122334455667788)

static struct {
	struct proc proc;
	struct stat_slot slot;
	struct store *store;
	struct chan *queue; /* the test's end */
	int wants_seg, wants_body, next_seg;
	int file[8]; /* segments that were given, by number */
	struct p_msg_new last;
	int news, dones, bads, drops;
	struct p_seg_bad bad;
	uint64_t done_end;
	int code[64], finished;
} t;

static int
queue_frame(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	struct p_seg_done done;
	struct p_body_drop drop;

	(void)arg;
	(void)c;
	ck_assert_int_eq(fd, -1);
	switch (type) {
	case P_SEG_WANT:
		t.wants_seg++;
		break;
	case P_BODY_WANT:
		t.wants_body++;
		break;
	case P_MSG_NEW:
		ck_assert(get_p_msg_new(s, &t.last));
		t.news++;
		break;
	case P_SEG_BAD:
		ck_assert(get_p_seg_bad(s, &t.bad));
		t.bads++;
		break;
	case P_SEG_DONE:
		ck_assert(get_p_seg_done(s, &done));
		t.done_end = done.end;
		t.dones++;
		break;
	case P_BODY_DROP:
		ck_assert(get_p_body_drop(s, &drop));
		t.drops++;
		break;
	default:
		ck_abort_msg("frame %u", type);
	}
	return 0;
}

static int
store_side(void *arg, struct chan *c, uint16_t type, struct slice s, int fd)
{
	(void)arg;
	(void)c;
	ck_assert(store_frame(t.store, (enum proto_type)type, s, fd));
	return 0;
}

static void
gone(void *arg, struct chan *c)
{
	(void)arg;
	(void)c;
}

static const struct chan_ops queue_ops = { queue_frame, gone, NULL };
static const struct chan_ops store_ops = { store_side, gone, NULL };

static void
connect_queue(void)
{
	int fd[2];

	ck_assert_int_eq(socketpair(AF_UNIX,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd),
	    0);
	t.proc.queue.chan = chan_new(t.proc.base, fd[0], &store_ops, NULL);
	t.queue = chan_new(t.proc.base, fd[1], &queue_ops, NULL);
	store_queue_up(t.store);
}

static void
disconnect_queue(void)
{
	chan_free(t.proc.queue.chan);
	chan_free(t.queue);
	t.proc.queue.chan = t.queue = NULL;
	store_queue_down(t.store);
}

static void
setup(void)
{
	memset(&t, 0, sizeof(t));
	t.proc.base = event_base_new();
	t.proc.slot = &t.slot;
	t.proc.queue.role = R_QUEUE;
	t.store = store_new(&t.proc);
	ck_assert_ptr_nonnull(t.store);
	connect_queue();
}

static void
teardown(void)
{
	store_free(t.store);
	if (t.queue != NULL) {
		chan_free(t.proc.queue.chan);
		chan_free(t.queue);
	}
	event_base_free(t.proc.base);
}

/* One turn, as proc.c makes them. */
static void
turn(void)
{
	event_base_loop(t.proc.base, EVLOOP_NONBLOCK);
	store_turn(t.store, false);
	if (t.queue != NULL) {
		chan_flush(t.proc.queue.chan);
		chan_flush(t.queue);
	}
}

/* Until it is true, or ten seconds are over. */
#define WAIT_FOR(what)                                                         \
	do {                                                                   \
		int64_t until_ = clock_mono() + 10 * US_SEC;                   \
		while (!(what) && clock_mono() < until_)                       \
			turn();                                                \
		ck_assert_msg((what), "never came: %s", #what);                \
	} while (0)

static void
give_segment(int fd, uint64_t limit)
{
	struct p_seg_give m = { .tag = TAG,
		.seg = (uint32_t)t.next_seg,
		.salt = SALT,
		.offset = SEGMENT_HEAD,
		.limit = limit };

	t.file[t.next_seg++] = dup(fd);
	put_p_seg_give(chan_begin(t.queue, P_SEG_GIVE), &m);
	chan_end(t.queue, fd);
	turn();
	turn();
}

static void
give_file(uint64_t limit)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);

	ck_assert_int_eq(ftruncate(fd, SEGMENT_HEAD), 0);
	ck_assert_int_ge(lseek(fd, SEGMENT_HEAD, SEEK_SET), 0);
	give_segment(fd, limit);
}

static void
give_body(uint64_t number)
{
	struct p_body_give m = { .number = number };

	put_p_body_give(chan_begin(t.queue, P_BODY_GIVE), &m);
	chan_end(t.queue, memfd_create("body", MFD_CLOEXEC));
	turn();
	turn();
}

static void
on_head(struct submission *s, struct msgid id, struct buf *b)
{
	buf_addf(b, "Received: id %u\r\n", id.rec);
	s->env.size += b->len;
}

static void
on_done(struct submission *s, struct msgid id, int code, const char *text)
{
	(void)s;
	(void)id;
	ck_assert_ptr_nonnull(text);
	t.code[t.finished++] = code;
}

static struct submission *
message(const char *body)
{
	struct submission *s = submission_new();
	struct p_env_rcpt r = { .addr = SLICE("b@c") };

	ck_assert_ptr_nonnull(s);
	s->env.sender = SLICE("a@b");
	s->env.protocol = SLICE("esmtp");
	put_p_env_rcpt(&s->rcpts, &r);
	s->env.rcpt_n = 1;
	buf_adds(&s->body, body);
	s->env.size = s->body.len;
	s->head = on_head;
	s->done = on_done;
	return s;
}

/* Reads the record that was announced last, as the queue would. */
static void
check_record(int file, const char *body)
{
	unsigned char *raw = malloc(t.last.length);
	struct record_head h;
	struct p_envelope e;
	struct rd r;

	ck_assert_int_eq(pread(file, raw, t.last.length, (off_t)t.last.offset),
	    t.last.length);
	ck_assert(record_head_get(raw, SALT, &h));
	ck_assert(msgid_eq(h.id, t.last.id));
	ck_assert_uint_eq(record_size(h.payload), t.last.length);
	ck_assert_uint_eq(
	    crc32c(0, raw + RECORD_HEAD, h.payload), h.payload_crc);
	r = rd_of((struct slice){ (char *)raw + RECORD_HEAD, h.envelope });
	ck_assert(get_p_envelope(&r, &e));
	ck_assert(slice_eq(e.sender, SLICE("a@b")));
	ck_assert_uint_eq(e.rcpt_n, 1);
	ck_assert(
	    slice_eq((struct slice){ (char *)raw + RECORD_HEAD + h.envelope,
			 h.payload - h.envelope },
		slice_of(body)));
	free(raw);
}

START_TEST(a_message_is_durable_then_told)
{
	give_file(1 << 20);
	store_submit(t.store, message("hi\r\n"));
	WAIT_FOR(t.finished == 1 && t.news == 1);
	ck_assert_int_eq(t.code[0], 250);
	ck_assert_uint_eq(t.last.id.tag, TAG);
	ck_assert_uint_eq(t.last.offset, SEGMENT_HEAD);
	check_record(t.file[0], "Received: id 0\r\nhi\r\n");
	ck_assert(store_is_idle(t.store));
}
END_TEST

START_TEST(what_is_ready_together_shares_a_sync)
{
	give_file(1 << 20);
	for (int i = 0; i < 10; i++)
		store_submit(t.store, message("x\r\n"));
	WAIT_FOR(t.finished == 10 && t.news == 10);
	ck_assert_uint_eq(t.slot.counter[ST_SYNCS], 1);
	ck_assert_uint_eq(t.last.id.rec, 9);
	check_record(t.file[0], "Received: id 9\r\nx\r\n");
}
END_TEST

START_TEST(a_full_segment_is_followed_by_the_next)
{
	char body[100];

	give_file(SEGMENT_HEAD + 12000);
	give_file(1 << 20);
	for (int i = 0; i < 3; i++) {
		store_submit(t.store, message("x\r\n"));
		WAIT_FOR(t.finished == i + 1 && t.news == i + 1);
		ck_assert_int_eq(t.code[i], 250);
	}
	for (int i = 3; i < 40; i++) {
		store_submit(t.store, message("x\r\n"));
		WAIT_FOR(t.finished == i + 1);
	}
	WAIT_FOR(t.dones == 1 && t.wants_seg >= 2 && t.news == 40);
	ck_assert_uint_eq(t.last.id.seg, 1);
	snprintf(body, sizeof(body), "Received: id %u\r\nx\r\n", t.last.id.rec);
	check_record(t.file[1], body);
}
END_TEST

/* ENOSPC, or a descriptor that cannot be written: nothing is claimed, the
 * range is reported, the next segment takes over. */
static const char *const broken[] = { "/dev/full", "/dev/null" };

START_TEST(a_failed_write_is_451_and_another_segment)
{
	int fd = open(broken[_i], _i == 0 ? O_WRONLY : O_RDONLY);

	give_segment(fd, 1 << 20);
	give_file(1 << 20);
	store_submit(t.store, message("x\r\n"));
	store_submit(t.store, message("y\r\n"));
	WAIT_FOR(t.finished == 2 && t.bads == 1 && t.dones == 1);
	ck_assert_int_eq(t.code[0], 451);
	ck_assert_int_eq(t.code[1], 451);
	ck_assert_int_eq(t.news, 0);
	ck_assert_uint_eq(t.bad.seg, 0);
	ck_assert_uint_eq(t.bad.from, SEGMENT_HEAD);
	ck_assert_uint_gt(t.bad.to, t.bad.from);
	ck_assert_uint_ne(t.bad.error, 0);
	ck_assert_uint_eq(t.done_end, SEGMENT_HEAD);
	store_submit(t.store, message("z\r\n"));
	WAIT_FOR(t.finished == 3 && t.news == 1);
	ck_assert_int_eq(t.code[2], 250);
	ck_assert_uint_eq(t.last.id.seg, 1);
}
END_TEST

START_TEST(a_message_waits_for_the_next_queue)
{
	give_file(1 << 20);
	disconnect_queue();
	store_submit(t.store, message("x\r\n"));
	for (int i = 0; i < 10; i++)
		turn();
	ck_assert_int_eq(t.finished, 0);
	connect_queue();
	WAIT_FOR(t.wants_seg == 2);
	give_file(1 << 20);
	WAIT_FOR(t.finished == 1 && t.news == 1);
	ck_assert_int_eq(t.code[0], 250);
	ck_assert_uint_eq(t.last.id.seg, 1);
}
END_TEST

START_TEST(after_half_a_minute_nobody_waits)
{
	const char *text;

	give_file(1 << 20);
	disconnect_queue();
	store_submit(t.store, message("x\r\n"));
	turn();
	ck_assert_int_eq(store_refuses(t.store, &text), 0);
	clock_shift(0, 31 * US_SEC);
	turn();
	ck_assert_int_eq(t.finished, 1);
	ck_assert_int_eq(t.code[0], 451);
	ck_assert_int_eq(store_refuses(t.store, &text), 451);
}
END_TEST

/* The sync in flight is answered by its own outcome, the segment closed. */
START_TEST(a_sync_in_flight_outlives_the_queue)
{
	give_file(1 << 20);
	store_submit(t.store, message("x\r\n"));
	store_turn(t.store, false);
	disconnect_queue();
	WAIT_FOR(t.finished == 1);
	ck_assert_int_eq(t.code[0], 250);
	ck_assert_int_eq(t.news, 0);
	connect_queue();
	give_file(1 << 20);
	store_submit(t.store, message("y\r\n"));
	WAIT_FOR(t.finished == 2 && t.news == 1);
	ck_assert_uint_eq(t.last.id.seg, 1);
	ck_assert_uint_eq(t.last.id.rec, 0);
}
END_TEST

START_TEST(a_large_body_is_named_by_its_record)
{
	struct submission *s = message("");
	char back[10] = "";
	int body;

	give_file(1 << 20);
	give_body(5);
	ck_assert(store_take_body(t.store, s));
	ck_assert_uint_eq(s->body_file, 5);
	ck_assert_int_eq(write(s->body_fd, "large", 5), 5);
	body = dup(s->body_fd);
	store_submit(t.store, s);
	WAIT_FOR(t.finished == 1 && t.news == 1);
	ck_assert_int_eq(t.code[0], 250);
	ck_assert_uint_eq(t.last.body_file, 5);
	ck_assert_int_eq(t.drops, 0);
	ck_assert_int_eq(pread(body, back, 5, 0), 5);
	ck_assert_str_eq(back, "large");
	check_record(t.file[0], "Received: id 0\r\n");
}
END_TEST

START_TEST(a_body_that_is_not_used_is_given_back)
{
	struct submission *s = message("");

	give_body(5);
	ck_assert(store_take_body(t.store, s));
	store_forget(t.store, s);
	WAIT_FOR(t.drops == 1);
	s = message("");
	ck_assert(!store_take_body(t.store, s));
	store_forget(t.store, s);
}
END_TEST

/* One that does not fit is refused alone. */
START_TEST(a_message_that_is_too_large_harms_no_other)
{
	static char block[65536];
	struct submission *s = message("x\r\n");
	struct p_env_rcpt r = { .addr = { block, sizeof(block) } };

	memset(block, 'x', sizeof(block));
	while (!s->rcpts.bad)
		put_p_env_rcpt(&s->rcpts, &r);
	give_file(64 << 20);
	store_submit(t.store, message("before\r\n"));
	store_submit(t.store, s);
	s = message("");
	while (!s->body.bad)
		buf_add(&s->body, block, sizeof(block));
	store_submit(t.store, s);
	store_submit(t.store, message("after\r\n"));
	WAIT_FOR(t.finished == 4 && t.news == 2);
	ck_assert_int_eq(t.code[0] + t.code[1], 902); /* these come first */
	ck_assert_int_eq(t.code[2] + t.code[3], 500);
	ck_assert_int_eq(t.bads, 0);
	check_record(t.file[0], "Received: id 1\r\nafter\r\n");
}
END_TEST

/* The queue may refuse who has more in hands, and who asks again and again. */
START_TEST(body_files_in_hands_have_a_limit)
{
	struct submission *held[BODY_FILES_MAX];
	int n = 0, asked = 0;

	give_file(1 << 20);
	for (int i = 0; i < BODY_FILES_MAX; i++)
		held[i] = message("");
	while (n < BODY_FILES_MAX) {
		WAIT_FOR(t.wants_body > asked);
		ck_assert_int_eq(t.wants_body, ++asked);
		give_body((uint64_t)asked);
		ck_assert(store_take_body(t.store, held[n++]));
	}
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_int_eq(t.wants_body, BODY_FILES_MAX);
	/* one that is named, and one that is not used, make room */
	store_submit(t.store, held[0]);
	WAIT_FOR(t.finished == 1 && t.wants_body == BODY_FILES_MAX + 1);
	give_body(1000);
	for (int i = 0; i < 20; i++)
		turn();
	ck_assert_int_eq(t.wants_body, BODY_FILES_MAX + 1);
	store_forget(t.store, held[1]);
	WAIT_FOR(t.wants_body == BODY_FILES_MAX + 2);
	for (int i = 2; i < BODY_FILES_MAX; i++)
		store_forget(t.store, held[i]);
	WAIT_FOR(t.drops == BODY_FILES_MAX - 1);
}
END_TEST

/* The next queue sweeps body files that no record names: what began before
 * it must not name one. */
START_TEST(a_body_of_a_dead_queue_is_never_named)
{
	struct submission *early = message(""), *late = message("");

	give_file(1 << 20);
	give_body(5);
	give_body(6);
	ck_assert(store_take_body(t.store, early));
	ck_assert(store_take_body(t.store, late));
	store_submit(t.store, early);
	disconnect_queue();
	ck_assert_int_eq(t.finished, 1);
	ck_assert_int_eq(t.code[0], 451);
	connect_queue();
	give_file(1 << 20);
	store_submit(t.store, late);
	WAIT_FOR(t.finished == 2);
	ck_assert_int_eq(t.code[1], 451);
	turn();
	ck_assert_int_eq(t.news, 0);
	ck_assert_int_eq(t.drops, 0);
}
END_TEST

START_TEST(the_queue_may_refuse)
{
	struct p_accept no = { .code = 452, .text = SLICE("4.3.1 Full") };
	struct p_accept yes = { .code = 0 };
	struct buf b;
	const char *text = "";

	buf_init(&b, 100);
	put_p_accept(&b, &no);
	ck_assert(store_frame(t.store, P_ACCEPT, buf_slice(&b), -1));
	ck_assert_int_eq(store_refuses(t.store, &text), 452);
	ck_assert_str_eq(text, "4.3.1 Full");
	buf_clear(&b);
	put_p_accept(&b, &yes);
	ck_assert(store_frame(t.store, P_ACCEPT, buf_slice(&b), -1));
	ck_assert_int_eq(store_refuses(t.store, &text), 0);
	ck_assert(!store_frame(t.store, P_ACCEPT, SLICE("x"), -1));
	buf_release(&b);
}
END_TEST

START_TEST(without_segments_mail_is_452)
{
	const char *text = "";

	turn();
	ck_assert_int_eq(store_refuses(t.store, &text), 0);
	clock_shift(0, 3 * US_SEC);
	ck_assert_int_eq(store_refuses(t.store, &text), 452);
	clock_shift(0, -3 * US_SEC);
	give_file(1 << 20);
	ck_assert_int_eq(store_refuses(t.store, &text), 0);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_store");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_message_is_durable_then_told);
	tcase_add_test(tc, what_is_ready_together_shares_a_sync);
	tcase_add_test(tc, a_full_segment_is_followed_by_the_next);
	tcase_add_loop_test(
	    tc, a_failed_write_is_451_and_another_segment, 0, 2);
	tcase_add_test(tc, a_message_waits_for_the_next_queue);
	tcase_add_test(tc, after_half_a_minute_nobody_waits);
	tcase_add_test(tc, a_sync_in_flight_outlives_the_queue);
	tcase_add_test(tc, a_large_body_is_named_by_its_record);
	tcase_add_test(tc, a_body_that_is_not_used_is_given_back);
	tcase_add_test(tc, a_message_that_is_too_large_harms_no_other);
	tcase_add_test(tc, body_files_in_hands_have_a_limit);
	tcase_add_test(tc, a_body_of_a_dead_queue_is_never_named);
	tcase_add_test(tc, the_queue_may_refuse);
	tcase_add_test(tc, without_segments_mail_is_452);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
