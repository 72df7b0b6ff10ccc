/*
 * What those who are trusted less may say: a smtpd of its messages (claim.c),
 * lookup and agents of recipients (answered.c), all of events (relay.c), and
 * workers of jobs (handover.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answered.h"
#include "claim.h"
#include "clock.h"
#include "queue_world.h"
#include "sizes.h"
#include "unit.h"

/* ---- a smtpd's envelope */

static struct buf rcpts;

static struct p_envelope
envelope(const char *addr, const char *orcpt)
{
	struct p_env_rcpt one = { .addr = slice_of(addr),
		.orcpt = slice_of(orcpt) };

	buf_clear(&rcpts);
	put_p_env_rcpt(&rcpts, &one);
	return (struct p_envelope){ .sender = SLICE("a@b.test"),
		.flags = ENV_8BIT,
		.rcpt_n = 1,
		.rcpts = buf_slice(&rcpts) };
}

static const struct {
	const char *addr, *orcpt;
	bool ok;
} addresses[] = {
	{ "x@y.test", "", true },
	{ "x", "", true },
	{ "\"a b\"@y.test", "rfc822;x@y.test", true },
	{ "x@[127.0.0.1]", "", true },
	{ "x@\xc3\xa4.test", "", true },
	{ "", "", false },
	{ "x@a b", "", false },
	{ "x@../../etc", "", false },
	{ "x\r\nBcc: y@y.test", "", false },
	{ "x@y.test", "rfc822;x\nFinal-Recipient: y", false },
};

START_TEST(recipients_are_addresses)
{
	struct p_envelope e;

	buf_init(&rcpts, 1 << 20);
	e = envelope(addresses[_i].addr, addresses[_i].orcpt);
	ck_assert_msg(claim_is_clients(&e) == addresses[_i].ok, "row %d", _i);
	buf_release(&rcpts);
}
END_TEST

START_TEST(only_what_a_client_can_have_sent)
{
	struct p_envelope e;

	buf_init(&rcpts, 1 << 20);
	e = envelope("x@y.test", "");
	ck_assert(claim_is_clients(&e));
	e.about = SLICE("a notice's");
	ck_assert(!claim_is_clients(&e));
	e = envelope("x@y.test", "");
	e.state = SLICE("an import's");
	ck_assert(!claim_is_clients(&e));
	for (unsigned bit = 0; bit < 32; bit++) {
		e = envelope("x@y.test", "");
		e.flags = 1u << bit;
		ck_assert(claim_is_clients(&e) ==
		    (e.flags == ENV_8BIT || e.flags == ENV_UTF8));
	}
	e = envelope("x@y.test", "");
	e.rcpt_n = 2;
	ck_assert(!claim_is_clients(&e));
	e.rcpt_n = 0;
	ck_assert(!claim_is_clients(&e));
	e = envelope("x@y.test", "");
	e.ret = RET_HDRS + 1;
	ck_assert(!claim_is_clients(&e));
	e = envelope("x@y.test", "");
	e.sender = SLICE("a\r\nX: y@b.test");
	ck_assert(!claim_is_clients(&e));
	buf_release(&rcpts);
}
END_TEST

#define SIZE 65536u

static const struct {
	const char *name;
	uint64_t offset;
	uint32_t length, rec;
	bool ok;
} places[] = {
	{ "the next one", 1000, 1000, 5, true },
	{ "with a hole before it", 8000, 1000, 5, true },
	{ "the last one", SIZE, RECORD_MAX, 5, true },
	{ "before what was announced", 992, 1000, 5, false },
	{ "over what was announced", 0, 4000, 5, false },
	{ "between two places", 1004, 1000, 5, false },
	{ "a record number again", 1000, 1000, 4, false },
	{ "a record number that no id has", 1000, 1000, MSGID_REC_MAX + 1,
	    false },
	{ "shorter than its envelope", 1000, 60, 5, false },
	{ "nothing", 1000, 0, 5, false },
	{ "longer than a record can be", 1000, RECORD_MAX + 8, 5, false },
	{ "beyond the segment", SIZE + 8, 1000, 5, false },
	{ "far beyond it", UINT64_MAX - 7, 1000, 5, false },
};

START_TEST(records_lie_where_they_can)
{
	struct segment s = {
		.tag = 7, .no = 3, .announced = 1000, .records = 5
	};
	struct p_msg_new m = { .id = { 7, 3, places[_i].rec },
		.offset = places[_i].offset,
		.length = places[_i].length,
		.envelope = SLICE("0123456789") };

	ck_assert_msg(claim_is_next(&s, SIZE, &m) == places[_i].ok, "%s",
	    places[_i].name);
	s.bad_from = 1000; /* a sync failed: nothing more */
	ck_assert(!claim_is_next(&s, SIZE, &m));
}
END_TEST

/* ---- lookup's answers */

static const struct {
	const char *local, *user;
	bool ok;
} accounts[] = {
	{ "bob", "bob", true },
	{ "Bob", "bob", true },
	{ "bob+list", "bob", true },
	{ "bob", "bob@corp.test", true },
	{ "bob", "CORP\\bob", true },
	{ "\"bob\"", "bob", true },
	{ "bob", "mtaq", false },
	{ "bob", "bobby", false },
	{ "bob", "root", false },
	{ "bob", "", false },
	{ "bob+list", "list", false },
	{ "bob", "alice@bob", false },
};

START_TEST(an_account_is_the_one_asked_about)
{
	struct conf *c = conf_new();

	ck_assert_msg(answered_is_account(c, slice_of(accounts[_i].local),
			  slice_of(accounts[_i].user)) == accounts[_i].ok,
	    "%s %s", accounts[_i].local, accounts[_i].user);
	conf_free(c);
}
END_TEST

static const struct {
	uint8_t kind;
	const char *text;
	bool ok;
} targets[] = {
	{ TARGET_ADDRESS, "x@y.test", true },
	{ TARGET_MAILBOX, "bob", true },
	{ TARGET_PROGRAM, "/bin/cat", true },
	{ TARGET_FILE, "/tmp/x", true },
	{ TARGET_USER, "bob", false },
	{ TARGET_VIRTUAL, "/var/mail/../x", false },
	{ TARGET_SELF, "bob", false },
	{ TARGET_COUNT, "bob", false },
	{ TARGET_ADDRESS, "", false },
	{ TARGET_ADDRESS, "x\ny", false },
};

START_TEST(targets_are_those_of_lists)
{
	struct p_target t = { .kind = targets[_i].kind,
		.text = slice_of(targets[_i].text) };
	struct buf b;

	buf_init(&b, 4096);
	put_p_target(&b, &t);
	ck_assert_msg(answered_are_targets(buf_slice(&b)) == targets[_i].ok,
	    "row %d", _i);
	buf_addc(&b, 'x'); /* and no half of another */
	ck_assert(!answered_are_targets(buf_slice(&b)));
	ck_assert(!answered_are_targets(SLICE("")));
	buf_release(&b);
}
END_TEST

/* ---- events */

#define BOOT "0123456789abcdef0123456789abcdef"
#define LINE(event, node, boot, seq, prog)                                     \
	"{\"v\":1,\"event\":\"" event "\",\"time\":\"2026-12-01T00:00:00Z\","  \
	"\"mono_us\":5,\"node\":\"" node "\",\"instance\":\"mtad\",\"boot\":"  \
	"\"" boot "\",\"seq\":" seq ",\"prog\":\"" prog                        \
	"\",\"pid\":1,\"severity\":6}\n"
#define GOOD(seq) LINE("conn.open", "mx.test", BOOT, seq, "mtad-smtpd")

static const struct {
	const char *lines;
	bool ok;
} batches[] = {
	{ GOOD("1"), true },
	{ GOOD("1") GOOD("2") GOOD("9"), true },
	{ GOOD("2") GOOD("2"), false },
	{ GOOD("2") GOOD("1"), false },
	{ GOOD("18446744073709551615"), false },
	{ LINE("dlv.ok", "mx.test", BOOT, "1", "mtad-smtpd"), false },
	{ LINE("msg.done", "mx.test", BOOT, "1", "mtad-smtpd"), false },
	{ LINE("nothing", "mx.test", BOOT, "1", "mtad-smtpd"), false },
	{ LINE("conn.open", "other.test", BOOT, "1", "mtad-smtpd"), false },
	{ LINE("conn.open", "mx.test", BOOT, "1", "mtad-queue"), false },
	{ LINE("conn.open", "mx.test", "abc", "1", "mtad-smtpd"), false },
	{ "{\"v\":1}\n", false },
	{ "\n", false },
	{ "", false },
	{ "{\"v\":1,\"event\":\"conn.open\"", false },
};

static struct world *w;
static struct peer smtpd = { .role = R_SMTPD };

static bool
relay(struct peer *p, const char *lines)
{
	struct p_events m = { .batch = 1, .lines = slice_of(lines) };
	struct buf b;
	bool ok;

	buf_init(&b, 1 << 20);
	put_p_events(&b, &m);
	ok = relay_take(&w->q, p, buf_slice(&b));
	buf_release(&b);
	return ok;
}

static void
begin_world(void)
{
	w = world_new();
	free(w->proc.conf->HostName);
	w->proc.conf->HostName = strdup("mx.test");
	ck_assert_int_eq(world_start(w), 0);
}

START_TEST(events_are_the_writers_own)
{
	begin_world();
	ck_assert_msg(
	    relay(&smtpd, batches[_i].lines) == batches[_i].ok, "row %d", _i);
	world_end(w);
}
END_TEST

START_TEST(nobody_takes_anothers_name)
{
	struct peer other = { .role = R_REMOTE };
	const char *line =
	    LINE("conn.open", "mx.test", BOOT, "5", "mtad-remote");

	begin_world();
	ck_assert(relay(&smtpd, GOOD("1")));
	ck_assert(!relay(&other, line));
	relay_greet(&w->q, &smtpd); /* a new smtpd: the name is free */
	ck_assert(relay(&other, line));
	ck_assert(!relay(&smtpd, GOOD("6")));
	world_end(w);
}
END_TEST

/* ---- jobs */

START_TEST(a_job_is_proved_by_its_number)
{
	struct peer a = { .role = R_REMOTE, .index = 0 };
	struct peer b = { .role = R_REMOTE, .index = 1 };
	struct peer local = { .role = R_LOCAL };
	struct msg m = { .id = { 7, 1, 5 } }, other = { .id = { 7, 1, 6 } };
	struct attempt at = { .number = 77, .msg = &m };
	int wrong = 0;
	uint64_t job;

	begin_world();
	siphash_draw(&w->q.handover.key);
	job = handover_job(&w->q, &at, &a);
	ck_assert_uint_eq(handover_number(job), 77);
	ck_assert(handover_is_job(&w->q, m.id, job, &a));
	wrong += handover_is_job(&w->q, m.id, job, &b);
	wrong += handover_is_job(&w->q, m.id, job, &local);
	wrong += handover_is_job(&w->q, other.id, job, &a);
	wrong += handover_is_job(&w->q, m.id, job + 1, &a);
	wrong += handover_is_job(&w->q, m.id, job + (1u << 24), &a);
	ck_assert_int_eq(wrong, 0);
	world_end(w);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("claims");
	TCase *tc = tcase_create("claims");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, recipients_are_addresses, 0, ROWS(addresses));
	tcase_add_test(tc, only_what_a_client_can_have_sent);
	tcase_add_loop_test(tc, records_lie_where_they_can, 0, ROWS(places));
	tcase_add_loop_test(
	    tc, an_account_is_the_one_asked_about, 0, ROWS(accounts));
	tcase_add_loop_test(tc, targets_are_those_of_lists, 0, ROWS(targets));
	tcase_add_loop_test(tc, events_are_the_writers_own, 0, ROWS(batches));
	tcase_add_test(tc, nobody_takes_anothers_name);
	tcase_add_test(tc, a_job_is_proved_by_its_number);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
