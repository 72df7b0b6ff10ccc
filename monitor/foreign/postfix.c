/*
 * Postfix: one word says the program, then comes a queue id, or none.
 *
 *	line = id ": " what / "NOQUEUE: " what / words
 *
 * Each program has its rows; smtpd's and the deliveries' are long enough for
 * files of their own.
 */
#include "postfix.h"

#include <string.h>

#define VOWELS 0x104111 /* a, e, i, o, u: a bit each, a is the lowest */

/*
 * Short ids are upper case hex; long ones have no vowels and may have any
 * digit or none. So words such as "Deleted" are no ids.
 */
static bool
is_queue_id(struct slice s)
{
	bool has_digit = false, has_vowel = false, is_hex = true;

	if (s.n < 5 || s.n > 24)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = ascii_lower(s.p[i]);

		has_digit |= c >= '0' && c <= '9';
		is_hex &= s.p[i] <= 'F';
		if (c >= 'a' && c <= 'z')
			has_vowel |= VOWELS >> (c - 'a') & 1;
		else if (c < '0' || c > '9')
			return false;
	}
	return has_digit || is_hex || (s.n >= 10 && !has_vowel);
}

static bool
is_note(struct slice s)
{
	static const struct slice words[] = { TEXT("warning"), TEXT("fatal"),
		TEXT("panic"), TEXT("error"), TEXT("statistics") };

	for (size_t i = 0; i < COUNT(words); i++)
		if (slice_eq(s, words[i]))
			return true;
	return false;
}

/* cleanup: "header Subject: x from NAME[IP]; from=<> ...: 5.7.1 words" */

static bool
take_message_id(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);
	struct slice id = w->rest;

	if (m == NULL)
		return true;
	m->has_begun |= !m->is_received;
	if (id.n >= 2 && id.p[0] == '<' && id.p[id.n - 1] == '>')
		id = slice_sub(id, 1, id.n - 1);
	texts_set(&m->join.texts, MT_MESSAGE_ID, id);
	if (m->is_held && !m->is_received) {
		tell_received(f, m, w->id);
		postfix_tell_held(f, m, w->id);
	}
	return true;
}

static bool
take_held_content(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);
	struct refusal r;

	if (m == NULL || !postfix_refusal(w->rest, &r))
		return false;
	texts_set(&m->join.texts, MT_WHY, r.said);
	if (texts_get(&m->join.texts, MT_FROM).p == NULL)
		texts_set(&m->join.texts, MT_FROM, r.mail_from);
	if (m->is_held)
		return true;
	m->is_held = true;
	if (texts_get(&m->join.texts, MT_MESSAGE_ID).p != NULL) {
		tell_received(f, m, w->id);
		postfix_tell_held(f, m, w->id);
	}
	return true;
}

static const struct row cleanup_row[] = {
	TAKE("message-id=", take_message_id),
	KNOWN("resent-message-id="),
	TAKE("reject: ", postfix_reject),
	TAKE("milter-reject: ", postfix_reject),
	TAKE("hold: ", take_held_content),
	TAKE("milter-hold: ", take_held_content),
	TAKE("discard: ", postfix_discard),
	TAKE("milter-discard: ", postfix_discard),
	KNOWN("warning: "),
	KNOWN("info: "),
	KNOWN("filter: "),
	KNOWN("redirect: "),
	KNOWN("replace: "),
	KNOWN("prepend: "),
	KNOWN("ignore: "),
	KNOWN("strip: "),
	KNOWN("bcc: "),
	KNOWN("milter-"),
	KNOWN("table "),
};
static const struct rows cleanup_rows = ROWS_OF(cleanup_row);

/* qmgr: "from=<>, size=1, nrcpt=1 (queue active)" at each attempt. */

enum { Q_FROM, Q_STATUS, Q_SIZE, Q_NRCPT };
static const struct slice queue_names[] = {
	[Q_FROM] = TEXT("from"),
	[Q_STATUS] = TEXT("status"),
	[Q_SIZE] = TEXT("size"),
	[Q_NRCPT] = TEXT("nrcpt"),
};

/* Messages that Postfix writes itself have no client. */
static void
note_origin(struct mail *m, struct slice from)
{
	static const struct slice notice = TEXT("double-bounce@");

	if (texts_get(&m->join.texts, MT_PROTOCOL).p != NULL)
		return;
	texts_set(&m->join.texts, MT_PROTOCOL,
	    from.n == 0 || slice_istarts(from, notice) ? SLICE("dsn")
						       : SLICE("forward"));
}

static bool
take_queue(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(queue_names)];
	struct mail *m = work_mail(f, w);

	if (!pairs_read(
		&w->rest, SLICE(", "), queue_names, COUNT(v), false, v) ||
	    v[Q_FROM].p == NULL)
		return false;
	if (m == NULL)
		return true;
	if (v[Q_STATUS].p != NULL) {
		tell_expired(f, m, w->id, v[Q_STATUS]);
		return true;
	}
	texts_set(&m->join.texts, MT_FROM, v[Q_FROM]);
	slice_u64(v[Q_SIZE], UINT64_MAX, &m->size_bytes);
	slice_u64(slice_sub(v[Q_NRCPT], 0, slice_find(v[Q_NRCPT], ' ')),
	    UINT32_MAX, &m->rcpts);
	if (m->has_begun) {
		note_origin(m, v[Q_FROM]);
		tell_received(f, m, w->id);
	}
	return true;
}

static bool
take_removed(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);

	if (m != NULL)
		tell_done(f, m, w->id, NULL);
	return true;
}

static const struct row qmgr_row[] = {
	TAKE("removed", take_removed),
	KEEP("from=", take_queue),
	KNOWN("skipped, still being delivered"),
};
static const struct rows qmgr_rows = ROWS_OF(qmgr_row);

/* pickup: "uid=0 from=<alice@example.org> orig_id=76D3583" */

enum { P_UID, P_FROM, P_ORIG };
static const struct slice pickup_names[] = {
	[P_UID] = TEXT("uid"),
	[P_FROM] = TEXT("from"),
	[P_ORIG] = TEXT("orig_id"),
};

/* A requeued message has a new id; the old one ends here. */
static void
tell_requeued(struct foreign *f, struct work *w, struct slice old)
{
	struct event *e = tell_begin(f, EV_MSG_DONE, old);
	struct mail *m =
	    joins_mail(&f->joins, w->line->node, old, w->line->time_us);

	event_cstr(e, F_OUTCOME, "requeued");
	event_str(e, F_INTO_MSG_ID, w->id);
	tell(f);
	if (m != NULL)
		joins_mail_end(&f->joins, m);
}

static bool
take_pickup(struct foreign *f, struct work *w)
{
	struct slice v[COUNT(pickup_names)];
	struct mail *m;

	if (!pairs_read(&w->rest, SLICE(" "), pickup_names, COUNT(v), false, v))
		return false;
	if (v[P_ORIG].p != NULL)
		tell_requeued(f, w, v[P_ORIG]);
	m = joins_mail_begin(&f->joins, w->line->node, w->id, w->line->time_us);
	if (m == NULL)
		return true;
	texts_set(&m->join.texts, MT_USER, v[P_UID]);
	texts_set(&m->join.texts, MT_PROTOCOL,
	    v[P_ORIG].p != NULL ? SLICE("requeue") : SLICE("local"));
	return true;
}

static const struct row pickup_row[] = {
	TAKE("", take_pickup),
};
static const struct rows pickup_rows = ROWS_OF(pickup_row);

/* bounce: "sender non-delivery notification: 5851276" */

static bool
tell_notice(struct foreign *f, struct work *w, const char *kind, bool is_ours)
{
	struct slice to = { NULL, 0 };
	struct event *e = tell_begin(f, EV_DSN_SENT, w->rest);
	struct mail *m = work_mail(f, w);

	if (!is_queue_id(w->rest))
		return false;
	if (is_ours)
		to = SLICE("postmaster");
	else if (m != NULL)
		to = texts_get(&m->join.texts, MT_FROM);
	event_cstr(e, F_KIND, kind);
	event_str(e, F_ABOUT_MSG_ID, w->id);
	put_known(e, F_TO, to);
	tell(f);
	return true;
}

static bool
take_failure(struct foreign *f, struct work *w)
{
	return tell_notice(f, w, "failure", false);
}

static bool
take_delay(struct foreign *f, struct work *w)
{
	return tell_notice(f, w, "delay", false);
}

static bool
take_success(struct foreign *f, struct work *w)
{
	return tell_notice(f, w, "success", false);
}

static bool
take_double(struct foreign *f, struct work *w)
{
	return tell_notice(f, w, "failure", true);
}

static bool
take_double_delay(struct foreign *f, struct work *w)
{
	return tell_notice(f, w, "delay", true);
}

static const struct row bounce_row[] = {
	TAKE("sender non-delivery notification: ", take_failure),
	TAKE("sender delay notification: ", take_delay),
	TAKE("sender delivery status notification: ", take_success),
	TAKE("postmaster non-delivery notification: ", take_double),
	TAKE("postmaster delay notification: ", take_double_delay),
};
static const struct rows bounce_rows = ROWS_OF(bounce_row);

/* postsuper: what an operator did */

static bool
take_placed(struct foreign *f, struct work *w)
{
	event_cstr(tell_begin(f, EV_MSG_HOLD, w->id), F_BY, "op");
	tell(f);
	return true;
}

static bool
take_released(struct foreign *f, struct work *w)
{
	event_cstr(tell_begin(f, EV_MSG_RELEASE, w->id), F_BY, "op");
	tell(f);
	return true;
}

static bool
take_deleted(struct foreign *f, struct work *w)
{
	struct mail *m = work_mail(f, w);

	if (m != NULL)
		tell_done(f, m, w->id, "deleted");
	return true;
}

static const struct row postsuper_row[] = {
	TAKE("placed on hold", take_placed),
	TAKE("released from hold", take_released),
	TAKE("removed", take_deleted),
	KNOWN("requeued"),
	KNOWN("expired"),
	KNOWN("Placed on hold: "),
	KNOWN("Released from hold: "),
	KNOWN("Deleted: "),
	KNOWN("Requeued: "),
	KNOWN("Expired: "),
	KNOWN("Renamed "),
};
static const struct rows postsuper_rows = ROWS_OF(postsuper_row);

/* Programs that say nothing of a message. */
static const struct row any_row[] = { KNOWN("") };
static const struct rows any_rows = ROWS_OF(any_row);

static const struct {
	struct slice name;
	const struct rows *rows;
} programs[] = {
	{ TEXT("smtpd"), &postfix_smtpd },
	{ TEXT("cleanup"), &cleanup_rows },
	{ TEXT("qmgr"), &qmgr_rows },
	{ TEXT("smtp"), &postfix_delivery },
	{ TEXT("local"), &postfix_delivery },
	{ TEXT("lmtp"), &postfix_delivery },
	{ TEXT("virtual"), &postfix_delivery },
	{ TEXT("pipe"), &postfix_delivery },
	{ TEXT("error"), &postfix_delivery },
	{ TEXT("retry"), &postfix_delivery },
	{ TEXT("discard"), &postfix_delivery },
	{ TEXT("pickup"), &pickup_rows },
	{ TEXT("bounce"), &bounce_rows },
	{ TEXT("postscreen"), &postfix_postscreen },
	{ TEXT("postsuper"), &postsuper_rows },
	{ TEXT("oqmgr"), &qmgr_rows },
	{ TEXT("nqmgr"), &qmgr_rows },
	{ TEXT("qmqpd"), &postfix_smtpd },
	{ TEXT("master"), &any_rows },
	{ TEXT("anvil"), &any_rows },
	{ TEXT("scache"), &any_rows },
	{ TEXT("tlsmgr"), &any_rows },
	{ TEXT("tlsproxy"), &any_rows },
	{ TEXT("dnsblog"), &any_rows },
	{ TEXT("trivial-rewrite"), &any_rows },
	{ TEXT("verify"), &any_rows },
	{ TEXT("proxymap"), &any_rows },
	{ TEXT("flush"), &any_rows },
	{ TEXT("showq"), &any_rows },
	{ TEXT("spawn"), &any_rows },
	{ TEXT("postdrop"), &any_rows },
	{ TEXT("postlog"), &any_rows },
	{ TEXT("postlogd"), &any_rows },
	{ TEXT("postmap"), &any_rows },
	{ TEXT("postalias"), &any_rows },
	{ TEXT("postqueue"), &any_rows },
	{ TEXT("postmulti"), &any_rows },
	{ TEXT("postfix-script"), &any_rows },
	{ TEXT("sendmail"), &any_rows },
};

/* "ID: " or "NOQUEUE: " off the text. */
static void
cut_id(struct work *w)
{
	size_t colon = slice_find(slice_sub(w->rest, 0, 26), ':');
	struct slice word = slice_sub(w->rest, 0, colon);

	if (colon + 1 >= w->rest.n || w->rest.p[colon + 1] != ' ')
		return;
	if (is_queue_id(word))
		w->id = word;
	else if (!slice_eq(word, SLICE("NOQUEUE")))
		return;
	w->rest = slice_sub(w->rest, colon + 2, w->rest.n);
}

/* COUNT(programs): none of them */
static size_t
find_program(struct slice prog)
{
	struct slice name = slice_sub(prog, slice_rfind(prog, '/') + 1, prog.n);
	size_t i = 0;

	while (i < COUNT(programs) && !slice_eq(name, programs[i].name))
		i++;
	return i;
}

bool
postfix_has(struct slice prog)
{
	return slice_istarts(prog, SLICE("postfix")) ||
	    find_program(prog) < COUNT(programs);
}

bool
postfix_line(struct foreign *f, struct work *w)
{
	size_t i = find_program(w->prog);

	if (is_note(slice_sub(w->rest, 0, slice_find(w->rest, ':'))))
		return true;
	if (i == COUNT(programs))
		return false;
	w->prog = programs[i].name;
	if (programs[i].rows != &any_rows)
		cut_id(w);
	return rows_take(programs[i].rows, f, w);
}
