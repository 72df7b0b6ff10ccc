/*
 * Postfix's delivery agents: one line for each recipient and attempt.
 *
 *	to=<x>, orig_to=<y>, relay=NAME[IP]:PORT, delay=1.2,
 *	delays=a/b/c/d, dsn=4.7.1, status=deferred (words)
 */
#include <string.h>

#include "postfix.h"

enum {
	T_TO,
	T_ORIG_TO,
	T_RELAY,
	T_CONN_USE,
	T_DELAY,
	T_DELAYS,
	T_DSN,
	T_STATUS,
};
static const struct slice delivery_names[] = {
	[T_TO] = TEXT("to"),
	[T_ORIG_TO] = TEXT("orig_to"),
	[T_RELAY] = TEXT("relay"),
	[T_CONN_USE] = TEXT("conn_use"),
	[T_DELAY] = TEXT("delay"),
	[T_DELAYS] = TEXT("delays"),
	[T_DSN] = TEXT("dsn"),
	[T_STATUS] = TEXT("status"),
};

/* NONE: an address was only asked about. */
static const struct {
	struct slice word;
	enum event_type type;
} statuses[] = {
	{ TEXT("sent"), EV_DLV_OK },
	{ TEXT("deferred"), EV_DLV_DEFER },
	{ TEXT("bounced"), EV_DLV_FAIL },
	{ TEXT("expired"), EV_DLV_EXPIRE },
	{ TEXT("SOFTBOUNCE"), EV_DLV_DEFER },
	{ TEXT("deliverable"), EV_COUNT },
	{ TEXT("undeliverable"), EV_COUNT },
};

/* EV_COUNT + 1: no word of ours */
static enum event_type
status_type(struct slice word)
{
	for (size_t i = 0; i < COUNT(statuses); i++)
		if (slice_eq(word, statuses[i].word))
			return statuses[i].type;
	return (enum event_type)(EV_COUNT + 1);
}

/*
 * Seconds before the queue, in it, connecting, and sending. After a deferral
 * the first is mostly waiting, too.
 */
static void
put_stages(struct event *e, struct slice delays, bool is_deferred)
{
	static const enum event_field fields[] = { F_STAGE_RECV_US,
		F_STAGE_QUEUE_US, F_STAGE_CONN_US, F_STAGE_DATA_US };
	uint64_t us[COUNT(fields)];
	struct slice one;

	for (size_t i = 0; i < COUNT(fields); i++)
		if (!slice_next(&delays, '/', &one) ||
		    !when_seconds(one, &us[i]))
			return;
	if (is_deferred)
		us[1] += us[0];
	for (size_t i = is_deferred; i < COUNT(fields); i++)
		event_num(e, fields[i], us[i]);
}

/* "words (in reply to RCPT TO command)" */
static void
cut_reply_to(struct event *e, struct slice *said)
{
	static const struct slice before = TEXT(" (in reply to ");
	size_t open = slice_rfind(*said, '(');
	struct slice command;

	if (open == 0 || open == said->n || said->p[said->n - 1] != ')')
		return;
	command = slice_sub(*said, open - 1, said->n - 1);
	if (!slice_istarts(command, before))
		return;
	command = slice_sub(command, before.n, command.n);
	if (slice_iends(command, SLICE(" command")))
		command.n -= 8;
	event_str(e, F_COMMAND, said_command(command));
	*said = slice_sub(*said, 0, open - 1);
}

/* "connect to NAME[IP]:PORT: words": no relay is named then. */
static struct host
unreached(struct slice words)
{
	static const struct slice before = TEXT("connect to ");
	struct host h = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	size_t end;

	if (!slice_istarts(words, before))
		return h;
	words = slice_sub(words, before.n, words.n);
	end = slice_find(words, ' ');
	if (end < 2 || words.p[end - 1] != ':' ||
	    slice_find(slice_sub(words, 0, end), ']') == end)
		return h;
	return said_host(slice_sub(words, 0, end - 1));
}

/* The host that was tried; none, local and so on are no hosts. */
static void
put_host(struct event *e, struct slice relay, struct slice words)
{
	struct host h;

	if (slice_find(relay, '[') == relay.n)
		h = unreached(words);
	else
		h = said_host(relay);
	if (h.ip.p != NULL && slice_find(h.ip, '/') < h.ip.n)
		h.ip = (struct slice){ NULL, 0 }; /* a socket's path */
	said_put_host(e, &h);
}

/* "host NAME[IP] said: 550 5.1.1 words": a server's; else our own words */
static void
put_words(struct event *e, struct slice words, struct slice dsn)
{
	struct said said = { .code = 0, .enhanced = { "", 0 }, .text = words };
	const char *p = NULL;

	cut_reply_to(e, &words);
	if (slice_istarts(words, SLICE("host ")))
		p = memmem(words.p, words.n, " said: ", 7);
	if (p != NULL)
		words = slice_sub(words, (size_t)(p - words.p) + 7, words.n);
	if (p != NULL || (dsn.n != 0 && dsn.p[0] == '2'))
		said = said_reply(words);
	else
		said.text = words;
	said_put(e, &said, dsn);
}

/* "forwarded as 0593D4E": it goes on in another message. */
static bool
tell_forwarded(struct foreign *f, struct work *w, const struct slice *v,
    struct slice words)
{
	static const struct slice before = TEXT("forwarded as ");
	struct event *e;

	if (!slice_istarts(words, before))
		return false;
	e = tell_begin(f, EV_RCPT_EXPAND, w->id);
	put_known(e, F_FROM, v[T_TO]);
	put_known(e, F_ORCPT, v[T_ORIG_TO]);
	event_cstr(e, F_KIND, "forward");
	event_str(e, F_INTO_MSG_ID, slice_sub(words, before.n, words.n));
	tell(f);
	return true;
}

static void
put_delivery(struct event *e, const struct slice *v, const struct mail *m,
    struct slice words)
{
	uint64_t us;

	if (m != NULL)
		put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	put_known(e, F_RCPT_TO, v[T_TO]);
	put_known(e, F_ORCPT, v[T_ORIG_TO]);
	put_host(e, v[T_RELAY], words);
	if (m != NULL && m->size_bytes != 0)
		event_num(e, F_SIZE_BYTES, m->size_bytes);
	if (v[T_CONN_USE].p != NULL)
		event_num(e, F_REUSED_CONN, 1);
	if (v[T_DELAYS].p != NULL)
		put_stages(e, v[T_DELAYS], m != NULL && m->is_deferred);
	if (v[T_DELAY].p != NULL && when_seconds(v[T_DELAY], &us))
		event_num(e, F_TOTAL_US, us);
}

static bool
take_delivery(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(delivery_names)], words;
	struct mail *m = work_mail(f, w);
	enum event_type type;
	struct event *e;
	size_t blank;

	if (!pairs_read(
		&w->rest, SLICE(", "), delivery_names, COUNT(v), true, v) ||
	    v[T_TO].p == NULL || v[T_STATUS].p == NULL)
		return false;
	blank = slice_find(v[T_STATUS], ' ');
	words = slice_sub(v[T_STATUS], blank + 1, v[T_STATUS].n);
	if (words.n >= 2 && words.p[0] == '(' && words.p[words.n - 1] == ')')
		words = slice_sub(words, 1, words.n - 1);
	type = status_type(slice_sub(v[T_STATUS], 0, blank));
	if (type >= EV_COUNT)
		return type == EV_COUNT;
	if (type == EV_DLV_OK && tell_forwarded(f, w, v, words))
		return true;
	if (type == EV_DLV_OK && slice_eq(w->prog, SLICE("discard")))
		type = EV_DLV_DISCARD;
	e = tell_begin(f, type, w->id);
	event_str(e, F_MAILER, w->prog);
	put_delivery(e, v, m, words);
	put_words(e, words, v[T_DSN]);
	tell(f);
	if (m != NULL)
		mail_count(m, type, v[T_TO]);
	return true;
}

static const struct row delivery_row[] = {
	KEEP("to=", take_delivery),
	KNOWN("connect to "),
	KNOWN("host "),
	KNOWN("lost connection with "),
	KNOWN("conversation with "),
	KNOWN("enabling PIX workarounds"),
	KNOWN("disabling "),
	KNOWN("Cannot start TLS"),
	KNOWN("breaking line "),
	KNOWN("SASL "),
	KNOWN("Anonymous TLS connection "),
	KNOWN("Untrusted TLS connection "),
	KNOWN("Trusted TLS connection "),
	KNOWN("Verified TLS connection "),
	KNOWN("setting up TLS connection "),
	KNOWN("SSL_connect"),
	KNOWN("server certificate "),
	KNOWN("certificate verification "),
	KNOWN("TLS policy "),
	KNOWN("table "),
};
const struct rows postfix_delivery = ROWS_OF(delivery_row);
