/* sched, filter, index, record, journal: the queue's cores. */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "filter.h"
#include "journal.h"
#include "record.h"
#include "sched.h"
#include "unit.h"
#include "worker.h"

struct world {
	struct conf *conf;
	struct index ix;
	struct sched s;
	uint32_t next;
	struct sched_share share; /* of the last one */
	int lane;
};

static void
world_init(struct world *w)
{
	w->conf = conf_new();
	index_init(&w->ix);
	sched_init(&w->s, w->conf);
	w->next = 0;
	w->lane = 0;
}

static void
world_release(struct world *w)
{
	struct msg *m;

	TAILQ_FOREACH (m, &w->ix.all, all)
		sched_remove(&w->s, m);
	sched_release(&w->s);
	index_release(&w->ix);
	conf_free(w->conf);
}

static struct dest *
dest_of(struct world *w, const char *domain)
{
	struct route r = { .kind = MAILER_SMTP,
		.mailer = SLICE("smtp"),
		.domain = slice_of(domain),
		.port = 25 };

	return sched_dest(&w->s, &r);
}

/* A message with n recipients at one domain, waiting to be tried. */
static struct msg *
add(struct world *w, const char *domain, uint32_t n)
{
	struct p_envelope e = { .sender = SLICE("a@b"), .received = US_SEC };
	struct msgid id = { 1, 1, w->next++ };
	struct msg *m = index_add_bare(&w->ix, id, &e);
	char addr[64];

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at;

		snprintf(addr, sizeof(addr), "r%u@%s", i, domain);
		at = msg_add_rcpt(&w->ix, m, slice_of(addr), SLICE(""), 0,
		    TARGET_ADDRESS, SLICE(""), SLICE(""));
		sched_add(&w->s, m, at, dest_of(w, domain), false, false, 0,
		    clock_mono());
	}
	return m;
}

static struct msg *
start_one(struct world *w, uint32_t take)
{
	struct job *j = NULL;
	struct msg *m;

	for (int i = 0; i < SCHED_LANES && j == NULL; i++) {
		w->lane = (w->lane + 1) % SCHED_LANES; /* they take turns */
		j = sched_next(&w->s, w->lane, &w->share);
	}
	if (j == NULL)
		return NULL;
	m = j->msg;
	while (take-- != 0 && sched_pop(j) != RCPT_NONE)
		continue;
	sched_taken(&w->s, j);
	return m;
}

/* Whatever their sum is: also of 256 bytes, where the steps get larger. */
START_TEST(strings_have_their_room)
{
	static const char text[] = "0123456789012345678901234567890123456789";
	struct world w;

	world_init(&w);
	for (size_t n = 0; n < sizeof(text); n++) {
		struct msg *m = add(&w, "a.test", 0);

		while (m->str_n < 5000) {
			ck_assert_uint_ne(
			    msg_add_str(m, (struct slice){ text, n }),
			    RCPT_NONE);
			ck_assert_uint_ge(malloc_usable_size(m->str), m->str_n);
		}
	}
	world_release(&w);
}
END_TEST

START_TEST(a_burst_to_one_does_not_delay_another)
{
	struct world w;
	struct msg *other;

	world_init(&w);
	for (int i = 0; i < 1000; i++)
		add(&w, "burst.test", 1);
	start_one(&w, 1);
	other = add(&w, "other.test", 1);
	ck_assert(start_one(&w, 1) == other || start_one(&w, 1) == other);
	world_release(&w);
}
END_TEST

START_TEST(a_huge_list_lets_small_mail_pass)
{
	struct world w;
	struct msg *huge, *small;

	world_init(&w);
	huge = add(&w, "a.test", 1000);
	small = add(&w, "a.test", 1);
	ck_assert(start_one(&w, 100) == huge);
	ck_assert(start_one(&w, 100) == small);
	ck_assert(start_one(&w, 100) == huge);
	world_release(&w);
}
END_TEST

START_TEST(concurrency_grows_and_shrinks)
{
	struct world w;
	struct dest *d;
	int n = 0;

	world_init(&w);
	w.conf->InitialDestinationConcurrency = 2;
	w.conf->MaxDestinationConcurrency = 4;
	d = dest_of(&w, "a.test");
	for (int i = 0; i < 100; i++)
		add(&w, "a.test", 1);
	while (start_one(&w, 1) != NULL)
		n++;
	ck_assert_int_eq(n, 2);
	for (int i = 0; i < 10; i++) {
		sched_done(&w.s, d, &w.share, SCHED_OK, 1);
		start_one(&w, 1);
	}
	ck_assert_uint_eq(d->window, 4);
	sched_done(&w.s, d, &w.share, SCHED_NO_CONN, 1);
	ck_assert_uint_eq(d->window, 2);
	world_release(&w);
}
END_TEST

START_TEST(a_dead_host_rests_and_its_mail_goes_when_it_is_back)
{
	struct world w;
	struct dest *d;
	struct msg *m;
	int64_t now = clock_mono();

	world_init(&w);
	d = dest_of(&w, "dead.test");
	for (int i = 0; i < 10; i++)
		add(&w, "dead.test", 1);
	for (int i = 0; i < 3; i++) {
		m = start_one(&w, 1);
		sched_done(&w.s, d, &w.share, SCHED_NO_CONN, now);
		sched_add(&w.s, m, 0, d, true, true, now + US_HOUR, now);
	}
	ck_assert(d->is_down);
	ck_assert_ptr_null(start_one(&w, 1));
	ck_assert(sched_wake(&w.s, now) > now);
	sched_wake(&w.s, d->down_until); /* the probe */
	ck_assert_ptr_nonnull(start_one(&w, 1));
	ck_assert_ptr_null(start_one(&w, 1)); /* one at a time */
	ck_assert_int_eq(
	    sched_done(&w.s, d, &w.share, SCHED_OK, now), SCHED_UP);
	ck_assert_uint_eq(d->waiting.n, 0);
	ck_assert_uint_eq(d->ready, 9);
	world_release(&w);
}
END_TEST

/* What purgestat did: nothing is tried before its own time. */
START_TEST(a_forgotten_host_was_never_tried)
{
	struct world w;
	struct dest *d;
	struct msg *m;
	int64_t now = clock_mono();

	world_init(&w);
	w.conf->InitialDestinationConcurrency = 2;
	d = dest_of(&w, "dead.test");
	for (int i = 0; i < 10; i++)
		add(&w, "dead.test", 1);
	for (int i = 0; i < 3; i++) {
		m = start_one(&w, 1);
		sched_done(&w.s, d, &w.share, SCHED_NO_CONN, now);
		sched_add(&w.s, m, 0, d, true, true, now + US_HOUR, now);
	}
	d->last_text = strdup("Connection refused");
	ck_assert_ptr_null(start_one(&w, 1));
	ck_assert(sched_forget(&w.s, d));
	ck_assert(!d->is_down);
	ck_assert_uint_eq(d->fails, 0);
	ck_assert_int_eq(d->last_try, 0);
	ck_assert_ptr_null(d->last_text);
	ck_assert_uint_eq(d->waiting.n, 3); /* they have a time of their own */
	ck_assert_uint_eq(d->ready, 7);
	ck_assert_int_eq(sched_wake(&w.s, now), now + US_HOUR);
	ck_assert_ptr_nonnull(start_one(&w, 1));
	ck_assert_ptr_nonnull(start_one(&w, 1));
	ck_assert_ptr_null(start_one(&w, 1)); /* the window is the first one */
	ck_assert(!sched_forget(&w.s, d));
	sched_wake(&w.s, now + US_HOUR);
	ck_assert_uint_eq(d->waiting.n, 0);
	world_release(&w);
}
END_TEST

START_TEST(backoff_doubles_to_its_limit)
{
	struct conf *c = conf_new();

	ck_assert_int_eq(sched_backoff(c, 1), c->MinQueueAge);
	ck_assert_int_eq(sched_backoff(c, 2), 2 * c->MinQueueAge);
	ck_assert_int_eq(sched_backoff(c, 50), c->MaxQueueAge);
	conf_free(c);
}
END_TEST

static const struct {
	const char *filter;
	int matches; /* -1: refused */
} filters[] = {
	{ "", 1 },
	{ "from:a@b", 1 },
	{ "from:<>", 0 },
	{ "to:@x.test", 1 },
	{ "to:@y.test", 0 },
	{ "to:R0 state:new", 1 },
	{ "state:deferred", 0 },
	{ "age>1h", 1 },
	{ "age<1h", 0 },
	{ "size>0", 1 },
	{ "size>1MB", 0 },
	{ "try>0", 0 },
	{ "try<1", 1 },
	{ "x.test", 1 },
	{ "host:smtp:x.test", 1 },
	{ "id:00001000010000", 1 },
	{ "id:zzzzz000010000,00001000010000", 1 },
	{ "id:zzzzz000010000,00001000010001", 0 },
	{ "age>5", -1 },
	{ "foo:bar", -1 },
	{ "from>1", -1 },
};

START_TEST(one_id_is_looked_up_and_no_list)
{
	static const struct {
		const char *text;
		size_t n;
		bool is_one;
	} rows[] = {
		{ "id:00001000020003", 17, true },
		{ "00001000020003", 14, true },
		{ "id:00001000020003,00001000020004", 32, false },
		{ "id:00001000020003,what", 22, true },
		/* the first is none, it has a NUL */
		{ "id:00001000020003\0,00001000020004", 33, true },
		{ "id:00001000020003 age>1h", 24, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char why[200];
		struct filter *f =
		    filter_new((struct slice){ rows[i].text, rows[i].n }, why);
		struct msgid id;

		ck_assert_msg(f != NULL, "%s: %s", rows[i].text, why);
		ck_assert_msg(filter_only_id(f, &id) == rows[i].is_one, "%s",
		    rows[i].text);
		ck_assert(
		    !rows[i].is_one || id.rec == (rows[i].n == 33 ? 4 : 3));
		filter_free(f);
	}
}
END_TEST

START_TEST(filters_choose)
{
	char why[200];
	struct filter *f = filter_new(slice_of(filters[_i].filter), why);
	struct world w;
	struct msg *m;

	if (filters[_i].matches < 0) {
		ck_assert_ptr_null(f);
		ck_assert(why[0] != '\0');
		return;
	}
	ck_assert_ptr_nonnull(f);
	world_init(&w);
	m = add(&w, "x.test", 2);
	m->size = 5;
	ck_assert_int_eq(filter_match(f, m, 2 * US_HOUR), filters[_i].matches);
	filter_free(f);
	world_release(&w);
}
END_TEST

START_TEST(a_record_head_proves_itself)
{
	struct record_head h = { .id = { 1, 2, 3 },
		.envelope = 10,
		.payload = 20,
		.payload_crc = 7,
		.is_first = true },
			   got;
	unsigned char p[RECORD_HEAD];

	record_head_put(p, 42, &h);
	ck_assert(record_head_get(p, 42, &got));
	ck_assert(msgid_eq(got.id, h.id));
	ck_assert(got.is_first);
	ck_assert(!record_head_get(p, 43, &got));
	for (size_t i = 0; i < RECORD_HEAD; i++) {
		p[i] ^= 1;
		ck_assert(!record_head_get(p, 42, &got));
		p[i] ^= 1;
	}
}
END_TEST

/* journal: written in one life, read in the next */
struct life {
	struct event_base *base;
	struct worker *worker;
	int dir;
	int commits;
	char path[64];
};

static void
life_begin(struct life *l)
{
	snprintf(l->path, sizeof(l->path), "/tmp/mtad-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(l->path));
	l->dir = open(l->path, O_RDONLY | O_DIRECTORY);
	l->base = event_base_new();
	l->worker = worker_new(l->base);
	l->commits = 0;
}

static void
committed(void *arg, int error)
{
	struct life *l = arg;

	ck_assert_int_eq(error, 0);
	l->commits++;
}

static void
write_some(struct life *l, struct journal *j, int n, size_t size)
{
	static struct commit c[1000];
	static char text[65536];

	for (int i = 0; i < n; i++) {
		struct buf *b = journal_begin(j, 5);

		put_u32(b, (uint32_t)i);
		buf_add(b, text, size);
		journal_end(j);
		c[i] = (struct commit){ .done = committed, .arg = l };
		journal_on_commit(j, &c[i]);
		journal_kick(j);
	}
	while (l->commits < n)
		event_base_loop(l->base, EVLOOP_ONCE);
}

struct seen {
	uint32_t n, damages;
	uint64_t last;
};

static void
each(void *arg, uint8_t type, uint64_t seq, struct slice payload)
{
	struct seen *s = arg;

	(void)payload;
	ck_assert_int_eq(type, 5);
	ck_assert(seq > s->last);
	s->last = seq;
	s->n++;
}

static void
damaged(void *arg, uint64_t file, uint64_t offset)
{
	struct seen *s = arg;

	(void)file;
	(void)offset;
	s->damages++;
}

/* The worker first: it may be making a spare file for the journal. */
static void
life_stop(struct life *l, struct journal *j)
{
	worker_free(l->worker);
	journal_free(j);
}

static void
life_end(struct life *l)
{
	char cmd[100];

	event_base_free(l->base);
	close(l->dir);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", l->path);
	ck_assert_int_eq(system(cmd), 0);
}

static uint32_t
read_back(struct life *l, struct seen *seen)
{
	struct journal_reader r = { each, damaged, seen };
	uint64_t last, next;

	ck_assert_int_eq(journal_read(l->dir, (struct journal_place){ 0, 1 },
			     &r, &last, &next),
	    0);
	return seen->n;
}

START_TEST(a_journal_reads_back_over_several_files)
{
	struct life l;
	struct seen seen = { 0 };
	struct journal *j;

	life_begin(&l);
	j = journal_new(l.dir, l.worker, 0, 1);
	write_some(&l, j, 600, 60000); /* 36 MB: three files */
	life_stop(&l, j);
	ck_assert_uint_eq(read_back(&l, &seen), 600);
	ck_assert_uint_eq(seen.damages, 0);
	life_end(&l);
}
END_TEST

START_TEST(damage_in_a_journal_costs_one_record)
{
	struct life l;
	struct seen seen = { 0 };
	struct journal *j;
	int fd;

	life_begin(&l);
	j = journal_new(l.dir, l.worker, 0, 1);
	write_some(&l, j, 100, 100);
	life_stop(&l, j);
	fd = openat(l.dir, "000000000001", O_RDWR);
	ck_assert_int_eq(pwrite(fd, "x", 1, 64 + 50), 1);
	close(fd);
	ck_assert_uint_eq(read_back(&l, &seen), 99);
	ck_assert_uint_eq(seen.damages, 1);
	life_end(&l);
}
END_TEST

START_TEST(a_torn_tail_is_the_end)
{
	struct life l;
	struct seen seen = { 0 };
	struct journal *j;
	int fd;

	life_begin(&l);
	j = journal_new(l.dir, l.worker, 0, 1);
	write_some(&l, j, 10, 100);
	life_stop(&l, j);
	fd = openat(l.dir, "000000000001", O_RDWR);
	ck_assert_int_eq(ftruncate(fd, 64 + 9 * 128 + 60), 0);
	close(fd);
	ck_assert_uint_eq(read_back(&l, &seen), 9);
	ck_assert_uint_eq(seen.damages, 0);
	life_end(&l);
}
END_TEST

/* Of one batch: a hole, and records behind it, that nobody was told of. */
START_TEST(a_torn_batch_is_no_damage)
{
	struct life l;
	struct seen seen = { 0 };
	struct journal *j;
	int fd;

	life_begin(&l);
	j = journal_new(l.dir, l.worker, 0, 1);
	write_some(&l, j, 1, 100);
	write_some(&l, j, 10, 100);
	life_stop(&l, j);
	fd = openat(l.dir, "000000000001", O_RDWR);
	ck_assert_int_eq(pwrite(fd, "x", 1, 64 + 5 * 128 + 50), 1);
	close(fd);
	ck_assert_uint_eq(read_back(&l, &seen), 10);
	ck_assert_uint_eq(seen.damages, 0);
	life_end(&l);
}
END_TEST

static void
count_commit(void *arg, int error)
{
	ck_assert_int_eq(error, 0);
	++*(int *)arg;
}

/* What a full disk does: no file can be made, and later one can. */
START_TEST(a_batch_without_a_file_waits_for_one)
{
	struct life l;
	struct seen seen = { 0 };
	struct journal *j;
	int commits = 0;
	struct commit c = { .done = count_commit, .arg = &commits };

	life_begin(&l);
	ck_assert_int_eq(mkdirat(l.dir, "000000000001", 0700), 0);
	j = journal_new(l.dir, l.worker, 0, 1);
	put_u32(journal_begin(j, 5), 0);
	journal_end(j);
	journal_on_commit(j, &c);
	journal_kick(j);
	while (journal_error(j) == 0)
		event_base_loop(l.base, EVLOOP_ONCE);
	ck_assert_int_eq(commits, 0);
	ck_assert(!journal_has_room(j, 1));
	ck_assert_int_eq(unlinkat(l.dir, "000000000001", AT_REMOVEDIR), 0);
	journal_restart(j);
	ck_assert(!journal_has_lost(j));
	while (commits == 0)
		event_base_loop(l.base, EVLOOP_ONCE);
	ck_assert_int_eq(journal_error(j), 0);
	life_stop(&l, j);
	ck_assert_uint_eq(read_back(&l, &seen), 1);
	life_end(&l);
}
END_TEST

/* What a failed batch held is durable when a checkpoint has said it. */
START_TEST(a_failed_batch_waits_for_a_checkpoint)
{
	const struct rlimit small = { 65536, RLIM_INFINITY };
	const struct rlimit any = { RLIM_INFINITY, RLIM_INFINITY };
	struct life l;
	struct journal *j;
	struct commits lost;
	int commits = 0;
	struct commit c = { .done = count_commit, .arg = &commits };

	life_begin(&l);
	signal(SIGXFSZ, SIG_IGN);
	j = journal_new(l.dir, l.worker, 0, 1);
	write_some(&l, j, 1, 65536);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	put_u32(journal_begin(j, 5), 0);
	journal_end(j);
	journal_on_commit(j, &c);
	journal_kick(j);
	while (journal_error(j) == 0)
		event_base_loop(l.base, EVLOOP_ONCE);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &any), 0);
	journal_restart(j);
	ck_assert(journal_has_lost(j));
	journal_take_lost(j, &lost);
	journal_give_back(j, &lost);
	ck_assert(journal_has_lost(j));
	journal_take_lost(j, &lost);
	ck_assert_int_eq(commits, 0);
	journal_call_commits(&lost);
	ck_assert_int_eq(commits, 1);
	ck_assert(!journal_has_lost(j));
	life_stop(&l, j);
	life_end(&l);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("queue");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, strings_have_their_room);
	tcase_add_test(tc, a_burst_to_one_does_not_delay_another);
	tcase_add_test(tc, a_huge_list_lets_small_mail_pass);
	tcase_add_test(tc, concurrency_grows_and_shrinks);
	tcase_add_test(tc, a_dead_host_rests_and_its_mail_goes_when_it_is_back);
	tcase_add_test(tc, a_forgotten_host_was_never_tried);
	tcase_add_test(tc, backoff_doubles_to_its_limit);
	tcase_add_test(tc, one_id_is_looked_up_and_no_list);
	tcase_add_loop_test(tc, filters_choose, 0, ROWS(filters));
	tcase_add_test(tc, a_record_head_proves_itself);
	tcase_add_test(tc, a_journal_reads_back_over_several_files);
	tcase_add_test(tc, damage_in_a_journal_costs_one_record);
	tcase_add_test(tc, a_torn_tail_is_the_end);
	tcase_add_test(tc, a_torn_batch_is_no_damage);
	tcase_add_test(tc, a_batch_without_a_file_waits_for_one);
	tcase_add_test(tc, a_failed_batch_waits_for_a_checkpoint);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
