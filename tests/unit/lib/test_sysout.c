/*
 * What a syslog is told, in each of the three ways.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sysout.h"
#include "unit.h"

#define WALL INT64_C(1764000000123456) /* 2025-11-24T16:00:00 UTC */

static struct sysout *
begin(int pair[2], int type, enum sysout_kind kind)
{
	struct sysout *s = sysout_new("mx.test", "mtad-queue", "b0", 42);

	ck_assert_ptr_nonnull(s);
	ck_assert_int_eq(socketpair(AF_UNIX, type, 0, pair), 0);
	sysout_socket(s, pair[0], kind);
	return s;
}

static void
say(struct sysout *s, const char *text)
{
	struct event e;

	event_init(&e, EV_SYS_STOP);
	event_cstr(&e, F_CAUSE, text);
	sysout_add(s, &e, 7, WALL);
}

static const char *
hear(int fd)
{
	static char got[65536];
	ssize_t n = recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT);

	got[n > 0 ? n : 0] = '\0';
	return got;
}

START_TEST(the_systems_log_gets_its_own_form)
{
	int pair[2];
	struct sysout *s;
	const char *got;

	setenv("TZ", "UTC", 1);
	s = begin(pair, SOCK_DGRAM, SYSOUT_LOCAL);
	say(s, "one");
	say(s, "two");
	sysout_flush(s);
	got = hear(pair[1]);
	ck_assert_str_eq(
	    got, "<21>Nov 24 16:00:00 mtad-queue[42]: stop, cause=one");
	ck_assert_ptr_nonnull(strstr(hear(pair[1]), "cause=two"));
	sysout_free(s);
	close(pair[1]);
}
END_TEST

START_TEST(others_get_structured_data)
{
	int pair[2];
	struct sysout *s = begin(pair, SOCK_DGRAM, SYSOUT_DATAGRAM);

	say(s, "one");
	sysout_flush(s);
	ck_assert_str_eq(hear(pair[1]),
	    "<21>1 2025-11-24T16:00:00.123456Z mx.test mtad-queue 42 sys.stop "
	    "[mtaev@32473 v=\"1\" boot=\"b0\" seq=\"7\" cause=\"one\"] stop, "
	    "cause=one");
	sysout_free(s);
	close(pair[1]);
}
END_TEST

/* RFC 6587: MSG-LEN SP MSG, however the stream is cut. */
START_TEST(a_stream_is_counted)
{
	int pair[2], small = 4096;
	struct sysout *s = begin(pair, SOCK_STREAM, SYSOUT_STREAM);
	char all[1 << 20] = "";
	size_t len = 0, lines = 0;

	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	for (int i = 0; i < 500; i++)
		say(s, "abcdefghij");
	for (int i = 0; i < 10000; i++) {
		const char *got;

		sysout_flush(s);
		got = hear(pair[1]);
		if (*got == '\0')
			break;
		memcpy(all + len, got, strlen(got) + 1);
		len += strlen(got);
	}
	for (const char *p = all; *p != '\0'; lines++) {
		char *end;
		unsigned long n = strtoul(p, &end, 10);

		ck_assert_int_eq(*end, ' ');
		ck_assert_int_eq(end[1], '<');
		p = end + 1 + n;
		ck_assert_int_eq(p[-1], 'j');
	}
	ck_assert_uint_eq(lines, 500);
	sysout_free(s);
	close(pair[1]);
}
END_TEST

START_TEST(a_slow_stream_loses_whole_lines)
{
	int pair[2];
	struct sysout *s = begin(pair, SOCK_STREAM, SYSOUT_STREAM);

	for (int i = 0; i < 50000; i++)
		say(s, "abcdefghij");
	ck_assert(!sysout_wants_socket(s));
	close(pair[1]);
	sysout_flush(s);
	ck_assert(sysout_wants_socket(s));
	sysout_free(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sysout");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, the_systems_log_gets_its_own_form);
	tcase_add_test(tc, others_get_structured_data);
	tcase_add_test(tc, a_stream_is_counted);
	tcase_add_test(tc, a_slow_stream_loses_whole_lines);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
