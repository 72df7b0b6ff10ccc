/*
 * What is told of a session: conn.open, conn.close, conn.reject.
 */
#include <stdio.h>

#include "clock.h"
#include "session.h"

static void
event_common(
    struct event *e, enum event_type t, const struct session *s, char id[17])
{
	event_init(e, t);
	snprintf(id, 17, "%016llx", (unsigned long long)s->id);
	event_cstr(e, F_SESSION_ID, id);
	event_cstr(e, F_PEER_IP, s->ip[0] ? s->ip : "local");
}

void
session_say_open(struct session *s)
{
	char id[17];
	struct event e;

	event_common(&e, EV_CONN_OPEN, s, id);
	event_cstr(&e, F_DIRECTION, "in");
	if (s->port != 0)
		event_num(&e, F_PEER_PORT, s->port);
	event_cstr(&e, F_LISTENER, s->listener->title);
	evlog_emit(s->smtpd->proc->log, &e);
}

void
session_say_close(struct session *s, const char *cause)
{
	char id[17];
	struct event e;

	event_common(&e, EV_CONN_CLOSE, s, id);
	event_cstr(&e, F_DIRECTION, "in");
	event_num(&e, F_DURATION_US, (uint64_t)(clock_mono() - s->opened));
	event_num(&e, F_IN_BYTES, conn_bytes_in(s->conn));
	event_num(&e, F_OUT_BYTES, conn_bytes_out(s->conn));
	event_num(&e, F_COMMANDS_COUNT, s->commands);
	event_num(&e, F_MESSAGES_COUNT, s->messages);
	event_cstr(&e, F_CAUSE, cause);
	evlog_emit(s->smtpd->proc->log, &e);
}

void
session_say_reject(struct session *s, struct reply r)
{
	struct slice text = slice_of(r.text), enhanced;
	struct buf rcpt;
	char id[17];
	struct event e;

	event_common(&e, EV_CONN_REJECT, s, id);
	event_cstr(&e, F_COMMAND, smtp_verb_name(s->verb));
	event_num(&e, F_CODE, (uint64_t)r.code);
	if (verdict_cut_enhanced(r.code, &text, &enhanced))
		event_str(&e, F_ENHANCED, enhanced);
	event_str(&e, F_TEXT, text);
	if (s->txn != NULL)
		event_str(&e, F_MAIL_FROM, buf_slice(&s->txn->sender));
	buf_init(&rcpt, 2048);
	if (s->asked != NULL) {
		addr_put(&rcpt, slice_of(s->asked->local),
		    slice_of(s->asked->domain));
		event_str(&e, F_RCPT_TO, buf_slice(&rcpt));
	}
	event_cstr(&e, F_HELO, s->helo);
	evlog_emit(s->smtpd->proc->log, &e);
	buf_release(&rcpt);
	stat_add(s->smtpd->proc->slot, ST_CONN_REJECTED, 1);
}
