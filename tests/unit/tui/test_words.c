/* The console's own filter, the queue's shape, and a Postfix's queue as an
 * mtad would tell it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "postfix_rows.h"
#include "shape.h"
#include "tags.h"
#include "unit.h"
#include "words.h"

static struct slice
text_of(const void *row, const char *name)
{
	(void)row;
	if (strcmp(name, "from") == 0)
		return SLICE("Shop@News.test");
	if (strcmp(name, "to") == 0)
		return SLICE("");
	return name[0] == '\0' ? SLICE("all of the row") : (struct slice){ 0 };
}

static int64_t
number_of(const void *row, const char *name)
{
	(void)row;
	return strcmp(name, "age") == 0 ? 90 * US_MIN : 2048;
}

/* 1 it matches, 0 it does not, -1 it is not understood. */
static const struct {
	const char *words;
	int is_match;
} filters[] = {
	{ "", 1 },
	{ "from:shop", 1 },
	{ "from:@news.TEST", 1 },
	{ "from:@shop", 0 },
	{ "  from~news   of", 1 },
	{ "to:<>", 1 },
	{ "from:<>", 0 },
	{ "host:x", 0 },
	{ "age>1h", 1 },
	{ "age>1h30m", 0 },
	{ "age<2h", 1 },
	{ "size>2k", 0 },
	{ "size>1k size<1M", 1 },
	{ "nothing", 0 },
	{ "age>soon", -1 },
	{ "age>5q", -1 },
	{ "colour:red", -1 },
	{ "a b c d e f g h i j k l m n o p q", -1 },
};

START_TEST(words_filter)
{
	struct words w;
	char why[200];
	bool is_read =
	    words_read(&w, filters[_i].words, " from to host age size ", why);

	ck_assert_int_eq(
	    is_read ? words_match(&w, NULL, text_of, number_of) : -1,
	    filters[_i].is_match);
	ck_assert(is_read || why[0] != '\0');
}
END_TEST

START_TEST(cells_become_rows)
{
	json_t *cells = json_loads(
	    "[[{\"queue\":\"deferred\",\"domain\":\"b.test\",\"bucket\":7,"
	    "\"count\":5},{\"queue\":\"held\",\"domain\":\"b.test\","
	    "\"bucket\":99,\"count\":2}],[{\"queue\":\"new\",\"domain\":\"\","
	    "\"bucket\":0,\"count\":100},{\"queue\":\"new\",\"domain\":"
	    "\"a.test\",\"bucket\":-1,\"count\":9}]]",
	    0, NULL);
	struct shape s = { 0 };

	shape_read(&s, cells, 7);
	ck_assert_int_eq(s.total.n, 116);
	ck_assert_uint_eq(s.rows, 3);
	ck_assert_str_eq(s.row[0].name, "a.test");
	ck_assert_str_eq(s.row[1].name, "b.test");
	ck_assert_int_eq(s.row[1].age[7], 7);
	ck_assert_int_eq(shape_letter(&s.row[1]), 'D');
	ck_assert_str_eq(s.row[2].name, ""); /* the rest is last */
	shape_release(&s);
	json_decref(cells);
}
END_TEST

START_TEST(tags_are_a_set)
{
	struct tags t = { 0 };

	tags_toggle(&t, "a");
	tags_toggle(&t, "b");
	tags_add(&t, "a");
	ck_assert_uint_eq(t.n, 2);
	tags_toggle(&t, "a");
	ck_assert(!tags_has(&t, "a") && tags_has(&t, "b"));
	ck_assert(!tags_add(&t, ""));
	tags_clear(&t);
	ck_assert_uint_eq(t.n, 0);
}
END_TEST

static void
take(struct postfix_rows *r, const char *queue, const char *id, int t,
    const char *to, const char *why)
{
	char line[600];

	snprintf(line, sizeof(line),
	    "{\"queue_name\":\"%s\",\"queue_id\":\"%s\",\"arrival_time\":%d,"
	    "\"message_size\":300,\"sender\":\"a@b.test\",\"recipients\":"
	    "[{\"address\":\"%s\"%s%s%s}]}",
	    queue, id, t, to, *why ? ",\"delay_reason\":\"" : "", why,
	    *why ? "\"" : "");
	ck_assert(postfix_rows_take(r, slice_of(line)));
}

static int64_t
ask(const struct postfix_rows *r, struct model *m, enum ask kind,
    const char *request, const char *name)
{
	json_t *j = json_loads(request, 0, NULL), *last;
	int64_t v;

	model_begin(m, kind);
	last = postfix_rows_answer(r, m, kind, j);
	v = json_integer_value(json_object_get(last, name));
	model_end(m, kind, last, 1);
	json_decref(last);
	json_decref(j);
	return v;
}

START_TEST(a_postfix_answers_as_an_mtad)
{
	struct postfix_rows *r = postfix_rows_new(1000 * US_SEC + US_HOUR);
	struct model m;

	model_init(&m);
	take(r, "deferred", "B2", 1000, "x@there.test",
	    "host a.test[192.0.2.1] said: 450 4.2.0 later (in reply)");
	take(r, "active", "A1", 900, "y@There.test", "");
	take(r, "hold", "C3", 1000, "z@else.test", "");
	ck_assert(!postfix_rows_take(r, SLICE("postqueue: fatal: no")));
	postfix_rows_end(r);
	ask(r, &m, ASK_STATUS, "{}", "");
	ck_assert_int_eq(m.messages, 3);
	ck_assert_int_eq(m.oldest, 900 * US_SEC);
	ck_assert_int_eq(
	    ask(r, &m, ASK_LIST, "{\"limit\":9,\"filter\":\"@there.test\"}",
		"matched"),
	    2);
	ck_assert_str_eq(m.list.at[0].id, "A1");
	ck_assert_int_eq(m.list.at[1].code, 450);
	ck_assert_int_eq(
	    ask(r, &m, ASK_LIST, "{\"limit\":9,\"filter\":\"state:held\"}",
		"matched"),
	    1);
	ask(r, &m, ASK_LIST, "{\"limit\":9,\"filter\":\"no:x\"}", "");
	ck_assert(m.list_error[0] != '\0');
	ask(r, &m, ASK_HOSTS, "{\"limit\":9,\"host\":\"*\"}", "");
	ck_assert_uint_eq(m.hosts.n, 2);
	ck_assert_int_eq(m.hosts.at[0].queued, 2);
	ask(r, &m, ASK_SHAPE, "{}", "");
	ck_assert_int_eq(m.shape.total.age[4], 3);
	ask(r, &m, ASK_ACT, "{\"op\":\"queue.delete\"}", "");
	ck_assert_str_eq(m.result.error, "this is no mtad");
	model_release(&m);
	postfix_rows_free(r);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("words");
	TCase *tc = tcase_create("pure");

	tcase_add_loop_test(tc, words_filter, 0, ROWS(filters));
	tcase_add_test(tc, cells_become_rows);
	tcase_add_test(tc, tags_are_a_set);
	tcase_add_test(tc, a_postfix_answers_as_an_mtad);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
