/*
 * Exim's main log.
 *
 *	line = [ "[" pid "] " ] [ id " " ] ( flag " " what / words )
 *
 * The time is cut off already (when.h); through syslog it may come twice.
 */
#include "exim.h"

#include <string.h>

struct slice
exim_field(struct slice s, struct slice name)
{
	const char *p = memmem(s.p, s.n, name.p, name.n);
	struct slice v;
	char close = ' ';
	size_t end;

	if (p == NULL)
		return (struct slice){ NULL, 0 };
	v = slice_sub(s, (size_t)(p - s.p) + name.n, s.n);
	if (v.n != 0 && (v.p[0] == '<' || v.p[0] == '"')) {
		close = v.p[0] == '<' ? '>' : '"';
		v = slice_sub(v, 1, v.n);
	}
	end = slice_find(v, close);
	if (close == ' ' && end > 0 && end < v.n && v.p[end - 1] == ':')
		end--;
	return slice_sub(v, 0, end);
}

struct host
exim_host(struct slice s, struct slice *ret_helo)
{
	struct host h = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
	const char *p = memmem(s.p, s.n, "H=", 2);
	size_t close, open;

	*ret_helo = h.name;
	if (p == NULL)
		return h;
	s = slice_sub(s, (size_t)(p - s.p) + 2, s.n);
	close = slice_find(s, ']');
	if (close == s.n)
		return h;
	for (close++; close < s.n &&
	     (s.p[close] == ':' || (s.p[close] >= '0' && s.p[close] <= '9'));)
		close++;
	if (s.p[close - 1] == ':')
		close--;
	h = said_host(slice_sub(s, 0, close));
	open = slice_find(h.name, '(');
	if (open < h.name.n && h.name.p[h.name.n - 1] == ')') {
		*ret_helo = slice_sub(h.name, open + 1, h.name.n - 1);
		h.name = slice_trim(slice_sub(h.name, 0, open));
		if (h.name.n == 0)
			h.name.p = NULL;
	}
	return h;
}

/*
 * "<= sender H=... P=esmtp S=825 id=... for a@b", and of Exim's own notices
 * "<= <> R=about U=... P=local S=2330".
 */

static void
tell_notice(struct foreign *f, struct work *w, struct slice about)
{
	struct mail *m =
	    joins_mail(&f->joins, w->line->node, about, w->line->time_us);
	unsigned failed = m != NULL ? m->bounced + m->expired : 0;
	struct event *e = tell_begin(f, EV_DSN_SENT, w->id);

	event_cstr(
	    e, F_KIND, m != NULL && failed > m->noticed ? "failure" : "delay");
	event_str(e, F_ABOUT_MSG_ID, about);
	if (m != NULL) {
		put_known(e, F_TO, texts_get(&m->join.texts, MT_FROM));
		m->noticed = failed;
	}
	tell(f);
}

static bool
take_arrival(struct foreign *f, struct work *w)
{
	struct slice helo, about, from, protocol, size, user;
	struct host h = exim_host(w->rest, &helo);
	const char *subject = memmem(w->rest.p, w->rest.n, " T=\"", 4);
	struct mail *m;

	/* the subject and what follows it are anybody's */
	if (subject != NULL)
		w->rest.n = (size_t)(subject - w->rest.p);
	from = slice_sub(w->rest, 0, slice_find(w->rest, ' '));
	if (slice_eq(from, SLICE("<>")))
		from = slice_sub(from, 1, 1);
	protocol = exim_field(w->rest, SLICE(" P="));
	size = exim_field(w->rest, SLICE(" S="));
	about = exim_field(w->rest, SLICE(" R="));
	user = exim_field(w->rest, SLICE(" A="));
	if (user.p == NULL)
		user = exim_field(w->rest, SLICE(" U="));
	if (protocol.p == NULL || w->id.n == 0)
		return false;
	if (about.p != NULL && from.n == 0)
		protocol = SLICE("dsn");
	m = joins_mail_begin(&f->joins, w->line->node, w->id, w->line->time_us);
	if (m == NULL)
		return true;
	texts_set(&m->join.texts, MT_FROM, from);
	texts_set(&m->join.texts, MT_PROTOCOL, protocol);
	texts_set(&m->join.texts, MT_PEER_NAME, h.name);
	texts_set(&m->join.texts, MT_PEER_IP, h.ip);
	texts_set(&m->join.texts, MT_USER, user);
	texts_set(
	    &m->join.texts, MT_MESSAGE_ID, exim_field(w->rest, SLICE(" id=")));
	slice_u64(size, UINT64_MAX, &m->size_bytes);
	tell_received(f, m, w->id);
	if (about.p != NULL && from.n == 0)
		tell_notice(f, w, about);
	return true;
}

static bool
take_completed(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);

	if (m != NULL)
		tell_done(f, m, w->id, m->is_deleted ? "deleted" : NULL);
	return true;
}

static bool
take_removed(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);

	if (m != NULL)
		m->is_deleted = true;
	return true;
}

/* "frozen by ACL" is a rule's, "frozen by NAME" an operator's. */
static bool
tell_frozen(
    struct foreign *f, struct work *w, enum event_type type, const char *by)
{
	struct event *e = tell_begin(f, type, w->id);

	event_cstr(e, F_BY, by);
	event_str(e, F_WHY, w->rest);
	tell(f);
	return true;
}

static bool
take_frozen_by(struct foreign *f, struct work *w)
{
	bool is_rule = slice_istarts(w->rest, SLICE("ACL"));

	return tell_frozen(f, w, EV_MSG_HOLD, is_rule ? "policy" : "op");
}

static bool
take_frozen(struct foreign *f, struct work *w)
{
	return tell_frozen(f, w, EV_MSG_HOLD, "policy");
}

static bool
take_unfrozen_by(struct foreign *f, struct work *w)
{
	return tell_frozen(f, w, EV_MSG_RELEASE, "op");
}

static bool
take_unfrozen(struct foreign *f, struct work *w)
{
	return tell_frozen(f, w, EV_MSG_RELEASE, "policy");
}

/* With a message id. Hosts that did not take it ("H=...") and more are told
 * again with the recipients. */
static const struct row mail_row[] = {
	TAKE("=> ", exim_delivered),
	TAKE("-> ", exim_delivered),
	TAKE(">> ", exim_delivered),
	TAKE("<= ", take_arrival),
	TAKE("Completed", take_completed),
	TAKE("== ", exim_deferred),
	TAKE("** ", exim_failed),
	KNOWN("*> "),
	TAKE("frozen by ", take_frozen_by),
	TAKE("Frozen ", take_frozen),
	TAKE("unfrozen by ", take_unfrozen_by),
	TAKE("Unfrozen by ", take_unfrozen),
	KNOWN("Message is frozen"),
	KEEP("removed by ", take_removed),
	KEEP("cancelled by ", take_removed),
	KEEP("rejected ", exim_refusal),
	KEEP("temporarily rejected ", exim_refusal),
	KNOWN("Spool file "),
	KNOWN("SMTP error from "),
	KNOWN("SMTP timeout "),
	KNOWN("Remote host "),
	KNOWN("Retry time not yet reached"),
	KNOWN("routing failed for "),
	KNOWN("delivery attempt "),
	KNOWN("Original message "),
	KNOWN("Failed to find "),
	KNOWN("Error while "),
	KNOWN("TLS "),
	KNOWN("no immediate delivery: "),
	KNOWN("retry time not reached "),
	KNOWN("DKIM: "),
};
static const struct rows mail_rows = ROWS_OF(mail_row);

static const struct row plain_row[] = {
	KEEP("rejected ", exim_refusal),
	KEEP("temporarily rejected ", exim_refusal),
	KEEP("SMTP connection from ", exim_connection),
	KEEP("unexpected disconnection ", exim_connection),
	KEEP("SMTP command timeout ", exim_connection),
	KEEP("SMTP data timeout ", exim_connection),
	KNOWN("Start queue run: "),
	KNOWN("End queue run: "),
	KNOWN("exim "),
	KNOWN("no host name found for "),
	KNOWN("no IP address found for "),
	KNOWN("SMTP call from "),
	KNOWN("no MAIL in SMTP connection "),
	KNOWN("SMTP protocol "),
	KNOWN("SMTP syntax error "),
	KNOWN("TLS "),
	KNOWN("Connection from "),
	KNOWN("refused connection "),
	KNOWN("DNS list lookup "),
	KNOWN("Warning: "),
	KNOWN("daemon "),
	KNOWN("pid "),
	KNOWN("cwd="),
};
static const struct rows plain_rows = ROWS_OF(plain_row);

/* 6-6-2 digits of base 62, 6-11-4 since 4.97 */
static bool
is_id(struct slice s)
{
	size_t second = s.n == 16 ? 13 : 18;

	if (s.n != 16 && s.n != 23)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		if (i == 6 || i == second) {
			if (c != '-')
				return false;
		} else if (!((c >= '0' && c <= '9') ||
			       (c >= 'a' && c <= 'z'))) {
			return false;
		}
	}
	return true;
}

/* "[1710] " */
static void
cut_pid(struct foreign *f, struct slice *s)
{
	size_t close = slice_find(slice_sub(*s, 0, 12), ']');
	uint64_t pid;

	if (s->n < 4 || s->p[0] != '[' || close + 2 >= s->n ||
	    !slice_u64(slice_sub(*s, 1, close), UINT32_MAX, &pid))
		return;
	f->out.pid = pid;
	*s = slice_sub(*s, close + 2, s->n);
}

/* Anything of a host, a user or a sender: refused, or a note. */
static bool
take_words(struct foreign *f, struct work *w)
{
	static const struct slice begins[] = { TEXT("H="), TEXT("U="),
		TEXT("F=") };

	if (memmem(w->rest.p, w->rest.n, " rejected ", 10) != NULL)
		return exim_refusal(f, w);
	for (size_t i = 0; i < COUNT(begins); i++)
		if (slice_istarts(w->rest, begins[i]))
			return true;
	return slice_iends(w->rest, SLICE(": error ignored"));
}

bool
exim_line(struct foreign *f, struct work *w)
{
	int64_t again;
	size_t blank;

	when_exim(&f->when, &w->rest, &again);
	cut_pid(f, &w->rest);
	blank = slice_find(w->rest, ' ');
	if (!is_id(slice_sub(w->rest, 0, blank)))
		return rows_take(&plain_rows, f, w) || take_words(f, w);
	w->id = slice_sub(w->rest, 0, blank);
	w->rest = slice_sub(w->rest, blank + 1, w->rest.n);
	return rows_take(&mail_rows, f, w) || take_words(f, w);
}
