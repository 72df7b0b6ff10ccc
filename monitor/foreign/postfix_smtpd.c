/* Postfix's smtpd and postscreen: connections, clients, refusals. */
#include <string.h>

#include "postfix.h"

enum { R_FROM, R_TO, R_PROTO, R_HELO };
static const struct slice refusal_names[] = {
	[R_FROM] = TEXT("from"),
	[R_TO] = TEXT("to"),
	[R_PROTO] = TEXT("proto"),
	[R_HELO] = TEXT("helo"),
};

/* Where these words are for the last time: whatever stands before the
 * details is anybody's. */
static size_t
find_last(struct slice s, struct slice words)
{
	size_t found = s.n, at = 0;
	const char *p;

	while ((p = memmem(s.p + at, s.n - at, words.p, words.n)) != NULL) {
		found = (size_t)(p - s.p);
		at = found + words.n;
	}
	return found;
}

static size_t
first_of(struct slice s, struct slice words)
{
	const char *p = memmem(s.p, s.n, words.p, words.n);

	return p != NULL ? (size_t)(p - s.p) : s.n;
}

static size_t
find_details(struct slice s)
{
	size_t at = find_last(s, SLICE("; from=<"));

	return at < s.n ? at : find_last(s, SLICE("; proto="));
}

/* NAME[IP]:PORT up to a blank, a colon with a blank, or a semicolon */
static bool
cut_peer(struct slice *s, struct host *ret)
{
	size_t close = slice_find(*s, ']');

	if (close == s->n)
		return false;
	close++;
	while (close < s->n && s->p[close] != ' ' && s->p[close] != ';' &&
	    !(s->p[close] == ':' &&
		(close + 1 == s->n || s->p[close + 1] == ' ')))
		close++;
	*ret = said_host(slice_sub(*s, 0, close));
	*s = slice_sub(*s, close, s->n);
	return true;
}

/* smtpd parts them by blanks, postscreen by commas as well. */
static void
read_details(struct slice *s, struct refusal *r)
{
	struct slice v[COUNT(refusal_names)];
	bool has_commas = memmem(s->p, s->n, ", ", 2) != NULL;

	pairs_read(s, has_commas ? SLICE(", ") : SLICE(" "), refusal_names,
	    COUNT(v), false, v);
	r->mail_from = v[R_FROM];
	r->rcpt_to = v[R_TO];
	r->protocol = v[R_PROTO];
	r->helo = v[R_HELO];
}

/* cleanup says why behind the details: "helo=<x>: 5.7.1 words". */
static struct slice
cut_reason(struct slice *details)
{
	const char *p = memmem(details->p, details->n, ">: ", 3);
	struct slice said = { "", 0 };

	if (p != NULL) {
		size_t at = (size_t)(p - details->p);

		said = slice_sub(*details, at + 3, details->n);
		details->n = at + 1;
	}
	return said;
}

/* Content has any words, also such: who it came from is said behind them. */
static size_t
find_peer(struct slice s, struct slice *ret_command)
{
	static const struct slice before = TEXT(" from ");
	struct slice what = slice_sub(s, 0, slice_find(s, ' '));
	bool is_content = slice_iends(what, SLICE("header")) ||
	    slice_iends(what, SLICE("body"));
	size_t at = is_content ? find_last(s, before) : first_of(s, before);

	*ret_command = is_content ? SLICE("dot") : said_command(what);
	return at < s.n ? at + before.n : s.n;
}

bool
postfix_refusal(struct slice s, struct refusal *r)
{
	size_t at = find_details(s);
	struct slice details = slice_sub(s, at + 2, s.n);
	bool has_peer;

	*r = (struct refusal){ .said = { "", 0 } };
	s = slice_sub(s, 0, at);
	at = find_peer(s, &r->command);
	if (at == s.n)
		return false;
	s = slice_sub(s, at, s.n);
	has_peer = cut_peer(&s, &r->peer); /* "local" has no address */
	r->said = slice_sub(s, has_peer ? 2 : s.n, s.n);
	if (r->said.n == 0)
		r->said = cut_reason(&details);
	read_details(&details, r);
	return true;
}

static void
put_refusal(struct event *e, const struct refusal *r)
{
	event_str(e, F_COMMAND, r->command);
	put_known(e, F_PEER_NAME, r->peer.name);
	put_known(e, F_PEER_IP, r->peer.ip);
	put_known(e, F_MAIL_FROM, r->mail_from);
	put_known(e, F_RCPT_TO, r->rcpt_to);
	put_known(e, F_HELO, r->helo);
}

/* Postfix has let go of the message. */
static void
end_mail(struct foreign *f, struct work *w, const struct refusal *r)
{
	struct mail *m;

	if (w->id.n == 0 || !slice_eq(r->command, SLICE("dot")))
		return;
	m = work_mail(f, w);
	if (m != NULL)
		joins_mail_end(&f->joins, m);
}

bool
postfix_reject(struct foreign *f, struct work *w)
{
	struct refusal r;
	struct said said;
	struct event *e;

	if (!postfix_refusal(w->rest, &r))
		return false;
	e = tell_begin(f, EV_CONN_REJECT, w->id);
	put_refusal(e, &r);
	said = said_reply(r.said);
	said_put(e, &said, SLICE(""));
	tell(f);
	end_mail(f, w, &r);
	return true;
}

bool
postfix_discard(struct foreign *f, struct work *w)
{
	struct refusal r;
	struct event *e;

	if (!postfix_refusal(w->rest, &r))
		return false;
	e = tell_begin(f, EV_DLV_DISCARD, w->id);
	put_known(e, F_MAIL_FROM, r.mail_from);
	put_known(e, F_RCPT_TO, r.rcpt_to);
	event_str(e, F_COMMAND, r.command);
	event_str(e, F_WHY, r.said);
	event_cstr(e, F_REASON_CLASS, reason_name(RC_POLICY));
	tell(f);
	end_mail(f, w, &r);
	return true;
}

void
postfix_tell_held(struct foreign *f, struct mail *m, struct slice id)
{
	struct event *e = tell_begin(f, EV_MSG_HOLD, id);

	event_cstr(e, F_BY, "policy");
	put_known(e, F_WHY, texts_get(&m->join.texts, MT_WHY));
	put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	tell(f);
}

/* Held once it is there: by the connection's next message, if it has no id
 * yet. */
static bool
take_hold(struct foreign *f, struct work *w)
{
	struct session *s = work_session(f, w);
	struct mail *m = w->id.n != 0 ? work_mail(f, w) : NULL;
	struct refusal r;

	if (!postfix_refusal(w->rest, &r))
		return false;
	if (m != NULL) {
		m->is_held = true;
		texts_set(&m->join.texts, MT_WHY, r.said);
		texts_set(&m->join.texts, MT_FROM, r.mail_from);
	} else if (s != NULL) {
		s->is_held = true;
		texts_set(&s->join.texts, SN_WHY, r.said);
	}
	return true;
}

enum { C_CLIENT, C_METHOD, C_USER, C_PROTO };
static const struct slice client_names[] = {
	[C_CLIENT] = TEXT("client"),
	[C_METHOD] = TEXT("sasl_method"),
	[C_USER] = TEXT("sasl_username"),
};

/* "client=NAME[IP], sasl_method=PLAIN, sasl_username=bob" */
static bool
take_client(struct foreign *f, struct work *w)
{
	struct session *s = work_session(f, w);
	struct slice v[COUNT(client_names)];
	struct host peer;
	struct mail *m;

	if (!pairs_read(
		&w->rest, SLICE(", "), client_names, COUNT(v), false, v) ||
	    v[C_CLIENT].p == NULL)
		return false;
	m = joins_mail_begin(&f->joins, w->line->node, w->id, w->line->time_us);
	if (m == NULL)
		return true;
	peer = said_host(v[C_CLIENT]);
	texts_set(&m->join.texts, MT_PEER_NAME, peer.name);
	texts_set(&m->join.texts, MT_PEER_IP, peer.ip);
	texts_set(&m->join.texts, MT_USER, v[C_USER]);
	texts_set(&m->join.texts, MT_PROTOCOL, SLICE("smtp"));
	if (s == NULL)
		return true;
	m->session = s->id;
	if (s->is_held) {
		s->is_held = false;
		m->is_held = true;
		texts_set(
		    &m->join.texts, MT_WHY, texts_get(&s->join.texts, SN_WHY));
	}
	return true;
}

static void
put_peer(struct foreign *f, struct event *e, struct slice peer, uint64_t id)
{
	struct host h = said_host(peer);

	put_session(f, e, id);
	event_cstr(e, F_DIRECTION, "in");
	put_known(e, F_PEER_NAME, h.name);
	put_known(e, F_PEER_IP, h.ip);
	put_number(e, F_PEER_PORT, h.port);
}

static bool
take_connect(struct foreign *f, struct work *w)
{
	struct session *s = joins_session_begin(&f->joins, w->line->node,
	    w->line->prog, w->line->pid, w->line->time_us);

	put_peer(f, tell_begin(f, EV_CONN_OPEN, SLICE("")), w->rest,
	    s != NULL ? s->id : 0);
	tell(f);
	return true;
}

enum { D_DATA, D_BDAT, D_QUIT, D_COMMANDS };
static const struct slice count_names[] = {
	[D_DATA] = TEXT("data"),
	[D_BDAT] = TEXT("bdat"),
	[D_QUIT] = TEXT("quit"),
	[D_COMMANDS] = TEXT("commands"),
};

/* "3/5": three of five were accepted */
static struct slice
accepted(struct slice s)
{
	return slice_sub(s, 0, slice_find(s, '/'));
}

static struct slice
tried(struct slice s)
{
	size_t slash = slice_find(s, '/');

	return slash < s.n ? slice_sub(s, slash + 1, s.n) : s;
}

static void
put_counts(struct event *e, struct slice counts, const char *cause)
{
	struct slice v[COUNT(count_names)];
	uint64_t data = 0, bdat = 0;

	if (!pairs_read(&counts, SLICE(" "), count_names, COUNT(v), false, v))
		return;
	put_number(e, F_COMMANDS_COUNT, tried(v[D_COMMANDS]));
	if (v[D_DATA].p != NULL)
		slice_u64(accepted(v[D_DATA]), UINT32_MAX, &data);
	if (v[D_BDAT].p != NULL)
		slice_u64(accepted(v[D_BDAT]), UINT32_MAX, &bdat);
	event_num(e, F_MESSAGES_COUNT, data + bdat);
	if (cause == NULL && v[D_QUIT].p != NULL)
		cause = "quit";
	event_cstr(e, F_CAUSE, cause);
}

static bool
take_disconnect(struct foreign *f, struct work *w)
{
	size_t end = slice_find(w->rest, ' ');
	struct session *s = work_session(f, w);
	struct event *e = tell_begin(f, EV_CONN_CLOSE, SLICE(""));

	put_peer(f, e, slice_sub(w->rest, 0, end), s != NULL ? s->id : 0);
	if (s != NULL && w->line->time_us >= s->join.first_us)
		event_num(e, F_DURATION_US,
		    (uint64_t)(w->line->time_us - s->join.first_us));
	put_counts(e, slice_sub(w->rest, end + 1, w->rest.n),
	    s != NULL ? s->cause : NULL);
	tell(f);
	if (s != NULL)
		joins_session_end(&f->joins, s);
	return true;
}

static bool
set_cause(struct foreign *f, struct work *w, const char *cause)
{
	struct session *s = work_session(f, w);

	if (s != NULL)
		s->cause = cause;
	return true;
}

static bool
take_lost(struct foreign *f, struct work *w)
{
	return set_cause(f, w, "reset");
}

static bool
take_timeout(struct foreign *f, struct work *w)
{
	return set_cause(f, w, "timeout");
}

static bool
take_errors(struct foreign *f, struct work *w)
{
	return set_cause(f, w, "error");
}

static const struct row smtpd_row[] = {
	KEEP("client=", take_client),
	TAKE("connect from ", take_connect),
	TAKE("disconnect from ", take_disconnect),
	TAKE("reject: ", postfix_reject),
	TAKE("milter-reject: ", postfix_reject),
	TAKE("lost connection after ", take_lost),
	TAKE("timeout after ", take_timeout),
	TAKE("too many errors after ", take_errors),
	TAKE("hold: ", take_hold),
	TAKE("milter-hold: ", take_hold),
	TAKE("discard: ", postfix_discard),
	TAKE("milter-discard: ", postfix_discard),
	KNOWN("reject_warning: "),
	KNOWN("warn: "),
	KNOWN("info: "),
	KNOWN("filter: "),
	KNOWN("redirect: "),
	KNOWN("prepend: "),
	KNOWN("replace: "),
	KNOWN("bcc: "),
	KNOWN("delay: "),
	KNOWN("permit: "),
	KNOWN("improper command pipelining after "),
	KNOWN("Anonymous TLS connection "),
	KNOWN("Untrusted TLS connection "),
	KNOWN("Trusted TLS connection "),
	KNOWN("Verified TLS connection "),
	KNOWN("setting up TLS connection "),
	KNOWN("SSL_accept"),
	KNOWN("TLS SNI "),
};

/* What passes comes to smtpd and is a connection there. */
static const struct row postscreen_row[] = {
	TAKE("reject: ", postfix_reject),
	KEEP("client=", take_client),
	KNOWN("CONNECT from "),
	KNOWN("DISCONNECT "),
	KNOWN("PASS "),
	KNOWN("HANGUP "),
	KNOWN("PREGREET "),
	KNOWN("DNSBL "),
	KNOWN("WHITELISTED "),
	KNOWN("ALLOWLISTED "),
	KNOWN("BLACKLISTED "),
	KNOWN("DENYLISTED "),
	KNOWN("WHITELIST VETO "),
	KNOWN("ALLOWLIST VETO "),
	KNOWN("NON-SMTP COMMAND "),
	KNOWN("BARE NEWLINE "),
	KNOWN("COMMAND "),
	KNOWN("DATA without valid RCPT "),
	KNOWN("BDAT without valid RCPT "),
	KNOWN("entering STRESS mode"),
	KNOWN("leaving STRESS mode"),
	KNOWN("cache "),
};

const struct rows postfix_smtpd = ROWS_OF(smtpd_row);
const struct rows postfix_postscreen = ROWS_OF(postscreen_row);
