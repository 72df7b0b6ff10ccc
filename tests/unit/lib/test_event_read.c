/*
 * What the encoders of event.def write is read back the same, row by row;
 * what they never write is refused or skipped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event_read.h"
#include "unit.h"

#define WALL INT64_C(1764000000123456) /* 2025-11-24T16:00:00.123456 */
#define JSON_HEAD                                                              \
	"{\"v\":1,\"event\":\"%s\",\"time\":\"2025-11-24T16:00:00.123456Z\","  \
	"\"mono_us\":5,\"node\":\"mx.test\",\"instance\":\"mtad\","            \
	"\"boot\":\"b0\",\"seq\":7,\"prog\":\"mtad-queue\",\"pid\":42,"        \
	"\"severity\":6"
#define SD_HEAD                                                                \
	"<22>1 2025-11-24T16:00:00.123456Z mx.test mtad-queue 42 %s "          \
	"[mtaev@32473 v=\"1\" boot=\"b0\" seq=\"7\""

static const char odd[] = "a\"b\\c]d \xc3\xa9 \xf0\x9f\x93\xa7 {}[]:,'=";

/* An event of this type with these fields, each with a value of its kind. */
static void
fill(struct event *e, int type, int from, int to)
{
	event_init(e, (enum event_type)type);
	for (int f = from; f < to; f++)
		switch (field_info((enum event_field)f)->kind) {
		case FK_STR:
			event_cstr(e, (enum event_field)f, odd);
			break;
		case FK_JSON:
			event_cstr(e, (enum event_field)f,
			    "[{\"a\":\"]}\\\"\",\"b\":[1,2]},{}]");
			break;
		case FK_BOOL:
			event_num(e, (enum event_field)f, 1);
			break;
		case FK_NUM:
			event_num(e, (enum event_field)f, UINT32_MAX + 5ull);
			break;
		case FK_TIME:
			event_num(e, (enum event_field)f, (uint64_t)WALL);
			break;
		}
}

static void
same(const struct event *a, const struct event *b)
{
	ck_assert_int_eq(a->type, b->type);
	ck_assert_int_eq(a->n, b->n);
	for (int i = 0; i < a->n; i++) {
		enum event_field f = a->value[i].field;
		const char *name = field_info(f)->name;

		ck_assert_int_eq(f, b->value[i].field);
		if (field_info(f)->kind == FK_STR ||
		    field_info(f)->kind == FK_JSON)
			ck_assert_msg(
			    slice_eq(a->value[i].v.str, b->value[i].v.str),
			    "%s: %.*s", name, SLICE_ARG(b->value[i].v.str));
		else
			ck_assert_msg(
			    a->value[i].v.num == b->value[i].v.num, "%s", name);
	}
}

static void
same_origin(const struct event_origin *o)
{
	ck_assert(o->time_us == WALL && o->seq == 7 && o->pid == 42);
	ck_assert(slice_eq(o->node, SLICE("mx.test")));
	ck_assert(slice_eq(o->prog, SLICE("mtad-queue")));
	ck_assert(slice_eq(o->boot, SLICE("b0")));
}

static void
round_trip(struct event_names *names, int type, int from, int to, bool is_sd)
{
	struct event e, got;
	struct event_origin o;
	struct buf b;
	int rc;

	buf_init(&b, 1 << 20);
	fill(&e, type, from, to);
	buf_addf(&b, is_sd ? SD_HEAD : JSON_HEAD,
	    event_info((enum event_type)type)->name);
	if (is_sd) {
		event_sd(&b, &e);
		buf_adds(&b, "] in words");
		rc = event_read_sd(names, b.data, b.len, &o, &got);
	} else {
		event_json(&b, &e);
		buf_addc(&b, '}');
		rc = event_read_json(names, b.data, b.len, &o, &got);
	}
	ck_assert_msg(rc == 0, "%s", b.data);
	same_origin(&o);
	same(&e, &got);
	buf_release(&b);
}

START_TEST(every_row_comes_back)
{
	struct event_names *names = event_names_new();

	for (int is_sd = 0; is_sd < 2; is_sd++)
		for (int t = 0; t < EV_COUNT; t++)
			for (int f = 0; f < FIELD_COUNT;
			     f += EVENT_FIELDS_MAX) {
				int to = f + EVENT_FIELDS_MAX;

				if (to > FIELD_COUNT)
					to = FIELD_COUNT;
				round_trip(names, t, f, to, is_sd);
			}
	event_names_free(names);
}
END_TEST

static const struct {
	const char *name, *line;
	int rc;
	const char *text; /* of the field text, where there is one */
} lines[] = {
	{ "escapes",
	    "{\"v\":1,\"event\":\"sys.stop\",\"time\":\"2025-11-24T16:00:00Z\","
	    "\"text\":\"\\u0041\\u00e9\\ud83d\\udce7\\ud83d\\n\\/\"}",
	    0, "A\xc3\xa9\xf0\x9f\x93\xa7\xef\xbf\xbd\n/" },
	{ "what nobody knows is skipped",
	    "{\"v\":1,\"new\":{\"a\":[1,\"}\"]},\"event\":\"sys.stop\","
	    "\"n\":-1.5e3,\"time\":\"2025-11-24T16:00:00Z\",\"x\":null,"
	    "\"text\":\"y\"}",
	    0, "y" },
	{ "what is kept as it is must be JSON",
	    "{\"v\":1,\"event\":\"sys.stop\",\"queue\":[abc],"
	    "\"time\":\"2025-11-24T16:00:00Z\"}",
	    -EBADMSG, NULL },
	{ "by the other carrier, too",
	    "<22>1 2025-11-24T16:00:00Z h p 1 sys.stop "
	    "[mtaev@32473 queue=\"[{\"] t",
	    -EBADMSG, NULL },
	{ "an open end",
	    "{\"v\":1,\"event\":\"sys.stop\",\"x\":{\"a\":[1,2},"
	    "\"time\":\"2025-11-24T16:00:00Z\"}",
	    -EBADMSG, NULL },
	{ "a later version's event",
	    "{\"v\":1,\"event\":\"sys.new\",\"time\":\"2025-11-24T16:00:00Z\"}",
	    -ENOENT, NULL },
	{ "another version",
	    "{\"v\":2,\"event\":\"sys.stop\","
	    "\"time\":\"2025-11-24T16:00:00Z\"}",
	    -EBADMSG, NULL },
	{ "no time", "{\"v\":1,\"event\":\"sys.stop\"}", -EBADMSG, NULL },
	{ "half a line", "{\"v\":1,\"event\":\"sys.stop\",\"ti", -EBADMSG,
	    NULL },
	{ "more behind it",
	    "{\"v\":1,\"event\":\"sys.stop\","
	    "\"time\":\"2025-11-24T16:00:00Z\"}x",
	    -EBADMSG, NULL },
	{ "a control byte",
	    "{\"v\":1,\"event\":\"sys.stop\","
	    "\"time\":\"2025-11-24T16:00:00Z\",\"text\":\"\t\"}",
	    -EBADMSG, NULL },
	{ "a number too large",
	    "{\"v\":1,\"event\":\"sys.stop\",\"code\":99999999999999999999,"
	    "\"time\":\"2025-11-24T16:00:00Z\"}",
	    -EBADMSG, NULL },
	{ "an element of others",
	    "<22>1 2025-11-24T16:00:00Z h p 1 sys.stop [x@1 a=\"b\"] t",
	    -EBADMSG, NULL },
	{ "a priority too high",
	    "<192>1 2025-11-24T16:00:00Z h p 1 sys.stop [mtaev@32473] t",
	    -EBADMSG, NULL },
	{ "no process id",
	    "<191>1 2025-11-24T16:00:00Z h p - sys.stop "
	    "[mtaev@32473 text=\"a\\]b\" new=\"1\"] t",
	    0, "a]b" },
	{ "nothing", "", -EBADMSG, NULL },
};

START_TEST(lines_of_others)
{
	struct event_names *names = event_names_new();
	struct event_origin o;
	struct event e;
	char *line = strdup(lines[_i].line);
	int rc = (*line == '<' ? event_read_sd : event_read_json)(
	    names, line, strlen(line), &o, &e);

	ck_assert_msg(rc == lines[_i].rc, "%s: %d", lines[_i].name, rc);
	if (lines[_i].text != NULL)
		ck_assert_msg(e.n == 1 &&
			slice_eq(e.value[0].v.str, slice_of(lines[_i].text)),
		    "%s", lines[_i].name);
	free(line);
	event_names_free(names);
}
END_TEST

START_TEST(the_last_beginning_counts)
{
	static const char half[] = "{\"v\":1,\"event\":\"sy{\"v\":1,\"event\"";

	ck_assert_uint_eq(event_json_start(slice_of(half)), 18);
	ck_assert_uint_eq(event_json_start(slice_of(half + 18)), 0);
	ck_assert_uint_eq(event_json_start(SLICE("{\"v\":1")), 6);
}
END_TEST

static const struct {
	const char *text;
	int64_t us; /* -1: none */
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2024-02-29T23:59:59.5Z", 1709251199500000 },
	{ "2025-11-25T01:00:00.123456+09:00", WALL },
	{ "2025-11-24T15:30:00.123456789-00:30", WALL },
	{ "2000-03-01T00:00:00Z", 951868800000000 },
	{ "2025-13-01T00:00:00Z", -1 },
	{ "2025-11-24T16:00:00", -1 },
	{ "2025-11-24T16:00:00.Z", -1 },
	{ "2025-11-24T16:00:00+9:00", -1 },
	{ "2025-11-24", -1 },
};

START_TEST(times_with_zones)
{
	int64_t us = -1;

	ck_assert_msg(clock_read_rfc3339(slice_of(times[_i].text), &us) ==
		    (times[_i].us >= 0) &&
		us == times[_i].us,
	    "%s: %lld", times[_i].text, (long long)us);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("event_read");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, every_row_comes_back);
	tcase_add_loop_test(tc, lines_of_others, 0, ROWS(lines));
	tcase_add_test(tc, the_last_beginning_counts);
	tcase_add_loop_test(tc, times_with_zones, 0, ROWS(times));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
