/* Lines of any kind, and the parts that read them. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "foreign_events.h"
#include "joins.h"
#include "pairs.h"
#include "said.h"
#include "syslog_line.h"
#include "unit.h"

/* 2026-01-10 12:00:00 UTC */
#define NOW INT64_C(1768046400000000)

static const struct {
	const char *line, *time, *node, *prog;
	uint64_t pid;
	const char *text;
	bool is_inferred;
} heads[] = {
	{ "Jan  9 01:02:03 mail postfix/smtpd[12]: words here",
	    "2026-01-09T01:02:03.000000Z", "mail", "postfix/smtpd", 12,
	    "words here", true },
	{ "<22>Dec 31 23:59:59 mail sendmail[1]: x",
	    "2025-12-31T23:59:59.000000Z", "mail", "sendmail", 1, "x", true },
	{ "Jan 11 11:00:00 mail p: a clock may be ahead",
	    "2026-01-11T11:00:00.000000Z", "mail", "p", 0,
	    "a clock may be ahead", true },
	{ "Jan 12 11:00:00 mail p: but not so far",
	    "2025-01-12T11:00:00.000000Z", "mail", "p", 0, "but not so far",
	    true },
	{ "<22>Jan  9 01:02:03 postfix/smtpd[12]: local socket",
	    "2026-01-09T01:02:03.000000Z", "", "postfix/smtpd", 12,
	    "local socket", true },
	{ "Jan  9 2024 01:02:03 mail p: with a year",
	    "2024-01-09T01:02:03.000000Z", "mail", "p", 0, "with a year",
	    false },
	{ "2024 Jan 09 01:02:03 mail p: with a year",
	    "2024-01-09T01:02:03.000000Z", "mail", "p", 0, "with a year",
	    false },
	{ "2026-01-09T01:02:03.123456+09:00 mail p[7]: x",
	    "2026-01-08T16:02:03.123456Z", "mail", "p", 7, "x", false },
	{ "2026-01-09T01:02:03Z mail p[7]: x", "2026-01-09T01:02:03.000000Z",
	    "mail", "p", 7, "x", false },
	{ "<22>1 2026-01-09T01:02:03.5-05:00 mail postfix/qmgr 9 ID47 "
	  "[a@1 b=\"c\\]d\"][e@2] \xef\xbb\xbfwords",
	    "2026-01-09T06:02:03.500000Z", "mail", "postfix/qmgr", 9, "words",
	    false },
	{ "<22>1 2026-01-09T01:02:03Z - p - - - words",
	    "2026-01-09T01:02:03.000000Z", "", "p", 0, "words", false },
	{ "Jan  9 01:02:03 sun sendmail[3]: [ID 801593 mail.info] words",
	    "2026-01-09T01:02:03.000000Z", "sun", "sendmail", 3, "words",
	    true },
	{ "Jan  9 01:02:03.250 mail p: parts of a second",
	    "2026-01-09T01:02:03.250000Z", "mail", "p", 0,
	    "parts of a second", true },
	{ "Jan  9 01:02:03 mail p: ends\r\n", "2026-01-09T01:02:03.000000Z",
	    "mail", "p", 0, "ends", true },
};

START_TEST(a_head)
{
	struct syslog_line l;
	struct when w;
	struct buf b;

	when_init(&w, NOW);
	buf_init(&b, 64);
	ck_assert(syslog_line_parse(&w, slice_of(heads[_i].line), &l));
	clock_rfc3339(&b, l.time_us);
	ck_assert_str_eq(b.data, heads[_i].time);
	ck_assert(slice_eq(l.node, slice_of(heads[_i].node)));
	ck_assert(slice_eq(l.prog, slice_of(heads[_i].prog)));
	ck_assert_uint_eq(l.pid, heads[_i].pid);
	ck_assert(slice_eq(l.text, slice_of(heads[_i].text)));
	ck_assert_int_eq(l.is_year_inferred, heads[_i].is_inferred);
	buf_release(&b);
}
END_TEST

static const char *const no_heads[] = { "", "\n", "words", "<", "<22>", "<22>1",
	"<22>1 x", "Jan", "Jan  9", "Jan  9 01:02", "Jan 32 01:02:03",
	"Jan  9 25:02:03 a b: c", "Jan  9 01:02:99 a b: c",
	"Jan  9 01:02:03 mail no tag", "2026-13-09T01:02:03Z a b: c",
	"2026-01-09T01:02:03 a b: c", "2026-01-09T01:02:03+99 a b: c" };

START_TEST(no_head)
{
	struct syslog_line l;
	struct when w;

	when_init(&w, NOW);
	ck_assert(!syslog_line_parse(&w, slice_of(no_heads[_i]), &l));
}
END_TEST

START_TEST(one_hour_is_kept)
{
	struct when w;
	struct slice a = SLICE("Jan  9 01:02:03 x"),
		     b = SLICE("Jan  9 01:59:59 y"),
		     c = SLICE("Jan  9 02:00:00 z");
	bool is_inferred;
	int64_t t, u, v;

	when_init(&w, NOW);
	ck_assert(when_rfc3164(&w, &a, &t, &is_inferred));
	ck_assert(when_rfc3164(&w, &b, &u, &is_inferred));
	ck_assert(when_rfc3164(&w, &c, &v, &is_inferred));
	ck_assert_int_eq(u - t, (57 * 60 + 56) * US_SEC);
	ck_assert_int_eq(v - u, US_SEC);
	ck_assert(slice_eq(c, SLICE("z")));
}
END_TEST

static const struct {
	bool (*read)(struct slice, uint64_t *);
	const char *text;
	int64_t us; /* -1: refused */
} spans[] = {
	{ when_seconds, "0", 0 },
	{ when_seconds, "1.25", 1250000 },
	{ when_seconds, "0.0000019", 1 },
	{ when_seconds, "", -1 },
	{ when_seconds, "1,5", -1 },
	{ when_days, "00:01:02", 62 * US_SEC },
	{ when_days, "3+00:00:01", 3 * US_DAY + US_SEC },
	{ when_days, "1:2:3", -1 },
	{ when_span, "1h2m", 62 * US_MIN },
	{ when_span, "0.05s", 50000 },
	{ when_span, "2d1s", 2 * US_DAY + US_SEC },
	{ when_span, "12", -1 },
	{ when_span, "", -1 },
};

START_TEST(a_span)
{
	uint64_t us;
	bool ok = spans[_i].read(slice_of(spans[_i].text), &us);

	ck_assert_int_eq(ok, spans[_i].us >= 0);
	if (ok)
		ck_assert_int_eq((int64_t)us, spans[_i].us);
}
END_TEST

static const struct {
	const char *text, *separator, *values[3]; /* of a, b, c */
	bool is_last_rest;
} pairs[] = {
	{ "a=1, b=<x>, c=\"y z\"", ", ", { "1", "x", "y z" }, false },
	{ "c=1, a=2, a=3", ", ", { "2", NULL, "1" }, false },
	{ "a=<x, y>, b=<z> (1/2), d=4, c=5", ", ", { "x, y", "<z> (1/2)", "5" },
	    false },
	{ "a=<>, b=", ", ", { "", "", NULL }, false },
	{ "a=1 b=2 c=3 d=4", " ", { "1", "2", "3 d=4" }, true },
	{ "a=<no end, b=2", ", ", { "<no end", "2", NULL }, false },
	{ "a=1, words here=2", ", ", { "1", NULL, NULL }, false },
};

START_TEST(some_pairs)
{
	static const struct slice names[] = { { "a", 1 }, { "b", 1 },
		{ "c", 1 } };
	struct slice rest = slice_of(pairs[_i].text), v[3];

	ck_assert(pairs_read(&rest, slice_of(pairs[_i].separator), names, 3,
	    pairs[_i].is_last_rest, v));
	for (int i = 0; i < 3; i++) {
		const char *want = pairs[_i].values[i];

		ck_assert_int_eq(v[i].p == NULL, want == NULL);
		ck_assert(slice_eq(v[i], slice_of(want)));
	}
}
END_TEST

static const struct {
	const char *text, *name, *ip, *port;
} hosts[] = {
	{ "mx.example.com[192.0.2.1]:25", "mx.example.com", "192.0.2.1", "25" },
	{ "mx.example.com[2001:db8::1]:25", "mx.example.com", "2001:db8::1",
	    "25" },
	{ "mx.example.com. [192.0.2.1]", "mx.example.com", "192.0.2.1", NULL },
	{ "[192.0.2.1]:4711", NULL, "192.0.2.1", "4711" },
	{ "[IPv6:2001:db8::1]", NULL, "2001:db8::1", NULL },
	{ "local", "local", NULL, NULL },
	{ "", NULL, NULL, NULL },
	{ "]x[", "]x[", NULL, NULL },
};

START_TEST(a_host)
{
	struct host h = said_host(slice_of(hosts[_i].text));

	ck_assert(slice_eq(h.name, slice_of(hosts[_i].name)));
	ck_assert(slice_eq(h.ip, slice_of(hosts[_i].ip)));
	ck_assert(slice_eq(h.port, slice_of(hosts[_i].port)));
}
END_TEST

#define P "Jan  9 01:02:03 mail postfix/"
#define S "Jan  9 01:02:03 mail sendmail[5]: "

/* What lines become that the logs of tests/data do not have. The events are
 * named by their words, '|' between them, in their order. */
static const struct {
	const char *what, *lines, *events;
} stories[] = {
	{ "a client who said who he is",
	    P "smtpd[1]: connect from a.example.net[192.0.2.9]\n" P
	      "smtpd[1]: 4F00000001: client=a.example.net[192.0.2.9], "
	      "sasl_method=PLAIN, sasl_username=bob\n" P
	      "cleanup[2]: 4F00000001: message-id=<m@x>\n" P
	      "qmgr[3]: 4F00000001: from=<a@b>, size=1, nrcpt=1 (queue "
	      "active)\n",
	    "conn.open|msg.received user=bob message_id=m@x" },
	{ "a queue id that was another's before",
	    P "smtpd[1]: 4F00000001: client=a.example.net[192.0.2.9]\n" P
	      "qmgr[3]: 4F00000001: from=<a@b>, size=1, nrcpt=1 (queue "
	      "active)\n" P
	      "smtpd[1]: 4F00000001: client=c.example.net[192.0.2.8]\n" P
	      "qmgr[3]: 4F00000001: from=<c@d>, size=2, nrcpt=1 (queue "
	      "active)\n",
	    "msg.received mail_from=a@b size_bytes=1|"
	    "msg.received mail_from=c@d size_bytes=2 peer.ip=192.0.2.8" },
	{ "the same id on another host is another message",
	    P "smtpd[1]: 4F00000001: client=a.example.net[192.0.2.9]\n"
	      "Jan  9 01:02:03 other postfix/qmgr[3]: 4F00000001: "
	      "from=<c@d>, size=2, nrcpt=1 (queue active)\n" P
	      "qmgr[3]: 4F00000001: from=<a@b>, size=1, nrcpt=1 (queue "
	      "active)\n",
	    "msg.received mail_from=a@b" },
	{ "a log that begins in the middle",
	    P "qmgr[3]: 4F00000001: from=<a@b>, size=7, nrcpt=1 (queue "
	      "active)\n" P
	      "smtp[4]: 4F00000001: to=<c@d>, relay=none, delay=1, "
	      "delays=1/0/0/0, dsn=4.4.1, status=deferred (x)\n" P
	      "qmgr[3]: 4F00000001: removed\n",
	    "dlv.defer mail_from=a@b size_bytes=7|msg.done" },
	{ "an id without digits, and a word that looks like one",
	    P "smtp[4]: ABCDEFABCD: to=<c@d>, relay=none, delay=1, "
	      "delays=1/0/0/0, dsn=2.0.0, status=sent (x)\n" P
	      "postsuper[4]: Deleted: 1 message\n",
	    "dlv.ok msg.id=ABCDEFABCD" },
	{ "an instance's name",
	    "Jan  9 01:02:03 mail postfix-out/smtp[4]: 4F00000001: to=<c@d>, "
	    "relay=x[192.0.2.1]:25, conn_use=2, delay=1.5, "
	    "delays=0.1/0.2/0.3/0.9, dsn=2.0.0, status=sent (250 ok)\n",
	    "dlv.ok reused_conn=1 stage.recv_us=100000 stage.queue_us=200000 "
	    "stage.conn_us=300000 stage.data_us=900000 total_us=1500000 "
	    "code=250 host.name=x" },
	{ "a milter's refusal",
	    P "cleanup[2]: 4F00000001: milter-reject: END-OF-MESSAGE from "
	      "a.example.net[192.0.2.9]: 5.7.1 virus; from=<a@b> to=<c@d> "
	      "proto=ESMTP helo=<h>\n",
	    "conn.reject command=dot enhanced=5.7.1 peer.ip=192.0.2.9 "
	    "text=virus mail_from=a@b rcpt_to=c@d" },
	{ "a milter's words that look like a client",
	    P "cleanup[2]: 4F00000001: milter-reject: END-OF-MESSAGE from "
	      "a.example.net[192.0.2.9]: 5.7.1 not from b[192.0.2.8]; "
	      "from=<a@b> to=<c@d> proto=ESMTP helo=<h>\n",
	    "conn.reject peer.ip=192.0.2.9 enhanced=5.7.1" },
	{ "words of strangers that look like details",
	    P "cleanup[2]: 4F00000001: reject: header Subject: x; from=<e@vil> "
	      "to=<e@vil> from a.example.net[192.0.2.9]; from=<a@b> to=<c@d> "
	      "proto=ESMTP helo=<h>: 5.7.1 no\n",
	    "conn.reject mail_from=a@b rcpt_to=c@d peer.ip=192.0.2.9" },
	{ "content from a local user, and brackets in it",
	    P "cleanup[2]: 4F00000001: reject: header Subject: [list] x from "
	      "local; from=<a@b> to=<c@d>: 5.7.1 no\n",
	    "conn.reject command=dot mail_from=a@b rcpt_to=c@d "
	    "enhanced=5.7.1 text=no" },
	{ "the last line again, as syslogd says it",
	    P "smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.9]: 550 5.1.1 "
	      "no; from=<a@b> to=<c@d> proto=SMTP helo=<h>\n"
	      "Jan  9 01:02:04 mail last message repeated 2 times\n",
	    "conn.reject|conn.reject|conn.reject" },
	{ "and as rsyslog does",
	    P "smtpd[1]: message repeated 2 times: [ connect from "
	      "x[192.0.2.9]]\n",
	    "conn.open|conn.open" },
	{ "a last line that nobody saw",
	    "Jan  9 01:02:04 mail last message repeated 2 times\n", "" },
	{ "expired, and one of two is left",
	    P "smtp[4]: 4F00000001: to=<c@d>, relay=none, delay=1, "
	      "delays=1/0/0/0, dsn=4.4.1, status=deferred (x)\n" P
	      "smtp[4]: 4F00000001: to=<e@f>, relay=none, delay=1, "
	      "delays=1/0/0/0, dsn=4.4.1, status=deferred (x)\n" P
	      "smtp[4]: 4F00000001: to=<c@d>, relay=none, delay=9, "
	      "delays=9/0/0/0, dsn=2.0.0, status=sent (x)\n" P
	      "qmgr[3]: 4F00000001: from=<a@b>, status=expired, returned to "
	      "sender\n",
	    "dlv.defer|dlv.defer|dlv.ok|dlv.expire rcpt_to=e@f" },
	{ "expired, and nobody knows who waited",
	    P "qmgr[3]: 4F00000001: from=<a@b>, status=force-expired, returned "
	      "to sender\n",
	    "dlv.expire msg.id=4F00000001" },
	{ "recipients with commas and angles",
	    P "smtp[4]: 4F00000001: to=<\"a, b>c\"@d>, relay=none, delay=1, "
	      "delays=1/0/0/0, dsn=2.0.0, status=sent (x)\n",
	    "dlv.ok rcpt_to=\"a," },
	{ "a host that stands in the line twice",
	    P "smtp[4]: 4F00000001: to=<c@d>, relay=x[192.0.2.1]:25, delay=1, "
	      "delays=1/0/0/0, dsn=4.4.1, status=deferred (connect to "
	      "y[192.0.2.2]:25: Connection refused)\n",
	    "dlv.defer host.name=x host.ip=192.0.2.1 "
	    "reason.class=conn-refused" },
	{ "an IPv6 client", P "smtpd[1]: connect from unknown[2001:db8::9]\n",
	    "conn.open peer.ip=2001:db8::9" },
	{ "lmtp over a socket",
	    P "lmtp[4]: 4F00000001: to=<c@d>, "
	      "relay=mail.example.org[private/lmtp], delay=1, delays=1/0/0/0, "
	      "dsn=2.0.0, status=sent (250 2.0.0 <c@d> Xyz1 Saved)\n",
	    "dlv.ok host.name=mail.example.org code=250" },
	{ "sendmail, several recipients in a line",
	    S "01ABCDEF000005: to=<a@b>,<c@d>, delay=1+00:00:01, "
	      "xdelay=00:00:01, mailer=esmtp, relay=x. [192.0.2.1], "
	      "dsn=2.0.0, stat=Sent (ok)\n",
	    "dlv.ok rcpt_to=a@b total_us=86401000000|dlv.ok rcpt_to=c@d" },
	{ "sendmail, only queued",
	    S "01ABCDEF000005: to=<a@b>, delay=00:00:00, mailer=esmtp, "
	      "pri=1, dsn=4.4.3, stat=queued\n",
	    "" },
	{ "sendmail, a reply that pretends",
	    S "01ABCDEF000005: to=<a@b>, delay=00:00:00, mailer=esmtp, "
	      "relay=x. [192.0.2.1], dsn=5.1.1, reply=550 no, stat=Sent, "
	      "stat=User unknown\n",
	    "dlv.fail rcpt_to=a@b" },
	{ "Exim through syslog",
	    "Jan  9 01:02:03 mail exim[7]: 1xVwW4-000047-0j => bob <bob@b> "
	    "R=u T=box\n",
	    "dlv.ok rcpt_to=bob@b msg.id=1xVwW4-000047-0j" },
	{ "Exim's longer ids",
	    "2026-01-09 01:02:03.123 1xVwW4-00000000047-0jab Completed\n",
	    "msg.done msg.id=1xVwW4-00000000047-0jab" },
	{ "Exim, a client who said who he is",
	    "2026-01-09 01:02:03 1xVwW4-000047-0j <= a@b H=x (h) "
	    "[192.0.2.9]:99 P=esmtpsa A=plain:bob S=5 id=m@x\n",
	    "msg.received peer.name=x peer.ip=192.0.2.9 user=plain:bob "
	    "message_id=m@x protocol=esmtpsa" },
};

START_TEST(a_story)
{
	struct slice rest = slice_of(stories[_i].events), words;
	struct tale t;
	size_t i = 0;

	tale_read(&t, stories[_i].lines, NOW);
	while (slice_next(&rest, '|', &words)) {
		char *want = slice_dup(words);
		struct tale one = { .told = t.told + i, .n = 1 };

		ck_assert_msg(i < t.n && tale_count(&one, NULL, want) == 1,
		    "%s: %s, not %s", stories[_i].what,
		    i < t.n ? t.told[i].text : "nothing", want);
		free(want);
		i++;
	}
	ck_assert_msg(t.n == i, "%s: %zu events", stories[_i].what, t.n);
	tale_release(&t);
}
END_TEST

START_TEST(zones_of_exim)
{
	struct tale t;

	tale_read(&t,
	    "2026-01-09 01:02:03 1xVwW4-000047-0j Completed\n"
	    "2026-01-09 01:02:03 +0900 1xVwW4-000047-0j Completed\n"
	    "2026-01-09 01:02:03.500 -0100 [77] 1xVwW4-000047-0j Completed\n",
	    NOW);
	ck_assert_uint_eq(t.n, 3);
	ck_assert_int_eq(t.told[0].time_us - t.told[1].time_us, 9 * US_HOUR);
	ck_assert_int_eq(
	    t.told[2].time_us - t.told[0].time_us, US_HOUR + US_SEC / 2);
	ck_assert_uint_eq(t.told[2].pid, 77);
	ck_assert_str_eq(t.told[0].node, "here");
	tale_release(&t);
}
END_TEST

static void
told(void *ctx, const struct heard *h)
{
	struct buf *b = ctx;

	buf_adds(b, event_info(h->event.type)->name);
	event_json(b, &h->event);
}

/* What was told before a restart is learnt, and not told again. */
START_TEST(a_restart)
{
	struct foreign *f;
	struct buf b;

	buf_init(&b, 4096);
	f = foreign_new(told, &b, NOW);
	foreign_learn(f,
	    SLICE(P "smtpd[1]: 4F00000001: client=a.example.net[192.0.2.9]"));
	foreign_learn(f,
	    SLICE(P "qmgr[3]: 4F00000001: from=<a@b>, size=7, nrcpt=1 (queue "
		    "active)"));
	ck_assert_uint_eq(b.len, 0);
	ck_assert_uint_eq(foreign_stats(f)->lines, 0);
	foreign_line(f,
	    SLICE(P "smtp[4]: 4F00000001: to=<c@d>, relay=none, delay=1, "
		    "delays=1/0/0/0, dsn=2.0.0, status=sent (x)"));
	ck_assert_ptr_nonnull(strstr(b.data, "\"mail_from\":\"a@b\""));
	foreign_free(f);
	buf_release(&b);
}
END_TEST

static const struct {
	const char *line;
	enum foreign_result result;
} results[] = {
	{ P "smtpd[1]: nobody ever said this\n", FOREIGN_UNPARSED },
	{ P "smtp[1]: 4F00000001: to=<a@b>, relay=none\n", FOREIGN_UNPARSED },
	{ P "novelty[1]: x\n", FOREIGN_UNPARSED },
	{ P "smtpd[1]: warning: x\n", FOREIGN_KNOWN },
	{ S "01ABCDEF000005: no such words\n", FOREIGN_UNPARSED },
	{ "Jan  9 01:02:03 mail smtpd[1]: 19087031c6cb2aaa new words\n",
	    FOREIGN_UNPARSED },
	{ "2026-01-09 01:02:03 1xVwW4-000047-0j did what?\n",
	    FOREIGN_UNPARSED },
	{ "Jan  9 01:02:03 mail sshd[1]: x\n", FOREIGN_OTHER },
	{ "Jan  9 01:02:03 mail other/novelty[1]: x\n", FOREIGN_OTHER },
	{ "anything\n", FOREIGN_OTHER },
};

START_TEST(nothing_is_guessed)
{
	struct tale t;

	tale_read(&t, results[_i].line, NOW);
	ck_assert_uint_eq(t.stats.results[results[_i].result], 1);
	ck_assert_uint_eq(t.n, 0);
	tale_release(&t);
}
END_TEST

static void
count(void *ctx, const struct heard *h)
{
	(void)h;
	++*(size_t *)ctx;
}

/* More messages than are kept, each with a long sender: bounded. */
START_TEST(memory_is_bounded)
{
	size_t n = 0;
	struct foreign *f = foreign_new(count, &n, NOW);
	char *big = calloc(1, FOREIGN_LINE_MAX * 2);

	for (unsigned i = 0; i < JOINS_MAX + 1000; i++) {
		char *line =
		    buf_text(P "pickup[1]: 4F%08X: uid=0 from=<a>\n", i);

		foreign_line(f, slice_of(line));
		free(line);
	}
	memset(big, 'x', FOREIGN_LINE_MAX * 2 - 1);
	memcpy(big, P "smtpd[1]: connect from ", strlen(P) + 23);
	foreign_line(f, slice_of(big));
	foreign_line(f, (struct slice){ big, FOREIGN_LINE_MAX * 2 });
	ck_assert_uint_eq(n, 2);
	free(big);
	foreign_free(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("foreign_lines");
	TCase *tc = tcase_create("core");

	setenv("TZ", "UTC", 1);
	tzset();
	tcase_add_loop_test(tc, a_head, 0, ROWS(heads));
	tcase_add_loop_test(tc, no_head, 0, ROWS(no_heads));
	tcase_add_test(tc, one_hour_is_kept);
	tcase_add_loop_test(tc, a_span, 0, ROWS(spans));
	tcase_add_loop_test(tc, some_pairs, 0, ROWS(pairs));
	tcase_add_loop_test(tc, a_host, 0, ROWS(hosts));
	tcase_add_loop_test(tc, a_story, 0, ROWS(stories));
	tcase_add_test(tc, zones_of_exim);
	tcase_add_loop_test(tc, nothing_is_guessed, 0, ROWS(results));
	tcase_add_test(tc, a_restart);
	tcase_add_test(tc, memory_is_bounded);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
