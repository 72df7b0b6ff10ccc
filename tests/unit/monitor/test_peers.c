/*
 * What one peer can cost the others: nothing but its own lines, whatever it
 * says of days, names, numbers, and whose they are.
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "days.h"
#include "feed.h"
#include "hearing.h"
#include "joins.h"
#include "reasons.h"
#include "retold.h"
#include "schema.h"
#include "seed.h"
#include "tmp.h"
#include "trace.h"
#include "turns.h"
#include "unit.h"

#define BOOT "00112233445566778899aabbccddeeff"

static struct store *store;
static struct feeds *feeds;
static struct feed *log_file, *port;
static struct guests *guests;
static struct peer here, there; /* two addresses */

static void
be(struct peer *p, uint32_t address)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr = { htonl(address) } };

	peer_of_address(p, (struct sockaddr *)&in);
}

static void
setup(void)
{
	tmp_enter();
	store = open_store();
	feeds = feeds_new(store, NULL, true);
	log_file = feed_new(feeds, 1, FEED_AGAIN);
	port = feed_new(feeds, 2, FEED_ONCE);
	guests = guests_new(1000000, 1 << 30);
	be(&here, 0xc0000201);
	be(&there, 0xc0000202);
}

static void
end(void)
{
	ck_assert_int_eq(feeds_commit(feeds), 0);
	feeds_free(feeds);
	store_close(store);
	guests_free(guests);
}

static struct guest *
guest(const struct peer *p)
{
	return guests_get(guests, p);
}

/* p NULL: it stands in a file. Takes the line. */
static void
hear(const struct peer *p, char *line)
{
	size_t n = strlen(line);
	int rc = p == NULL ? feed_line(log_file, line, n)
			   : feed_line_from(port, line, n, guest(p), p);

	ck_assert_msg(rc == 0, "%d %s", rc, feeds_error(feeds));
	free(line);
}

/* An event of ours at a time; more: further members. */
static char *
ours(int64_t t, const char *event, const char *seq, const char *more)
{
	struct buf when;
	char *line;

	buf_init(&when, 100);
	clock_rfc3339(&when, t);
	line = buf_text("{\"v\":1,\"event\":\"%s\",\"time\":\"%s\","
			"\"node\":\"mx.test\",\"boot\":\"" BOOT
			"\",\"seq\":%s,\"prog\":\"mtad-queue\"%s}",
	    event, when.data, seq, more);
	buf_release(&when);
	return line;
}

static int
day_files(void)
{
	DIR *d = opendir(tmp_path("store"));
	struct dirent *e;
	int n = 0;

	while ((e = readdir(d)) != NULL)
		n += strncmp(e->d_name, "ev-", 3) == 0 &&
		    strcmp(e->d_name + strlen(e->d_name) - 3, ".db") == 0;
	closedir(d);
	return n;
}

/* A number of today's file. */
static int64_t
today(const char *sql)
{
	char *path = days_path(tmp_path("store"), segment_day(clock_wall()));
	struct db db;
	int64_t n;

	ck_assert_int_eq(db_open(&db, path, &schema_segment, DB_READ, NULL), 0);
	n = db_number(&db, sql, -1);
	db_close(&db);
	free(path);
	return n;
}

/* Of peers only: what stands in a file is as old as it is. */
START_TEST(dates_that_are_made_up_make_no_days)
{
	struct totals t;

	for (int year = -30; year < 75; year++)
		hear(&there, ours(clock_wall() + year * 365 * US_DAY, "dlv.ok",
				 "0", ""));
	for (int day = 1; day < 300; day++)
		hear(&there,
		    ours(clock_wall() - day * US_DAY, "dlv.ok", "0", ""));
	hear(&here, ours(clock_wall(), "dlv.ok", "0", ""));
	hear(NULL, ours(clock_wall() - 200 * US_DAY, "dlv.ok", "0", ""));
	end();
	t = totals();
	ck_assert_int_eq(day_files(), 1 + 15 + 1);
	ck_assert_uint_eq(t.n[TK_DELIVERED], 1 + 1 + 15 + 1);
	ck_assert_uint_eq(t.n[TK_MISDATED], 104 + 299 - 15 + 0);
	ck_assert(!totals_is_complete(&t));
	is_sound();
}
END_TEST

/* Each line of another day than the one before: opening them is rationed,
 * what is of days that are open goes on. */
START_TEST(old_days_are_not_opened_for_each_line)
{
	struct totals t;

	for (int i = 0; i < 400; i++) {
		hear(&there, ours(clock_wall() - i % 12 * US_DAY, "dlv.ok",
				 "0", ""));
		hear(&here, ours(clock_wall(), "dlv.ok", "0", ""));
	}
	end();
	t = totals();
	ck_assert_uint_ge(t.n[TK_MISDATED], 200);
	ck_assert_uint_eq(t.n[TK_MISDATED] + t.n[TK_DELIVERED], 800);
	ck_assert_uint_ge(t.n[TK_DELIVERED], 400 + 60);
}
END_TEST

static const struct {
	const char *name, *event, *more;
	enum allowed what;
	const char *count; /* of rows */
} names[] = {
	{ "domains", "dlv.ok", ",\"rcpt_to\":\"a@d%d.test\"", AL_DOMAIN,
	    "SELECT count(*) FROM domain" },
	{ "addresses", "dlv.ok", ",\"rcpt_to\":\"a%d@d.test\"", AL_ADDR,
	    "SELECT count(*) FROM addr" },
	{ "hosts", "dlv.ok", ",\"host.name\":\"h%d.test\"", AL_HOST,
	    "SELECT count(*) FROM host" },
	{ "mailers", "dlv.ok", ",\"mailer\":\"m%d\"", AL_WORD,
	    "SELECT count(*) FROM word WHERE s LIKE 'm_' OR s LIKE 'm__' OR "
	    "s = '(other)'" },
	{ "messages", "dlv.ok", ",\"msg.id\":\"Q%d\"", AL_MESSAGE,
	    "SELECT count(*) + 1 FROM msg" },
	{ "writers", "sys.start", ",\"instance\":\"i%d\"", AL_WRITER,
	    "SELECT count(*) FROM writer" },
};

/* Those of one peer; of the others not a single one is cut. */
START_TEST(names_that_are_made_up_are_one)
{
	struct totals t;
	char *more;
	int64_t mine;

	hear(&there, ours(clock_wall(), names[_i].event, "0", ""));
	guest(&there)->may.left[names[_i].what] = 3;
	for (int i = 0; i < 50; i++) {
		more = buf_text(names[_i].more, i);
		hear(&there, ours(clock_wall(), names[_i].event, "0", more));
		free(more);
	}
	ck_assert_int_eq(feeds_commit(feeds), 0);
	t = totals();
	ck_assert_msg(t.n[TK_CUT] == 47, "%s: %d", names[_i].name,
	    (int)t.n[TK_CUT]);
	ck_assert_uint_eq(t.n[TK_EVENTS], 51);
	ck_assert(!totals_is_complete(&t));
	mine = today(names[_i].count);
	ck_assert_msg(mine >= 4 && mine <= 6, "%s: %d rows", names[_i].name,
	    (int)mine);
	for (int i = 50; i < 60; i++) {
		more = buf_text(names[_i].more, i);
		hear(i % 2 ? &here : NULL,
		    ours(clock_wall(), names[_i].event, "0", more));
		free(more);
	}
	end();
	t = totals();
	ck_assert_uint_eq(t.n[TK_CUT], 47);
	ck_assert_int_ge(today(names[_i].count), mine + 10);
	is_sound();
}
END_TEST

/* Whoever has many addresses spends what all may: each has a little of its
 * own. */
START_TEST(a_crowd_leaves_a_little_for_each)
{
	struct allowance all, one, other;

	allowance_init(&all, NULL);
	allowance_init(&one, &all);
	memset(all.left, 0, sizeof(all.left));
	allowance_init(&other, &all);
	for (int what = 0; what < AL_COUNT; what++)
		for (uint32_t i = 0; i < one.left[what] / 100; i++)
			ck_assert(allowance_take(&other, what));
	ck_assert(!other.is_cut);
	ck_assert(!allowance_take(&other, AL_ADDR));
	ck_assert(other.is_cut);
	end();
}
END_TEST

/* A line that claims so many others costs as many, and is of its own peer. */
START_TEST(what_is_repeated_is_as_dear)
{
	static const char sent[] = "Nov 24 10:00:00 h postfix/smtp[7]: 3F2A0001: "
				   "to=<a@b.test>, relay=m.test[192.0.2.1]:25,"
				   " delay=1, delays=0/0/0/1, dsn=2.0.0, "
				   "status=sent (250 ok)";
	static const char again[] = "Nov 24 10:00:01 h postfix/smtp[7]: "
				    "last message repeated %d times";
	int64_t before;

	clock_shift(INT64_C(1795514400) * US_SEC - clock_wall(), 0);
	hear(&there, strdup(sent));
	before = guest(&there)->bytes;
	hear(&there, buf_text(again, 50));
	ck_assert_int_ge(guest(&there)->bytes - before, 49 * 200);
	hear(&here, buf_text(again, 60)); /* of what, nobody knows */
	hear(&there, buf_text(again, 9999));
	ck_assert_int_eq(feeds_commit(feeds), 0);
	ck_assert_uint_eq(totals().n[TK_DELIVERED], 51);
	ck_assert_uint_eq(totals().n[TK_UNPARSED], 2);
	end();
}
END_TEST

/* That a peer tells something again makes nobody else's events be looked
 * for, also when the day is opened anew. */
START_TEST(a_peer_that_tells_again_slows_only_peers)
{
	struct retold r = { 0 };
	struct db db;
	char *path;

	hear(&there, ours(clock_wall(), "dlv.ok", "1",
			 ",\"msg.id\":\"Q1\",\"retold\":true"));
	ck_assert_int_eq(feeds_commit(feeds), 0);
	path = days_path(tmp_path("store"), segment_day(clock_wall()));
	ck_assert_int_eq(db_open(&db, path, &schema_segment, DB_READ, NULL), 0);
	ck_assert_int_eq(retold_open(&r, &db), 0);
	ck_assert(!retold_is_known(&r, 7, false));
	ck_assert(retold_is_known(&r, 7, true));
	retold_close(&r);
	db_close(&db);
	free(path);
	end();
}
END_TEST

/* What all may together is spent: what is known already is not asked for. */
START_TEST(names_that_are_known_cost_nothing)
{
	hear(&there, ours(clock_wall(), "dlv.ok", "0",
			 ",\"rcpt_to\":\"a@d.test\""));
	memset(guest(&there)->may.left, 0, sizeof(guest(&there)->may.left));
	for (int i = 0; i < 9; i++)
		hear(&there, ours(clock_wall(), "dlv.ok", "0",
				 ",\"rcpt_to\":\"a@d.test\""));
	end();
	ck_assert_uint_eq(totals().n[TK_CUT], 0);
}
END_TEST

/* A host's own numbers from its file, and a peer's that are said to be its. */
static const struct {
	const char *name, *event, *seq, *more;
	uint64_t missing; /* of the peer */
	int unparsed, cut;
} forged[] = {
	{ "the same", "dlv.ok", "2", "", 0, 0, 0 },
	{ "the next one", "dlv.ok", "4", "", 0, 0, 0 },
	{ "far ahead", "dlv.ok", "1000000", "", 0, 0, 0 },
	{ "the last one there is", "dlv.ok", "18446744073709551615", "", 0, 1,
	    0 },
	{ "the last one of SQL", "dlv.ok", "9223372036854775807", "", 0, 1, 0 },
	{ "of a start whose name has an end within", "dlv.ok", "9",
	    ",\"boot\":\"" BOOT
	    "\\u0000mx.test\\u0000\\u0000mtad-queue\\u0000\"",
	    0, 0, 0 },
	{ "a gap of a start whose name has an end within", "log.gap", "1",
	    ",\"source.boot\":\"" BOOT
	    "\\u0000\",\"from_seq\":4,\"to_seq\":99",
	    98, 0, 0 },
	{ "a gap of the other's", "log.gap", "1",
	    ",\"source.boot\":\"" BOOT "\",\"from_seq\":4,\"to_seq\":99", 98, 0,
	    0 },
	{ "a gap without end", "log.gap", "1",
	    ",\"source.boot\":\"" BOOT "\",\"to_seq\":18446744073709551615", 0,
	    1, 0 },
	{ "a size", "msg.received", "1",
	    ",\"size_bytes\":18446744073709551615", 0, 1, 0 },
	{ "a count", "msg.done", "1",
	    ",\"msg.id\":\"Q7\",\"deleted_count\":9223372036854775807", 0, 1,
	    0 },
};

START_TEST(numbers_that_are_made_up_are_the_peers_own)
{
	struct totals t;

	hear(NULL, ours(clock_wall(), "dlv.ok", "1", ""));
	hear(&there, ours(clock_wall(), forged[_i].event, forged[_i].seq,
			 forged[_i].more));
	for (int i = 2; i < 4; i++)
		hear(NULL, ours(clock_wall(), "dlv.ok", i == 2 ? "2" : "3",
			       ",\"msg.id\":\"Q1\""));
	end();
	t = totals();
	ck_assert_uint_eq(t.missing, forged[_i].missing);
	ck_assert_uint_eq(t.n[TK_UNPARSED], (uint64_t)forged[_i].unparsed);
	ck_assert_uint_eq(t.n[TK_EVENTS], 4 - (uint64_t)forged[_i].unparsed);
	ck_assert_uint_eq(t.n[TK_CUT], (uint64_t)forged[_i].cut);
	ck_assert_uint_eq(t.days_unread, 0);
	is_sound();
}
END_TEST

/* Far from its own it is no number; nor more holes than it may. */
START_TEST(a_peer_has_so_many_holes)
{
	struct totals t;
	char seq[32];

	hear(&there, ours(clock_wall(), "dlv.ok", "1", ""));
	guest(&there)->may.left[AL_RANGE] = 10;
	for (int i = 1; i < 30; i++) {
		snprintf(seq, sizeof(seq), "%d", 1 + i * 2);
		hear(&there, ours(clock_wall(), "dlv.ok", seq, ""));
	}
	hear(&there, ours(clock_wall(), "dlv.ok", "99999999999999", ""));
	end();
	t = totals();
	ck_assert_uint_eq(t.n[TK_DELIVERED], 31);
	ck_assert_uint_eq(t.missing, 10);
	ck_assert_uint_eq(t.n[TK_CUT], 20);
	is_sound();
}
END_TEST

/* It fails a message that is somebody else's, and is written down as it was
 * said; a store that is made anew from it is the same. */
START_TEST(a_message_belongs_to_who_told_of_it)
{
	struct trace_query q = { .by = TRACE_ID,
		.what = "Q1",
		.until = INT64_MAX,
		.is_json = true,
		.limit = 10 };
	struct totals a, b;
	struct buf out;

	hear(NULL, ours(clock_wall(), "msg.received", "1",
		       ",\"msg.id\":\"Q1\",\"mail_from\":\"a@b.test\""));
	hear(&there, ours(clock_wall(), "msg.done", "1",
			 ",\"msg.id\":\"Q1\",\"mail_from\":\"x@evil.test\""));
	ck_assert_int_eq(feeds_commit(feeds), 0);
	ck_assert_int_eq(
	    today("SELECT state FROM msg JOIN word w ON w.id = node "
		  "WHERE w.s = 'mx.test'"),
	    0);
	ck_assert_int_eq(
	    today("SELECT state FROM msg JOIN word w ON w.id = node "
		  "WHERE w.s = 'mx.test via 192.0.2.2'"),
	    2);
	buf_init(&out, 1 << 20);
	ck_assert_int_eq(trace_find(tmp_path("store"), &q, &out), 2);
	ck_assert_ptr_nonnull(strstr(out.data, "\"boot\":\"" BOOT "\""));
	ck_assert_ptr_null(strstr(out.data, BOOT "@"));
	ck_assert_ptr_nonnull(strstr(out.data, "\"via\":\"192.0.2.2\""));
	a = totals();
	buf_clear(&out);
	ck_assert_int_eq(store_rebuild(store, &out), 0);
	b = totals();
	ck_assert_int_eq(memcmp(&a, &b, sizeof(a)), 0);
	buf_release(&out);
	end();
	is_sound();
}
END_TEST

/* Even where they came past the door, such as from files. */
START_TEST(no_number_breaks_the_sums)
{
	struct totals t;

	for (int i = 0; i < 4; i++) {
		struct heard h;

		received(&h, "Q1", clock_wall(), (uint64_t)i + 1);
		h.event.value[2].v.num = INT64_MAX;
		ck_assert_int_eq(h.event.value[2].field, F_SIZE_BYTES);
		say(store, &h);
		outcome(&h, EV_DLV_OK, "Q1", clock_wall(), (uint64_t)i + 10, 1);
		event_num(&h.event, F_STAGE_QUEUE_US, INT64_MAX);
		say(store, &h);
		ck_assert_int_eq(store_commit(store, NULL, 0), 0);
	}
	end();
	t = totals();
	ck_assert_uint_eq(t.n[TK_RECEIVED], 4);
	ck_assert_uint_eq(t.days_unread, 0);
	ck_assert_uint_gt(t.bytes[TK_RECEIVED], 1000000);
}
END_TEST

START_TEST(each_peer_has_its_own_second_and_day)
{
	struct guests *gs = guests_new(2, 2000);
	struct guest *a = guests_get(gs, &here), *b = guests_get(gs, &there);

	for (int second = 0; second < 2; second++) {
		for (int i = 0; i < 4; i++)
			ck_assert_int_eq(guests_takes(gs, a, 300), i < 2);
		ck_assert(guests_takes(gs, b, 10));
		clock_shift(0, US_SEC);
	}
	ck_assert(!guests_takes(gs, a, 1)); /* 2000 bytes are said */
	ck_assert(guests_takes(gs, b, 10));
	clock_shift(US_DAY, US_DAY);
	a = guests_get(gs, &here);
	ck_assert(guests_takes(gs, a, 1));
	guests_free(gs);
	end();
}
END_TEST

/* Of IPv6 the network; an IPv4 address in either dress. */
START_TEST(who_is_the_same_peer)
{
	static const struct {
		const char *a, *b;
		bool is_same;
	} pairs[] = {
		{ "2001:db8::1", "2001:db8::ffff:1", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.1", true },
		{ "::ffff:192.0.2.1", "::ffff:192.0.2.2", false },
	};
	struct peer p[2], user[2];

	for (int i = 0; i < ROWS(pairs); i++) {
		for (int k = 0; k < 2; k++) {
			struct sockaddr_in6 in = { .sin6_family = AF_INET6 };

			inet_pton(AF_INET6, k ? pairs[i].b : pairs[i].a,
			    &in.sin6_addr);
			peer_of_address(&p[k], (struct sockaddr *)&in);
		}
		ck_assert_msg(
		    peer_is(&p[0], &p[1]) == pairs[i].is_same, "%d", i);
	}
	be(&p[0], 0xc0000202);
	ck_assert(peer_is(&p[0], &p[1]));
	ck_assert_str_eq(p[0].via, p[1].via);
	peer_of_user(&user[0], 0);
	peer_of_user(&user[1], 1);
	ck_assert(!peer_is(&user[0], &user[1]));
	end();
}
END_TEST

/* Who begins most loses its own beginnings. */
START_TEST(beginnings_of_others_are_kept)
{
	struct joins j = { 0 };
	struct mail *m;
	char id[32], from[2000];

	joins_init(&j);
	memset(from, 'x', sizeof(from));
	joins_set_peer(&j, SLICE("a"), 1);
	joins_mail_begin(&j, SLICE("h"), SLICE("ID"), 1)->rcpts = 7;
	joins_set_peer(&j, SLICE("b"), 2);
	for (int i = 0; i < JOINS_MAX * 2; i++) {
		snprintf(id, sizeof(id), "%d", i);
		m = joins_mail_begin(&j, SLICE("h"), slice_of(id), 1);
		texts_set(&m->join.texts, MT_FROM,
		    (struct slice){ from, _i ? sizeof(from) : 1 });
		ck_assert_uint_le(j.mails.bytes, JOINS_BYTES + 8192);
	}
	ck_assert_uint_ge(j.forgotten, JOINS_MAX);
	/* the same id of another peer is another message */
	m = joins_mail(&j, SLICE("h"), SLICE("ID"), 1);
	ck_assert_uint_eq(m->rcpts, 0);
	joins_set_peer(&j, SLICE("a"), 1);
	m = joins_mail(&j, SLICE("h"), SLICE("ID"), 1);
	ck_assert_uint_eq(m->rcpts, 7);
	joins_release(&j);
	end();
}
END_TEST

static char *
refused(const char *text)
{
	return buf_text(",\"code\":550,\"text\":\"%s\"", text);
}

/* Replies that were never heard before, of a peer that has had its share. */
START_TEST(replies_that_are_made_up_are_other)
{
	static const char *const texts[] = {
		"mailbox is very full of good things today",
		"mailbox is very full of bad spoons today" };
	char *more;

	more = refused(texts[0]);
	hear(NULL, ours(clock_wall(), "dlv.fail", "0", more));
	free(more);
	guest(&there)->may.left[AL_REASON] = 0;
	more = refused(texts[1]);
	hear(&there, ours(clock_wall(), "dlv.fail", "0", more));
	free(more);
	more = refused("these words are of no reply");
	hear(&there, ours(clock_wall(), "dlv.fail", "0", more));
	free(more);
	end();
	ck_assert_int_eq(in_catalog("SELECT count(*) FROM reason"), 1);
	ck_assert_int_eq(
	    in_catalog("SELECT instr(tmpl, '<*>') FROM reason"), 0);
	ck_assert_uint_eq(totals().n[TK_CUT], 1);
}
END_TEST

struct order {
	char said[16];
	size_t n;
};

struct speaker {
	struct turn_seat seat;
	struct order *order;
	char name;
};

static void
speak(void *arg)
{
	struct speaker *s = arg;

	s->order->said[s->order->n++] = s->name;
}

START_TEST(everybody_has_a_turn)
{
	struct event_base *base = event_base_new();
	struct turns *t = turns_new(base);
	struct order order = { { 0 }, 0 };
	struct speaker s[5];

	for (int i = 0; i < 5; i++) {
		s[i] = (struct speaker){
			.seat = { .guest = guest(i < 3 ? &there : &here),
			    .take = speak,
			    .arg = &s[i] },
			.order = &order,
			.name = (char)('a' + i)
		};
		turns_wait(t, &s[i].seat);
		turns_wait(t, &s[i].seat);
	}
	turns_leave(t, &s[1].seat);
	while (order.n < 4)
		event_base_loop(base, EVLOOP_ONCE);
	ck_assert_str_eq(order.said, "adce");
	turns_free(t);
	event_base_free(base);
	end();
}
END_TEST

/* Differences that cancel out in half of a product do not in both. */
START_TEST(texts_do_not_choose_their_places)
{
	struct seed seed = seed_draw();
	unsigned char a[16] = { 0 }, b[16] = { 0 };
	int same = 0;

	b[7] = 0x80;
	for (int i = 0; i < 64; i++) {
		memset(b + 8, 0, 8);
		b[8 + i / 8] = (unsigned char)(1 << i % 8);
		same += seed_hash(&seed, seed.begin,
			    (struct slice){ (char *)a, 16 }) ==
		    seed_hash(&seed, seed.begin,
			(struct slice){ (char *)b, 16 });
	}
	ck_assert_int_eq(same, 0);
	end();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("peers");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, dates_that_are_made_up_make_no_days);
	tcase_add_test(tc, old_days_are_not_opened_for_each_line);
	tcase_add_loop_test(
	    tc, names_that_are_made_up_are_one, 0, ROWS(names));
	tcase_add_test(tc, a_crowd_leaves_a_little_for_each);
	tcase_add_test(tc, what_is_repeated_is_as_dear);
	tcase_add_test(tc, a_peer_that_tells_again_slows_only_peers);
	tcase_add_test(tc, names_that_are_known_cost_nothing);
	tcase_add_loop_test(
	    tc, numbers_that_are_made_up_are_the_peers_own, 0, ROWS(forged));
	tcase_add_test(tc, a_peer_has_so_many_holes);
	tcase_add_test(tc, a_message_belongs_to_who_told_of_it);
	tcase_add_test(tc, no_number_breaks_the_sums);
	tcase_add_test(tc, each_peer_has_its_own_second_and_day);
	tcase_add_test(tc, who_is_the_same_peer);
	tcase_add_loop_test(tc, beginnings_of_others_are_kept, 0, 2);
	tcase_add_test(tc, replies_that_are_made_up_are_other);
	tcase_add_test(tc, everybody_has_a_turn);
	tcase_add_test(tc, texts_do_not_choose_their_places);
	suite_add_tcase(s, tc);
	return unit_run(s);
}
