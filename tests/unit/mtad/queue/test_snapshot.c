/* The shape of the queue: who is counted where, and what a slice looks at. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "queue.h"
#include "unit.h"

static struct queue q;
static uint32_t next;
static uint64_t told, told_rcpts; /* events, recipients of the last */

/* In place of the log. */
void
queue_emit(struct queue *queue, const struct event *e)
{
	(void)queue;
	ck_assert_int_eq(e->type, EV_QUEUE_SNAPSHOT);
	told++;
	for (int i = 0; i < e->n; i++)
		if (e->value[i].field == F_RCPT_COUNT)
			told_rcpts = e->value[i].v.num;
}

static void
set_up(void)
{
	q = (struct queue){ .snapshot = snapshot_new() };
	told = 0;
	index_init(&q.index);
	next = 0;
}

static void
tear_down(void)
{
	snapshot_free(q.snapshot);
	index_release(&q.index);
}

static struct msg *
add_msg(void)
{
	struct p_envelope e = {
		.sender = SLICE("a@b"), .received = clock_wall(), .size = 100
	};

	return index_add_bare(&q.index, (struct msgid){ 1, 1, ++next }, &e);
}

static void
add_rcpt(struct msg *m, const char *addr)
{
	ck_assert_uint_ne(msg_add_rcpt(&q.index, m, slice_of(addr), SLICE(""),
			      0, TARGET_ADDRESS, SLICE(""), SLICE("")),
	    RCPT_NONE);
}

/* n recipients at domains of their own. */
static struct msg *
add_list(uint32_t n, const char *at)
{
	struct msg *m = add_msg();
	char addr[64];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(addr, sizeof(addr), "x@%s%u.test", at, i);
		add_rcpt(m, addr);
	}
	return m;
}

static json_t *
shape(void)
{
	struct buf b;
	json_t *j;

	buf_init(&b, 2 << 20);
	snapshot_put(&q, &b);
	j = json_loadb(b.data, b.len, 0, NULL);
	buf_release(&b);
	return j;
}

static int64_t
sum(const json_t *j, const char *domain, const char *state, const char *name)
{
	json_t *cell;
	size_t i;
	int64_t n = 0;

	json_array_foreach(json_object_get(j, "cells"), i, cell)
	{
		const char *d =
		    json_string_value(json_object_get(cell, "domain"));
		const char *s =
		    json_string_value(json_object_get(cell, "queue"));

		if ((domain == NULL || strcmp(d, domain) == 0) &&
		    (state == NULL || strcmp(s, state) == 0))
			n += json_integer_value(json_object_get(cell, name));
	}
	return n;
}

START_TEST(recipients_count_at_their_own_domains)
{
	struct msg *m = add_msg(), *other = add_msg();
	json_t *j;

	add_rcpt(m, "gone@a.test");
	add_rcpt(m, "x@b.test");
	add_rcpt(m, "y@A.test");
	add_rcpt(m, "z@b.test");
	m->rcpt[0].state = RS_OK;
	m->flags |= MSG_HELD;
	add_rcpt(other, "x@b.test");
	j = shape();
	ck_assert_int_eq(sum(j, "b.test", "held", "count"), 1);
	ck_assert_int_eq(sum(j, "b.test", "held", "rcpt_count"), 2);
	ck_assert_int_eq(sum(j, "b.test", "held", "size_bytes"), 100);
	ck_assert_int_eq(sum(j, "A.test", "held", "count"), 0);
	ck_assert_int_eq(sum(j, "A.test", "held", "rcpt_count"), 1);
	ck_assert_int_eq(sum(j, "b.test", "new", "rcpt_count"), 1);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(j, "rcpt_count")), 4);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "count")), 2);
	json_decref(j);
}
END_TEST

/* One huge list among others: what a second looks at has its limit. */
START_TEST(a_slice_ends_within_a_list)
{
	json_t *j;
	int seconds = 0;

	add_list(120000, "d");
	add_list(1, "last");
	do {
		ck_assert_ptr_null(shape());
		snapshot_second(&q);
	} while (++seconds < 3);
	j = shape();
	ck_assert_ptr_nonnull(j);
	ck_assert_int_eq(
	    json_integer_value(json_object_get(j, "rcpt_count")), 120001);
	ck_assert_int_eq(json_integer_value(json_object_get(j, "count")), 2);
	ck_assert_int_eq(sum(j, NULL, "new", "rcpt_count"), 120001);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(told_rcpts, 120001);
	ck_assert_int_eq(sum(j, NULL, "new", "count"), 2);
	json_decref(j);
}
END_TEST

START_TEST(a_list_that_goes_ends_the_slice)
{
	struct msg *m = add_list(60000, "d");
	json_t *j;

	add_list(1, "last");
	snapshot_second(&q);
	index_del(&q.index, m);
	snapshot_second(&q);
	j = shape();
	ck_assert_int_eq(sum(j, "last0.test", "new", "rcpt_count"), 1);
	json_decref(j);
}
END_TEST

/* Many small domains first: the one with much mail is met behind them. */
START_TEST(who_has_most_has_a_cell_however_late)
{
	struct msg *m;
	json_t *j;

	add_list(5000, "d");
	m = add_msg();
	for (int i = 0; i < 1000; i++)
		add_rcpt(m, "x@big.test");
	j = shape();
	ck_assert_int_eq(sum(j, "big.test", "new", "rcpt_count"), 1000);
	ck_assert_int_eq(sum(j, NULL, NULL, "rcpt_count"), 6000);
	ck_assert_str_eq(
	    json_string_value(json_object_get(
		json_array_get(json_object_get(j, "cells"), 0), "domain")),
	    "big.test");
	json_decref(j);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("snapshot");
	TCase *tc = tcase_create("shape");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, recipients_count_at_their_own_domains);
	tcase_add_test(tc, a_slice_ends_within_a_list);
	tcase_add_test(tc, a_list_that_goes_ends_the_slice);
	tcase_add_test(tc, who_has_most_has_a_cell_however_late);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
