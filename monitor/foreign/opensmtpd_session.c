/*
 * OpenSMTPD's connections, by their own ids.
 *
 *	session " smtp connected address=1.2.3.4 host=name"
 *	session " smtp failed-command command=\"RCPT TO:<x>\" result=\"550 no\""
 *	session " mta connecting address=smtp://1.2.3.4:25 host=name"
 */
#include <string.h>

#include "opensmtpd.h"

struct session *
opensmtpd_session(struct foreign *f, const struct work *w)
{
	return joins_session(
	    &f->joins, w->line->node, w->id, 0, w->line->time_us);
}

static void
put_own_session(struct event *e, const struct work *w)
{
	event_str(e, F_SESSION_ID, w->id);
}

enum { A_ADDRESS, A_HOST, A_REASON, A_COMMAND, A_RESULT };
static const struct slice session_names[] = {
	[A_ADDRESS] = TEXT("address"),
	[A_HOST] = TEXT("host"),
	[A_REASON] = TEXT("reason"),
	[A_COMMAND] = TEXT("command"),
	[A_RESULT] = TEXT("result"),
};

bool
opensmtpd_connected(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(session_names)];
	struct session *s;
	struct event *e;

	if (!pairs_read(
		&w->rest, SLICE(" "), session_names, COUNT(v), false, v))
		return false;
	s = joins_session_begin(
	    &f->joins, w->line->node, w->id, 0, w->line->time_us);
	e = tell_begin(f, EV_CONN_OPEN, SLICE(""));
	put_own_session(e, w);
	event_cstr(e, F_DIRECTION, "in");
	put_known(e, F_PEER_NAME, v[A_HOST]);
	put_known(e, F_PEER_IP, v[A_ADDRESS]);
	tell(f);
	if (s != NULL) {
		texts_set(&s->join.texts, SN_NAME, v[A_HOST]);
		texts_set(&s->join.texts, SN_IP, v[A_ADDRESS]);
	}
	return true;
}

static void
put_session_peer(struct event *e, const struct session *s)
{
	if (s == NULL)
		return;
	put_known(e, F_PEER_NAME, texts_get(&s->join.texts, SN_NAME));
	put_known(e, F_PEER_IP, texts_get(&s->join.texts, SN_IP));
}

static const char *
cause_of(struct slice reason)
{
	static const struct {
		struct slice word;
		const char *cause;
	} causes[] = {
		{ TEXT("quit"), "quit" },
		{ TEXT("disconnect"), "reset" },
		{ TEXT("timeout"), "timeout" },
		{ TEXT("too many "), "limit" },
	};

	for (size_t i = 0; i < COUNT(causes); i++)
		if (slice_istarts(reason, causes[i].word))
			return causes[i].cause;
	return "error";
}

bool
opensmtpd_disconnected(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(session_names)];
	struct session *s = opensmtpd_session(f, w);
	struct event *e;

	if (!pairs_read(
		&w->rest, SLICE(" "), session_names, COUNT(v), false, v))
		return false;
	e = tell_begin(f, EV_CONN_CLOSE, SLICE(""));
	put_own_session(e, w);
	event_cstr(e, F_DIRECTION, "in");
	put_session_peer(e, s);
	if (s != NULL) {
		event_num(e, F_DURATION_US,
		    (uint64_t)(w->line->time_us - s->join.first_us));
		event_num(e, F_MESSAGES_COUNT, s->messages);
	}
	event_cstr(e, F_CAUSE, cause_of(v[A_REASON]));
	tell(f);
	if (s != NULL)
		joins_session_end(&f->joins, s);
	return true;
}

/* An address in the command: "RCPT TO:<x> NOTIFY=..." */
static struct slice
address_in(struct slice command)
{
	size_t open = slice_find(command, '<');
	struct slice s = slice_sub(command, open + 1, command.n);
	size_t close = slice_find(s, '>');

	if (close == s.n)
		return (struct slice){ NULL, 0 };
	return slice_sub(s, 0, close);
}

/* RFC 5321's words are in front of the first blank or colon. */
static struct slice
verb_of(struct slice command)
{
	size_t n = slice_find(command, ' '), colon = slice_find(command, ':');

	if (command.n == 0)
		return SLICE("conn"); /* before any */
	return said_command(slice_sub(command, 0, n < colon ? n : colon));
}

bool
opensmtpd_failed(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(session_names)], command, address;
	struct said said;
	struct event *e;

	if (!pairs_read(
		&w->rest, SLICE(" "), session_names, COUNT(v), false, v) ||
	    v[A_COMMAND].p == NULL || v[A_RESULT].p == NULL)
		return false;
	command = verb_of(v[A_COMMAND]);
	address = address_in(v[A_COMMAND]);
	said = said_reply(v[A_RESULT]);
	e = tell_begin(f, EV_CONN_REJECT, SLICE(""));
	put_own_session(e, w);
	event_str(e, F_COMMAND, command);
	put_session_peer(e, opensmtpd_session(f, w));
	if (slice_eq(command, SLICE("mail")))
		put_known(e, F_MAIL_FROM, address);
	else if (slice_eq(command, SLICE("rcpt")))
		put_known(e, F_RCPT_TO, address);
	said_put(e, &said, SLICE(""));
	tell(f);
	return true;
}

/* "address=smtp://203.0.113.5:25 host=mx.example.com" */
bool
opensmtpd_connecting(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(session_names)], ip;
	struct event *e;
	size_t colon;
	const char *p;

	if (!pairs_read(
		&w->rest, SLICE(" "), session_names, COUNT(v), false, v) ||
	    v[A_ADDRESS].p == NULL)
		return false;
	p = memmem(v[A_ADDRESS].p, v[A_ADDRESS].n, "://", 3);
	ip = v[A_ADDRESS];
	if (p != NULL)
		ip = slice_sub(ip, (size_t)(p - ip.p) + 3, ip.n);
	colon = slice_rfind(ip, ':');
	e = tell_begin(f, EV_CONN_OPEN, SLICE(""));
	put_own_session(e, w);
	event_cstr(e, F_DIRECTION, "out");
	put_known(e, F_PEER_NAME, v[A_HOST]);
	event_str(e, F_PEER_IP, slice_sub(ip, 0, colon));
	if (colon < ip.n)
		put_number(e, F_PEER_PORT, slice_sub(ip, colon + 1, ip.n));
	tell(f);
	return true;
}
