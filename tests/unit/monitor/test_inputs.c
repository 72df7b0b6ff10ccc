/*
 * What comes from outside: frames of syslog streams, files plain and packed,
 * times as people type them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "clock.h"
#include "framing.h"
#include "input.h"
#include "tmp.h"
#include "unit.h"
#include "when.h"

#define MAX 20

/* A stream, and what it says, separated by |; ! at the end: it is bad. */
static const struct {
	const char *name, *stream, *says;
} frames[] = {
	{ "counted", "5 hello3 abc", "hello|abc|" },
	{ "lines", "<1>a\n<2>b\r\n", "<1>a|<2>b|" },
	{ "both", "5 hello<1>x\n2 yz", "hello|<1>x|yz|" },
	{ "not yet", "5 hel", "" },
	{ "no length yet", "12", "" },
	{ "a counted line keeps its newline", "6 hello\n", "hello\n|" },
	{ "empty lines", "\n\na\n", "||a|" },
	{ "too many digits", "12345678", "!" },
	{ "longer than a message may be", "21 x", "!" },
	{ "a length is no word", "5x hello", "!" },
	{ "a length does not begin with 0", "05 hello", "!" },
	{ "a long line is cut", "abcdefghijklmnopqrstuvwxyz\n",
	    "abcdefghijklmnopqrst|uvwxyz|" },
};

START_TEST(streams_become_messages)
{
	struct slice rest = slice_of(frames[_i].stream), msg;
	enum framing what;
	struct buf got;
	size_t used;

	buf_init(&got, 1000);
	while ((what = framing_next(rest, MAX, &msg, &used)) == FRAMING_ONE) {
		buf_add_slice(&got, msg);
		buf_addc(&got, '|');
		rest = slice_sub(rest, used, rest.n);
	}
	if (what == FRAMING_BAD)
		buf_addc(&got, '!');
	ck_assert_msg(strcmp(got.data, frames[_i].says) == 0, "%s: %s",
	    frames[_i].name, got.data);
	buf_release(&got);
}
END_TEST

/* Whatever is cut where, the messages are the same. */
START_TEST(a_stream_may_come_in_any_pieces)
{
	static const char stream[] = "5 hello<1>line\n3 abc";

	for (size_t cut = 1; cut < sizeof(stream) - 1; cut++) {
		struct slice part = { stream, cut }, msg;
		size_t used = 0, n;

		while (framing_next(part, MAX, &msg, &n) == FRAMING_ONE) {
			used += n;
			part = slice_sub(part, n, part.n);
		}
		part = (struct slice){ stream + used, strlen(stream) - used };
		while (framing_next(part, MAX, &msg, &n) == FRAMING_ONE)
			part = slice_sub(part, n, part.n);
		ck_assert_uint_eq(part.n, 0);
		ck_assert(slice_eq(msg, SLICE("abc")));
	}
}
END_TEST

static void
same_lines(struct input *in, const char *want)
{
	bool is_whole;
	struct buf got;
	char *line;
	size_t n;

	buf_init(&got, 1 << 20);
	while (input_line(in, &line, &n, &is_whole) == 1) {
		buf_add(&got, line, n);
		buf_addc(&got, is_whole ? '|' : '?');
	}
	ck_assert_str_eq(got.data, want);
	buf_release(&got);
}

static struct input *
open_input(const char *name)
{
	int fd = open(tmp_path(name), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return input_new(fd, MAX);
}

static const struct {
	const char *name, *text, *lines;
} files[] = {
	{ "lines", "a\nb\r\n\nc\n", "a|b||c|" },
	{ "no end", "a\nb", "a|b?" },
	{ "nothing", "", "" },
	{ "a long line", "abcdefghijklmnopqrstuvwxyz\nb\n",
	    "abcdefghijklmnopqrst|b|" },
};

START_TEST(files_are_lines)
{
	struct input *in;

	tmp_write("plain", files[_i].text, 0600);
	in = open_input("plain");
	same_lines(in, files[_i].lines);
	ck_assert_int_eq(input_offset(in), (int64_t)strlen(files[_i].text));
	input_free(in);
}
END_TEST

static void
pack(const char *name, const char *mode, const char *text)
{
	gzFile gz = gzopen(tmp_path(name), mode);

	ck_assert_int_eq(
	    gzwrite(gz, text, (unsigned)strlen(text)), (int)strlen(text));
	gzclose(gz);
}

START_TEST(packed_files_may_be_put_together)
{
	struct input *in;
	char peek[3];

	pack("two.gz", "wb", "one\ntw");
	pack("two.gz", "ab", "o\nthree\n");
	in = open_input("two.gz");
	ck_assert_int_eq(input_peek(in, peek, 3), 3);
	ck_assert_int_eq(memcmp(peek, "one", 3), 0);
	ck_assert(input_skip(in, 4));
	same_lines(in, "two|three|");
	ck_assert(!input_skip(in, 1));
	input_free(in);
}
END_TEST

START_TEST(a_file_that_was_cut_gives_what_it_has)
{
	struct input *in;
	bool is_whole;
	char *line;
	size_t n;
	int rc;

	pack("cut.gz", "wb", "one\ntwo\nthree, which is not all there\n");
	ck_assert_int_eq(truncate(tmp_path("cut.gz"), 40), 0);
	in = open_input("cut.gz");
	while ((rc = input_line(in, &line, &n, &is_whole)) == 1)
		continue;
	ck_assert_int_eq(rc, -EBADMSG);
	input_free(in);
}
END_TEST

START_TEST(times_as_people_type_them)
{
	static const struct {
		const char *text;
		bool is_one;
		int64_t us;
	} times[] = {
		{ "2026-11-24", true, INT64_C(1795478400) * US_SEC },
		{ "2026-11-24 12:30", true, INT64_C(1795523400) * US_SEC },
		{ "2026-11-24T12:30:01", true, INT64_C(1795523401) * US_SEC },
		{ "2026-11-24T12:30:00+09:00", true,
		    INT64_C(1795491000) * US_SEC },
		{ "2026-13-24", false, 0 },
		{ "tomorrow's", false, 0 },
		{ "", false, 0 },
		{ "2", false, 0 },
		{ "2x", false, 0 },
	};
	int64_t us, now = clock_wall();

	setenv("TZ", "UTC", 1);
	for (int i = 0; i < ROWS(times); i++)
		ck_assert_msg(
		    when_read(times[i].text, &us) == times[i].is_one &&
			(!times[i].is_one || us == times[i].us),
		    "%s", times[i].text);
	ck_assert(when_read("1d12h", &us) && now - us >= 36 * US_HOUR - US_SEC);
	ck_assert(when_read("today", &us) && us % US_DAY == 0 && us <= now);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("inputs");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, tmp_enter, NULL);
	tcase_add_loop_test(tc, streams_become_messages, 0, ROWS(frames));
	tcase_add_test(tc, a_stream_may_come_in_any_pieces);
	tcase_add_loop_test(tc, files_are_lines, 0, ROWS(files));
	tcase_add_test(tc, packed_files_may_be_put_together);
	tcase_add_test(tc, a_file_that_was_cut_gives_what_it_has);
	tcase_add_test(tc, times_as_people_type_them);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
