/*
 * collect_events: a day of mtad's event log, as it would have written it.
 *
 * usage: collect_events EVENTS [DAY]. To standard output: connections,
 * receptions, deliveries, deferrals and refusals in the proportions of a
 * relay, from ten writers; addresses are drawn so that few of them have
 * most of the mail. The same arguments give the same bytes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "event.h"

#define WRITERS 10

struct gen {
	uint64_t state; /* of the random numbers */
	uint64_t seq[WRITERS], emitted, wanted, messages;
	int64_t now, step;
	struct buf line;
};

static uint64_t
draw(struct gen *g)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return g->state;
}

/* Small numbers are drawn far more often than large ones. */
static unsigned
draw_skewed(struct gen *g, unsigned max)
{
	uint64_t a = draw(g) % max, b = draw(g) % (a + 1);

	return (unsigned)(draw(g) % (b + 1));
}

static void
emit(struct gen *g, unsigned writer, const struct event *e)
{
	struct buf *b = &g->line;

	buf_clear(b);
	buf_addf(b, "{\"v\":1,\"event\":\"%s\",\"time\":\"",
	    event_info(e->type)->name);
	clock_rfc3339(b, g->now);
	buf_addf(b,
	    "\",\"mono_us\":%lld,\"node\":\"mx.demo.test\",\"instance\":"
	    "\"mtad\",\"boot\":\"%032x\",\"seq\":%llu,\"prog\":\"%s\","
	    "\"pid\":%u,\"severity\":%d",
	    (long long)(g->now % US_DAY), 0xabc000 + writer,
	    (unsigned long long)++g->seq[writer],
	    writer == 0 ? "mtad-queue" : "mtad-smtpd", 1000 + writer,
	    event_info(e->type)->severity);
	event_json(b, e);
	buf_adds(b, "}\n");
	fwrite(b->data, 1, b->len, stdout);
	g->emitted++;
	g->now += g->step;
}

struct mail {
	char id[16], session[20], from[64], to[64], host[40], ip[20], mid[80];
	unsigned size, domain;
};

static void
make_mail(struct gen *g, struct mail *m)
{
	static const char digits[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint64_t n = g->messages++;
	unsigned who;

	memcpy(m->id, "cxMEk0000", 9);
	for (int i = 13; i >= 6; i--, n /= 62)
		m->id[i] = digits[n % 62];
	m->id[14] = '\0';
	m->size = 800 + draw_skewed(g, 60000);
	snprintf(m->session, sizeof(m->session), "%016llx",
	    (unsigned long long)draw(g));
	who = draw_skewed(g, 20000);
	snprintf(m->from, sizeof(m->from), "user%u@sender%u.example", who,
	    who % 1000);
	who = draw_skewed(g, 200000);
	m->domain = who % 5000;
	snprintf(
	    m->to, sizeof(m->to), "person%u@domain%u.example", who, m->domain);
	snprintf(m->host, sizeof(m->host), "mx1.domain%u.example", m->domain);
	snprintf(m->ip, sizeof(m->ip), "10.%u.%u.%u", m->domain >> 16,
	    m->domain >> 8 & 255, m->domain & 255);
	snprintf(m->mid, sizeof(m->mid), "<%016llx.%llu@sender.example>",
	    (unsigned long long)draw(g), (unsigned long long)g->messages);
}

static void
connection(struct gen *g, const struct mail *m, unsigned writer)
{
	struct event e;

	event_init(&e, EV_CONN_OPEN);
	event_cstr(&e, F_SESSION_ID, m->session);
	event_cstr(&e, F_PEER_IP, m->ip);
	event_cstr(&e, F_DIRECTION, "in");
	event_num(&e, F_PEER_PORT, 40000 + draw(g) % 20000);
	event_cstr(&e, F_LISTENER, "smtp");
	emit(g, writer, &e);
}

static void
closing(struct gen *g, const struct mail *m, unsigned writer)
{
	struct event e;

	event_init(&e, EV_CONN_CLOSE);
	event_cstr(&e, F_SESSION_ID, m->session);
	event_cstr(&e, F_PEER_IP, m->ip);
	event_cstr(&e, F_DIRECTION, "in");
	event_num(&e, F_DURATION_US, draw(g) % 500000);
	event_num(&e, F_IN_BYTES, m->size + 300);
	event_num(&e, F_OUT_BYTES, 324);
	event_num(&e, F_COMMANDS_COUNT, 5);
	event_num(&e, F_MESSAGES_COUNT, 1);
	event_cstr(&e, F_CAUSE, "quit");
	emit(g, writer, &e);
}

static void
received(struct gen *g, const struct mail *m)
{
	struct event e;

	event_init(&e, EV_MSG_RECEIVED);
	event_cstr(&e, F_MSG_ID, m->id);
	event_cstr(&e, F_SESSION_ID, m->session);
	event_cstr(&e, F_MAIL_FROM, m->from);
	event_num(&e, F_RCPT_COUNT, 1);
	event_num(&e, F_SIZE_BYTES, m->size);
	event_cstr(&e, F_MESSAGE_ID, m->mid);
	event_cstr(&e, F_PROTOCOL, "esmtp");
	event_cstr(&e, F_BODY, "7bit");
	event_cstr(&e, F_PEER_IP, m->ip);
	event_num(&e, F_RECV_US, 200 + draw_skewed(g, 100000));
	event_num(&e, F_FSYNC_US, 300 + draw_skewed(g, 20000));
	emit(g, 0, &e);
}

static void
outcome(
    struct gen *g, const struct mail *m, enum event_type type, unsigned attempt)
{
	char text[96], id[16];
	struct event e;
	bool is_ok = type == EV_DLV_OK;

	snprintf(id, sizeof(id), "R%09llX",
	    (unsigned long long)(draw(g) & 0xfffffffff));
	snprintf(text, sizeof(text),
	    is_ok ? "ok queued as %s"
		  : "rate limited, try again later (%s) r%u",
	    id, m->domain % 50);
	event_init(&e, type);
	event_cstr(&e, F_MSG_ID, m->id);
	event_num(&e, F_RCPT_ID, 0);
	event_num(&e, F_ATTEMPT, attempt);
	event_cstr(&e, F_MAIL_FROM, m->from);
	event_cstr(&e, F_RCPT_TO, m->to);
	event_cstr(&e, F_MAILER, "smtp");
	event_cstr(&e, F_SESSION_ID, m->session);
	event_cstr(&e, F_HOST_NAME, m->host);
	event_cstr(&e, F_HOST_IP, m->ip);
	event_num(&e, F_HOST_PORT, 25);
	if (is_ok)
		event_cstr(&e, F_REMOTE_ID, id);
	event_num(&e, F_CODE, is_ok ? 250 : type == EV_DLV_FAIL ? 550 : 421);
	event_cstr(&e, F_ENHANCED, is_ok ? "2.0.0" : "4.7.28");
	event_cstr(&e, F_TEXT, text);
	if (!is_ok)
		event_cstr(&e, F_REASON_CLASS, "rate-limit");
	event_cstr(&e, F_COMMAND, "dot");
	event_num(&e, F_SIZE_BYTES, m->size);
	event_num(&e, F_STAGE_QUEUE_US, draw_skewed(g, 1000000));
	event_num(&e, F_STAGE_DNS_US, draw_skewed(g, 100000));
	event_num(&e, F_STAGE_CONN_US, draw_skewed(g, 300000));
	event_num(&e, F_STAGE_ENVELOPE_US, draw_skewed(g, 200000));
	event_num(&e, F_STAGE_DATA_US, draw_skewed(g, 100000));
	event_num(&e, F_STAGE_FINAL_US, draw_skewed(g, 900000));
	event_num(&e, F_TOTAL_US, draw_skewed(g, 2000000));
	if (type == EV_DLV_DEFER) {
		event_num(&e, F_NEXT_TRY, (uint64_t)(g->now + 5 * US_MIN));
		event_num(&e, F_EXPIRES, (uint64_t)(g->now + 5 * US_DAY));
	}
	emit(g, 0, &e);
}

static void
done(struct gen *g, const struct mail *m, bool is_ok)
{
	struct event e;

	event_init(&e, EV_MSG_DONE);
	event_cstr(&e, F_MSG_ID, m->id);
	event_cstr(&e, F_OUTCOME, is_ok ? "delivered" : "bounced");
	event_num(&e, F_DELIVERED_COUNT, is_ok);
	event_num(&e, F_BOUNCED_COUNT, !is_ok);
	event_num(&e, F_EXPIRED_COUNT, 0);
	event_num(&e, F_DELETED_COUNT, 0);
	event_num(&e, F_EXPANDED_COUNT, 0);
	event_num(&e, F_LIFETIME_US, draw_skewed(g, 2000000));
	emit(g, 0, &e);
}

static void
refused(struct gen *g, const struct mail *m, unsigned writer)
{
	struct event e;

	event_init(&e, EV_CONN_REJECT);
	event_cstr(&e, F_SESSION_ID, m->session);
	event_cstr(&e, F_PEER_IP, m->ip);
	event_cstr(&e, F_COMMAND, "RCPT");
	event_num(&e, F_CODE, 550);
	event_cstr(&e, F_ENHANCED, "5.1.1");
	event_cstr(&e, F_TEXT, "There is no such user here");
	event_cstr(&e, F_MAIL_FROM, m->from);
	event_cstr(&e, F_RCPT_TO, m->to);
	event_cstr(&e, F_HELO, m->host);
	emit(g, writer, &e);
}

/* Of twenty messages one is refused, two wait once, one is returned. */
static void
one_message(struct gen *g)
{
	unsigned lot = (unsigned)(draw(g) % 20);
	unsigned writer = 1 + (unsigned)(draw(g) % (WRITERS - 1));
	struct mail m;

	make_mail(g, &m);
	connection(g, &m, writer);
	if (lot == 0) {
		refused(g, &m, writer);
		closing(g, &m, writer);
		return;
	}
	received(g, &m);
	closing(g, &m, writer);
	if (lot <= 2)
		outcome(g, &m, EV_DLV_DEFER, 1);
	outcome(g, &m, lot == 3 ? EV_DLV_FAIL : EV_DLV_OK, lot <= 2 ? 2 : 1);
	done(g, &m, lot != 3);
}

int
main(int argc, char **argv)
{
	struct gen g = { .state = 88172645463325252ull };

	if (argc < 2)
		return 64;
	g.wanted = strtoull(argv[1], NULL, 10);
	g.now = (argc > 2 ? atoll(argv[2]) : 20600) * US_DAY;
	g.step = US_DAY / (int64_t)(g.wanted + 10);
	buf_init(&g.line, 1 << 16);
	while (g.emitted < g.wanted)
		one_message(&g);
	buf_release(&g.line);
	return 0;
}
