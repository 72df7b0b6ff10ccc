/* The console without a terminal and without a daemon: rows in, keys in,
 * requests and cells out. */
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "console.h"
#include "copy.h"
#include "script.h"
#include "unit.h"

#define NOW (1000 * US_SEC)

static struct model m;
static struct asks asks;
static struct archive archive;
static struct console c;
static struct grid g;

static json_t *
parse(const char *text)
{
	json_t *j = json_loads(text, 0, NULL);

	ck_assert_msg(j != NULL, "%s", text);
	return j;
}

static void
row(enum ask kind, const char *text)
{
	json_t *j = parse(text);

	model_row(&m, kind, j);
	json_decref(j);
}

static void
end(enum ask kind, const char *text)
{
	json_t *j = parse(text);

	/* as if it had been sent */
	asks_put(&asks, kind, NULL);
	model_end(&m, kind, j, 1000);
	console_turn(&c, NOW);
	json_decref(j);
}

static void
second(int64_t now)
{
	model_heard(&m, now);
}

static void
status(const char *state, bool is_admin)
{
	char text[500];

	snprintf(text, sizeof(text),
	    "{\"state\":\"%s\",\"host\":\"mx.demo.test\",\"version\":\"1\","
	    "\"messages\":48213,\"recipients\":50000,\"bytes\":1000%s}",
	    state, is_admin ? ",\"msg_in\":1" : "");
	row(ASK_STATUS, text);
}

static void
set_up(void)
{
	ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
	memset(&asks, 0, sizeof(asks));
	model_init(&m);
	archive_init(&archive, NULL, "none here");
	console_init(&c, &m, &asks, &archive);
	ck_assert_int_eq(grid_init(&g, 24, 80), 0);
	model_connected(&m, NULL);
	status("taking and delivering mail", true);
	second(NOW);
	console_turn(&c, NOW);
}

static void
tear_down(void)
{
	for (int k = 0; k < ASKS; k++)
		asks_put(&asks, (enum ask)k, NULL);
	model_release(&m);
	console_release(&c);
	archive_release(&archive);
	grid_release(&g);
}

static const char *
screen(int64_t now)
{
	static struct buf b;

	if (b.data == NULL)
		buf_init(&b, 1 << 20);
	buf_clear(&b);
	console_draw(&c, &g, now, clock_wall());
	for (int y = 0; y < g.rows; y++) {
		grid_text(&g, y, &b);
		buf_addc(&b, '\n');
	}
	return b.data;
}

static void
shows(int64_t now, const char *text)
{
	const char *s = screen(now);

	ck_assert_msg(strstr(s, text) != NULL, "no '%s' on\n%s", text, s);
}

static void
shows_not(int64_t now, const char *text)
{
	const char *s = screen(now);

	ck_assert_msg(strstr(s, text) == NULL, "'%s' is on\n%s", text, s);
}

static void
keys(const char *text)
{
	for (; *text != '\0'; text++)
		console_key(&c, *text);
	console_turn(&c, NOW);
}

static const char *
asked(enum ask kind, const char *name)
{
	const char *s =
	    json_string_value(json_object_get(asks.request[kind], name));

	return s ? s : "";
}

static void
list_messages(int n)
{
	keys("2");
	model_begin(&m, ASK_LIST);
	for (int i = 0; i < n; i++) {
		char text[600];

		snprintf(text, sizeof(text),
		    "{\"id\":\"id%05d\",\"from\":\"a@b.test\",\"size\":10,"
		    "\"received\":\"2026-11-24T12:00:00Z\",\"state\":"
		    "\"deferred\",\"open\":1,\"rcpts\":[{\"to\":"
		    "\"山田@例.test\",\"state\":\"deferred\",\"tries\":2,"
		    "\"code\":421,\"text\":\"busy \\u001b[31m\"}]}",
		    i);
		row(ASK_LIST, text);
	}
	end(ASK_LIST, "{\"matched\":3,\"in_queue\":48213,\"done\":true}");
}

START_TEST(header_says_how_it_is)
{
	shows(NOW, "mx.demo.test  mode NORMAL  data 0s");
	shows(NOW, "Queue 48,213");
	status("delivery is held: disk is changed", true);
	shows(NOW, "mode HELD");
	shows(NOW, "delivery is held: disk is changed");
	status("refusing mail: 452 full", true);
	shows(NOW, "mode REFUSING");
	status("something that a later version says", true);
	shows(NOW, "mode SEE BELOW");
}
END_TEST

/* Of a thousand bytes and a hundred inodes. */
static void
disk(int free, int inodes_free)
{
	char text[400];

	snprintf(text, sizeof(text),
	    "{\"state\":\"taking and delivering mail\",\"host\":\"mx\","
	    "\"version\":\"1\",\"disk_free\":%d,\"disk_size\":1000,"
	    "\"inodes_free\":%d,\"inodes\":100}",
	    free, inodes_free);
	row(ASK_STATUS, text);
}

static enum look
look_of(const char *text)
{
	for (int y = 0; y < g.rows; y++) {
		struct buf b;
		const char *at;
		int x = -1;

		buf_init(&b, 65536);
		grid_text(&g, y, &b);
		at = strstr(b.data, text);
		if (at != NULL)
			x = (int)(at - b.data);
		buf_release(&b);
		if (x >= 0)
			return (enum look)grid_at(&g, y, x)->look;
	}
	ck_abort_msg("no '%s' on the screen", text);
}

START_TEST(header_says_how_full_the_disk_is)
{
	shows_not(NOW, "disk");
	disk(594, 94);
	model_load(&m, 1.2);
	shows(NOW, "disk 41%  recipients 0  inodes 6%  load 1.20");
	ck_assert_int_eq(look_of("disk"), LOOK_PLAIN);
	disk(99, 9);
	shows(NOW, "disk 91%");
	ck_assert_int_eq(look_of("disk"), LOOK_WARN);
	ck_assert_int_eq(look_of("inodes"), LOOK_WARN);
	shows(NOW + 12 * US_SEC, "disk ?");
	ck_assert_int_eq(grid_resize(&g, 10, 40), 0);
	shows(NOW, "disk 91%");
	g.is_plain = true;
	ck_assert_int_eq(grid_resize(&g, 24, 160), 0);
	shows_not(NOW, "load");
}
END_TEST

START_TEST(old_numbers_are_not_shown_as_new)
{
	int64_t later = NOW + 12 * US_SEC;

	shows_not(NOW + 2 * US_SEC, "STALE");
	shows(later, "STALE 12s");
	shows(later, "mode ?");
	shows(later, "Queue ?");
	shows_not(later, "48,213");
	second(later);
	shows(later, "data 0s");
	model_connected(&m, "/run/mtad/control: it went away");
	shows(later, "NO DAEMON");
	shows(later, "it went away");
	shows_not(later, "48,213");
}
END_TEST

START_TEST(rates_come_from_two_samples)
{
	uint64_t v[ST_COUNT] = { 0 };

	model_sample(&m, v, NOW);
	shows(NOW, "In ?/s");
	v[ST_MSG_IN] = 212;
	model_sample(&m, v, NOW + US_SEC);
	ck_assert_int_eq((int)model_rate(&m, FLOW_IN, 5), 212);
	v[ST_MSG_IN] = 10; /* mtad began anew */
	model_sample(&m, v, NOW + 2 * US_SEC);
	ck_assert_int_eq((int)model_rate(&m, FLOW_IN, 1), 0);
	shows(NOW, "In 106/s");
}
END_TEST

/* Ten seconds of mail after fifty without. */
START_TEST(behind_the_rates_is_their_last_minute)
{
	uint64_t v[ST_COUNT] = { 0 };

	for (int i = 0; i <= 60; i++) {
		v[ST_MSG_IN] += i > 50 ? 100 : 0;
		model_sample(&m, v, NOW + i * US_SEC);
	}
	shows(NOW, "In 100/s      █  Out 0/s         Deferred 0/s");
	shows(NOW, "conns 0 in 0 out");
	ck_assert_int_eq(grid_resize(&g, 24, 100), 0);
	shows(NOW, "In 100/s         ▅█  Out 0/s");
	g.is_ascii = true;
	shows(NOW, "In 100/s         =#  Out 0/s");
	ck_assert_int_eq(grid_resize(&g, 24, 79), 0);
	shows(NOW, "In 100/s  Out 0/s  Deferred 0/s");
	ck_assert_int_eq(grid_resize(&g, 24, 160), 0);
	g.is_plain = true;
	shows(NOW, "In 100/s  Out 0/s  Deferred 0/s");
}
END_TEST

START_TEST(messages_are_listed_harmless)
{
	list_messages(3);
	shows(NOW, "id00002");
	shows(NOW, "山田@例.t");
	shows(NOW, "3 of 48,213 shown");
	c.is_open = true;
	console_key(&c, K_DOWN);
	ck_assert_str_eq(m.detail.id, "id00001");
	model_begin(&m, ASK_DETAIL);
	row(ASK_DETAIL, "{\"why\":\"it is held\",\"change\":\"release\"}");
	row(ASK_DETAIL,
	    "{\"id\":\"id00001\",\"from\":\"\",\"size\":1,\"rcpts\":[{\"to\":"
	    "\"x@y\",\"text\":\"\\u001b]0;evil\\u0007\"}]}");
	end(ASK_DETAIL, "{\"done\":true}");
	shows(NOW, "WHY NOT NOW: it is held");
	shows(NOW, "\\x1b]0;evil\\x07");
}
END_TEST

static void
trail_event(const char *name, int severity, const char *sentence)
{
	struct event e;
	struct fields f;

	event_init(&e, EV_MSG_RECEIVED);
	fields_of(&f, &e);
	ck_assert(log_rows_add(&archive.trail.rows,
	    &(struct past_event){
		clock_wall(), name, severity, "", sentence, &f, 0, 0 }));
}

/* A message with two reasons and two recipients, and what the store knows. */
static void
open_message(void)
{
	list_messages(30);
	console_key(&c, K_ENTER);
	archive.past = (struct past *)&m; /* not looked into */
	model_begin(&m, ASK_DETAIL);
	row(ASK_DETAIL,
	    "{\"why\":\"smtp:[127.0.0.1]:1 does not answer (3 failures, last:"
	    " Connection refused); tried again at Sun, 29 Nov 2026 10:00:00\","
	    "\"change\":\"mtactl hosts retry x\"}");
	row(ASK_DETAIL, "{\"why\":\"also that\",\"change\":\"y\"}");
	row(ASK_DETAIL,
	    "{\"id\":\"id00000\",\"from\":\"\",\"size\":1,\"rcpts\":["
	    "{\"to\":\"a@b.test\",\"text\":\"try later\",\"code\":451},"
	    "{\"to\":\"c@b.test\"}]}");
	end(ASK_DETAIL, "{\"done\":true}");
}

START_TEST(the_pane_has_the_trail)
{
	open_message();
	ck_assert_str_eq(archive.trail.id, "id00000");
	shows(NOW, "its trail is being read...");
	archive.trail.is_read = true;
	shows(NOW, "the store knows nothing of it");
	trail_event("msg.received", 6, "from=<>, size=1");
	trail_event("rcpt.expand", 6, "expanded <x@y> to <a@b.test>, alias");
	trail_event("dlv.defer", 5,
	    "to=<a@b.test>, delay=1, stat=Deferred: \x1b[2Jlater");
	trail_event("dlv.defer", 5, "to=<c@b.test>, stat=Deferred: busy");
	shows(NOW, "WHY NOT NOW: smtp:[127.0.0.1]:1 does not answer");
	shows(NOW, "last: Connection\nrefused); tried again"); /* at words */
	shows(NOW, "29 Nov 2026 10:00:00\n   to change it: mtactl hosts");
	shows(NOW, "To <a@b.test>");
	shows(NOW, "451 try later\n");
	shows_not(NOW, "msg.received"); /* the newest have the room */
	shows(NOW, "rcpt.expand  expanded <x@y>");
	shows(NOW, "dlv.defer    Deferred: \\x1b[2Jlater  to=<a@b.test>");
	shows(NOW, "Deferred: busy  to=<c@b.test>\n");
	ck_assert_int_eq(grid_resize(&g, 30, 80), 0);
	shows(NOW, "msg.received from=<>, size=1");
	shows(NOW, "WHY NOT NOW: also that");
	ck_assert_int_eq(grid_resize(&g, 10, 40), 0);
	shows(NOW, "WHY NOT NOW: smtp:[127.0.0.1]:1 does");
	console_key(&c, K_ESC);
	console_turn(&c, NOW);
	ck_assert_str_eq(archive.trail.id, "");
	archive.past = NULL;
}
END_TEST

START_TEST(chosen_row_is_kept_when_the_list_moves)
{
	list_messages(30);
	for (int i = 0; i < 20; i++)
		console_key(&c, K_DOWN);
	ck_assert_str_eq(c.place[SCREEN_MESSAGES].name, "id00020");
	model_begin(&m, ASK_LIST);
	for (int i = 15; i < 25; i++) {
		char text[100];

		snprintf(text, sizeof(text), "{\"id\":\"id%05d\"}", i);
		row(ASK_LIST, text);
	}
	end(ASK_LIST, "{\"matched\":10,\"in_queue\":10,\"done\":true}");
	ck_assert_str_eq(c.place[SCREEN_MESSAGES].name, "id00020");
	ck_assert_uint_eq(c.place[SCREEN_MESSAGES].row, 5);
	console_key(&c, K_END);
	ck_assert_uint_eq(c.place[SCREEN_MESSAGES].row, 9);
	shows(NOW, "id00024");
}
END_TEST

static size_t
chosen(void)
{
	return c.place[c.screen].row;
}

START_TEST(a_pause_is_for_what_is_there)
{
	keys("p2");
	ck_assert_ptr_nonnull(asks.request[ASK_LIST]);
	list_messages(3);
	console_turn(&c, NOW + US_MIN);
	ck_assert_ptr_null(asks.request[ASK_LIST]);
	console_key(&c, K_F4); /* another list is to be read */
	keys("to:x");
	console_key(&c, K_ENTER);
	console_turn(&c, NOW + US_MIN);
	ck_assert_ptr_nonnull(asks.request[ASK_LIST]);
}
END_TEST

START_TEST(search_goes_to_the_next_row_that_has_it)
{
	list_messages(30);
	keys("n");
	shows(NOW, "no text is searched for");
	keys("/D0001"); /* id00010 to id00019 */
	shows(NOW, "search: D0001");
	console_key(&c, K_ENTER);
	ck_assert_uint_eq(chosen(), 10);
	ck_assert_str_eq(c.place[SCREEN_MESSAGES].name, "id00010");
	keys("n");
	ck_assert_uint_eq(chosen(), 11);
	keys("NN");
	ck_assert_uint_eq(chosen(), 19);
	shows(NOW, "on from the end");
	keys("n");
	ck_assert_uint_eq(chosen(), 10);
	shows(NOW, "on from the beginning");
	console_key(&c, K_F3);
	keys("id00010");
	console_key(&c, K_ENTER);
	shows(NOW, "only here: id00010");
	keys("/BUSY"); /* of the reply, which is not shown */
	console_key(&c, K_ESC);
	ck_assert_uint_eq(chosen(), 10);
	keys("/BUSY");
	console_key(&c, K_ENTER);
	ck_assert_uint_eq(chosen(), 11);
	keys("/nowhere");
	console_key(&c, K_ENTER);
	shows(NOW, "not found: nowhere");
	ck_assert_uint_eq(chosen(), 11);
	/* on another screen the same text */
	keys("3n");
	shows(NOW, "not found: nowhere");
}
END_TEST

/* A reply that is longer than the screen is wide, and would steer it. */
static void
list_long_reply(void)
{
	char text[700];
	int n = snprintf(text, sizeof(text),
	    "{\"id\":\"id1\",\"from\":\"a@b.test\",\"state\":\"deferred\","
	    "\"open\":1,\"rcpts\":[{\"to\":\"c@d.test\",\"code\":451,"
	    "\"text\":\"");

	for (int i = 0; i < 40; i++)
		n += snprintf(
		    text + n, sizeof(text) - (size_t)n, "word%02d ", i);
	snprintf(text + n, sizeof(text) - (size_t)n,
	    "\\u001b]0;evil\\u0007 end\"}]}");
	keys("2");
	model_begin(&m, ASK_LIST);
	row(ASK_LIST, text);
	end(ASK_LIST, "{\"matched\":1,\"in_queue\":1,\"done\":true}");
}

START_TEST(wide_shows_the_chosen_row_in_full)
{
	list_long_reply();
	shows_not(NOW, "word39");
	keys("w");
	shows(NOW, "id1\n451 word00 word01");
	shows(NOW,
	    "word39 \\x1b]0;evil\\x07 end\n"
	    "From <a@b.test>\nTo <c@d.test>\n");
	ck_assert_ptr_null(strchr(screen(NOW), '\033'));
	ck_assert_int_eq(grid_resize(&g, 10, 40), 0);
	shows(NOW, "id1"); /* the row itself has room, too */
	shows(NOW, "\n451 word00");
	keys("#");
	shows(NOW, "\n id1\n451 word00");
	keys("#");
	console_key(&c, K_ESC);
	shows_not(NOW, "From <");
}
END_TEST

START_TEST(the_clipboard_has_base64)
{
	static const char *const want[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "\xc3\xbc?>~", "w7w/Pn4=" } };
	char got[100], whole[100];

	for (size_t i = 0; i < ROWS(want); i++) {
		FILE *f = fmemopen(got, sizeof(got), "w");

		copy_give(f, want[i][0]);
		fclose(f);
		snprintf(whole, sizeof(whole), "\033]52;c;%s\a", want[i][1]);
		ck_assert_str_eq(got, whole);
	}
}
END_TEST

START_TEST(names_are_copied_when_that_is_wanted)
{
	keys("2y");
	shows(NOW, "copying is off: started without --copy");
	c.may_copy = true;
	keys("y");
	shows(NOW, "there is nothing chosen");
	ck_assert_str_eq(c.copy, "");
	list_messages(3);
	console_key(&c, K_DOWN);
	keys("y");
	ck_assert_str_eq(c.copy, "id00001");
	c.copy[0] = '\0';
	keys("3");
	model_begin(&m, ASK_HOSTS);
	row(ASK_HOSTS, "{\"host\":\"a.test\\nrm\"}");
	end(ASK_HOSTS, "{\"matched\":1,\"destinations\":1,\"done\":true}");
	keys("y");
	ck_assert_str_eq(c.copy, "");
	shows(NOW, "not copied, no plain name: a.test\\x0arm");
}
END_TEST

START_TEST(a_pinned_row_stays_above_the_list)
{
	keys("2=");
	shows(NOW, "there is nothing chosen");
	list_messages(40);
	console_key(&c, K_DOWN);
	keys("=");
	shows(NOW, "=  D id00001");
	shows(NOW, ">  D id00001"); /* also where it is */
	console_key(&c, K_END);
	shows(NOW, "=  D id00001");
	shows(NOW, ">  D id00039");
	shows_not(NOW, "   D id00001");
	/* a click hits the row that is there, not the one above it */
	console_click(&c, 7, 10);
	ck_assert_str_eq(
	    list_name(&c, chosen()), list_name(&c, c.place[c.screen].top));
	list_messages(1);
	shows(NOW, "= id00001 is not among these rows");
	list_messages(40);
	console_key(&c, K_HOME);
	shows(NOW, "=  D id00001");
	console_key(&c, K_DOWN);
	keys("=");
	shows_not(NOW, "=  D");
	ck_assert_int_eq(grid_resize(&g, 10, 40), 0);
	keys("=");
	shows(NOW, ">  D id00001");
}
END_TEST

START_TEST(without_meters_lists_have_their_lines)
{
	int page;

	list_messages(40);
	screen(NOW);
	page = c.page;
	keys("#");
	shows(NOW, "data 0s");
	shows_not(NOW, "Queue ");
	ck_assert_int_eq(c.page, page + 2);
	shows(NOW + 12 * US_SEC, "STALE 12s");
	console_click(&c, 1, 22); /* where the tabs are now */
	ck_assert_int_eq(c.screen, SCREEN_HOSTS);
	keys("#");
	shows(NOW, "Queue ");
}
END_TEST

START_TEST(setup_changes_this_session)
{
	list_messages(3);
	c.has_colours = true;
	console_key(&c, K_F2);
	shows(NOW, " SETUP  for this session");
	shows(NOW, " t    theme    default16\n");
	keys("tt");
	shows(NOW, " t    theme    cvd-safe\n");
	keys("tt");
	ck_assert_int_eq(c.theme, THEME_DEFAULT16);
	c.has_colours = false;
	shows(NOW, "default16; this terminal has no colours");
	keys("--z#");
	shows(NOW, " + -  refresh  each 5 s\n");
	shows(NOW, " z    times    UTC\n");
	shows(NOW, " #    meters   hidden\n");
	ck_assert_int_eq(c.interval, 5 * US_SEC);
	ck_assert_int_eq(console_click(&c, 3, 2), 0);
	ck_assert_int_eq(grid_resize(&g, 10, 40), 0);
	shows(NOW, " SETUP ");
	keys("k"); /* leaves, and is no act */
	shows_not(NOW, " SETUP ");
	ck_assert_int_eq(c.acts.stage, ACT_NONE);
}
END_TEST

START_TEST(filter_goes_to_the_daemon)
{
	list_messages(3);
	console_key(&c, K_F4);
	keys("to:@b age>1h");
	console_key(&c, K_ENTER);
	ck_assert(asks.stop & 1u << ASK_LIST);
	console_turn(&c, NOW);
	ck_assert_str_eq(asked(ASK_LIST, "filter"), "to:@b age>1h");
	ck_assert_int_ge(json_integer_value(
			     json_object_get(asks.request[ASK_LIST], "limit")),
	    200);
	shows(NOW, "FILTER to:@b age>1h");
	end(ASK_LIST, "{\"error\":\"'x:': no such term\",\"done\":true}");
	shows(NOW, "'x:': no such term");
	console_key(&c, K_ESC);
	shows_not(NOW, "FILTER");
}
END_TEST

START_TEST(acts_are_counted_and_agreed_to)
{
	list_messages(3);
	keys("k");
	shows(NOW, "NO notice is sent");
	keys("d");
	ck_assert_str_eq(asked(ASK_ACT, "op"), "queue.delete");
	ck_assert_str_eq(asked(ASK_ACT, "filter"), "id:id00000");
	ck_assert(json_is_true(json_object_get(asks.request[ASK_ACT], "dry")));
	end(ASK_ACT, "{\"matched\":1,\"dry\":true,\"done\":true}");
	shows(NOW, "delete id00000: 1 message");
	keys("n");
	ck_assert_ptr_null(asks.request[ASK_ACT]);
	shows(NOW, "nothing was changed");
	keys("kd");
	end(ASK_ACT, "{\"matched\":1,\"dry\":true,\"done\":true}");
	keys("y");
	ck_assert_ptr_null(json_object_get(asks.request[ASK_ACT], "dry"));
	end(ASK_ACT, "{\"matched\":1,\"changed\":1,\"undo\":7,\"done\":true}");
	shows(NOW, "delete: 1 message changed (act 7");
	keys("ku");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(asks.request[ASK_ACT], "undo")),
	    7);
}
END_TEST

START_TEST(a_small_menu_has_all_acts)
{
	static const char *const names[] = { "r try now", "h hold", "l release",
		"d delete", "b bounce", "u undo" };

	list_messages(3);
	ck_assert_int_eq(grid_resize(&g, 10, 40), 0);
	keys("k");
	for (size_t i = 0; i < ROWS(names); i++)
		shows(NOW, names[i]);
	keys("d");
	ck_assert_str_eq(asked(ASK_ACT, "op"), "queue.delete");
}
END_TEST

START_TEST(the_tagged_are_acted_on_together)
{
	list_messages(3);
	keys("  ");
	shows(NOW, ">  D id00002");
	shows(NOW, " * D id00001");
	shows(NOW, "tagged 2");
	keys("kh");
	ck_assert_str_eq(asked(ASK_ACT, "filter"), "id:id00000,id00001");
	end(ASK_ACT, "{\"matched\":2,\"dry\":true,\"done\":true}");
	shows(NOW, "hold the 2 tagged: 2 messages");
	keys("n*");
	shows(NOW, "tagged 3");
	keys("U");
	shows(NOW, "0 tagged");
}
END_TEST

START_TEST(an_act_tells_how_far_it_is_and_stops)
{
	list_messages(3);
	keys(":queue delete age>1h");
	console_key(&c, K_ENTER);
	console_turn(&c, NOW);
	ck_assert_str_eq(asked(ASK_ACT, "filter"), "age>1h");
	end(ASK_ACT, "{\"matched\":48000,\"dry\":true,\"done\":true}");
	keys("48000");
	console_key(&c, K_ENTER);
	ck_assert(
	    json_is_true(json_object_get(asks.request[ASK_ACT], "progress")));
	asks_put(&asks, ASK_ACT, NULL);
	model_begin(&m, ASK_ACT);
	row(ASK_ACT, "{\"matched\":12000,\"changed\":12000,\"undo\":4}");
	shows(NOW, "delete [#####               ] 12,000 of 48,000");
	keys("3"); /* the console goes on meanwhile */
	shows(NOW, "3 HOSTS");
	console_key(&c, K_ESC);
	ck_assert_str_eq(asked(ASK_STOP, "op"), "queue.stop");
	ck_assert_int_eq(
	    json_integer_value(json_object_get(asks.request[ASK_STOP], "undo")),
	    4);
	end(ASK_ACT,
	    "{\"matched\":12500,\"changed\":12500,\"undo\":4,"
	    "\"done\":true}");
	shows(NOW, "delete, stopped: 12500 messages changed (act 4");
}
END_TEST

START_TEST(orders_are_the_daemons)
{
	list_messages(3);
	console_key(&c, K_F6);
	console_turn(&c, NOW);
	ck_assert_str_eq(asked(ASK_LIST, "order"), "size");
	keys("<I");
	ck_assert_str_eq(asked(ASK_LIST, "order"), "oldest");
	ck_assert(
	    json_is_true(json_object_get(asks.request[ASK_LIST], "reverse")));
	list_messages(3);
	shows(NOW, "newest first");
	/* the heading is a button, too: x of SIZE */
	shows(NOW, "AGE");
	console_click(&c, 5, 27);
	console_turn(&c, NOW);
	ck_assert_str_eq(asked(ASK_LIST, "order"), "size");
	console_click(&c, 3, 22);
	ck_assert_int_eq(c.screen, SCREEN_HOSTS);
}
END_TEST

START_TEST(commands_are_those_of_mtactl)
{
	static const char *const typed[][4] = {
		{ "hosts forget a.test", "hosts.forget", "host", "a.test" },
		{ "hosts pause a.test", "hosts.pause", "host", "a.test" },
		{ "delivery hold disk is changed", "delivery.hold", "why",
		    "disk is changed" },
	};

	for (size_t i = 0; i < ROWS(typed); i++) {
		keys(":");
		keys(typed[i][0]);
		console_key(&c, K_ENTER);
		keys("y");
		ck_assert_str_eq(asked(ASK_ACT, "op"), typed[i][1]);
		ck_assert_str_eq(asked(ASK_ACT, typed[i][2]), typed[i][3]);
		end(ASK_ACT, "{\"changed\":1,\"done\":true}");
	}
	keys(":rm -rf /");
	console_key(&c, K_ENTER);
	shows(NOW, "'rm -rf /': queue, hosts and delivery");
	keys(":at yesterday");
	console_key(&c, K_ENTER);
	shows(NOW, "no past: none here");
	keys(":q");
	ck_assert_int_eq(console_key(&c, K_ENTER) & KEY_LEAVE, KEY_LEAVE);
}
END_TEST

static void
set_host(struct past_host *h, const char *const what[2])
{
	*h = (struct past_host){ .last = clock_wall() };
	snprintf(h->name, sizeof(h->name), "%s", what[0]);
	snprintf(h->ip, sizeof(h->ip), "%s", what[1]);
	snprintf(h->text, sizeof(h->text), "busy");
}

START_TEST(flow_is_the_shape_of_the_queue)
{
	model_begin(&m, ASK_SHAPE);
	row(ASK_SHAPE,
	    "{\"time\":\"2026-11-24T12:00:00Z\",\"cells\":["
	    "{\"queue\":\"deferred\",\"domain\":\"a.test\","
	    "\"bucket\":3,\"count\":200,\"rcpt_count\":48000},"
	    "{\"queue\":\"held\",\"domain\":\"\",\"bucket\":0,"
	    "\"count\":0,\"rcpt_count\":7}]}");
	end(ASK_SHAPE, "{\"done\":true}");
	shows(NOW, "> TOTAL                         48,007    7");
	shows(NOW, " ago"); /* that snapshot is not of now */
	shows(
	    NOW, "  a.test                        48,000    .    .    .  48k");
	shows(NOW, "(all others)");
	console_key(&c, K_DOWN);
	console_key(&c, K_ENTER);
	console_turn(&c, NOW);
	ck_assert_str_eq(asked(ASK_LIST, "filter"), "to:@a.test");
}
END_TEST

static void
shape_of_now(const char *cell)
{
	struct buf b;

	buf_init(&b, 4096);
	buf_adds(&b, "{\"time\":\"");
	clock_rfc3339(&b, clock_wall());
	buf_addf(&b, "\",\"cells\":[%s]}", cell);
	model_begin(&m, ASK_SHAPE);
	row(ASK_SHAPE, b.data);
	end(ASK_SHAPE, "{\"done\":true}");
	buf_release(&b);
}

/* A store of before and a Postfix tell no recipients. */
START_TEST(flow_says_what_it_counts)
{
	shape_of_now("{\"queue\":\"new\",\"domain\":\"a.test\","
		     "\"bucket\":0,\"count\":1,\"rcpt_count\":300}");
	shows(NOW, "DOMAIN (recipients)");
	shows(NOW, "  a.test                           300  300");
	shape_of_now("{\"queue\":\"new\",\"domain\":\"a.test\","
		     "\"bucket\":0,\"count\":2}");
	shows(NOW, "DOMAIN (messages)  ");
	shows(NOW, "  a.test                             2    2");
}
END_TEST

/* Each second so many recipients more. */
static void
minute(int64_t begin, int n, int more)
{
	char text[200];

	for (int i = 0; i <= 60; i++, n += more) {
		snprintf(text, sizeof(text),
		    "{\"state\":\"taking and delivering mail\",\"host\":"
		    "\"mx\",\"version\":\"1\",\"recipients\":%d}",
		    n);
		row(ASK_STATUS, text);
		model_heard(&m, begin + i * US_SEC);
	}
}

START_TEST(flow_says_when_the_queue_is_empty)
{
	int64_t t = NOW + US_MIN, v = 0;

	shape_of_now("");
	shows_not(NOW, "drain");
	ck_assert_int_eq(model_drain(&m, &v), DRAIN_UNKNOWN);
	minute(t, 22860 + 600, -10);
	ck_assert_int_eq(model_drain(&m, &v), DRAIN_ENDS);
	ck_assert_int_eq(v, 2286 * US_SEC);
	shows(t + US_MIN, "drain at this rate 38m");
	minute(t += 2 * US_MIN, 100, 20);
	shows(t + US_MIN, "grows, 1,200 a minute");
	minute(t += 2 * US_MIN, 100, 0);
	shows(t + US_MIN, "stands still");
	minute(t += 2 * US_MIN, 600, -10);
	ck_assert_int_eq(model_drain(&m, &v), DRAIN_UNKNOWN); /* it is empty */
	model_connected(&m, "gone");
	model_connected(&m, NULL);
	minute(t += 2 * US_MIN, 100, 0);
	m.depths = 20;
	ck_assert_int_eq(model_drain(&m, &v), DRAIN_UNKNOWN);
}
END_TEST

START_TEST(behind_a_destination_are_hosts_and_addresses)
{
	static const char *const hosts[][2] = { { "mx1.a.test", "192.0.2.1" },
		{ "mx1.a.test", "192.0.2.2" }, { "mx2.a.test", "192.0.2.3" } };

	keys("3");
	model_begin(&m, ASK_HOSTS);
	row(ASK_HOSTS, "{\"host\":\"smtp:a.test\",\"state\":\"up\"}");
	end(ASK_HOSTS, "{\"matched\":1,\"destinations\":1,\"done\":true}");
	keys("t");
	ck_assert_str_eq(archive.destination, "a.test");
	archive.past = (struct past *)&m; /* not looked into */
	archive.has_hosts = true;
	archive.hosts = 3;
	for (int i = 0; i < 3; i++) {
		set_host(&archive.host[i], hosts[i]);
		archive.host[i].code = 421;
	}
	shows(NOW, "├─ mx1.a.test\n");
	shows(NOW, "│ ├─ [192.0.2.1]  ok 0");
	shows(NOW, "│ └─ [192.0.2.2]  ok 0");
	shows(NOW, "└─ mx2.a.test [192.0.2.3]  ok 0");
	shows(NOW, "421 busy");
	g.is_ascii = true;
	shows(NOW, "| `- [192.0.2.2]");
	archive.past = NULL;
}
END_TEST

START_TEST(without_a_store_it_says_so)
{
	shows(NOW, "gaps, unparsed, dropped N/A");
	keys("6");
	shows(NOW, "N/A: no store: none here");
	keys("4");
	shows(NOW, "N/A: no store");
	keys("[");
	shows(NOW, "no past: none here");
}
END_TEST

START_TEST(above_a_hundred_the_count_is_typed)
{
	list_messages(3);
	keys("k");
	console_key(&c, K_TAB);
	keys("b");
	ck_assert_str_eq(asked(ASK_ACT, "filter"), "");
	end(ASK_ACT, "{\"matched\":1204,\"dry\":true,\"done\":true}");
	shows(NOW, "all messages of the queue: 1,204 messages");
	keys("y");
	console_key(&c, K_ENTER);
	ck_assert_ptr_null(asks.request[ASK_ACT]);
	keys("k");
	console_key(&c, K_TAB);
	keys("b");
	end(ASK_ACT, "{\"matched\":1204,\"dry\":true,\"done\":true}");
	keys("1204");
	ck_assert_ptr_null(asks.request[ASK_ACT]);
	console_key(&c, K_ENTER);
	ck_assert_str_eq(asked(ASK_ACT, "op"), "queue.bounce");
}
END_TEST

START_TEST(who_may_only_read_does_not_act)
{
	static const char *const tries[] = { "k", "r", "H" };

	list_messages(3);
	for (int pass = 0; pass < 2; pass++) {
		status("taking and delivering mail", pass == 1);
		c.is_readonly = pass == 1;
		for (size_t i = 0; i < 3; i++) {
			keys(tries[i]);
			ck_assert_ptr_null(asks.request[ASK_ACT]);
			ck_assert_int_eq(c.acts.stage, ACT_NONE);
			shows(NOW, "read-only");
		}
	}
}
END_TEST

START_TEST(hosts_are_filtered_and_paused)
{
	keys("3");
	model_begin(&m, ASK_HOSTS);
	row(ASK_HOSTS, "{\"host\":\"smtp:a.test:25\",\"state\":\"up\"}");
	row(ASK_HOSTS,
	    "{\"host\":\"smtp:b.test:25\",\"state\":\"down\",\"queued\":9,"
	    "\"fails\":3,\"text\":\"421 busy\"}");
	end(ASK_HOSTS, "{\"matched\":2,\"destinations\":2,\"done\":true}");
	shows(NOW, ">  U  smtp:a.test:25");
	keys("\\a.t");
	console_key(&c, K_ENTER);
	console_turn(&c, NOW);
	ck_assert_str_eq(asked(ASK_HOSTS, "host"), "a.t");
	model_begin(&m, ASK_HOSTS);
	row(ASK_HOSTS, "{\"host\":\"smtp:a.test:25\",\"state\":\"up\"}");
	end(ASK_HOSTS, "{\"matched\":1,\"destinations\":2,\"done\":true}");
	shows(NOW, "1 of 2 match");
	shows_not(NOW, "b.test");
	keys("kf");
	shows(NOW, "forget smtp:a.test:25: 1 destination");
	shows(NOW, "Its failures are forgotten; its mail goes");
	keys("y");
	ck_assert_str_eq(asked(ASK_ACT, "op"), "hosts.forget");
	ck_assert_str_eq(asked(ASK_ACT, "host"), "smtp:a.test:25");
	end(ASK_ACT, "{\"changed\":1,\"done\":true}");
	shows(NOW, "forget: 1 destination changed");
	keys("kp");
	shows(NOW, "Nothing is sent there");
	keys("y");
	ck_assert_str_eq(asked(ASK_ACT, "op"), "hosts.pause");
	ck_assert_str_eq(asked(ASK_ACT, "host"), "smtp:a.test:25");
	end(ASK_ACT, "{\"changed\":1,\"done\":true}");
	shows(NOW, "pause: 1 destination changed");
	console_key(&c, K_ENTER);
	ck_assert_int_eq(c.screen, SCREEN_MESSAGES);
	console_turn(&c, NOW);
	ck_assert_str_eq(asked(ASK_LIST, "filter"), "host:smtp:a.test:25");
}
END_TEST

START_TEST(every_key_of_the_table_does_something)
{
	list_messages(3);
	for (int i = 0; i < ACTIONS - 1; i++) {
		const struct key_row *r = &key_table[i];

		ck_assert_int_eq(r->action, i + 1);
		for (int s = 0; s < SCREENS; s++)
			for (int k = 0; k < 4 && r->code[k] != 0; k++)
				ck_assert_int_eq(key_action(r->code[k],
						     (enum tab)s) == r->action,
				    (r->screens & 1u << s) != 0);
		ck_assert_uint_gt(strlen(r->help), 0);
		ck_assert_uint_le(strlen(r->help), 64); /* fits 80 columns */
		while (!(r->screens & 1u << c.screen))
			c.screen++;
		if (r->action != DO_QUIT)
			ck_assert_int_ne(
			    console_key(&c, r->code[0]) & KEY_HANDLED, 0);
		c.is_help = c.is_setup = false;
		c.typing = TYPE_NOTHING;
		c.acts.stage = ACT_NONE;
		c.screen = SCREEN_MESSAGES;
	}
	ck_assert_int_eq(console_key(&c, 'q') & KEY_LEAVE, KEY_LEAVE);
	ck_assert_int_eq(console_key(&c, '%'), 0);
}
END_TEST

START_TEST(help_is_the_table)
{
	console_key(&c, K_F1);
	ck_assert_int_eq(grid_resize(&g, 60, 100), 0);
	for (int i = 0; i < ACTIONS - 1; i++) {
		shows(NOW, key_table[i].name);
		shows(NOW, key_table[i].help);
	}
}
END_TEST

/* Any size draws: each screen, with and without what stands over it. */
START_TEST(every_size_draws)
{
	static const int sizes[][2] = { { 1, 1 }, { 9, 39 }, { 10, 40 },
		{ 11, 41 }, { 24, 80 }, { 60, 200 }, { 200, 500 } };
	struct tags none = { 0 };
	struct act_target target = { false, "id", "", &none, 0 };

	list_messages(30);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ck_assert_int_eq(grid_resize(&g, sizes[i][0], sizes[i][1]), 0);
		for (int s = 0; s < SCREENS; s++) {
			c.screen = (enum tab)s;
			screen(NOW);
			c.is_help = c.is_setup = c.is_wide = true;
			screen(NOW);
			c.is_help = c.is_bare = false;
			screen(NOW);
			c.is_setup = c.is_wide = false;
			c.is_bare = s % 2;
			acts_open(&c.acts, &target, NULL);
			screen(NOW);
			c.acts.stage = ACT_NONE;
			c.is_open = !c.is_open;
		}
	}
	ck_assert_int_eq(grid_resize(&g, 9, 39), 0);
	shows(NOW, "mtatop needs 40x10");
}
END_TEST

static const struct {
	const char *state;
	int exit;
} checks[] = {
	{ "taking and delivering mail", 0 },
	{ "delivery is held: x", 1 },
	{ "nothing expires: the clock", 1 },
	{ "refusing mail: 452 full", 2 },
	{ "neither taking nor delivering: disk", 2 },
};

START_TEST(check_has_an_exit)
{
	FILE *f = fopen("/dev/null", "w");

	status(checks[_i].state, true);
	ck_assert_int_eq(script_check(&m, f, NOW), checks[_i].exit);
	if (checks[_i].exit == 0) {
		disk(50, 50);
		ck_assert_int_eq(script_check(&m, f, NOW), 0);
		disk(49, 50);
		ck_assert_int_eq(script_check(&m, f, NOW), 1);
		disk(50, 4);
		ck_assert_int_eq(script_check(&m, f, NOW), 1);
	}
	model_connected(&m, "no");
	ck_assert_int_eq(script_check(&m, f, NOW), 3);
	fclose(f);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("console");
	TCase *tc = tcase_create("screens");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_test(tc, header_says_how_it_is);
	tcase_add_test(tc, header_says_how_full_the_disk_is);
	tcase_add_test(tc, old_numbers_are_not_shown_as_new);
	tcase_add_test(tc, rates_come_from_two_samples);
	tcase_add_test(tc, behind_the_rates_is_their_last_minute);
	tcase_add_test(tc, messages_are_listed_harmless);
	tcase_add_test(tc, the_pane_has_the_trail);
	tcase_add_test(tc, chosen_row_is_kept_when_the_list_moves);
	tcase_add_test(tc, a_pause_is_for_what_is_there);
	tcase_add_test(tc, search_goes_to_the_next_row_that_has_it);
	tcase_add_test(tc, wide_shows_the_chosen_row_in_full);
	tcase_add_test(tc, the_clipboard_has_base64);
	tcase_add_test(tc, names_are_copied_when_that_is_wanted);
	tcase_add_test(tc, a_pinned_row_stays_above_the_list);
	tcase_add_test(tc, without_meters_lists_have_their_lines);
	tcase_add_test(tc, setup_changes_this_session);
	tcase_add_test(tc, filter_goes_to_the_daemon);
	tcase_add_test(tc, acts_are_counted_and_agreed_to);
	tcase_add_test(tc, a_small_menu_has_all_acts);
	tcase_add_test(tc, the_tagged_are_acted_on_together);
	tcase_add_test(tc, an_act_tells_how_far_it_is_and_stops);
	tcase_add_test(tc, orders_are_the_daemons);
	tcase_add_test(tc, commands_are_those_of_mtactl);
	tcase_add_test(tc, flow_is_the_shape_of_the_queue);
	tcase_add_test(tc, flow_says_what_it_counts);
	tcase_add_test(tc, flow_says_when_the_queue_is_empty);
	tcase_add_test(tc, behind_a_destination_are_hosts_and_addresses);
	tcase_add_test(tc, without_a_store_it_says_so);
	tcase_add_test(tc, above_a_hundred_the_count_is_typed);
	tcase_add_test(tc, who_may_only_read_does_not_act);
	tcase_add_test(tc, hosts_are_filtered_and_paused);
	tcase_add_test(tc, every_key_of_the_table_does_something);
	tcase_add_test(tc, help_is_the_table);
	tcase_add_test(tc, every_size_draws);
	tcase_add_loop_test(tc, check_has_an_exit, 0, ROWS(checks));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
