#include "hearing.h"

#include "audit.h"
#include "schema.h"
#include "tmp.h"
#include "unit.h"

struct store *
open_store(void)
{
	struct store *s = NULL;
	char why[256];

	ck_assert_msg(store_open(&s, tmp_path("store"), why) == 0, "%s", why);
	return s;
}

void
begin(struct heard *h, enum event_type type, int64_t t, uint64_t seq)
{
	*h = (struct heard){ .time_us = t,
		.node = SLICE("mx.test"),
		.instance = SLICE("mtad"),
		.prog = SLICE("mtad-queue"),
		.pid = 7,
		.boot = SLICE("00112233445566778899aabbccddeeff"),
		.seq = seq };
	event_init(&h->event, type);
}

enum heard_as
say(struct store *s, const struct heard *h)
{
	enum heard_as as = HEARD_NEW;
	int rc = store_hear(s, h, &as);

	ck_assert_msg(rc == 0, "%d %s", rc, store_error(s));
	return as;
}

void
received(struct heard *h, const char *qid, int64_t t, uint64_t seq)
{
	begin(h, EV_MSG_RECEIVED, t, seq);
	event_cstr(&h->event, F_MSG_ID, qid);
	event_cstr(&h->event, F_MAIL_FROM, "Alice@Sender.TEST");
	event_num(&h->event, F_SIZE_BYTES, 1000);
	event_num(&h->event, F_RCPT_COUNT, 1);
	event_cstr(&h->event, F_MESSAGE_ID, "<1@sender.test>");
}

void
outcome(struct heard *h, enum event_type type, const char *qid, int64_t t,
    uint64_t seq, unsigned attempt)
{
	begin(h, type, t, seq);
	event_cstr(&h->event, F_MSG_ID, qid);
	event_num(&h->event, F_RCPT_ID, 0);
	event_num(&h->event, F_ATTEMPT, attempt);
	event_cstr(&h->event, F_MAIL_FROM, "Alice@Sender.TEST");
	event_cstr(&h->event, F_RCPT_TO, "bob@there.test");
	event_cstr(&h->event, F_MAILER, "smtp");
	event_cstr(&h->event, F_HOST_NAME, "mx.there.test");
	event_cstr(&h->event, F_HOST_IP, "192.0.2.1");
	event_cstr(&h->event, F_SESSION_ID, "f0f0f0f000000001");
	event_num(&h->event, F_CODE, type == EV_DLV_OK ? 250 : 451);
	event_cstr(&h->event, F_ENHANCED, "4.7.1");
	event_cstr(&h->event, F_TEXT, "greylisted, try 300 seconds later");
	event_num(&h->event, F_SIZE_BYTES, 1000);
	event_num(&h->event, F_TOTAL_US, 5000);
	event_cstr(&h->event, F_COMMAND, "rcpt");
}

void
done(struct heard *h, const char *qid, int64_t t, uint64_t seq)
{
	begin(h, EV_MSG_DONE, t, seq);
	event_cstr(&h->event, F_MSG_ID, qid);
	event_cstr(&h->event, F_OUTCOME, "delivered");
}

struct totals
totals(void)
{
	struct totals t;

	ck_assert_int_eq(totals_read(tmp_path("store"), 0, INT64_MAX, &t), 0);
	return t;
}

void
is_sound(void)
{
	struct buf out;

	buf_init(&out, 1 << 20);
	ck_assert_msg(
	    audit_store(tmp_path("store"), &out) == 0, "%s", out.data);
	buf_release(&out);
}

int64_t
in_catalog(const char *sql)
{
	struct db db;
	int64_t n;

	ck_assert_int_eq(db_open(&db, tmp_path("store/catalog.db"),
			     &schema_catalog, DB_READ, NULL),
	    0);
	n = db_number(&db, sql, -1);
	db_close(&db);
	return n;
}
