/* fsm, params, body, access: the pure parts of the server. */
#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "body.h"
#include "fsm.h"
#include "params.h"
#include "proto.h"
#include "unit.h"

static const struct {
	const char *name;
	const char *lines[6];
	int code;
	enum smtp_state end;
} stories[] = {
	{ "happy path", { "EHLO a", "MAIL FROM:<>", "RCPT TO:<b@c>", "DATA" },
	    0, ST_DATA },
	{ "mail before hello", { "MAIL FROM:<>" }, 503, ST_HELO },
	{ "data without rcpt", { "helo a", "mail FROM:<>", "data" }, 503,
	    ST_MAIL },
	{ "rset forgets the sender", { "EHLO a", "MAIL FROM:<>", "RSET",
	    "RCPT TO:<b@c>" }, 503, ST_READY },
	{ "a verb must end", { "EHLOA" }, 500, ST_HELO },
	{ "two senders", { "EHLO a", "MAIL FROM:<>", "MAIL FROM:<>" }, 503,
	    ST_MAIL },
	{ "bdat needs a recipient", { "EHLO a", "MAIL FROM:<>", "BDAT 3" },
	    503, ST_MAIL },
	{ "hello again starts anew", { "EHLO a", "MAIL FROM:<>", "EHLO b" }, 0,
	    ST_READY },
};

START_TEST(the_order_of_a_session)
{
	enum smtp_state st = ST_HELO;
	struct smtp_step step = { ST_HELO, 0, NULL };
	struct slice args;

	for (int i = 0; stories[_i].lines[i] != NULL; i++) {
		step = smtp_step(st,
		    smtp_verb(slice_of(stories[_i].lines[i]), &args));
		st = step.next;
	}
	ck_assert_msg(step.code == stories[_i].code && st == stories[_i].end,
	    "%s: got code %d state %d", stories[_i].name, step.code, st);
}
END_TEST

START_TEST(every_cell_is_filled)
{
	for (int st = ST_HELO; st < ST_STATES; st++)
		for (int v = 0; v < V_COUNT; v++)
			ck_assert_msg(smtp_step((enum smtp_state)st,
					  (enum smtp_verb)v).code != 421,
			    "state %d verb %d is blank", st, v);
}
END_TEST

static const struct {
	const char *text;
	int code; /* 0: taken */
} mails[] = {
	{ "", 0 },
	{ " SIZE=100 BODY=8BITMIME", 0 },
	{ " SIZE=x", 501 },
	{ " SIZE=1 SIZE=2", 501 },
	{ " BODY=BINARYMIME", 501 },
	{ " RET=FULL ENVID=a+2Bb", 0 },
	{ " RET=ALL", 501 },
	{ " ENVID=a+0Ab", 501 },
	{ " ENVID=a+0", 501 },
	{ " ENVID=a=b", 501 },
	{ " FOO=1", 555 },
	{ " SMTPUTF8", 0 },
	{ " SMTPUTF8=1", 501 },
};

START_TEST(options_of_mail)
{
	struct mail_params p;
	const char *wrong = mail_params(slice_of(mails[_i].text), &p);

	ck_assert_int_eq(wrong ? atoi(wrong) : 0, mails[_i].code);
}
END_TEST

static const struct {
	const char *text;
	int code;
	uint8_t notify;
	const char *orcpt;
} rcpts[] = {
	{ " NOTIFY=NEVER", 0, NOTIFY_NEVER, "" },
	{ " NOTIFY=SUCCESS,DELAY", 0, NOTIFY_SUCCESS | NOTIFY_DELAY, "" },
	{ " NOTIFY=NEVER,DELAY", 501, 0, "" },
	{ " NOTIFY=DELAY,DELAY", 501, 0, "" },
	{ " ORCPT=rfc822;a+40b.c", 0, 0, "rfc822;a@b.c" },
	{ " ORCPT=rfc822;a+0D+0Ab", 501, 0, "" },
	{ " ORCPT=nosemicolon", 501, 0, "" },
	{ " ORCPT=rfc822;a ORCPT=rfc822;b", 501, 0, "" },
};

START_TEST(options_of_rcpt)
{
	struct rcpt_params p;
	const char *wrong = rcpt_params(slice_of(rcpts[_i].text), &p);

	ck_assert_int_eq(wrong ? atoi(wrong) : 0, rcpts[_i].code);
	if (wrong == NULL) {
		ck_assert_uint_eq(p.notify, rcpts[_i].notify);
		ck_assert_str_eq(p.orcpt, rcpts[_i].orcpt);
	}
}
END_TEST

/* Fed one byte at a time and all at once, the same comes out. */
static size_t
feed(struct body *b, struct slice in, struct buf *out, size_t step,
    bool *ret_end)
{
	size_t used = 0;

	*ret_end = false;
	while (used < in.n && !*ret_end)
		used += body_feed(b, slice_sub(in, used, used + step), out,
		    ret_end);
	return used;
}

static const struct {
	const char *in, *out;
	bool ends;
	enum body_fault fault;
} bodies[] = {
	{ "a\r\n.\r\n", "a\r\n", true, BODY_FINE },
	{ ".\r\n", "", true, BODY_FINE },
	{ "..\r\n.\r\n", ".\r\n", true, BODY_FINE },
	{ "a\r\n..b\r\n.\r\n", "a\r\n.b\r\n", true, BODY_FINE },
	{ "a\n.\n", NULL, false, BODY_BARE_LF },
	{ "a\r\n.\n", NULL, false, BODY_BARE_LF },
	{ "a\n.\r\n", NULL, false, BODY_BARE_LF },
	{ "a\r.\r", NULL, false, BODY_BARE_CR },
	{ "a\r\n.\r", NULL, false, BODY_FINE },
	{ "a\r.\r\n.\r\n", NULL, true, BODY_BARE_CR },
	{ "a\n\r\n.\r\n", NULL, true, BODY_BARE_LF },
	{ "a\r\r\n.\r\n", NULL, true, BODY_BARE_CR },
	{ "a\r\n.\r\r\n.\r\n", NULL, true, BODY_BARE_CR },
	{ "a\r\n. \r\n.\r\n", "a\r\n \r\n", true, BODY_FINE },
	{ "a\r\n.\x85", NULL, false, BODY_FINE },
};

START_TEST(only_crlf_dot_crlf_ends_a_message)
{
	for (size_t step = 1; step <= 64; step *= 4) {
		struct slice in = slice_of(bodies[_i].in);
		struct body b;
		struct buf out;
		bool is_end;

		body_init(&b, true);
		buf_init(&out, 1000);
		feed(&b, in, &out, step, &is_end);
		ck_assert_msg(is_end == bodies[_i].ends, "row %d step %zu", _i,
		    step);
		ck_assert_int_eq(b.fault, bodies[_i].fault);
		if (bodies[_i].out != NULL)
			ck_assert_str_eq(out.data, bodies[_i].out);
		buf_release(&out);
	}
}
END_TEST

/* Every mix of these five bytes around a lone dot: none but the true one. */
START_TEST(no_mix_of_line_ends_smuggles)
{
	static const char alphabet[] = { '\r', '\n', '\0', ' ', 'x' };

	for (int n = 0; n < 625; n++) {
		char text[] = { 'a', alphabet[n % 5], alphabet[n / 5 % 5], '.',
			alphabet[n / 25 % 5], alphabet[n / 125 % 5] };
		bool is_true = memcmp(text + 1, "\r\n.\r\n", 5) == 0;
		struct body b;
		struct buf out;
		bool is_end;

		body_init(&b, true);
		buf_init(&out, 100);
		feed(&b, (struct slice){ text, sizeof(text) }, &out, 3,
		    &is_end);
		ck_assert_msg(is_end == is_true, "mix %d", n);
		for (size_t i = 0; i < out.len; i++) { /* none leaves */
			if (out.data[i] == '\n')
				ck_assert(i > 0 && out.data[i - 1] == '\r');
			ck_assert(out.data[i] != '\0');
		}
		buf_release(&out);
	}
}
END_TEST

START_TEST(normalize_makes_line_ends)
{
	struct slice in = { "a\nb\rc\0d\r\n.\r\n", 14 };
	struct body b;
	struct buf out;
	bool is_end;

	body_init(&b, true);
	b.is_normal = true;
	buf_init(&out, 100);
	in.n = 13;
	feed(&b, in, &out, 2, &is_end);
	ck_assert(is_end);
	ck_assert_int_eq(b.fault, BODY_FINE);
	ck_assert_str_eq(out.data, "a\r\nb\r\ncd\r\n");
	buf_release(&out);
}
END_TEST

START_TEST(hops_and_sizes_are_counted)
{
	const char *in = "received: a\r\nReceived: b\r\nX: y\r\n\r\nReceived: c\r\n.\r\n";
	struct body b;
	struct buf out;
	bool is_end;

	body_init(&b, true);
	b.max_hops = 1;
	buf_init(&out, 1000);
	feed(&b, slice_of(in), &out, 5, &is_end);
	ck_assert_uint_eq(b.hops, 2);
	ck_assert_int_eq(b.fault, BODY_TOO_MANY_HOPS);
	ck_assert_uint_eq(b.size, out.len);
	buf_release(&out);
}
END_TEST

static const struct {
	const char *net, *ip;
	bool has;
} networks[] = {
	{ "127.0.0.0/8", "127.1.2.3", true },
	{ "127.0.0.0/8", "128.0.0.1", false },
	{ "10.1.0.0/20", "10.1.15.255", true },
	{ "10.1.0.0/20", "10.1.16.0", false },
	{ "::1/128", "::1", true },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "::ffff:192.0.2.1", true },
	{ "2001:db8::/33", "2001:db8:8000::", false },
	{ "nonsense", "1.2.3.4", false },
	{ "0.0.0.0/0", "::1", false },
};

START_TEST(networks_hold_their_addresses)
{
	ck_assert(network_has(networks[_i].net, networks[_i].ip) ==
	    networks[_i].has);
}
END_TEST

static const struct {
	const char *local;
	bool relays;
} locals[] = {
	{ "user", false },
	{ "user+detail", false },
	{ "user%other.host", true },
	{ "other.host!user", true },
	{ "user@other", true },
	{ "@a:user@b", true },
	{ "a!b%c", true },
};

START_TEST(a_local_part_can_ask_for_relaying)
{
	ck_assert(local_part_relays(slice_of(locals[_i].local)) ==
	    locals[_i].relays);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtpd");
	TCase *tc = tcase_create("core");

	tcase_add_loop_test(tc, the_order_of_a_session, 0, ROWS(stories));
	tcase_add_test(tc, every_cell_is_filled);
	tcase_add_loop_test(tc, options_of_mail, 0, ROWS(mails));
	tcase_add_loop_test(tc, options_of_rcpt, 0, ROWS(rcpts));
	tcase_add_loop_test(tc, only_crlf_dot_crlf_ends_a_message, 0,
	    ROWS(bodies));
	tcase_add_test(tc, no_mix_of_line_ends_smuggles);
	tcase_add_test(tc, normalize_makes_line_ends);
	tcase_add_test(tc, hops_and_sizes_are_counted);
	tcase_add_loop_test(tc, networks_hold_their_addresses, 0,
	    ROWS(networks));
	tcase_add_loop_test(tc, a_local_part_can_ask_for_relaying, 0,
	    ROWS(locals));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
