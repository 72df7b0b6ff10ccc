/*
 * A checkpoint speaks of one moment, however long it takes to write and
 * whatever comes and goes meanwhile. A queue lives in a child process, which
 * ends after some turns of the loop, as by kill -9; the next one, here, must
 * find what was alive.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "queue_world.h"
#include "unit.h"
#include "writer.h"

#define BEFORE 15000 /* messages: 15 slices */
#define MOST 60000

static struct {
	uint32_t n, checkpoints;
	struct msgid id[MOST];
} *alive; /* shared by both lives */

static struct world *w;
static uint32_t adding; /* not durable yet */

static void
written(struct queue *q, void *arg, struct msg *m, int error)
{
	(void)q;
	(void)arg;
	(void)m;
	ck_assert_int_eq(error, 0);
	adding--;
}

static void
add(struct queue *q, uint32_t rcpts, const char *local)
{
	static char content[900] = "Subject: x\r\n\r\n";
	struct p_env_rcpt one = { .orcpt = SLICE("") };
	struct p_envelope e = { .received = clock_wall(),
		.sender = SLICE("a@b.test"),
		.size = sizeof(content),
		.rcpt_n = rcpts };
	struct buf rcpt, addr;

	memset(content + 14, 'x', sizeof(content) - 14);
	buf_init(&rcpt, 4 << 20);
	buf_init(&addr, 1024);
	for (uint32_t i = 0; i < rcpts; i++) {
		buf_clear(&addr);
		buf_addf(&addr, "%s%u@elsewhere.test", local, i);
		one.addr = buf_slice(&addr);
		put_p_env_rcpt(&rcpt, &one);
	}
	e.rcpts = buf_slice(&rcpt);
	ck_assert_int_eq(
	    writer_add(q->writer, &e, (struct slice){ content, sizeof(content) },
		(struct writer_done){ written, NULL }),
	    0);
	buf_release(&addr);
	buf_release(&rcpt);
	adding++;
}

static void
add_some(struct queue *q, int n)
{
	for (int i = 0; i < n; i++)
		add(q, 1, "x");
}

/* All that was added is there, and every outcome durable. */
static void
wait_for_disk(void)
{
	while (adding != 0) {
		writer_turn(w->q.writer);
		world_settle(w);
	}
	world_settle(w);
}

/* The n-th that is alive is delivered. */
static void
deliver(uint32_t n)
{
	struct verdict v = VERDICT(250, "2.0.0", RC_NONE, "ok");
	struct msg *m = TAILQ_FIRST(&w->q.index.all);

	while (m != NULL && (n-- != 0 || m->open == 0))
		m = TAILQ_NEXT(m, all);
	if (m == NULL)
		return;
	m->rcpt[0].state = RS_ACTIVE;
	requeue(&w->q, m);
	m->rcpt[0].state = RS_OPEN;
	outcome_decide(&w->q, m, 0, &v);
}

static void
note_alive(void)
{
	struct msg *m;

	alive->n = 0;
	TAILQ_FOREACH (m, &w->q.index.all, all)
		if (m->open != 0)
			alive->id[alive->n++] = m->id;
	alive->checkpoints = (uint32_t)w->q.checkpoint_number;
}

/* Mail comes and goes in each turn while a checkpoint is written. */
static void
live(int turns)
{
	ck_assert_int_eq(world_start(w), 0);
	add_some(&w->q, BEFORE);
	wait_for_disk();
	checkpoint_begin(&w->q);
	for (int i = 0; i < turns && w->q.is_checkpointing; i++) {
		if (adding < 2000 && w->q.index.by_id.n < MOST / 2)
			add_some(&w->q, 1200); /* more than a segment */
		writer_turn(w->q.writer);
		deliver((uint32_t)i * 37 % 1000); /* one that was there */
		deliver((uint32_t)w->q.index.by_id.n - 1); /* one that came */
		event_base_loop(w->proc.base, EVLOOP_ONCE);
	}
	wait_for_disk();
	note_alive();
	_exit(0);
}

static void
run_life(void (*life)(int), int arg)
{
	int status;
	pid_t pid;

	alive = mmap(NULL, sizeof(*alive), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	w = world_new();
	pid = fork();
	if (pid == 0)
		life(arg);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_int_eq(world_start(w), 0);
}

static void
check_alive(void)
{
	struct queue *q = &w->q;

	ck_assert_msg(!q->sched.is_held, "%s", q->held_why);
	ck_assert_uint_eq(q->report.damaged, 0);
	ck_assert_uint_eq(q->report.lost, 0);
	ck_assert_uint_eq(q->index.by_id.n, alive->n);
	for (uint32_t i = 0; i < alive->n; i++)
		ck_assert_ptr_nonnull(index_find(&q->index, alive->id[i]));
}

static const int ends[] = { 0, 1, 2, 3, 4, 5, 6, 8, 12, 1000 };

START_TEST(what_is_alive_is_found_whenever_it_ends)
{
	run_life(live, ends[_i]);
	check_alive();
	if (ends[_i] == 1000)
		ck_assert_uint_ge(alive->checkpoints, 1);
	world_end(w);
}
END_TEST

/* Recipients of 300 messages are more than any fixed chunk of a thousand. */
static void
live_with_lists(int n)
{
	static char local[201];

	memset(local, 'y', sizeof(local) - 1);
	ck_assert_int_eq(world_start(w), 0);
	for (int i = 0; i < n; i++)
		add(&w->q, 4000, local);
	wait_for_disk();
	checkpoint_begin(&w->q);
	while (w->q.is_checkpointing)
		event_base_loop(w->proc.base, EVLOOP_ONCE);
	world_settle(w);
	note_alive();
	_exit(0);
}

START_TEST(large_lists_fit_a_checkpoint)
{
	run_life(live_with_lists, 330);
	ck_assert_uint_ge(alive->checkpoints, 1);
	check_alive();
	world_end(w);
}
END_TEST

/* Answered 451, so the client comes again: it must not count, also when the
 * journal that says so is older than the checkpoint. */
static void
live_with_a_failed_sync(int unused)
{
	struct segment *s;
	struct msg *m;

	(void)unused;
	ck_assert_int_eq(world_start(w), 0);
	add_some(&w->q, 2);
	wait_for_disk();
	m = TAILQ_LAST(&w->q.index.all, msg_list);
	s = m->segment;
	accept_abandon(&w->q, s, m->offset, m->offset + m->length);
	s->announced = m->offset; /* as if it had not been told */
	s->records--;
	sched_remove(&w->q.sched, m);
	segment_del_live(&w->q.segments, s, m->length);
	index_del(&w->q.index, m);
	segment_seal(&w->q.segments, s);
	world_settle(w);
	for (int i = 0; i < 3; i++) {
		checkpoint_begin(&w->q);
		while (w->q.is_checkpointing)
			event_base_loop(w->proc.base, EVLOOP_ONCE);
	}
	note_alive();
	_exit(0);
}

START_TEST(what_a_failed_sync_covered_stays_abandoned)
{
	run_life(live_with_a_failed_sync, 0);
	ck_assert_uint_eq(alive->n, 1);
	check_alive();
	world_end(w);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("checkpoint");
	TCase *tc = tcase_create("checkpoint");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, what_is_alive_is_found_whenever_it_ends, 0,
	    ROWS(ends));
	tcase_add_test(tc, large_lists_fit_a_checkpoint);
	tcase_add_test(tc, what_a_failed_sync_covered_stays_abandoned);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
