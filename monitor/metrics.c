#include "metrics.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "fields.h"

#define MAILERS 16 /* that have series of their own; the last is "other" */

/* What became of a recipient, by the event that says it. */
static const struct result {
	const char *name;
	enum event_type type;
} results[] = {
	{ "delivered", EV_DLV_OK },
	{ "deferred", EV_DLV_DEFER },
	{ "bounced", EV_DLV_FAIL },
	{ "expired", EV_DLV_EXPIRE },
	{ "discarded", EV_DLV_DISCARD },
};

/* Events that are counted as they are. */
static const struct plain {
	const char *name, *help;
	enum event_type type;
} plains[] = {
	{ "mta_messages_received_total", "Messages that came to be queued.",
	    EV_MSG_RECEIVED },
	{ "mta_messages_held_total", "Messages held.", EV_MSG_HOLD },
	{ "mta_rejected_total",
	    "Commands and connections refused before there was a message.",
	    EV_CONN_REJECT },
	{ "mta_notices_total", "Delivery status notices written.",
	    EV_DSN_SENT },
	{ "mta_host_down_total", "Times that a destination was found down.",
	    EV_HOST_DOWN },
	{ "mta_child_died_total", "Processes of mtad that died.",
	    EV_SYS_CHILD },
	{ "mta_clock_jumps_total", "Times that a clock was set.",
	    EV_SYS_CLOCK },
};

static const struct stage {
	const char *name;
	enum event_field field;
} stages[] = {
	{ "recv", F_RECV_US },
	{ "queue", F_STAGE_QUEUE_US },
	{ "dns", F_STAGE_DNS_US },
	{ "conn", F_STAGE_CONN_US },
	{ "envelope", F_STAGE_ENVELOPE_US },
	{ "data", F_STAGE_DATA_US },
	{ "final", F_STAGE_FINAL_US },
	{ "total", F_TOTAL_US },
};

/* Upper bounds, microseconds and as they are written. */
static const struct bound {
	uint64_t us;
	const char *text;
} bounds[] = {
	{ 1000, "0.001" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 50000, "0.05" },
	{ 100000, "0.1" },
	{ 500000, "0.5" },
	{ 1000000, "1" },
	{ 5000000, "5" },
	{ 30000000, "30" },
	{ 300000000, "300" },
	{ 3600000000, "3600" },
	{ 86400000000, "86400" },
};

/* States of the queue that a snapshot can name (mtactl(8)). */
static const char *const states[] = { "new", "active", "deferred", "held",
	"deleted", "bounced", "damaged" };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* All counters: what the open batch adds, and what is committed. */
struct counters {
	uint64_t recipients[COUNT(results)][MAILERS];
	uint64_t plain[COUNT(plains)];
	uint64_t bucket[COUNT(stages)][COUNT(bounds) + 1];
	uint64_t sum[COUNT(stages)];
	uint64_t events, gap_events, of_kind[TK_COUNT];
};

struct metrics {
	struct counters pending, total;
	char mailer[MAILERS][32];
	size_t mailers;
	/* of the last snapshot */
	uint64_t messages[COUNT(states)], recipients[COUNT(states)];
	int64_t oldest, newest_event; /* wall; 0: none */
	bool has_own; /* a snapshot of this host */
	uint64_t turned_away; /* connections: no batch's */
};

struct metrics *
metrics_new(void)
{
	static const char *const first[] = { "smtp", "lmtp", "local",
		"virtual" };
	struct metrics *m = calloc(1, sizeof(*m));

	for (; m != NULL && m->mailers < COUNT(first); m->mailers++)
		strncpy(m->mailer[m->mailers], first[m->mailers], 31);
	return m;
}

void
metrics_free(struct metrics *m)
{
	free(m);
}

/* A label's value is shown to the last letter, so only plain ones are. */
static bool
is_label(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] <= ' ' || s.p[i] == '"' ||
		    s.p[i] == '\\' || (unsigned char)s.p[i] > '~')
			return false;
	return s.n > 0 && s.n < 32;
}

static size_t
mailer_of(struct metrics *m, struct slice name)
{
	for (size_t i = 0; i < m->mailers; i++)
		if (slice_eq(name, slice_of(m->mailer[i])))
			return i;
	if (!is_label(name) || m->mailers == MAILERS - 1)
		return MAILERS - 1;
	memcpy(m->mailer[m->mailers], name.p, name.n);
	return m->mailers++;
}

static void
add_times(struct counters *c, const struct fields *f)
{
	for (size_t i = 0; i < COUNT(stages); i++) {
		uint64_t us = fields_num(f, stages[i].field, 0);
		size_t b = 0;

		if (!fields_has(f, stages[i].field))
			continue;
		while (b < COUNT(bounds) && us > bounds[b].us)
			b++;
		c->bucket[i][b]++;
		c->sum[i] += us;
	}
}

static uint64_t
number(const json_t *cell, const char *name)
{
	return (uint64_t)json_integer_value(json_object_get(cell, name));
}

/* [{"queue":"held","count":3,"rcpt_count":5,...},...] */
static void
take_snapshot(struct metrics *m, const struct fields *f)
{
	struct slice text = fields_str(f, F_QUEUE);
	json_t *cells = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	json_t *cell;
	size_t i;

	memset(m->messages, 0, sizeof(m->messages));
	memset(m->recipients, 0, sizeof(m->recipients));
	m->oldest = (int64_t)fields_num(f, F_OLDEST, 0);
	json_array_foreach(cells, i, cell)
	{
		const char *state =
		    json_string_value(json_object_get(cell, "queue"));

		for (size_t k = 0; state != NULL && k < COUNT(states); k++)
			if (strcmp(states[k], state) == 0) {
				m->messages[k] += number(cell, "count");
				m->recipients[k] += number(cell, "rcpt_count");
			}
	}
	json_decref(cells);
}

void
metrics_hear(struct metrics *m, const struct heard *h)
{
	enum event_type type = h->event.type;
	struct counters *c = &m->pending;
	struct fields f;

	fields_of(&f, &h->event);
	c->events++;
	if (h->time_us > m->newest_event)
		m->newest_event = h->time_us;
	for (size_t i = 0; i < COUNT(results); i++)
		if (results[i].type == type)
			c->recipients[i]
				     [mailer_of(m, fields_str(&f, F_MAILER))]++;
	for (size_t i = 0; i < COUNT(plains); i++)
		c->plain[i] += plains[i].type == type;
	if (type == EV_LOG_GAP)
		c->gap_events += fields_num(&f, F_LOST_COUNT, 1);
	/* what a peer says of its queue is not said of ours */
	m->has_own |= type == EV_QUEUE_SNAPSHOT && h->via.n == 0;
	if (type == EV_QUEUE_SNAPSHOT && (h->via.n == 0 || !m->has_own))
		take_snapshot(m, &f);
	add_times(c, &f);
}

void
metrics_count(struct metrics *m, enum tally_kind kind, uint64_t n)
{
	m->pending.of_kind[kind] += n;
	if (kind == TK_LOST || kind == TK_REFUSED)
		m->pending.gap_events += n;
}

void
metrics_turned_away(struct metrics *m)
{
	m->turned_away++;
}

void
metrics_rollback(struct metrics *m)
{
	memset(&m->pending, 0, sizeof(m->pending));
}

/* Both are nothing but counters. */
void
metrics_commit(struct metrics *m)
{
	uint64_t *to = (uint64_t *)&m->total;
	const uint64_t *from = (const uint64_t *)&m->pending;

	for (size_t i = 0; i < sizeof(m->total) / sizeof(*to); i++)
		to[i] += from[i];
	metrics_rollback(m);
}

static void
head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
put_number(struct buf *b, const char *name, const char *type, const char *help,
    uint64_t v)
{
	head(b, name, type, help);
	buf_addf(b, "%s %llu\n", name, (unsigned long long)v);
}

static void
put_recipients(struct buf *b, const struct metrics *m)
{
	static const char name[] = "mta_recipients_total";

	head(b, name, "counter",
	    "Recipients by what became of them, and by mailer.");
	for (size_t i = 0; i < COUNT(results); i++)
		for (size_t k = 0; k < MAILERS; k++) {
			if (k >= m->mailers && k != MAILERS - 1)
				continue;
			buf_addf(b, "%s{result=\"%s\",mailer=\"%s\"} %llu\n",
			    name, results[i].name,
			    k < m->mailers ? m->mailer[k] : "other",
			    (unsigned long long)m->total.recipients[i][k]);
		}
}

static void
put_states(struct buf *b, const char *name, const char *help,
    const uint64_t v[COUNT(states)])
{
	head(b, name, "gauge", help);
	for (size_t i = 0; i < COUNT(states); i++)
		buf_addf(b, "%s{state=\"%s\"} %llu\n", name, states[i],
		    (unsigned long long)v[i]);
}

static void
put_queue(struct buf *b, const struct metrics *m)
{
	int64_t age = m->oldest != 0 ? clock_wall() - m->oldest : 0;

	put_states(b, "mta_queue_messages",
	    "Messages in the queue by state, as the last snapshot had them.",
	    m->messages);
	put_states(b, "mta_queue_recipients",
	    "Open recipients of these messages, by the same state.",
	    m->recipients);
	put_number(b, "mta_queue_oldest_seconds", "gauge",
	    "Age of the oldest message in the queue; 0 when it is empty.",
	    (uint64_t)(age > 0 ? age / US_SEC : 0));
}

static void
put_stages(struct buf *b, const struct metrics *m)
{
	static const char name[] = "mta_delivery_stage_seconds";

	head(b, name, "histogram", "How long each stage of mail took.");
	for (size_t i = 0; i < COUNT(stages); i++) {
		uint64_t below = 0;

		for (size_t k = 0; k <= COUNT(bounds); k++) {
			below += m->total.bucket[i][k];
			buf_addf(b, "%s_bucket{stage=\"%s\",le=\"%s\"} %llu\n",
			    name, stages[i].name,
			    k < COUNT(bounds) ? bounds[k].text : "+Inf",
			    (unsigned long long)below);
		}
		buf_addf(b,
		    "%s_sum{stage=\"%s\"} %.6f\n"
		    "%s_count{stage=\"%s\"} %llu\n",
		    name, stages[i].name, (double)m->total.sum[i] / 1e6, name,
		    stages[i].name, (unsigned long long)below);
	}
}

/* What is no event. */
static const struct {
	const char *name, *help;
	enum tally_kind kind;
} lines[] = {
	{ "mta_unparsed_lines_total", "Lines that nobody understood.",
	    TK_UNPARSED },
	{ "mta_refused_lines_total",
	    "Lines of peers that had said all that they may.", TK_REFUSED },
	{ "mta_misdated_lines_total",
	    "Lines of peers that were of no day near now.", TK_MISDATED },
	{ "mta_cut_events_total",
	    "Events stored without all of their names or their number.",
	    TK_CUT },
};

void
metrics_text(const struct metrics *m, struct buf *b)
{
	put_recipients(b, m);
	for (size_t i = 0; i < COUNT(plains); i++)
		put_number(b, plains[i].name, "counter", plains[i].help,
		    m->total.plain[i]);
	put_queue(b, m);
	put_stages(b, m);
	put_number(b, "mta_events_total", "counter", "Events stored.",
	    m->total.events);
	put_number(b, "mta_log_gap_events_total", "counter",
	    "Events that are known to be missing.", m->total.gap_events);
	for (size_t i = 0; i < COUNT(lines); i++)
		put_number(b, lines[i].name, "counter", lines[i].help,
		    m->total.of_kind[lines[i].kind]);
	put_number(b, "mta_connections_turned_away_total", "counter",
	    "Connections of peers that were not taken, or made room for "
	    "others.",
	    m->turned_away);
	put_number(b, "mta_last_event_timestamp_seconds", "gauge",
	    "Time of the newest event; 0 before the first.",
	    (uint64_t)(m->newest_event / US_SEC));
}
