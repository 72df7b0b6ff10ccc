/*
 * OpenSMTPD: 64-bit session ids in hex, message ids of 8 and envelope ids of
 * 16 hex digits that begin with the message's.
 *
 *	session " smtp connected address=1.2.3.4 host=name"
 *	session " mda delivery evpid=... result=Ok stat=Delivered"
 *	"relay: Expire for " evpid ": from=<>, to=<>, ..."
 */
#include <string.h>

#include "opensmtpd.h"

#define MSGID_N 8

enum { G_MSGID, G_SIZE, G_NRCPT, G_PROTO };
static const struct slice message_names[] = {
	[G_MSGID] = TEXT("msgid"),
	[G_SIZE] = TEXT("size"),
	[G_NRCPT] = TEXT("nrcpt"),
	[G_PROTO] = TEXT("proto"),
};

/* Told with its first envelope, as the sender stands there. */
static bool
take_message(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(message_names)];
	struct session *s = opensmtpd_session(f, w);
	struct mail *m;

	if (!pairs_read(
		&w->rest, SLICE(" "), message_names, COUNT(v), false, v) ||
	    v[G_MSGID].n != MSGID_N)
		return false;
	m = joins_mail_begin(
	    &f->joins, w->line->node, v[G_MSGID], w->line->time_us);
	if (s != NULL)
		s->messages++;
	if (m == NULL)
		return true;
	slice_u64(v[G_SIZE], UINT64_MAX, &m->size_bytes);
	slice_u64(v[G_NRCPT], UINT32_MAX, &m->rcpts);
	texts_set(&m->join.texts, MT_PROTOCOL, SLICE("smtp"));
	if (s != NULL) {
		texts_set(&m->join.texts, MT_PEER_NAME,
		    texts_get(&s->join.texts, SN_NAME));
		texts_set(&m->join.texts, MT_PEER_IP,
		    texts_get(&s->join.texts, SN_IP));
	}
	return true;
}

enum {
	V_EVPID,
	V_FROM,
	V_TO,
	V_RCPT,
	V_USER,
	V_RELAY,
	V_DELAY,
	V_RESULT,
	V_STAT
};
static const struct slice delivery_names[] = {
	[V_EVPID] = TEXT("evpid"),
	[V_FROM] = TEXT("from"),
	[V_TO] = TEXT("to"),
	[V_RCPT] = TEXT("rcpt"),
	[V_USER] = TEXT("user"),
	[V_RELAY] = TEXT("relay"),
	[V_DELAY] = TEXT("delay"),
	[V_RESULT] = TEXT("result"),
	[V_STAT] = TEXT("stat"),
};

static struct mail *
mail_of(struct foreign *f, struct work *w, struct slice evpid)
{
	w->id = slice_sub(evpid, 0, MSGID_N);
	return work_mail(f, w);
}

/* Mail that it writes itself comes in by a socket and has no address. */
static struct slice
origin(const struct mail *m, struct slice from)
{
	if (!slice_eq(texts_get(&m->join.texts, MT_PEER_IP), SLICE("local")))
		return texts_get(&m->join.texts, MT_PROTOCOL);
	return from.n == 0 ? SLICE("dsn") : SLICE("local");
}

/* Its id is told as all connections' are. */
static uint64_t
number_of(struct slice session)
{
	uint64_t n = 0;

	for (size_t i = 0; i < session.n; i++) {
		char c = session.p[i];

		n = n << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return n;
}

static bool
take_envelope(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(delivery_names)], session = w->id, protocol;
	struct mail *m;

	if (!pairs_read(
		&w->rest, SLICE(" "), delivery_names, COUNT(v), false, v) ||
	    v[V_EVPID].n != 2 * MSGID_N)
		return false;
	m = mail_of(f, w, v[V_EVPID]);
	if (m == NULL || m->is_received || !m->has_begun)
		return true;
	texts_set(&m->join.texts, MT_FROM, v[V_FROM]);
	protocol = origin(m, v[V_FROM]);
	texts_set(&m->join.texts, MT_PROTOCOL, protocol);
	m->session = number_of(session);
	tell_received(f, m, w->id);
	return true;
}

static const struct {
	struct slice word;
	enum event_type type;
} results[] = {
	{ TEXT("Ok"), EV_DLV_OK },
	{ TEXT("TempFail"), EV_DLV_DEFER },
	{ TEXT("PermFail"), EV_DLV_FAIL },
	{ TEXT("Expired"), EV_DLV_EXPIRE },
	{ TEXT("Loop"), EV_DLV_FAIL },
};

/* "203.0.113.5 (mx.example.com)" */
static void
put_relay(struct event *e, struct slice relay)
{
	size_t blank = slice_find(relay, ' ');
	struct slice name = slice_sub(relay, blank + 1, relay.n);

	if (relay.p == NULL)
		return;
	event_str(e, F_HOST_IP, slice_sub(relay, 0, blank));
	if (name.n > 2 && name.p[0] == '(' && name.p[name.n - 1] == ')')
		event_str(e, F_HOST_NAME, slice_sub(name, 1, name.n - 1));
}

static void
put_rcpt(struct event *e, const struct slice *v)
{
	put_known(e, F_MAIL_FROM, v[V_FROM]);
	put_known(e, F_RCPT_TO, v[V_TO]);
	if (v[V_RCPT].p != NULL && !slice_eq(v[V_RCPT], SLICE("-")) &&
	    !slice_eq(v[V_RCPT], v[V_TO]))
		event_str(e, F_ORCPT, v[V_RCPT]);
}

static bool
tell_delivery(struct foreign *f, struct work *w, const char *mailer)
{
	struct slice v[COUNT(delivery_names)];
	struct mail *m;
	struct said said;
	struct event *e;
	uint64_t us;
	size_t r = 0;

	if (!pairs_read(
		&w->rest, SLICE(" "), delivery_names, COUNT(v), true, v) ||
	    v[V_EVPID].n != 2 * MSGID_N || v[V_STAT].p == NULL)
		return false;
	while (r < COUNT(results) && !slice_eq(v[V_RESULT], results[r].word))
		r++;
	if (r == COUNT(results))
		return false;
	if (v[V_STAT].n >= 2 && v[V_STAT].p[0] == '"')
		v[V_STAT] = slice_sub(v[V_STAT], 1, v[V_STAT].n - 1);
	m = mail_of(f, w, v[V_EVPID]);
	e = tell_begin(f, results[r].type, w->id);
	event_cstr(e, F_MAILER, mailer);
	put_rcpt(e, v);
	put_relay(e, v[V_RELAY]);
	if (m != NULL && m->size_bytes != 0)
		event_num(e, F_SIZE_BYTES, m->size_bytes);
	if (v[V_DELAY].p != NULL && when_span(v[V_DELAY], &us))
		event_num(e, F_TOTAL_US, us);
	said = said_reply(v[V_STAT]);
	said_put(e, &said,
	    results[r].type == EV_DLV_OK ? SLICE("2.0.0") : SLICE(""));
	tell(f);
	if (m != NULL)
		mail_count(m, results[r].type, v[V_TO]);
	return true;
}

static bool
take_mda(struct foreign *f, struct work *w)
{
	return tell_delivery(f, w, "mda");
}

static bool
take_mta(struct foreign *f, struct work *w)
{
	return tell_delivery(f, w, "mta");
}

static const struct row session_row[] = {
	TAKE("mda delivery ", take_mda),
	TAKE("mta delivery ", take_mta),
	TAKE("smtp envelope ", take_envelope),
	TAKE("smtp connected ", opensmtpd_connected),
	TAKE("smtp message ", take_message),
	TAKE("smtp disconnected ", opensmtpd_disconnected),
	TAKE("smtp failed-command ", opensmtpd_failed),
	TAKE("mta connecting ", opensmtpd_connecting),
	KNOWN("mta connected"),
	KNOWN("mta disconnected"),
	KNOWN("mta error "),
	KNOWN("mta tls "),
	KNOWN("mta server-cert-check "),
	KNOWN("mta cert-check "),
	KNOWN("mta auth"),
	KNOWN("smtp tls "),
	KNOWN("smtp starttls "),
	KNOWN("smtp authentication "),
	KNOWN("smtp client-cert-check "),
	KNOWN("smtp cert-check "),
	KNOWN("smtp reset "),
	KNOWN("smtp bad-input "),
};
static const struct rows session_rows = ROWS_OF(session_row);

/* "EVPID: from=<a>, to=<b>, rcpt=<->, delay=12s, stat=Envelope expired" */
static bool
tell_order(
    struct foreign *f, struct work *w, enum event_type type, enum reason reason)
{
	size_t colon = slice_find(w->rest, ':');
	struct slice v[COUNT(delivery_names)], evpid;
	struct mail *m;
	struct event *e;
	uint64_t us;

	evpid = slice_sub(w->rest, 0, colon);
	w->rest = slice_sub(w->rest, colon + 2, w->rest.n);
	if (evpid.n != 2 * MSGID_N ||
	    !pairs_read(
		&w->rest, SLICE(", "), delivery_names, COUNT(v), true, v))
		return false;
	m = mail_of(f, w, evpid);
	e = tell_begin(f, type, w->id);
	put_rcpt(e, v);
	put_known(e, type == EV_DLV_EXPIRE ? F_TEXT : F_WHY, v[V_STAT]);
	event_cstr(e, F_REASON_CLASS, reason_name(reason));
	if (v[V_DELAY].p != NULL && when_span(v[V_DELAY], &us))
		event_num(e, F_TOTAL_US, us);
	tell(f);
	if (m != NULL)
		mail_count(m, type, v[V_TO]);
	return true;
}

static bool
take_expire(struct foreign *f, struct work *w)
{
	return tell_order(f, w, EV_DLV_EXPIRE, RC_EXPIRED);
}

static bool
take_remove(struct foreign *f, struct work *w)
{
	return tell_order(f, w, EV_DLV_DISCARD, RC_ADMIN);
}

static const struct row plain_row[] = {
	TAKE("relay: Expire for ", take_expire),
	TAKE("local: Expire for ", take_expire),
	TAKE("relay: Remove for ", take_remove),
	TAKE("local: Remove for ", take_remove),
	KNOWN("info: "),
	KNOWN("warn: "),
	KNOWN("debug: "),
	KNOWN("fatal: "),
	KNOWN("fatal in "),
	KNOWN("smtp-out: "),
	KNOWN("smtp-in: "),
	KNOWN("scheduler: "),
	KNOWN("queue: "),
	KNOWN("Exiting"),
	KNOWN("commands executed from "),
	KNOWN("filter "),
	KNOWN("lookup "),
	KNOWN("table "),
};
static const struct rows plain_rows = ROWS_OF(plain_row);

static bool
is_session(struct slice s)
{
	if (s.n != OPENSMTPD_SESSION)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
			(s.p[i] >= 'a' && s.p[i] <= 'f')))
			return false;
	return true;
}

bool
opensmtpd_line(struct foreign *f, struct work *w)
{
	size_t blank = slice_find(w->rest, ' ');
	struct slice word = slice_sub(w->rest, 0, blank);

	if (!is_session(word))
		return rows_take(&plain_rows, f, w);
	w->id = word;
	w->rest = slice_sub(w->rest, blank + 1, w->rest.n);
	return rows_take(&session_rows, f, w);
}
