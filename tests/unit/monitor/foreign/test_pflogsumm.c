/*
 * The counts of the events of a Postfix log against those of pflogsumm, where
 * that is installed. What differs stands in the rows, and in mta-foreign(7).
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "foreign_events.h"
#include "unit.h"

enum sum {
	RECEIVED,
	DELIVERED,
	FORWARDED,
	DEFERRED,
	DEFERRALS,
	BOUNCED,
	REJECTED,
	HELD,
	DISCARDED,
	BYTES_RECEIVED,
	BYTES_DELIVERED,
	SUMS
};

static const char *const names[SUMS] = {
	[RECEIVED] = "received",
	[DELIVERED] = "delivered",
	[FORWARDED] = "forwarded",
	[DEFERRED] = "deferred",
	[DEFERRALS] = "deferrals",
	[BOUNCED] = "bounced",
	[REJECTED] = "rejected",
	[HELD] = "held",
	[DISCARDED] = "discarded",
	[BYTES_RECEIVED] = "bytes received",
	[BYTES_DELIVERED] = "bytes delivered",
};

static bool
is(const struct told *d, const char *field, const char *value)
{
	char *v = told_value(d, field);
	bool same = v != NULL && strcmp(v, value) == 0;

	free(v);
	return same;
}

static uint64_t
size_of(const struct told *d)
{
	char *v = told_value(d, "size_bytes");
	uint64_t n = v != NULL ? strtoull(v, NULL, 10) : 0;

	free(v);
	return n;
}

/* Notices and what local(8) forwards did not come in. */
static bool
came_in(const struct told *d)
{
	return !is(d, "protocol", "dsn") && !is(d, "protocol", "forward");
}

static bool
was_deferred_before(const struct tale *t, size_t at)
{
	char *id = told_value(&t->told[at], "msg.id");
	bool found = false;

	for (size_t i = 0; i < at && !found; i++)
		found = t->told[i].type == EV_DLV_DEFER &&
		    is(&t->told[i], "msg.id", id);
	free(id);
	return found;
}

static void
count_delivered(const struct told *d, uint64_t sums[SUMS])
{
	sums[DELIVERED]++;
	sums[BYTES_DELIVERED] += size_of(d);
}

static void
count_one(const struct tale *t, size_t at, uint64_t sums[SUMS])
{
	const struct told *d = &t->told[at];

	switch (d->type) {
	case EV_MSG_RECEIVED:
		if (came_in(d)) {
			sums[RECEIVED]++;
			sums[BYTES_RECEIVED] += size_of(d);
		}
		break;
	case EV_DLV_DISCARD:
		/* pflogsumm takes discard(8) for a delivery */
		if (is(d, "mailer", "discard"))
			count_delivered(d, sums);
		else
			sums[DISCARDED]++;
		break;
	case EV_DLV_OK:
		count_delivered(d, sums);
		break;
	case EV_RCPT_EXPAND:
		sums[FORWARDED]++;
		break;
	case EV_DLV_DEFER:
		sums[DEFERRALS]++;
		sums[DEFERRED] += !was_deferred_before(t, at);
		break;
	case EV_DLV_FAIL:
		sums[BOUNCED]++;
		break;
	case EV_CONN_REJECT:
		sums[REJECTED]++;
		break;
	case EV_MSG_HOLD:
		sums[HELD] += is(d, "by", "policy");
		break;
	default:
		break;
	}
}

struct sums {
	uint64_t n[SUMS];
	uint64_t unit[SUMS];
};

static uint64_t
unit_of(char c)
{
	return c == 'k' ? 1024 : c == 'm' ? 1024 * 1024 : 1;
}

/* " 1234k  bytes received", "  7  deferred  (24  deferrals)" */
static void
read_sum(const char *line, struct sums *sums)
{
	char *end, *more = strchr(line, '(');
	uint64_t n = strtoull(line, &end, 10), unit = unit_of(*end);

	if (end == line)
		return;
	end += strspn(end, "km ");
	for (int i = 0; i < SUMS; i++)
		if (strncmp(end, names[i], strlen(names[i])) == 0) {
			sums->n[i] = n;
			sums->unit[i] = unit;
		}
	if (more != NULL && strstr(more, "deferrals") != NULL)
		sums->n[DEFERRALS] = strtoull(more + 1, NULL, 10);
}

static void
ask_pflogsumm(const char *path, struct sums *sums)
{
	char *command =
	    buf_text("pflogsumm --syslog-name 'postfix(?:-out)?' %s", path);
	FILE *in = popen(command, "r");
	bool is_over = false;
	char line[512];

	ck_assert_ptr_nonnull(in);
	while (fgets(line, sizeof(line), in) != NULL) {
		is_over |= strncmp(line, "Per-", 4) == 0;
		if (!is_over)
			read_sum(line, sums);
	}
	ck_assert_int_eq(pclose(in), 0);
	free(command);
}

static void
compare(const char *path, const uint64_t *more)
{
	struct sums theirs = { { 0 }, { 0 } };
	uint64_t ours[SUMS] = { 0 };
	char *lines = tale_file(path);
	struct tale t;

	tale_read(&t, lines, INT64_C(1795564800000000)); /* 2026-11-25 */
	for (size_t i = 0; i < t.n; i++)
		count_one(&t, i, ours);
	ask_pflogsumm(path, &theirs);
	for (int i = 0; i < SUMS; i++) {
		uint64_t unit = theirs.unit[i] > 1 ? theirs.unit[i] : 1;
		uint64_t want = (ours[i] + more[i]) / unit;

		ck_assert_msg(theirs.n[i] == want,
		    "%s: pflogsumm %" PRIu64 ", events %" PRIu64, names[i],
		    theirs.n[i], want);
	}
	tale_release(&t);
	free(lines);
}

/*
 * pflogsumm counts eleven that never became a message: too large, two lost
 * connections, RSET, refused at DATA, by a header and twice by a milter,
 * discarded at MAIL, by a header and by a milter. It leaves out what the
 * milter refused at MAIL and at RCPT, and knows the size of a held message
 * once that is released.
 */
START_TEST(the_real_log)
{
	static const uint64_t more[SUMS] = {
		[RECEIVED] = 11,
		[REJECTED] = (uint64_t)-2,
		[BYTES_RECEIVED] = 836,
	};

	compare(TESTS_DATA "/foreign/postfix.log", more);
}
END_TEST

/* No difference in what a relay does all day. */
START_TEST(a_day)
{
	static const uint64_t none[SUMS];
	char path[] = "/tmp/postfix_day.XXXXXX", *command;
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	command =
	    buf_text("python3 %s/postfix_day.py 6000 >%s", TESTS_SUPPORT, path);
	ck_assert_int_eq(system(command), 0);
	compare(path, none);
	free(command);
	unlink(path);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *s;
	TCase *tc;

	if (system("pflogsumm --version >/dev/null 2>&1") != 0 ||
	    system("python3 -c '' >/dev/null 2>&1") != 0)
		return 77; /* skipped */
	s = suite_create("pflogsumm");
	tc = tcase_create("core");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_real_log);
	tcase_add_test(tc, a_day);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
