/*
 * Who gets how much: of attempts (share.c), of memory for destinations
 * (dest.c), and what happens to mail that workers end over (suspect.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "queue_world.h"
#include "unit.h"

#define MOST 200 /* MaxActive */

static struct conf *conf;
static struct index ix;
static struct sched s;
static struct sched_share share; /* of the last one that started */
static uint32_t next;

static void
set_up(void)
{
	conf = conf_new();
	conf->MaxActive = MOST;
	index_init(&ix);
	sched_init(&s, conf);
	next = 0;
}

static void
tear_down(void)
{
	struct msg *m;

	TAILQ_FOREACH (m, &ix.all, all)
		sched_remove(&s, m);
	sched_release(&s);
	index_release(&ix);
	conf_free(conf);
}

static struct dest *
dest_of(const char *domain)
{
	bool is_ours = strcmp(domain, "here.test") == 0;
	struct route r = { .kind = is_ours ? MAILER_LOCAL : MAILER_SMTP,
		.mailer = is_ours ? SLICE("local") : SLICE("smtp"),
		.domain = slice_of(domain) };

	return sched_dest(&s, &r);
}

/* n messages of one recipient, that who caused. */
static struct msg *
add(const char *domain, int n, const char *who)
{
	struct p_envelope e = { .sender = slice_of(who),
		.flags = *who ? 0 : ENV_NOTICE };
	struct msg *m = NULL;
	char addr[300];

	snprintf(addr, sizeof(addr), "x@%s", domain);
	while (n-- != 0) {
		m = index_add_bare(&ix, (struct msgid){ 1, 1, next++ }, &e);
		msg_add_rcpt(&ix, m, slice_of(addr), SLICE(""), 0,
		    TARGET_ADDRESS, SLICE(""), SLICE(""));
		sched_add(
		    &s, m, 0, dest_of(domain), false, false, 0, clock_mono());
	}
	return m;
}

static struct dest *
start(void)
{
	struct job *j = NULL;
	struct dest *d;

	for (int i = 0; i < SCHED_LANES && j == NULL; i++)
		j = sched_next(&s, i, &share);
	if (j == NULL)
		return NULL;
	d = j->dest;
	while (sched_pop(j) != RCPT_NONE)
		continue;
	sched_taken(&s, j);
	return d;
}

static int
start_all(void)
{
	int n = 0;

	while (start() != NULL)
		n++;
	return n;
}

/* Does one of this domain start now? */
static bool
starts(const char *domain, const char *who)
{
	struct dest *d = dest_of(domain);
	uint32_t before = d->active;

	add(domain, 1, who);
	start_all();
	return d->active == before + 1;
}

/* A stranger has many domains, whose servers say nothing. */
static void
tarpit(const char *prefix, int domains, int each, const char *who)
{
	char domain[100];

	for (int i = 0; i < domains; i++) {
		snprintf(domain, sizeof(domain), "%s%d.test", prefix, i);
		add(domain, each, who);
	}
	start_all();
}

static const struct {
	const char *name, *who;
	int domains;
} pits[] = {
	{ "notices to senders of his", "", 450 },
	{ "notices to very many", "", 5000 },
	{ "mail of one client", "evil@x.test", 450 },
};

START_TEST(silent_servers_hold_up_nobody_else)
{
	tarpit("evil", pits[_i].domains, 6, pits[_i].who);
	start_all();
	ck_assert_msg(
	    s.active <= MOST / 2 + 1, "%s: %u", pits[_i].name, s.active);
	ck_assert(starts("here.test", "a@b.test"));
	ck_assert(starts("new.test", "a@b.test"));
	dest_of("known.test")->last_ok = 1;
	ck_assert(starts("known.test", "a@b.test"));
}
END_TEST

/* From many clients: what is known to answer, and this host, still go. */
START_TEST(many_clients_at_silent_servers_leave_room_for_known_hosts)
{
	char who[50];

	for (int i = 0; i < 1000; i++) {
		snprintf(who, sizeof(who), "u%d@evil.test", i);
		snprintf(who, sizeof(who), "u%d@evil%d.test", i, i);
		add(strchr(who, '@') + 1, 2, who);
	}
	start_all();
	ck_assert_uint_le(s.active, MOST - MOST / 4);
	dest_of("known.test")->last_ok = 1;
	for (int i = 0; i < 5; i++)
		ck_assert(starts("known.test", "a@b.test"));
	ck_assert(starts("here.test", "a@b.test"));
}
END_TEST

/* It answered once, and now it does not. */
START_TEST(who_is_slow_proves_nothing)
{
	struct sched_share mine[20];
	struct dest *d = dest_of("slow.test");

	conf->MaxDestinationConcurrency = 1000;
	conf->InitialDestinationConcurrency = 1000;
	d->last_ok = 1;
	d->window = d->max_window = 1000;
	for (int i = 0; i < 20; i++) {
		add("slow.test", 1, "a@b.test");
		ck_assert(start() == d);
		mine[i] = share;
	}
	ck_assert_uint_eq(s.unproven, 0);
	for (int i = 0; i < 20; i++)
		sched_is_slow(&s, d, &mine[i]);
	sched_is_slow(&s, d, &mine[0]); /* it is so already */
	ck_assert_uint_eq(s.unproven, 20);
	ck_assert(!share_is_proven(d));
	for (int i = 0; i < 20; i++)
		sched_done(&s, d, &mine[i], SCHED_OK, 1);
	ck_assert_uint_eq(s.unproven, 0);
	ck_assert_uint_eq(s.active, 0);
	ck_assert_uint_eq(d->slow, 0);
	ck_assert(share_is_proven(d));
}
END_TEST

static void
use(const char *domain)
{
	struct dest *d;

	add(domain, 1, "a@b.test");
	d = start();
	sched_done(&s, d, &share, SCHED_OK, 1);
}

START_TEST(idle_destinations_are_forgotten)
{
	int64_t now = US_HOUR;
	char domain[100];

	for (int i = 0; i < 1000; i++) {
		snprintf(domain, sizeof(domain), "d%d.test", i);
		use(domain);
	}
	sched_pause(&s, dest_of("paused.test"), true);
	add("waits.test", 1, "a@b.test");
	s.is_held = true;
	sched_age(&s, now);
	ck_assert_uint_eq(s.dests.n, 1002);
	sched_age(&s, now + conf->TimeoutHoststatus - 1);
	ck_assert_uint_eq(s.dests.n, 1002);
	s.is_held = false;
	use("d7.test"); /* both are in use again */
	sched_done(&s, start(), &share, SCHED_OK, 1);
	sched_age(&s, now + conf->TimeoutHoststatus + 1);
	ck_assert_ptr_nonnull(sched_find(&s, SLICE("smtp:paused.test")));
	ck_assert_ptr_nonnull(sched_find(&s, SLICE("smtp:waits.test")));
	ck_assert_ptr_nonnull(sched_find(&s, SLICE("smtp:d7.test")));
	ck_assert_uint_eq(s.dests.n, 3);
	sched_pause(&s, dest_of("paused.test"), false);
	sched_age(&s, now);
	sched_age(&s, now + 2 * US_DAY);
	ck_assert_uint_eq(s.dests.n, 0);
}
END_TEST

START_TEST(the_longest_idle_goes_first_when_there_are_too_many)
{
	char domain[100];

	for (int i = 0; i < DEST_IDLE_MAX + 500; i++) {
		snprintf(domain, sizeof(domain), "d%d.test", i);
		use(domain);
	}
	sched_age(&s, 1);
	ck_assert_uint_eq(s.dests.n, DEST_IDLE_MAX);
	ck_assert_ptr_null(sched_find(&s, SLICE("smtp:d0.test")));
	ck_assert_ptr_nonnull(sched_find(&s, SLICE("smtp:d1000.test")));
}
END_TEST

/* ---- suspects: a queue, and a worker that is only spoken of */

static struct world *w;
static struct peer worker;

static struct msg *
add_to_world(uint32_t rec)
{
	struct p_envelope e = { .sender = SLICE("a@b.test"),
		.received = clock_wall() };
	struct msg *m =
	    index_add_bare(&w->q.index, (struct msgid){ 7, 1, rec }, &e);

	msg_add_rcpt(&w->q.index, m, SLICE("x@y.test"), SLICE(""), 0,
	    TARGET_ADDRESS, SLICE(""), SLICE(""));
	route_msg(&w->q, m);
	return m;
}

/* The worker ends while it has these. */
static void
end_over(struct msg *const *m, int n, bool has_crashed)
{
	struct attempt a = { 0 };

	for (int i = 0; i < n; i++) {
		a.msg = m[i];
		suspect_fell(&w->q, &a, &worker);
	}
	worker.has_crashed = has_crashed;
	suspect_judge(&w->q, &worker);
}

START_TEST(a_message_that_ends_workers_is_set_aside)
{
	struct msg *m[3];
	struct attempt a = { 0 };
	struct queue *q;

	w = world_new();
	ck_assert_int_eq(world_start(w), 0);
	q = &w->q;
	worker = (struct peer){ .role = R_REMOTE };
	for (uint32_t i = 0; i < 3; i++)
		m[i] = add_to_world(i);
	end_over(m, 3, false); /* by somebody's kill -9 */
	ck_assert_uint_eq(q->suspects.map.n, 0);
	end_over(m, 3, true);
	ck_assert_uint_eq(q->suspects.map.n, 3);
	ck_assert(suspect_may(q, LIST_FIRST(&m[0]->jobs)));
	a.msg = m[0];
	suspect_started(q, &a);
	ck_assert(a.is_suspect);
	ck_assert(!suspect_may(q, LIST_FIRST(&m[1]->jobs))); /* each alone */
	suspect_ended(q, &a, true); /* it was answered: not this one */
	ck_assert(suspect_may(q, LIST_FIRST(&m[1]->jobs)));
	ck_assert_uint_eq(q->suspects.map.n, 2);
	end_over(&m[2], 1, true);
	ck_assert_uint_eq(q->suspects.aside, 1);
	ck_assert(m[2]->flags & MSG_HELD && m[2]->flags & MSG_ASIDE);
	ck_assert_ptr_null(LIST_FIRST(&m[2]->jobs));
	ck_assert(!LIST_EMPTY(&m[1]->jobs) && !(m[1]->flags & MSG_HELD));
	ck_assert(act_on(q, m[2], ACT_RELEASE, 1));
	ck_assert_uint_eq(q->suspects.aside, 0);
	ck_assert_ptr_nonnull(LIST_FIRST(&m[2]->jobs));
	sched_remove(&q->sched, m[0]);
	world_settle(w);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("shares");
	TCase *tc = tcase_create("sched"), *tq = tcase_create("suspects");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(
	    tc, silent_servers_hold_up_nobody_else, 0, ROWS(pits));
	tcase_add_test(
	    tc, many_clients_at_silent_servers_leave_room_for_known_hosts);
	tcase_add_test(tc, who_is_slow_proves_nothing);
	tcase_add_test(tc, idle_destinations_are_forgotten);
	tcase_add_test(tc, the_longest_idle_goes_first_when_there_are_too_many);
	tcase_add_test(tq, a_message_that_ends_workers_is_set_aside);
	suite_add_tcase(suite, tc);
	suite_add_tcase(suite, tq);
	return unit_run(suite);
}
