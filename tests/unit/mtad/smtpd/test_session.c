/*
 * Dialogues: every line that begins with "> " is said, every other one is the
 * beginning of the reply line that must come next; "-" is a reply line that
 * is passed over, "#" that the server closed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "message.h"
#include "asks.h"
#include "budget.h"
#include "sizes.h"
#include "smtpd_world.h"
#include "unit.h"

#define STRANGER "192.0.2.1"
#define FRIEND "127.0.0.1"
#define HI                                                                     \
	"220 mx.test\n> EHLO "                                                 \
	"me\n250-\n250-\n250-\n250-\n250-\n250-\n250-\n250-\n250 \n"
#define MAIL_RCPT                                                              \
	"> MAIL FROM:<a@b>\n250 2.1.0\n> RCPT TO:<u@local.test>\n250 2.1.5\n"

static const struct {
	const char *name, *kind, *ip, *text;
	int messages;
} stories[] = {
	{ "a message", "smtp", STRANGER,
	    HI MAIL_RCPT "> DATA\n354\n> Subject: x\n> \n> hi\n> .\n250 2.0.0\n"
			 "> QUIT\n221 2.0.0\n#",
	    1 },
	{ "two messages", "smtp", STRANGER,
	    HI MAIL_RCPT "> DATA\n354\n> .\n250 2.0.0\n" MAIL_RCPT
			 "> DATA\n354\n> .\n250 2.0.0\n",
	    2 },
	{ "a batch of commands", "smtp", STRANGER,
	    HI "> MAIL FROM:<a@b>\n> RCPT TO:<u@local.test>\n"
	       "> RCPT TO:<nobody@local.test>\n> DATA\n"
	       "250 2.1.0\n250 2.1.5\n550 5.1.1\n354\n> .\n250\n",
	    1 },
	{ "helo", "smtp", STRANGER,
	    "220\n> HELO me\n250 mx.test\n" MAIL_RCPT
	    "> DATA\n354\n> x\n> .\n250\n",
	    1 },
	{ "helo without a name", "smtp", STRANGER,
	    "220\n> HELO\n501 5.5.4\n> EHLO a b\n501 5.5.4\n> EHLO (x)\n501\n",
	    0 },
	{ "lhlo to smtp", "smtp", STRANGER, "220\n> LHLO me\n500 5.5.1\n", 0 },
	{ "ehlo to lmtp", "lmtp", STRANGER, "220\n> EHLO me\n500 5.5.1\n", 0 },
	{ "lmtp answers for each recipient", "lmtp", NULL,
	    "220\n> LHLO me\n-\n-\n-\n-\n-\n-\n-\n-\n250 \n" MAIL_RCPT
	    "> RCPT TO:<nobody@local.test>\n550 5.1.1\n"
	    "> RCPT TO:<v@local.test>\n250\n"
	    "> DATA\n354\n> x\n> .\n250 2.0.0\n250 2.0.0\n> NOOP\n250 2.0.0\n",
	    1 },
	{ "lmtp refuses for each recipient", "lmtp", NULL,
	    "220\n> LHLO me\n-\n-\n-\n-\n-\n-\n-\n-\n250 \n" MAIL_RCPT
	    "> RCPT TO:<v@local.test>\n250\n"
	    "> DATA\n354\n> x\ry\n> .\n550 5.6.11\n550 5.6.11\n> NOOP\n250\n",
	    0 },
	{ "no recipient is good", "smtp", STRANGER,
	    HI "> MAIL FROM:<a@b>\n250\n> RCPT TO:<nobody@local.test>\n550\n"
	       "> DATA\n503 5.5.1\n",
	    0 },
	{ "the user database is away", "smtp", STRANGER,
	    HI "> MAIL FROM:<a@b>\n250\n> RCPT TO:<later@local.test>\n"
	       "451 4.3.0\n",
	    0 },
	{ "postmaster is always there", "smtp", STRANGER,
	    HI "> MAIL FROM:<>\n250\n> RCPT TO:<PostMaster>\n250\n"
	       "> RCPT TO:<postmaster@local.test>\n250\n",
	    0 },
	{ "addresses need a domain", "smtp", STRANGER,
	    HI "> MAIL FROM:<a>\n501 5.1.7\n> MAIL FROM:<>\n250\n"
	       "> RCPT TO:<u>\n550 5.1.3\n",
	    0 },
	{ "friends may leave it out", "smtp", FRIEND,
	    HI "> MAIL FROM:<a>\n250\n> RCPT TO:<u>\n250\n", 0 },
	{ "wrong syntax", "smtp", STRANGER,
	    HI "> MAIL <a@b>\n501 5.5.4\n> MAIL FROM:a@b\n501 5.1.7\n"
	       "> MAIL FROM:<a@b>x\n501 5.1.7\n> MAIL FROM:<a@b>\n250\n"
	       "> RCPT <u@local.test>\n501 5.5.4\n> RCPT TO:<>\n501 5.1.3\n"
	       "> DATA x\n503\n> RSET x\n501\n> RSET\n250\n",
	    0 },
	{ "too large by its own word", "smtp", STRANGER,
	    HI "> MAIL FROM:<a@b> SIZE=99999999999\n552 5.3.4\n", 0 },
	{ "dsn", "smtp", STRANGER,
	    HI "> MAIL FROM:<a@b> RET=HDRS ENVID=x+40y\n250\n"
	       "> RCPT TO:<u@local.test> NOTIFY=NEVER ORCPT=rfc822;o+0Ax\n501\n"
	       "> RCPT TO:<u@local.test> NOTIFY=NEVER ORCPT=rfc822;o\n250\n"
	       "> DATA\n354\n> x\n> .\n250\n",
	    1 },
	{ "utf-8 needs SMTPUTF8", "smtp", STRANGER,
	    HI "> MAIL FROM:<\xc3\xbc@b>\n501\n"
	       "> MAIL FROM:<\xc3\xbc@b> SMTPUTF8\n250\n"
	       "> RCPT TO:<\xc3\xbc@local.test>\n250\n"
	       "> DATA\n354\n> x\n> .\n250\n",
	    1 },
	{ "noop, help, vrfy, expn of strangers", "smtp", STRANGER,
	    HI "> NOOP with words\n250\n> HELP\n214\n> VRFY u\n252\n"
	       "> EXPN list\n502\n> FOO\n500 5.5.2\n",
	    0 },
	{ "vrfy and expn of friends", "smtp", FRIEND,
	    HI "> VRFY u@local.test\n250 2.1.5\n> VRFY nobody\n550 5.1.1\n"
	       "> VRFY u@other.test\n252\n> VRFY a b\n501\n"
	       "> EXPN list@local.test\n250-2.1.5 <a@local.test>\n"
	       "250 2.1.5 <b@local.test>\n",
	    0 },
	/* end of data */
	{ "a line that LF began ends nothing", "smtp", STRANGER,
	    HI MAIL_RCPT "> DATA\n354\n> x\\n.\n> MAIL FROM:<c@d>\n> .\n"
			 "550 5.6.11\n> NOOP\n250\n",
	    0 },
	{ "a NUL", "smtp", STRANGER,
	    HI MAIL_RCPT "> DATA\n354\n> x\\0y\n> .\n550 5.6.11\n", 0 },
	{ "a command line ends with CRLF", "smtp", STRANGER,
	    HI "> NOOP\\nNOOP\n500 5.5.2\n250\n", 0 },
	{ "a command holds no controls", "smtp", STRANGER,
	    HI "> NOOP \x01\n500 5.5.2\n> NOOP \\0\n500 5.5.2\n", 0 },
	/* BDAT */
	{ "chunks", "smtp", STRANGER,
	    HI MAIL_RCPT "> BDAT 13\n> Subject: ab\n> BDAT 0 LAST\n"
			 "250 2.0.0\n250 2.0.0\n",
	    1 },
	{ "a chunk that ends with CR alone", "smtp", STRANGER,
	    HI MAIL_RCPT "> BDAT 2 LAST\n> a\n550 5.6.11\n500\n", 0 },
	{ "chunk, then data", "smtp", STRANGER,
	    HI MAIL_RCPT
	    "> BDAT 4\n> ab\n> DATA\n250\n503 5.5.1\n> RSET\n250\n",
	    0 },
	{ "quit inside a chunk", "smtp", STRANGER,
	    HI MAIL_RCPT "> BDAT 6 LAST\n> QUIT\n> NOOP\n250\n250\n", 1 },
	{ "a refused chunk is no command", "smtp", STRANGER,
	    HI "> BDAT 6\n> QUIT\n> NOOP\n503\n250\n"
	       "> MAIL FROM:<a@b>\n250\n> BDAT 6 LAST\n> QUIT\n503\n",
	    0 },
	{ "a chunk without size", "smtp", STRANGER,
	    HI MAIL_RCPT "> BDAT\n501 5.5.4\n#", 0 },
	{ "a chunk of nonsense", "smtp", STRANGER,
	    HI MAIL_RCPT "> BDAT 12 FIRST\n501 5.5.4\n#", 0 },
	{ "a chunk with a bare LF", "smtp", STRANGER,
	    HI MAIL_RCPT "> BDAT 5\n> a\\nb\n550 5.6.11\n> BDAT 0 LAST\n"
			 "550 5.6.11\n> NOOP\n250\n",
	    0 },
	/* other protocols */
	{ "http", "smtp", STRANGER, "220\n> GET / HTTP/1.1\n421 4.7.0\n#", 0 },
	{ "http 2", "smtp", STRANGER, "220\n> PRI * HTTP/2.0\n421\n#", 0 },
	{ "tls", "smtp", STRANGER, "220\n> \x16\x03\x01\n421 4.7.0\n#", 0 },
	{ "ssh", "smtp", STRANGER, "220\n> SSH-2.0-x\n421\n#", 0 },
	/* relaying */
	{ "to a relay domain", "smtp", STRANGER,
	    HI "> MAIL FROM:<a@b>\n250\n> RCPT TO:<x@relay.test>\n250\n"
	       "> RCPT TO:<x@sub.relay.test>\n250\n"
	       "> RCPT TO:<x@notrelay.test>\n550 5.7.1\n",
	    0 },
	{ "friends relay", "smtp", FRIEND,
	    HI "> MAIL FROM:<a@b>\n250\n> RCPT TO:<x@other.test>\n250\n", 0 },
};

static void
say(struct world *w, struct slice line)
{
	struct buf b;

	buf_init(&b, 1 << 16);
	for (size_t i = 0; i < line.n; i++) {
		char c = line.p[i], next = i + 1 < line.n ? line.p[i + 1] : 0;

		if (c == '\\' && (next == 'n' || next == '0')) {
			buf_addc(&b, next == 'n' ? '\n' : '\0');
			i++;
		} else {
			buf_addc(&b, c);
		}
	}
	buf_add(&b, "\r\n", 2);
	world_say(w, buf_slice(&b));
	buf_release(&b);
}

/* The next line of what was heard; false: there is none. */
static bool
next_line(struct world *w, struct buf *heard, struct slice *rest,
    bool *ret_is_open, struct slice *ret)
{
	if (rest->n == 0) {
		buf_clear(heard);
		*ret_is_open = world_hear(w, heard);
		*rest = buf_slice(heard);
	}
	return slice_next(rest, '\n', ret);
}

static void
play(struct world *w, const char *name, struct slice text)
{
	struct slice line, got, rest = { "", 0 };
	struct buf heard;
	bool is_open = true;

	buf_init(&heard, 1 << 20);
	while (slice_next(&text, '\n', &line)) {
		if (slice_istarts(line, SLICE("> "))) {
			say(w, slice_sub(line, 2, line.n));
			continue;
		}
		if (slice_eq(line, SLICE("#"))) {
			ck_assert_msg(
			    !next_line(w, &heard, &rest, &is_open, &got) &&
				!is_open,
			    "%s: still open", name);
			continue;
		}
		ck_assert_msg(next_line(w, &heard, &rest, &is_open, &got),
		    "%s: no reply, wanted %.*s", name, SLICE_ARG(line));
		ck_assert_msg(
		    slice_eq(line, SLICE("-")) || slice_istarts(got, line),
		    "%s: got %.*s, wanted %.*s", name, SLICE_ARG(got),
		    SLICE_ARG(line));
	}
	ck_assert_msg(!next_line(w, &heard, &rest, &is_open, &got),
	    "%s: more than was wanted: %.*s", name, SLICE_ARG(got));
	buf_release(&heard);
}

static struct world w;

static void
setup(void)
{
	world_init(&w, false);
}

static void
teardown(void)
{
	world_release(&w);
}

START_TEST(dialogues)
{
	world_connect(&w, stories[_i].kind, stories[_i].ip);
	play(&w, stories[_i].name, slice_of(stories[_i].text));
	ck_assert_msg(w.messages == stories[_i].messages, "%s: %d messages",
	    stories[_i].name, w.messages);
	world_hang_up(&w);
	ck_assert_msg(
	    w.smtpd.body_bytes == 0 && w.smtpd.rcpt_bytes == 0,
	    "%s: the budget is off", stories[_i].name);
}
END_TEST

/* Every spelling of "send it on to other.test" by a stranger, through our own
 * domain, our name, our address, a relay domain. */
static const char *const spellings[] = { "x@other.test", "x@OTHER.test.",
	"x@local.test.other.test", "x@otherlocal.test", "x@[203.0.113.5]",
	"x@[IPv6:2001:db8::5]", "@local.test:x@other.test",
	"@mx.test,@local.test:x@other.test", "x%other.test@local.test",
	"x%other.test@LOCAL.TEST", "x%other.test@local.test.",
	"x%other.test@mx.test", "x%other.test@relay.test",
	"x%other.test%third.test@local.test", "x%@local.test",
	"\"x%other.test\"@local.test", "\"x@other.test\"@local.test",
	"\"x\\@other.test\"@local.test", "\"x@other.test\"@relay.test",
	"\"@other.test:x\"@local.test", "other.test!x@local.test",
	"local.test!other.test!x@local.test", "\"other.test!x\"@local.test",
	"other.test!x@relay.test", "@local.test:x%other.test@local.test",
	"@relay.test:x@other.test", "x@local.test%other.test",
	"postmaster@other.test", "postmaster%other.test@local.test",
	"x@xrelay.test", "x@[127.0.0.2]", "\"x\"@other.test",
	"x%other.test@[127.0.0.1]" };

START_TEST(no_spelling_relays)
{
	char text[300];

	for (int is_null = 0; is_null < 2; is_null++) {
		world_connect(&w, "smtp", STRANGER);
		snprintf(text, sizeof(text),
		    HI "> MAIL FROM:<%s>\n250\n> RCPT TO:<%s>\n5\n",
		    is_null ? "" : "a@local.test", spellings[_i]);
		play(&w, spellings[_i], slice_of(text));
		ck_assert_int_eq(w.asks, 0);
	}
}
END_TEST

START_TEST(the_record_holds_what_was_said)
{
	struct p_envelope e;
	struct p_env_rcpt r;
	struct rd rd;

	world_connect(&w, "smtp", STRANGER);
	play(&w, "envelope",
	    SLICE(HI "> MAIL FROM:<a@b> RET=FULL ENVID=x+40y BODY=8BITMIME\n"
		     "250\n> RCPT TO:<u@local.test> NOTIFY=DELAY "
		     "ORCPT=rfc822;o+40p\n250\n> RCPT TO:<\"v w\"@local.test>\n"
		     "250\n> DATA\n354\n> Message-ID: <1@b>\n> \n> ..x\n> .\n"
		     "250\n"));
	ck_assert(world_envelope(&w, &e));
	ck_assert(slice_eq(e.sender, SLICE("a@b")));
	ck_assert(slice_eq(e.envid, SLICE("x@y")));
	ck_assert(slice_eq(e.helo, SLICE("me")));
	ck_assert(slice_eq(e.client_ip, SLICE(STRANGER)));
	ck_assert(slice_eq(e.protocol, SLICE("esmtp")));
	ck_assert(slice_eq(e.message_id, SLICE("<1@b>")));
	ck_assert_uint_eq(e.ret, RET_FULL);
	ck_assert_uint_eq(e.flags, ENV_8BIT);
	ck_assert_uint_eq(e.rcpt_n, 2);
	ck_assert_uint_eq(e.size, world_message(&w).n);
	rd = rd_of(e.rcpts);
	ck_assert(get_p_env_rcpt(&rd, &r));
	ck_assert(slice_eq(r.addr, SLICE("u@local.test")));
	ck_assert(slice_eq(r.orcpt, SLICE("rfc822;o@p")));
	ck_assert_uint_eq(r.notify, NOTIFY_DELAY);
	ck_assert(get_p_env_rcpt(&rd, &r));
	ck_assert(slice_eq(r.addr, SLICE("\"v w\"@local.test")));
	ck_assert(slice_istarts(world_message(&w),
	    SLICE("Received: from me ([192.0.2.1])\r\n\tby mx.test with ESMTP"
		  " id ")));
	ck_assert(slice_iends(
	    world_message(&w), SLICE("\r\nMessage-ID: <1@b>\r\n\r\n.x\r\n")));
}
END_TEST

static bool
holds(struct slice s, const char *what)
{
	return memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* Completed on submission and on our own socket, never in transit. */
START_TEST(missing_fields_come_on_submission_only)
{
	static const char text[] =
	    HI MAIL_RCPT "> DATA\n354\n> X: y\n> .\n250\n";

	world_connect(&w, "smtp", FRIEND);
	play(&w, "transit", slice_of(text));
	ck_assert(!holds(world_message(&w), "Date:"));
	ck_assert(!holds(world_message(&w), "Message-ID:"));
	world_connect(&w, "submission", FRIEND);
	play(&w, "submission", slice_of(text));
	ck_assert(holds(world_message(&w), "\r\nDate: "));
	ck_assert(holds(world_message(&w), "@mx.test>\r\nFrom: <a@b>\r\n"));
	world_connect(&w, "local", NULL);
	play(&w, "local", slice_of(text));
	ck_assert(holds(world_message(&w), "Received: (from uid "));
	ck_assert(holds(world_message(&w), " with local id "));
	ck_assert(holds(world_message(&w), "\r\nDate: "));
	play(&w, "complete",
	    SLICE(MAIL_RCPT "> DATA\n354\n> Date: d\n> From: f\n"
			    "> Message-ID: <m>\n> \n> .\n250\n"));
	ck_assert(holds(world_message(&w),
	    "+0000\r\nDate: d\r\nFrom: f\r\nMessage-ID: <m>\r\n\r\n"));
}
END_TEST

START_TEST(text_alone_gets_its_empty_line)
{
	world_connect(&w, "smtp", STRANGER);
	play(&w, "text",
	    SLICE(HI MAIL_RCPT "> DATA\n354\n> just text\n> .\n250\n"));
	ck_assert(
	    slice_iends(world_message(&w), SLICE("\r\n\r\njust text\r\n")));
}
END_TEST

START_TEST(errors_end_a_session)
{
	struct buf b;
	int n = (int)w.proc.conf->MaxBadCommands;

	world_connect(&w, "smtp", STRANGER);
	buf_init(&b, 1 << 16);
	for (int i = 0; i < n; i++)
		world_say(&w, SLICE("FOO\r\n"));
	ck_assert(!world_hear(&w, &b));
	ck_assert(slice_iends(
	    buf_slice(&b), SLICE("421 4.7.0 Too many errors, closing\r\n")));
	buf_release(&b);
}
END_TEST

/* 452 is advice, not an error: the sender has the rest for another turn. */
START_TEST(too_many_recipients_is_no_error)
{
	struct buf b;

	world_connect(&w, "smtp", STRANGER);
	buf_init(&b, 1 << 20);
	w.proc.conf->MaxRecipientsPerMessage = 10;
	world_say(&w, SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"));
	for (int i = 0; i < 1000; i++)
		world_say(&w, SLICE("RCPT TO:<u@local.test>\r\n"));
	world_say(&w, SLICE("DATA\r\n.\r\n"));
	ck_assert(world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "452 4.5.3 "));
	ck_assert(!holds(buf_slice(&b), "421 "));
	ck_assert_int_eq(w.messages, 1);
	ck_assert_int_eq(w.asks, 1); /* lookup is asked once for a moment */
	ck_assert_uint_eq(w.slot.counter[ST_CONN_REJECTED], 1);
	buf_release(&b);
}
END_TEST

/* The envelope has a ceiling in bytes, too: what is taken at the door fits
 * into what the queue believes. */
START_TEST(an_envelope_of_long_recipients_comes_in_two)
{
	char line[1024], orcpt[480];
	struct p_envelope e;
	struct buf b;
	int n;

	memset(orcpt, 'o', sizeof(orcpt) - 1);
	orcpt[sizeof(orcpt) - 1] = '\0';
	world_connect(&w, "smtp", FRIEND);
	buf_init(&b, 4 << 20);
	w.proc.conf->MaxRecipientsPerMessage = 20000;
	world_say(&w, SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"));
	for (int i = 0; i < 10000; i++) {
		n = snprintf(line, sizeof(line),
		    "RCPT TO:<u%d@other.test> ORCPT=rfc822;%s\r\n", i, orcpt);
		world_say(&w, (struct slice){ line, (size_t)n });
		ck_assert(world_hear(&w, &b));
	}
	world_say(&w, SLICE("DATA\r\n.\r\n"));
	ck_assert(world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "\r\n452 4.5.3 "));
	ck_assert_int_eq(w.messages, 1);
	ck_assert_uint_le(w.envelope, ENVELOPE_MAX);
	ck_assert_uint_gt(w.envelope, ENVELOPE_MAX - (128 << 10));
	ck_assert(world_envelope(&w, &e));
	ck_assert_uint_gt(e.rcpt_n, 7000);
	buf_release(&b);
}
END_TEST

#define MB ((size_t)1 << 20)

static const struct {
	const char *name;
	size_t all, client, own;
	bool allows;
} budgets[] = {
	{ "nothing yet", 0, 0, 0, true },
	{ "a newsletter", MB, MB, MB, true },
	{ "half full, one client's", 31 * MB, 31 * MB, 3 * MB, true },
	{ "over half, much of it his", 33 * MB, 5 * MB, MB, false },
	{ "over half, little of it his", 33 * MB, MB, MB, true },
	{ "full", 64 * MB, MB, MB, false },
	{ "full, and small", 64 * MB, 0, 0, true },
	{ "full, and as large as small is", 64 * MB, 0, 4095, true },
	{ "full, and no longer small", 64 * MB, 0, 4096, false },
	{ "small, of who holds much", 64 * MB, 60 * MB, 100, true },
};

START_TEST(recipients_have_a_budget)
{
	ck_assert_msg(budget_allows(budgets[_i].all, budgets[_i].client,
			  budgets[_i].own) == budgets[_i].allows,
	    "%s", budgets[_i].name);
}
END_TEST

/* What a client named and never sends: counted, refused above the budget,
 * and given back. */
START_TEST(who_never_sends_data_is_counted)
{
	char line[100];
	struct buf b;
	int n;

	buf_init(&b, 4 << 20);
	world_connect(&w, "smtp", FRIEND);
	world_say(&w, SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"));
	for (int i = 0; i < 500; i++) {
		n = snprintf(line, sizeof(line), "RCPT TO:<u%d@other.test>\r\n", i);
		world_say(&w, (struct slice){ line, (size_t)n });
	}
	ck_assert(world_hear(&w, &b));
	ck_assert(!holds(buf_slice(&b), "\r\n452"));
	ck_assert_uint_gt(w.smtpd.rcpt_bytes, 500 * 12);
	w.smtpd.rcpt_bytes += RCPTS_MAX; /* others' */
	world_say(&w, SLICE("RCPT TO:<v@other.test>\r\n"));
	buf_clear(&b);
	ck_assert(world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "452 4.3.1 "));
	world_say(&w, SLICE("DATA\r\nx\r\n.\r\n"));
	ck_assert_int_eq(w.messages, 1);
	world_say(&w,
	    SLICE("MAIL FROM:<a@b>\r\nRCPT TO:<v@other.test>\r\n"
		  "DATA\r\nx\r\n.\r\n"));
	ck_assert_int_eq(w.messages, 2); /* small ones go on */
	ck_assert_uint_eq(w.smtpd.rcpt_bytes, RCPTS_MAX);
	world_say(&w, SLICE("MAIL FROM:<a@b>\r\nRCPT TO:<v@other.test>\r\n"));
	ck_assert_uint_gt(w.smtpd.rcpt_bytes, RCPTS_MAX);
	world_hang_up(&w);
	ck_assert_uint_eq(w.smtpd.rcpt_bytes, RCPTS_MAX);
	buf_release(&b);
}
END_TEST

/* Above the budget of bodies: a header that does not end is refused, a body
 * moves to its file early. */
START_TEST(bodies_have_a_budget)
{
	static char line[1002];
	struct buf b;

	memset(line, 'x', sizeof(line));
	memcpy(line, "X: ", 3);
	memcpy(line + 1000, "\r\n", 2);
	buf_init(&b, 1 << 20);
	w.smtpd.body_bytes = BODIES_MAX;
	for (int has_body = 0; has_body < 2; has_body++) {
		world_connect(&w, "smtp", FRIEND);
		world_say(&w,
		    SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"
			  "RCPT TO:<u@local.test>\r\nDATA\r\n"));
		if (has_body)
			world_say(&w, SLICE("\r\n"));
		for (int i = 0; i < 50; i++)
			world_say(&w, (struct slice){ line, sizeof(line) });
		world_say(&w, SLICE(".\r\n"));
		buf_clear(&b);
		ck_assert(world_hear(&w, &b));
		ck_assert(holds(buf_slice(&b),
		    has_body ? "\r\n250 2.0.0 " : "\r\n452 4.3.1 "));
		ck_assert_uint_eq(w.smtpd.body_bytes, BODIES_MAX);
	}
	ck_assert_int_eq(w.messages, 1);
	ck_assert_uint_lt(world_message(&w).n, 1000); /* the rest has a file */
	buf_release(&b);
}
END_TEST

START_TEST(who_holds_most_is_sent_away)
{
	struct buf b;
	int idle;

	w.proc.conf->MaxBadCommands = 100000;
	world_connect(&w, "smtp", STRANGER);
	idle = w.client;
	w.client = -1; /* it stays open */
	world_connect(&w, "smtp", FRIEND);
	for (int tries = 0; tries < 50; tries++) {
		while (send(w.client, "HELP\r\nHELP\r\n", 12, MSG_NOSIGNAL) > 0)
			continue;
		world_settle(&w);
	}
	budget_trim(&w.smtpd, MB);
	ck_assert_uint_eq(w.smtpd.sessions_n, 2);
	budget_trim(&w.smtpd, 10000);
	ck_assert_uint_eq(w.smtpd.sessions_n, 1);
	w.client = idle;
	buf_init(&b, 1 << 16);
	world_say(&w, SLICE("NOOP\r\n"));
	ck_assert(world_hear(&w, &b));
	ck_assert(slice_iends(buf_slice(&b), SLICE("250 2.0.0 Ok\r\n")));
	buf_release(&b);
}
END_TEST

/* One client's slow messages leave body files for others. */
START_TEST(one_client_has_not_all_body_files)
{
	static char block[1 << 16];
	struct buf b;

	memset(block, 'x', sizeof(block));
	for (size_t i = 0; i < sizeof(block); i += 64)
		memcpy(block + i, "\r\n", 2);
	w.proc.conf->MaxSessionsPerClient = 1000;
	for (int i = 0; i <= BODY_FILES_MAX / 4; i++) {
		world_connect(&w, "smtp", FRIEND);
		world_say(&w,
		    SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"
			  "RCPT TO:<u@local.test>\r\nDATA\r\n\r\n"));
		for (int n = 0; n < 5; n++)
			world_say(&w, (struct slice){ block, sizeof(block) });
		w.client = -1;
	}
	/* the last one has its body in memory, as far as that goes */
	ck_assert_uint_eq(LIST_FIRST(&w.smtpd.sessions)->client->body_files,
	    BODY_FILES_MAX / 4);
	ck_assert_uint_gt(w.smtpd.body_bytes, 300000);
	world_connect(&w, "smtp", STRANGER);
	world_say(&w,
	    SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"
		  "RCPT TO:<u@local.test>\r\nDATA\r\n\r\n"));
	for (int n = 0; n < 5; n++)
		world_say(&w, (struct slice){ block, sizeof(block) });
	ck_assert_uint_eq(
	    LIST_FIRST(&w.smtpd.sessions)->client->body_files, 1);
	world_say(&w, SLICE("\r\n.\r\n"));
	buf_init(&b, 1 << 16);
	ck_assert(world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "\r\n250 2.0.0 "));
	ck_assert_uint_eq(
	    LIST_FIRST(&w.smtpd.sessions)->client->body_files, 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_long_command_is_refused_whole)
{
	char block[3000];
	struct buf b;

	memset(block, 'x', sizeof(block));
	world_connect(&w, "smtp", STRANGER);
	buf_init(&b, 1 << 16);
	world_say(&w, (struct slice){ block, sizeof(block) });
	world_say(&w, (struct slice){ block, sizeof(block) });
	world_say(&w, SLICE("\r\nNOOP\r\n"));
	ck_assert(world_hear(&w, &b));
	ck_assert(
	    holds(buf_slice(&b), "500 5.5.2 Command line too long\r\n250"));
	buf_release(&b);
}
END_TEST

/* 64 MiB without a line end: refused, and never held. */
START_TEST(a_flood_is_not_kept)
{
	static char block[1 << 16];
	struct buf b;

	memset(block, 'x', sizeof(block));
	world_connect(&w, "smtp", STRANGER);
	buf_init(&b, 1 << 16);
	world_say(&w,
	    SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"
		  "RCPT TO:<u@local.test>\r\nDATA\r\n"));
	for (int i = 0; i < 1024; i++) {
		world_say(&w, (struct slice){ block, sizeof(block) });
		ck_assert_uint_lt(w.smtpd.body_bytes, 1 << 20);
	}
	world_say(&w, SLICE("\r\n.\r\n"));
	ck_assert(world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "\r\n552 5.3.4 "));
	ck_assert_uint_eq(w.smtpd.body_bytes, 0);
	buf_release(&b);
}
END_TEST

START_TEST(a_large_message_has_a_file)
{
	static char line[1002];
	struct p_envelope e;
	struct buf b;

	memset(line, 'x', sizeof(line));
	memcpy(line + 1000, "\r\n", 2);
	world_connect(&w, "smtp", STRANGER);
	buf_init(&b, 1 << 16);
	world_say(&w,
	    SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"
		  "RCPT TO:<u@local.test>\r\nDATA\r\n\r\n"));
	for (int i = 0; i < 1000; i++)
		world_say(&w, (struct slice){ line, sizeof(line) });
	world_say(&w, SLICE(".\r\n"));
	ck_assert(world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "\r\n250 2.0.0 "));
	ck_assert_int_eq(w.messages, 1);
	ck_assert(world_envelope(&w, &e));
	ck_assert_uint_eq(e.size, world_message(&w).n + 1000 * 1002 + 2);
	buf_release(&b);
}
END_TEST

/* Without a body file: a while in memory, then the client waits for one. */
START_TEST(a_large_message_waits_for_a_file)
{
	static char block[1 << 16];
	struct session *s;
	struct buf b;

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = i % 1024 == 1022 ? '\r'
		    : i % 1024 == 1023	    ? '\n'
					    : 'x';
	w.keeps_bodies = true;
	for (bool has = true; has;) { /* take what the store has */
		struct submission *sub = submission_new();

		has = store_take_body(w.smtpd.store, sub);
		store_forget(w.smtpd.store, sub);
		world_settle(&w);
	}
	buf_init(&b, 1 << 16);
	world_connect(&w, "smtp", STRANGER);
	world_say(&w,
	    SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"
		  "RCPT TO:<u@local.test>\r\nDATA\r\n\r\n"));
	for (int i = 0; i < 16; i++)
		world_say(&w, (struct slice){ block, sizeof(block) });
	world_say(&w, SLICE(".\r\n"));
	ck_assert_int_eq(w.messages, 1); /* one MiB: in the segment */
	world_say(&w,
	    SLICE("MAIL FROM:<a@b>\r\n"
		  "RCPT TO:<u@local.test>\r\nDATA\r\n\r\n"));
	for (int i = 0; i < 40; i++)
		world_say(&w, (struct slice){ block, sizeof(block) });
	s = LIST_FIRST(&w.smtpd.sessions);
	ck_assert(s->is_waiting);
	ck_assert_uint_eq(w.smtpd.body_waiters, 1);
	ck_assert_uint_lt(w.smtpd.body_bytes, 3 << 20);
	world_give_body(&w);
	ck_assert(!s->is_waiting);
	ck_assert_uint_eq(w.smtpd.body_waiters, 0);
	world_say(&w, SLICE("\r\n.\r\n"));
	ck_assert_int_eq(w.messages, 2);
	ck_assert(world_hear(&w, &b));
	buf_release(&b);
	/* and not for ever */
	world_say(&w,
	    SLICE("MAIL FROM:<a@b>\r\n"
		  "RCPT TO:<u@local.test>\r\nDATA\r\n\r\n"));
	for (int i = 0; i < 40; i++)
		world_say(&w, (struct slice){ block, sizeof(block) });
	ck_assert(s->is_waiting);
	message_tick(s, clock_mono() + 31 * US_SEC);
	ck_assert(!s->is_waiting);
	world_say(&w, SLICE("\r\n.\r\nNOOP\r\n"));
	ck_assert(world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "452 4.3.1 "));
	ck_assert_int_eq(w.messages, 2);
	ck_assert_uint_eq(w.smtpd.body_bytes, 0);
	buf_release(&b);
}
END_TEST

START_TEST(lookup_that_says_nothing_is_451)
{
	struct buf b;
	struct session *s;

	world_connect(&w, "smtp", STRANGER);
	buf_init(&b, 1 << 16);
	world_say(&w,
	    SLICE("EHLO me\r\nMAIL FROM:<a@b>\r\n"
		  "RCPT TO:<silent@local.test>\r\nNOOP\r\n"));
	s = asks_overdue(w.smtpd.asks, clock_mono() + US_SEC);
	ck_assert_ptr_nonnull(s);
	rcpt_answered(
	    s, &VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE, "no answer"));
	world_settle(&w);
	ck_assert(world_hear(&w, &b));
	ck_assert(slice_iends(
	    buf_slice(&b), SLICE("451 4.3.0 no answer\r\n250 2.0.0 Ok\r\n")));
	buf_release(&b);
}
END_TEST

/* What a client sends and never reads the answers to is not read either. */
START_TEST(who_reads_nothing_is_not_read)
{
	struct session *s;

	w.proc.conf->MaxBadCommands = 100000;
	world_connect(&w, "smtp", STRANGER);
	for (int tries = 0; tries < 50; tries++) {
		while (send(w.client, "HELP\r\nHELP\r\n", 12, MSG_NOSIGNAL) > 0)
			continue;
		world_settle(&w);
	}
	s = LIST_FIRST(&w.smtpd.sessions);
	ck_assert_ptr_nonnull(s);
	ck_assert(s->is_choked);
	ck_assert_uint_lt(conn_out(s->conn)->len, 1 << 20);
}
END_TEST

START_TEST(stop_lets_messages_end)
{
	struct session *s;

	world_connect(&w, "smtp", STRANGER);
	play(&w, "begin", SLICE(HI MAIL_RCPT "> DATA\n354\n"));
	w.proc.is_stopping = true;
	session_stop(LIST_FIRST(&w.smtpd.sessions), false);
	play(&w, "end", SLICE("> x\n> .\n250 2.0.0\n421 4.3.2\n#"));
	ck_assert_int_eq(w.messages, 1);
	w.proc.is_stopping = false;
	world_connect(&w, "smtp", STRANGER);
	play(&w, "idle", SLICE(HI));
	s = LIST_FIRST(&w.smtpd.sessions);
	session_stop(s, false);
	play(&w, "told", SLICE("421 4.3.2\n#"));
}
END_TEST

START_TEST(one_client_has_its_limit)
{
	union sockaddr_any from = { .sa.sa_family = AF_UNIX };

	(void)from;
	w.proc.conf->MaxSessionsPerClient = 0;
	world_connect(&w, "smtp", STRANGER);
	play(&w, "first", SLICE("220\n"));
	w.client = -1; /* it stays open */
	world_connect(&w, "smtp", STRANGER);
	play(&w, "second", SLICE("421 4.7.0 Too many connections from\n#"));
	world_connect(&w, "smtp", "192.0.2.2");
	play(&w, "another", SLICE("220\n"));
}
END_TEST

/* Friends have more, but not all. */
START_TEST(a_friend_has_its_limit)
{
	w.proc.conf->MaxSessionsPerClient = 1;
	for (int i = 1; i <= 12; i++) {
		world_connect(&w, "smtp", FRIEND);
		play(&w, "a friend",
		    i < 12 ? SLICE("220\n")
			   : SLICE("421 4.7.0 Too many connections from\n#"));
		w.client = -1;
	}
	world_connect(&w, "smtp", "127.0.0.2");
	play(&w, "another one", SLICE("220\n"));
	w.client = -1;
	world_connect(&w, "smtp", STRANGER);
	play(&w, "a stranger", SLICE("220\n"));
	ck_assert_uint_eq(w.smtpd.sessions_n, 13);
}
END_TEST

/* One class at its ease, the others within their share; root at any time. */
START_TEST(each_class_has_its_share)
{
	static const struct {
		const char *kind, *ip, *hears;
	} rows[] = { { "smtp", FRIEND, "421 4.7.0 Too many connections, t\n#" },
		{ "smtp", "192.0.2.1", "220\n" },
		{ "smtp", "192.0.2.2", "220\n" },
		{ "smtp", "192.0.2.3", "421 4.7.0 Too many connections, t\n#" },
		{ "local", NULL, "220\n" }, { "local", NULL, "220\n" },
		{ "local", NULL, "220\n" } };

	w.proc.conf->MaxSessions = 8;
	for (int i = 0; i < 8; i++) {
		world_connect(&w, "smtp", FRIEND);
		play(&w, "a friend", SLICE("220\n"));
		w.client = -1;
	}
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		world_connect(&w, rows[i].kind, rows[i].ip);
		play(&w, rows[i].hears, slice_of(rows[i].hears));
		w.client = -1;
	}
	ck_assert_uint_eq(w.slot.counter[ST_CONN_REJECTED], 2);
	ck_assert_uint_eq(w.slot.counter[ST_CONN_IN], 15);
	ck_assert_uint_eq(w.slot.counter[ST_CONN_IN_OPEN], 13);
}
END_TEST

static void
until_it_closes(void)
{
	int64_t end = clock_mono() + 10 * US_SEC;

	while (!LIST_EMPTY(&w.smtpd.sessions) && clock_mono() < end)
		world_settle(&w);
}

START_TEST(silence_ends_a_session)
{
	w.proc.conf->TimeoutCommand = 20000;
	smtpd_set_timeouts(&w.smtpd);
	world_connect(&w, "smtp", STRANGER);
	until_it_closes();
	play(&w, "idle", SLICE("220\n421 4.4.2\n#"));
	w.proc.conf->TimeoutCommand = 10 * US_MIN;
	w.proc.conf->TimeoutDatablock = 30000;
	smtpd_set_timeouts(&w.smtpd);
	world_connect(&w, "smtp", STRANGER);
	play(&w, "data", SLICE(HI MAIL_RCPT "> DATA\n354\n> half\n"));
	until_it_closes();
	play(&w, "idle in data", SLICE("421 4.4.2\n#"));
	ck_assert_int_eq(w.messages, 0);
}
END_TEST

/* printf ... | nc -N: the client closes its half and reads on. */
START_TEST(a_half_closed_client_is_answered)
{
	static const char text[] =
	    "EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<u@local.test>\r\n"
	    "DATA\r\nx\r\n.\r\nMAIL FROM:<a@b>\r\n";
	struct buf b;

	buf_init(&b, 1 << 16);
	world_connect(&w, "smtp", STRANGER);
	send(w.client, text, strlen(text), MSG_NOSIGNAL);
	ck_assert_int_eq(shutdown(w.client, SHUT_WR), 0);
	world_settle(&w);
	ck_assert_int_eq(w.messages, 1);
	ck_assert(!world_hear(&w, &b));
	ck_assert(holds(buf_slice(&b), "\r\n354 "));
	ck_assert(holds(buf_slice(&b), " Message accepted\r\n250 2.1.0 "));
	ck_assert(LIST_EMPTY(&w.smtpd.sessions));
	buf_release(&b);
}
END_TEST

START_TEST(a_session_has_its_end)
{
	world_connect(&w, "smtp", STRANGER);
	play(&w, "first", SLICE(HI));
	session_tick(LIST_FIRST(&w.smtpd.sessions),
	    clock_mono() + w.proc.conf->TimeoutSession);
	play(&w, "over", SLICE("421 4.4.2 The session lasts\n#"));
}
END_TEST

START_TEST(early_talkers_are_refused)
{
	w.proc.conf->GreetPause = 200000; /* us: longer than a loaded machine dawdles */
	world_connect(&w, "smtp", STRANGER);
	world_say(&w, SLICE("EHLO me\r\n"));
	until_it_closes();
	play(&w, "early", SLICE("554 5.7.0\n#"));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_session");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, dialogues, 0, ROWS(stories));
	tcase_add_loop_test(tc, no_spelling_relays, 0, ROWS(spellings));
	tcase_add_test(tc, the_record_holds_what_was_said);
	tcase_add_test(tc, missing_fields_come_on_submission_only);
	tcase_add_test(tc, text_alone_gets_its_empty_line);
	tcase_add_test(tc, errors_end_a_session);
	tcase_add_test(tc, too_many_recipients_is_no_error);
	tcase_add_test(tc, an_envelope_of_long_recipients_comes_in_two);
	tcase_add_loop_test(tc, recipients_have_a_budget, 0, ROWS(budgets));
	tcase_add_test(tc, who_never_sends_data_is_counted);
	tcase_add_test(tc, bodies_have_a_budget);
	tcase_add_test(tc, who_holds_most_is_sent_away);
	tcase_add_test(tc, one_client_has_not_all_body_files);
	tcase_add_test(tc, a_long_command_is_refused_whole);
	tcase_add_test(tc, a_flood_is_not_kept);
	tcase_add_test(tc, a_large_message_has_a_file);
	tcase_add_test(tc, a_large_message_waits_for_a_file);
	tcase_add_test(tc, lookup_that_says_nothing_is_451);
	tcase_add_test(tc, who_reads_nothing_is_not_read);
	tcase_add_test(tc, stop_lets_messages_end);
	tcase_add_test(tc, one_client_has_its_limit);
	tcase_add_test(tc, a_friend_has_its_limit);
	tcase_add_test(tc, each_class_has_its_share);
	tcase_add_test(tc, early_talkers_are_refused);
	tcase_add_test(tc, silence_ends_a_session);
	tcase_add_test(tc, a_session_has_its_end);
	tcase_add_test(tc, a_half_closed_client_is_answered);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
