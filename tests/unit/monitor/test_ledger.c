/*
 * The ledger: one day's is the same, whatever other days are asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "hearing.h"
#include "ledger.h"
#include "tmp.h"
#include "unit.h"

#define NIGHT (DAY + 8 * US_HOUR) /* the midnight behind DAY */

/* What a message says at its end. */
static void
left(struct heard *h, const char *qid, int64_t t, uint64_t seq)
{
	done(h, qid, t, seq);
	event_num(&h->event, F_DELIVERED_COUNT, 1);
}

struct step {
	const char *qid;
	enum event_type type;
	int64_t t;
};

static const struct step steps[] = {
	/* within a day */
	{ "Q1", EV_MSG_RECEIVED, DAY },
	{ "Q1", EV_DLV_OK, DAY + US_SEC },
	{ "Q1", EV_MSG_DONE, DAY + 2 * US_SEC },
	/* over midnight */
	{ "Q2", EV_MSG_RECEIVED, DAY },
	{ "Q2", EV_DLV_DEFER, DAY + US_SEC },
	{ "Q2", EV_DLV_OK, NIGHT + US_SEC },
	{ "Q2", EV_MSG_DONE, NIGHT + 2 * US_SEC },
	/* over two, delivered on the day between */
	{ "Q3", EV_MSG_RECEIVED, DAY },
	{ "Q3", EV_DLV_OK, NIGHT + US_SEC },
	{ "Q3", EV_MSG_DONE, NIGHT + US_DAY + US_SEC },
	/* over midnight, and no delivery is there */
	{ "Q4", EV_MSG_RECEIVED, DAY },
	{ "Q4", EV_MSG_DONE, NIGHT + 3 * US_SEC },
	/* a clock was set back when it had come */
	{ "Q5", EV_MSG_RECEIVED, NIGHT + US_SEC },
	{ "Q5", EV_DLV_OK, NIGHT - US_SEC },
	{ "Q5", EV_MSG_DONE, NIGHT + 4 * US_SEC },
	/* open to this day; one that nobody knows the beginning of */
	{ "Q6", EV_MSG_RECEIVED, DAY },
	{ "Q7", EV_MSG_DONE, NIGHT + 5 * US_SEC },
	{ "Q8", EV_MSG_RECEIVED, NIGHT + US_DAY + US_SEC },
};

static void
fill(void)
{
	struct store *s = open_store();
	struct heard h;

	for (size_t i = 0; i < ROWS(steps); i++) {
		const struct step *p = &steps[i];

		if (p->type == EV_MSG_RECEIVED)
			received(&h, p->qid, p->t, i + 1);
		else if (p->type == EV_MSG_DONE)
			left(&h, p->qid, p->t, i + 1);
		else
			outcome(&h, p->type, p->qid, p->t, i + 1, 1);
		say(s, &h);
	}
	ck_assert_int_eq(store_commit(s, NULL, 0), 0);
	store_close(s);
}

/* Of which of three days, as bits; and what each has. */
struct asked {
	unsigned days;
	struct ledger sum[3];
	struct buf ids[3];
	struct ledger open;
};

static int
place(int day)
{
	return day - 20251124;
}

static struct ledger *
of(void *ctx, int64_t t)
{
	struct asked *a = ctx;
	int i = place(segment_day(t));

	return a->days >> i & 1 ? &a->sum[i] : NULL;
}

static bool
has_day(void *ctx, int day)
{
	return ((struct asked *)ctx)->days >> place(day) & 1;
}

static void
ask(struct asked *a, unsigned days)
{
	const struct ledger_question q = { of, has_day, a };

	*a = (struct asked){ .days = days };
	for (int i = 0; i < 3; i++) {
		buf_init(&a->ids[i], 65536);
		a->sum[i].out = &a->ids[i];
	}
	ck_assert_int_eq(ledger_read(tmp_path("store"), &q, &a->open), 0);
}

static void
same(const struct ledger *a, const struct ledger *b)
{
	struct ledger x = *a, y = *b;

	if (a->out != NULL && b->out != NULL)
		ck_assert_str_eq(a->out->data, b->out->data);
	x.out = y.out = NULL;
	ck_assert_mem_eq(&x, &y, sizeof(x));
}

START_TEST(a_day_is_what_it_is_whatever_is_asked)
{
	struct asked all, some;

	fill();
	ask(&all, 7);
	ask(&some, (unsigned)_i);
	for (int i = 0; i < 3; i++) {
		if (_i >> i & 1)
			same(&all.sum[i], &some.sum[i]);
		buf_release(&some.ids[i]);
		buf_release(&all.ids[i]);
	}
	same(&all.open, &some.open);
}
END_TEST

START_TEST(a_message_over_midnight_balances)
{
	struct asked a;

	fill();
	ask(&a, 2);
	ck_assert_uint_eq(a.sum[1].messages, 3); /* Q2, Q4 and Q5 */
	ck_assert_uint_eq(a.sum[1].accepted, 3);
	ck_assert_uint_eq(a.sum[1].unknown, 1);
	ck_assert_uint_eq(a.sum[1].imbalances, 1);
	ck_assert_int_eq(strncmp(a.ids[1].data, "Q4 ", 3), 0);
	ck_assert_uint_eq(a.open.open_messages, 2); /* Q6 and Q8 */
	for (int i = 0; i < 3; i++)
		buf_release(&a.ids[i]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ledger");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, tmp_enter, NULL);
	tcase_add_loop_test(tc, a_day_is_what_it_is_whatever_is_asked, 0, 8);
	tcase_add_test(tc, a_message_over_midnight_balances);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
