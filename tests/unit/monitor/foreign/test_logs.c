/*
 * The logs of tests/data/foreign against what the dialogues of
 * tests/support/foreign_logs.sh did.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "foreign_events.h"
#include "unit.h"

/* Of the message with that Message-ID (NULL: of all), so many events have
 * these words. */
static const struct {
	const char *mailer, *message_id, *words;
	size_t count;
} rows[] = {
	/* everything was read */
	{ "postfix", NULL, "conn.open direction=in", 65 },
	{ "postfix", NULL, "conn.close", 65 },
	{ "postfix", NULL, "conn.reject", 21 },
	{ "postfix", NULL, "dlv.fail", 12 },
	{ "postfix", NULL, "dlv.expire", 6 },
	{ "postfix", NULL, "dlv.discard", 4 },
	{ "postfix", NULL, "msg.received", 66 },
	{ "postfix", NULL, "msg.done", 66 },
	/* one message from its connection to its end */
	{ "postfix", "local-one",
	    "conn.open direction=in peer.name=client.example.net "
	    "peer.ip=198.51.100.7",
	    1 },
	{ "postfix", "local-one",
	    "msg.received mail_from=sender@example.net protocol=smtp "
	    "rcpt_count=1 size_bytes=845",
	    1 },
	{ "postfix", "local-one",
	    "dlv.ok mail_from=sender@example.net rcpt_to=alice@example.org "
	    "mailer=local enhanced=2.0.0 size_bytes=845",
	    1 },
	{ "postfix", "local-one",
	    "msg.done outcome=delivered delivered_count=1", 1 },
	{ "postfix", "local-one",
	    "conn.close messages_count=1 commands_count=5 cause=quit", 1 },
	{ "postfix", "relay-one",
	    "dlv.ok mailer=smtp host.name=example.com host.ip=203.0.113.5 "
	    "host.port=25 code=250 enhanced=2.0.0 remote_id=4Sq00001XyZ",
	    1 },
	{ "postfix", "mixed-three", "dlv.ok", 3 },
	{ "postfix", "mixed-three", "msg.done delivered_count=3", 1 },
	{ "postfix", "alias", "dlv.ok orcpt=team@example.org", 2 },
	{ "postfix", "forward",
	    "rcpt.expand from=away@example.org kind=forward", 1 },
	{ "postfix", NULL, "msg.received protocol=forward", 1 },
	{ "postfix", "large", "msg.received size_bytes=200345 rcpt_count=2",
	    1 },
	/* refused, at each stage */
	{ "postfix", NULL,
	    "conn.reject command=rcpt code=550 enhanced=5.1.1 "
	    "rcpt_to=nouser@example.org mail_from=sender@example.net "
	    "helo=client.example.net peer.ip=198.51.100.7 "
	    "reason.class=mailbox-unknown",
	    1 },
	{ "postfix", NULL,
	    "conn.reject command=rcpt code=554 reason.class=relay-denied", 1 },
	{ "postfix", NULL,
	    "conn.reject command=mail code=552 reason.class=size", 1 },
	{ "postfix", NULL,
	    "conn.reject command=conn code=554 peer.name=bad.example.net", 1 },
	{ "postfix", NULL, "conn.reject command=ehlo helo=worse.example.net",
	    1 },
	{ "postfix", NULL,
	    "conn.reject command=mail mail_from=bad@example.net "
	    "enhanced=5.1.8",
	    1 },
	{ "postfix", NULL,
	    "conn.reject command=mail mail_from=temp@example.net code=450", 1 },
	{ "postfix", NULL, "conn.reject command=data code=550", 1 },
	{ "postfix", NULL,
	    "conn.reject command=dot rcpt_to=alice@example.org "
	    "enhanced=5.7.1",
	    2 },
	{ "postfix", "refuse-header", "msg.received", 0 },
	{ "postfix", NULL,
	    "conn.reject command=rcpt enhanced=5.5.1 peer.ip=198.51.100.66",
	    1 },
	/* by a filter */
	{ "postfix", NULL,
	    "conn.reject command=mail mail_from=filtered@example.net "
	    "code=550",
	    1 },
	{ "postfix", NULL,
	    "conn.reject command=rcpt rcpt_to=filtered@example.org "
	    "enhanced=5.7.1",
	    1 },
	{ "postfix", "filter-refuse", "msg.received", 0 },
	{ "postfix", NULL, "conn.reject command=dot enhanced=4.7.1", 1 },
	{ "postfix", "filter-discard", "msg.received", 0 },
	{ "postfix", "filter-hold", "msg.hold by=policy", 1 },
	/* clients that went away */
	{ "postfix", NULL, "conn.close cause=reset messages_count=0", 2 },
	{ "postfix", NULL, "conn.close cause=error", 1 },
	/* returned */
	{ "postfix", "bounce",
	    "dlv.fail rcpt_to=no@example.com code=550 enhanced=5.1.1 "
	    "command=rcpt host.ip=203.0.113.5 reason.class=mailbox-unknown",
	    1 },
	{ "postfix", "bounce", "msg.done outcome=bounced bounced_count=1", 1 },
	{ "postfix", "bounce-spam", "dlv.fail reason.class=reputation", 1 },
	{ "postfix", "bounce-spam", "msg.done outcome=mixed", 1 },
	{ "postfix", NULL, "dsn.sent kind=failure to=alice@example.org", 13 },
	{ "postfix", NULL, "dsn.sent kind=failure to=postmaster", 3 },
	{ "postfix", NULL, "dsn.sent kind=success", 2 },
	{ "postfix", NULL, "dsn.sent kind=delay to=alice@example.org", 1 },
	{ "postfix", NULL, "msg.received protocol=dsn", 21 },
	/* put off, and given up */
	{ "postfix", "greylisted",
	    "dlv.defer rcpt_to=later@example.com code=450 "
	    "reason.class=greylist",
	    4 },
	{ "postfix", "greylisted",
	    "dlv.expire rcpt_to=later@example.com reason.class=expired", 1 },
	{ "postfix", "greylisted", "msg.done outcome=expired", 1 },
	{ "postfix", "dropped", "dlv.defer reason.class=peer-closed", 4 },
	{ "postfix", "full", "dlv.defer reason.class=mailbox-full code=452",
	    4 },
	{ "postfix", "dead",
	    "dlv.defer reason.class=conn-refused host.name=dead.example.com "
	    "host.ip=203.0.113.6 host.port=25",
	    4 },
	{ "postfix", NULL, "msg.done outcome=requeued outcome=requeued", 1 },
	{ "postfix", NULL, "msg.received protocol=requeue", 1 },
	/* held and discarded */
	{ "postfix", "held", "msg.hold by=policy", 1 },
	{ "postfix", "held", "msg.hold by=op", 1 },
	{ "postfix", "held", "msg.release by=op", 2 },
	{ "postfix", "held", "dlv.ok rcpt_to=alice@example.org", 1 },
	{ "postfix", "hold-header", "msg.hold by=policy", 1 },
	{ "postfix", "hold-header", "msg.done outcome=deleted", 1 },
	{ "postfix", NULL, "dlv.discard command=mail", 1 },
	{ "postfix", NULL, "dlv.discard command=dot", 2 },
	{ "postfix", "to-void", "dlv.discard mailer=discard", 1 },
	/* other mailers, and another instance */
	{ "postfix", "virtual", "dlv.ok mailer=virtual", 1 },
	{ "postfix", "to-lmtp", "dlv.ok mailer=lmtp host.port=24 remote_id=4Sq",
	    0 },
	{ "postfix", "to-lmtp", "dlv.ok mailer=lmtp host.port=24", 1 },
	{ "postfix", "to-true", "dlv.ok mailer=pipe", 1 },
	{ "postfix", "to-false", "dlv.fail mailer=pipe", 1 },
	{ "postfix", "to-loop", "dlv.fail reason.class=loop", 1 },
	{ "postfix", "to-out", "dlv.ok host.name=mx.example.com", 1 },
	{ "postfix", "submission", "msg.received protocol=smtp", 1 },
	{ "postfix", NULL, "msg.received protocol=local user=0", 3 },
	{ "postfix", "long-two", "dlv.ok rcpt_to=ok@example.com", 1 },
	{ "postfix", "long-two", "msg.done outcome=mixed", 1 },

	{ "exim", NULL, "msg.received", 36 },
	{ "exim", NULL, "msg.done", 36 },
	{ "exim", "local-one",
	    "msg.received mail_from=sender@example.net protocol=esmtp "
	    "peer.ip=198.51.100.7 size_bytes=825",
	    1 },
	{ "exim", "local-one",
	    "dlv.ok rcpt_to=alice@example.org mailer=box route=users", 1 },
	{ "exim", "relay-one",
	    "dlv.ok rcpt_to=ok@example.com host.name=mx.example.com "
	    "host.ip=203.0.113.5 code=250 remote_id=4Sq00001XyZ",
	    1 },
	{ "exim", "mixed-three", "dlv.ok", 3 },
	{ "exim", "alias", "dlv.ok orcpt=team@example.org", 2 },
	{ "exim", "forward", "dlv.ok orcpt=away@example.org", 1 },
	{ "exim", "large", "msg.received size_bytes=197552", 1 },
	{ "exim", NULL,
	    "conn.reject command=rcpt rcpt_to=nouser@example.org "
	    "mail_from=sender@example.net helo=client.example.net "
	    "peer.ip=198.51.100.7 reason.class=mailbox-unknown",
	    3 },
	{ "exim", NULL, "conn.reject command=rcpt reason.class=relay-denied",
	    1 },
	{ "exim", NULL, "conn.reject command=dot reason.class=size", 1 },
	{ "exim", NULL,
	    "conn.reject command=mail reason.class=size "
	    "mail_from=sender@example.net",
	    1 },
	{ "exim", NULL, "conn.reject command=conn peer.ip=198.51.100.66", 1 },
	{ "exim", NULL, "conn.reject command=ehlo helo=worse.example.net", 1 },
	{ "exim", NULL, "conn.reject command=mail mail_from=bad@example.net",
	    1 },
	{ "exim", NULL, "conn.reject command=mail mail_from=temp@example.net",
	    1 },
	{ "exim", "refuse", "msg.received", 0 },
	{ "exim", NULL, "conn.close cause=reset", 2 },
	{ "exim", NULL, "conn.open", 8 },
	{ "exim", NULL, "conn.close cause=quit", 8 },
	{ "exim", "bounce",
	    "dlv.fail rcpt_to=no@example.com code=550 enhanced=5.1.1 "
	    "command=rcpt host.ip=203.0.113.5 reason.class=mailbox-unknown",
	    1 },
	{ "exim", "bounce-spam", "dlv.fail reason.class=reputation", 1 },
	{ "exim", "bounce-spam", "msg.done outcome=mixed", 1 },
	{ "exim", NULL, "dsn.sent kind=failure", 11 },
	{ "exim", NULL, "msg.received protocol=dsn", 11 },
	{ "exim", "greylisted", "dlv.defer code=450 reason.class=greylist", 2 },
	{ "exim", "greylisted", "dlv.expire rcpt_to=later@example.com", 1 },
	{ "exim", "greylisted", "msg.hold by=op", 1 },
	{ "exim", "greylisted", "msg.release by=op", 1 },
	{ "exim", "greylisted", "msg.done outcome=expired", 1 },
	{ "exim", "dead", "dlv.defer reason.class=conn-refused", 2 },
	{ "exim", "dropped", "dlv.defer reason.class=peer-closed", 1 },
	{ "exim", "dropped", "msg.done outcome=deleted", 1 },
	{ "exim", "discarded", "dlv.discard reason.class=policy", 1 },
	{ "exim", "discarded", "msg.done outcome=discarded", 1 },
	{ "exim", "held", "msg.hold by=policy", 1 },
	{ "exim", "held", "msg.release by=op", 1 },
	{ "exim", "held", "msg.done outcome=delivered", 1 },
	{ "exim", "commands", "dlv.discard rcpt_to=void@example.org", 1 },
	{ "exim", "commands",
	    "dlv.fail rcpt_to=|/bin/false orcpt=fails@example.org", 1 },
	{ "exim", NULL, "msg.received protocol=local user=root", 2 },
	{ "exim", "late-two", "dlv.ok size_bytes=828 total_us=0", 1 },
	/* with all that log_selector has */
	{ "exim", "all-one",
	    "msg.received peer.ip=198.51.100.7 protocol=esmtp size_bytes=832",
	    1 },
	{ "exim", "all-two",
	    "dlv.fail rcpt_to=no@example.com code=550 enhanced=5.1.1 "
	    "host.ip=203.0.113.5 host.port=25",
	    1 },
	{ "exim", "all-two",
	    "dlv.ok rcpt_to=ok@example.com code=250 size_bytes=837", 1 },
	{ "exim", "all-later", "dlv.defer code=450 host.ip=203.0.113.5", 1 },

	{ "sendmail", "local-one",
	    "msg.received mail_from=sender@example.net protocol=smtp "
	    "peer.name=client.example.net peer.ip=198.51.100.7 "
	    "size_bytes=609 rcpt_count=1",
	    1 },
	{ "sendmail", "local-one",
	    "dlv.ok rcpt_to=alice@example.org mailer=local enhanced=2.0.0", 1 },
	{ "sendmail", "relay-one",
	    "dlv.ok rcpt_to=ok@example.com host.name=mx.example.com "
	    "host.ip=203.0.113.5 remote_id=4Sq00001XyZ",
	    1 },
	{ "sendmail", "mixed-three", "dlv.ok", 3 },
	{ "sendmail", "mixed-three", "dlv.ok rcpt_to=ok2@example.com", 1 },
	{ "sendmail", "alias", "dlv.ok", 2 },
	{ "sendmail", "large", "msg.received size_bytes=197359 rcpt_count=2",
	    1 },
	{ "sendmail", NULL,
	    "conn.reject command=rcpt rcpt_to=nouser@example.org "
	    "reason.class=mailbox-unknown",
	    2 },
	{ "sendmail", NULL,
	    "conn.reject command=rcpt rcpt_to=ok@example.com code=550 "
	    "enhanced=5.7.1 reason.class=relay-denied",
	    1 },
	{ "sendmail", NULL, "conn.reject reason.class=size command=dot", 1 },
	{ "sendmail", "too-large", "msg.received", 0 },
	{ "sendmail", NULL,
	    "conn.reject command=conn code=554 peer.ip=198.51.100.66", 1 },
	{ "sendmail", NULL,
	    "conn.reject command=mail mail_from=bad@example.net code=550 "
	    "enhanced=5.1.8",
	    1 },
	{ "sendmail", NULL,
	    "conn.reject command=mail mail_from=temp@example.net code=450", 1 },
	{ "sendmail", NULL, "conn.reject command=dot", 4 },
	{ "sendmail", NULL,
	    "conn.reject command=mail mail_from=filtered@example.net "
	    "policy=milter code=550",
	    1 },
	{ "sendmail", NULL,
	    "conn.reject command=rcpt rcpt_to=filtered@example.org "
	    "policy=milter",
	    1 },
	{ "sendmail", NULL,
	    "conn.reject command=dot policy=milter code=554 enhanced=5.7.1 "
	    "mail_from=sender@example.net peer.ip=198.51.100.7",
	    1 },
	{ "sendmail", NULL, "conn.reject command=dot code=451", 1 },
	{ "sendmail", "filter-refuse", "msg.received", 0 },
	{ "sendmail", "filter-hold", "msg.hold by=policy", 1 },
	{ "sendmail", NULL, "dlv.discard", 2 },
	{ "sendmail", NULL, "conn.reject rcpt_to=refused@example.org", 1 },
	{ "sendmail", NULL, "conn.reject rcpt_to=ok@error.example.org", 1 },
	{ "sendmail", "bounce",
	    "dlv.fail rcpt_to=no@example.com code=550 enhanced=5.1.1 "
	    "host.ip=203.0.113.5 reason.class=mailbox-unknown",
	    1 },
	{ "sendmail", "bounce-spam", "dlv.fail reason.class=reputation", 1 },
	{ "sendmail", "bounce-spam", "dlv.ok rcpt_to=ok@example.com", 1 },
	{ "sendmail", "greylisted", "dlv.defer rcpt_to=later@example.com", 3 },
	{ "sendmail", "greylisted", "dlv.defer code=450 reason.class=greylist",
	    1 },
	{ "sendmail", "greylisted", "dlv.expire rcpt_to=later@example.com", 1 },
	{ "sendmail", "dropped", "dlv.defer reason.class=peer-closed", 3 },
	{ "sendmail", "dead", "dlv.defer reason.class=conn-refused", 3 },
	{ "sendmail", "full", "dlv.expire rcpt_to=full@example.com", 1 },
	{ "sendmail", NULL, "dlv.expire", 4 },
	{ "sendmail", NULL, "dsn.sent kind=delay", 4 },
	{ "sendmail", NULL, "dsn.sent kind=success", 1 },
	{ "sendmail", NULL, "dsn.sent kind=failure", 13 },
	{ "sendmail", NULL, "msg.received protocol=dsn", 18 },
	{ "sendmail", "discarded", "msg.received", 0 },
	{ "sendmail", NULL, "dlv.discard mail_from=discard@example.net", 1 },
	{ "sendmail", "held", "msg.hold by=policy", 1 },
	{ "sendmail", "list", "rcpt.expand kind=list", 1 },
	{ "sendmail", NULL, "msg.received protocol=forward mail_from=carol",
	    1 },
	/* at a higher log level */
	{ "sendmail", NULL,
	    "conn.open peer.ip=198.51.100.7 peer.name=client.example.net", 2 },
	{ "sendmail", "all-one", "msg.done outcome=delivered", 1 },
	{ "sendmail", "all-two", "msg.done outcome=mixed", 1 },
	{ "sendmail", "alias-lost", "dlv.fail rcpt_to=gone", 1 },
	{ "sendmail", "commands", "dlv.fail mailer=prog", 1 },
	{ "sendmail", NULL, "msg.received protocol=local", 2 },

	{ "opensmtpd", NULL, "conn.open direction=in", 41 },
	{ "opensmtpd", NULL, "conn.close", 41 },
	{ "opensmtpd", NULL,
	    "conn.open direction=out peer.ip=203.0.113.5 peer.port=25 "
	    "peer.name=mx.example.com",
	    2 },
	{ "opensmtpd", NULL,
	    "msg.received mail_from=sender@example.net size_bytes=991 "
	    "rcpt_count=1 peer.ip=198.51.100.7 protocol=smtp",
	    1 },
	{ "opensmtpd", NULL,
	    "dlv.ok rcpt_to=alice@example.org mailer=mda size_bytes=991", 1 },
	{ "opensmtpd", NULL,
	    "dlv.ok mailer=mta rcpt_to=ok@example.com code=250 "
	    "host.ip=203.0.113.5 host.name=mx.example.com "
	    "remote_id=4Sq00001XyZ",
	    1 },
	{ "opensmtpd", NULL, "dlv.ok orcpt=away@example.org", 1 },
	{ "opensmtpd", NULL,
	    "conn.reject command=rcpt rcpt_to=nouser@example.org code=550 "
	    "reason.class=mailbox-unknown",
	    1 },
	{ "opensmtpd", NULL,
	    "conn.reject command=mail mail_from=bad@example.net code=550 "
	    "enhanced=5.1.8",
	    1 },
	{ "opensmtpd", NULL,
	    "conn.reject command=mail mail_from=temp@example.net code=450", 1 },
	{ "opensmtpd", NULL, "conn.reject command=ehlo code=550", 1 },
	{ "opensmtpd", NULL,
	    "conn.reject command=conn code=554 peer.ip=198.51.100.66", 1 },
	{ "opensmtpd", NULL, "conn.reject reason.class=size", 1 },
	{ "opensmtpd", NULL,
	    "dlv.fail rcpt_to=no@example.com code=550 enhanced=5.1.1", 1 },
	{ "opensmtpd", NULL, "dlv.fail reason.class=reputation", 1 },
	{ "opensmtpd", NULL, "dlv.fail mailer=mda", 1 },
	{ "opensmtpd", NULL, "dlv.defer reason.class=greylist code=450", 1 },
	{ "opensmtpd", NULL, "dlv.defer reason.class=peer-closed", 1 },
	{ "opensmtpd", NULL, "dlv.defer reason.class=net-unreachable", 1 },
	{ "opensmtpd", NULL,
	    "dlv.expire rcpt_to=full@example.com reason.class=expired", 1 },
	{ "opensmtpd", NULL,
	    "dlv.discard rcpt_to=later@example.com reason.class=admin", 1 },
	{ "opensmtpd", NULL, "msg.received protocol=dsn", 10 },
	{ "opensmtpd", NULL, "msg.received protocol=local", 1 },
	{ "opensmtpd", NULL, "conn.close cause=reset messages_count=0", 2 },
};

START_TEST(dialogues)
{
	struct tale t;
	size_t n;

	tale_read_log(&t, rows[_i].mailer);
	n = tale_count(&t, rows[_i].message_id, rows[_i].words);
	ck_assert_msg(n == rows[_i].count, "%s %s: %s: %zu, not %zu",
	    rows[_i].mailer, rows[_i].message_id ? rows[_i].message_id : "",
	    rows[_i].words, n, rows[_i].count);
	tale_release(&t);
}
END_TEST

static const char *const mailers[] = { "postfix", "exim", "sendmail",
	"opensmtpd" };

START_TEST(every_line_is_understood)
{
	struct tale t;

	tale_read_log(&t, mailers[_i]);
	ck_assert_uint_gt(t.stats.lines, 100);
	ck_assert_uint_eq(t.stats.results[FOREIGN_UNPARSED], 0);
	ck_assert_uint_eq(t.stats.results[FOREIGN_OTHER], 0);
	ck_assert_uint_eq(t.stats.events, t.n);
	tale_release(&t);
}
END_TEST

/* What came in has ended, once. */
START_TEST(every_message_ends_once)
{
	struct tale t;

	tale_read_log(&t, mailers[_i]);
	for (size_t i = 0; i < t.n; i++) {
		char *id = told_value(&t.told[i], "msg.id"), *words;

		if (t.told[i].type == EV_MSG_RECEIVED) {
			words = buf_text("msg.done msg.id=%s", id);
			ck_assert_msg(tale_count(&t, NULL, words) == 1,
			    "%s: %s", mailers[_i], words);
			free(words);
		}
		free(id);
	}
	tale_release(&t);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("foreign_logs");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, dialogues, 0, ROWS(rows));
	tcase_add_loop_test(tc, every_line_is_understood, 0, ROWS(mailers));
	/* sendmail and OpenSMTPD do not log it */
	tcase_add_loop_test(tc, every_message_ends_once, 0, 2);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
