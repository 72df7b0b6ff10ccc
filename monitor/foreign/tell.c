/* What all mailers' readers tell the same way. */
#include <string.h>

#include "mailer.h"

struct event *
tell_begin(struct foreign *f, enum event_type type, struct slice id)
{
	struct event *e = &f->out.event;

	event_init(e, type);
	if (id.n != 0)
		event_str(e, F_MSG_ID, id);
	return e;
}

void
tell(struct foreign *f)
{
	f->stats.events++;
	if (!f->is_silent)
		f->heard(f->ctx, &f->out);
}

void
put_session(struct foreign *f, struct event *e, uint64_t id)
{
	static const char hex[] = "0123456789abcdef";

	if (id == 0)
		return;
	for (int i = 0; i < 16; i++)
		f->session_hex[i] = hex[id >> (60 - 4 * i) & 15];
	event_str(e, F_SESSION_ID, (struct slice){ f->session_hex, 16 });
}

void
tell_received(struct foreign *f, struct mail *m, struct slice id)
{
	static const struct {
		enum mail_text text;
		enum event_field field;
	} fields[] = {
		{ MT_FROM, F_MAIL_FROM },
		{ MT_MESSAGE_ID, F_MESSAGE_ID },
		{ MT_PROTOCOL, F_PROTOCOL },
		{ MT_PEER_NAME, F_PEER_NAME },
		{ MT_PEER_IP, F_PEER_IP },
		{ MT_USER, F_USER },
	};
	struct event *e;

	if (m->is_received)
		return;
	m->is_received = true;
	e = tell_begin(f, EV_MSG_RECEIVED, id);
	put_session(f, e, m->session);
	for (size_t i = 0; i < COUNT(fields); i++)
		put_known(e, fields[i].field,
		    texts_get(&m->join.texts, fields[i].text));
	if (m->size_bytes != 0)
		event_num(e, F_SIZE_BYTES, m->size_bytes);
	if (m->rcpts != 0)
		event_num(e, F_RCPT_COUNT, m->rcpts);
	tell(f);
}

static const char *
outcome_of(const struct mail *m)
{
	unsigned kinds = (m->delivered != 0) + (m->bounced != 0) +
	    (m->expired != 0) + (m->discarded != 0);

	if (kinds > 1)
		return "mixed";
	return m->bounced != 0	? "bounced"
	    : m->expired != 0	? "expired"
	    : m->discarded != 0 ? "discarded"
				: "delivered";
}

void
tell_done(
    struct foreign *f, struct mail *m, struct slice id, const char *outcome)
{
	bool has_counts = m->delivered + m->bounced + m->expired != 0;
	struct event *e = tell_begin(f, EV_MSG_DONE, id);

	if (outcome == NULL && (has_counts || m->discarded != 0))
		outcome = outcome_of(m);
	event_cstr(e, F_OUTCOME, outcome);
	if (has_counts && m->has_begun) {
		event_num(e, F_DELIVERED_COUNT, m->delivered);
		event_num(e, F_BOUNCED_COUNT, m->bounced);
		event_num(e, F_EXPIRED_COUNT, m->expired);
	}
	if (m->has_begun && f->out.time_us >= m->join.first_us)
		event_num(e, F_LIFETIME_US,
		    (uint64_t)(f->out.time_us - m->join.first_us));
	tell(f);
	joins_mail_end(&f->joins, m);
}

static void
tell_one_expired(struct foreign *f, const struct mail *m, struct slice id,
    struct slice rcpt, struct slice text)
{
	struct event *e = tell_begin(f, EV_DLV_EXPIRE, id);

	put_known(e, F_MAIL_FROM, texts_get(&m->join.texts, MT_FROM));
	put_known(e, F_RCPT_TO, rcpt);
	event_str(e, F_TEXT, text);
	event_cstr(e, F_REASON_CLASS, reason_name(RC_EXPIRED));
	if (m->has_begun && f->out.time_us >= m->join.first_us)
		event_num(e, F_TOTAL_US,
		    (uint64_t)(f->out.time_us - m->join.first_us));
	tell(f);
}

void
tell_expired(
    struct foreign *f, struct mail *m, struct slice id, struct slice text)
{
	struct slice rest = buf_slice(&m->pending), rcpt;

	if (rest.n == 0) {
		tell_one_expired(f, m, id, (struct slice){ NULL, 0 }, text);
		m->expired++;
	}
	while (slice_next(&rest, '\n', &rcpt)) {
		tell_one_expired(f, m, id, rcpt, text);
		m->expired++;
	}
	buf_clear(&m->pending);
}

void
mail_count(struct mail *m, enum event_type type, struct slice rcpt)
{
	if (type == EV_DLV_DEFER) {
		mail_wait(m, rcpt);
		return;
	}
	mail_wait_ends(m, rcpt);
	m->delivered += type == EV_DLV_OK;
	m->bounced += type == EV_DLV_FAIL;
	m->expired += type == EV_DLV_EXPIRE;
	m->discarded += type == EV_DLV_DISCARD;
}
