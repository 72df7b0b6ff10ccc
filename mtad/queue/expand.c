#include "expand.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "queue.h"
#include "records.h"

/* Recipients from `first` on came in with one expansion. */
struct expansion {
	struct commit commit;
	struct queue *q;
	struct msg *m;
	uint32_t parent, first, n;
	struct peer *peer; /* whose serial is acknowledged, or NULL */
	uint64_t serial;
	const char *kind;
};

bool
expand_is_to_ask(uint8_t kind)
{
	return kind == TARGET_ADDRESS || kind == TARGET_SELF;
}

/* The strings that stand in for one recipient, as J_EXPANDED has them. */
static bool
is_known(
    const struct msg *m, uint8_t kind, struct slice addr, struct slice path)
{
	/* an address has no path; a list's owner may stand there by now */
	for (uint32_t i = 0; i < m->rcpt_n; i++) {
		const struct rcpt *r = &m->rcpt[i];

		if (r->kind == kind &&
		    slice_ieq(slice_of(rcpt_addr(m, r)), addr) &&
		    (expand_is_to_ask(kind) ||
			slice_eq(slice_of(rcpt_path(m, r)), path)))
			return true;
	}
	return false;
}

/* An alias that names itself means the mailbox behind it. A list with an owner
 * takes nothing over that its sender asked for, RFC 3461 section 5.2.7.1. */
static void
put_member(struct buf *b, const struct p_target *t, struct slice addr,
    const struct msg *m, const struct rcpt *parent, const struct stand_in *s)
{
	bool is_list = s->owner.n != 0;
	bool is_address = t->kind == TARGET_ADDRESS;
	bool is_mailbox = t->kind == TARGET_MAILBOX; /* \user */
	bool is_self =
	    is_address && slice_ieq(addr, slice_of(rcpt_addr(m, parent)));

	put_u8(b, is_self ? TARGET_SELF : t->kind);
	put_u8(b, (uint8_t)(parent->depth + 1));
	put_str(b, addr);
	put_str(b, slice_of(is_list ? "" : rcpt_orcpt(m, parent)));
	put_u8(b, is_list ? 0 : parent->notify);
	put_str(b, is_address ? SLICE("") : is_mailbox ? t->text : s->user);
	put_str(b, is_address || is_mailbox ? SLICE("") : t->text);
}

/* Bare local names get this host's name. */
static void
complete(const struct queue *q, struct buf *b, struct slice addr)
{
	buf_add_slice(b, addr);
	if (slice_rfind(addr, '@') == addr.n)
		buf_addf(b, "@%s", q->proc->conf->HostName);
}

static uint32_t
put_members(struct queue *q, struct buf *b, const struct msg *m,
    const struct rcpt *parent, const struct stand_in *s)
{
	struct rd r = rd_of(s->targets);
	struct p_target t;
	struct buf addr;
	uint32_t n = 0;

	buf_init(&addr, 4096);
	while (!rd_end(&r) && get_p_target(&r, &t)) {
		buf_clear(&addr);
		if (t.kind == TARGET_ADDRESS)
			complete(q, &addr, t.text);
		else
			buf_adds(&addr, rcpt_addr(m, parent));
		if (!addr.bad) {
			put_member(b, &t, buf_slice(&addr), m, parent, s);
			n++;
		}
	}
	buf_release(&addr);
	return n;
}

/* Members into the index; those that the message has already are left out.
 * Few members: looking is cheap. Many: the list itself holds no doubles. */
static void
add_members(
    struct queue *q, struct msg *m, uint32_t parent, struct rd *r, uint32_t n)
{
	bool is_small = n <= 100 && m->rcpt_n <= 1000;

	for (uint32_t i = 0; i < n && !r->bad; i++) {
		uint8_t kind = get_u8(r), depth = get_u8(r), notify;
		struct slice addr = get_str(r), orcpt = get_str(r), user, path;
		uint32_t at;

		notify = get_u8(r);
		user = get_str(r);
		path = get_str(r);
		if (r->bad || kind >= TARGET_COUNT ||
		    (is_small && is_known(m, kind, addr, path)))
			continue;
		at = msg_add_rcpt(&q->index, m, addr, orcpt, notify,
		    (enum proto_target)kind, user, path);
		if (at == RCPT_NONE)
			continue;
		m->rcpt[at].depth = depth;
		m->rcpt[at].parent = parent;
	}
}

/* Its strings are copied: those of a message move when one is added. */
static void
add_mailbox(struct queue *q, struct msg *m, uint32_t parent, struct slice user)
{
	char *addr = slice_dup(slice_of(rcpt_addr(m, &m->rcpt[parent])));
	char *orcpt = slice_dup(slice_of(rcpt_orcpt(m, &m->rcpt[parent])));
	uint32_t at = RCPT_NONE;

	if (addr != NULL && orcpt != NULL)
		at = msg_add_rcpt(&q->index, m, slice_of(addr), slice_of(orcpt),
		    m->rcpt[parent].notify, TARGET_MAILBOX, user, SLICE(""));
	if (at != RCPT_NONE) {
		m->rcpt[at].depth = m->rcpt[parent].depth;
		m->rcpt[at].parent = parent;
	}
	free(addr);
	free(orcpt);
}

static bool
apply(struct queue *q, struct msg *m, struct rd *r, uint32_t *ret_parent)
{
	uint32_t parent = get_u32(r), n;
	bool keeps = get_u8(r);

	get_u64(r);
	n = get_u32(r);
	if (r->bad || parent >= m->rcpt_n || rcpt_is_finished(&m->rcpt[parent]))
		return false;
	*ret_parent = parent;
	add_members(q, m, parent, r, n);
	if (keeps) /* .forward was read: the mailbox it is */
		add_mailbox(q, m, parent, get_str(r));
	if (!r->bad && !rd_end(r)) /* formats before had none */
		rcpt_set_owner(m, parent, get_str(r));
	return !r->bad;
}

bool
expand_replay(struct queue *q, struct slice payload)
{
	struct rd r = rd_of(payload);
	struct msgid id = get_msgid(&r);
	struct msg *m = index_find(&q->index, id);
	uint32_t parent;

	if (m == NULL || !apply(q, m, &r, &parent))
		return false;
	outcome_finish_rcpt(q, m, parent, RS_EXPANDED);
	return true;
}

static void
say_expanded(struct queue *q, const struct expansion *x)
{
	const struct msg *m = x->m;

	for (uint32_t i = x->first; i < x->first + x->n; i++) {
		char id[MSGID_TEXT + 1];
		const struct rcpt *r = &m->rcpt[i];
		struct event e;

		queue_event_msg(&e, EV_RCPT_EXPAND, m, id);
		event_num(&e, F_RCPT_ID, i);
		event_cstr(&e, F_FROM, rcpt_addr(m, &m->rcpt[x->parent]));
		event_cstr(&e, F_TO,
		    r->kind == TARGET_ADDRESS	    ? rcpt_addr(m, r)
			: r->kind == TARGET_MAILBOX ? rcpt_user(m, r)
						    : rcpt_path(m, r));
		event_cstr(&e, F_KIND, x->kind);
		queue_emit(q, &e);
	}
}

static void
durable(void *arg, int error)
{
	struct expansion *x = arg;
	struct queue *q = x->q;
	struct msg *m = x->m;

	if (error == 0) {
		say_expanded(q, x);
		for (uint32_t i = x->first; i < x->first + x->n; i++)
			route_rcpt(q, m, i, false, false, 0);
		queue_schedule(q);
	}
	if (error == 0 && x->peer != NULL)
		PROC_SEND(x->peer, result_ack, RESULT_ACK, .serial = x->serial);
	free(x);
	msg_unpin(q, m);
}

void
expand(struct queue *q, struct msg *m, uint32_t parent,
    const struct stand_in *s, struct peer *peer, uint64_t serial)
{
	struct expansion *x = malloc(sizeof(*x));
	struct buf *b, copy;
	struct rd r;
	size_t count_at, from;
	uint32_t n;

	if (x == NULL)
		return; /* stays RS_ACTIVE: tried again when the attempt ends */
	b = journal_begin(q->journal, J_EXPANDED);
	from = b->len;
	put_msgid(b, m->id);
	put_u32(b, parent);
	put_u8(b, s->keeps);
	put_u64(b, (uint64_t)clock_wall());
	count_at = b->len;
	put_u32(b, 0);
	n = put_members(q, b, m, &m->rcpt[parent], s);
	if (s->keeps)
		put_str(b, s->user);
	if (s->owner.n != 0)
		put_str(b, s->owner);
	if (!b->bad)
		set_le32(b->data + count_at, n);
	buf_init(&copy, (size_t)64 << 20);
	buf_add(&copy, b->data + from, b->len - from);
	journal_end(q->journal);
	*x = (struct expansion){ .q = q,
		.m = m,
		.parent = parent,
		.first = m->rcpt_n,
		.peer = peer,
		.serial = serial,
		.kind = s->kind,
		.commit = { .done = durable, .arg = x } };
	r = rd_of(buf_slice(&copy));
	get_msgid(&r);
	if (!copy.bad && apply(q, m, &r, &parent))
		outcome_finish_rcpt(q, m, parent, RS_EXPANDED);
	x->n = m->rcpt_n - x->first;
	buf_release(&copy);
	m->pins++;
	journal_on_commit(q->journal, &x->commit);
	queue_commit_now(q);
}

static bool
is_too_deep(const struct queue *q, const struct rcpt *r)
{
	return r->depth >= q->proc->conf->MaxAliasRecursion;
}

/* Somebody that this recipient stands in for. */
static bool
is_forbear(const struct msg *m, const struct rcpt *r, struct slice addr)
{
	while (r->parent != RCPT_NONE) {
		r = &m->rcpt[r->parent];
		if (slice_ieq(slice_of(rcpt_addr(m, r)), addr))
			return true;
	}
	return false;
}

/* All that stands in for it leads back to where it came from: nobody would
 * get the message, and nobody hear of it. */
static bool
is_circle(struct queue *q, const struct msg *m, const struct rcpt *rcpt,
    struct slice targets)
{
	struct rd r = rd_of(targets);
	struct p_target t;
	struct buf addr;
	bool is_back = targets.n != 0;

	buf_init(&addr, 4096);
	while (is_back && !rd_end(&r) && get_p_target(&r, &t)) {
		buf_clear(&addr);
		complete(q, &addr, t.text);
		is_back = t.kind == TARGET_ADDRESS &&
		    is_forbear(m, rcpt, buf_slice(&addr));
	}
	buf_release(&addr);
	return is_back;
}

bool
expand_leads_on(
    struct queue *q, struct msg *m, uint32_t rcpt, struct slice targets)
{
	const struct verdict loop = VERDICT(554, "5.4.6", RC_LOOP,
	    "Aliases or .forward files lead in a circle");

	if (!is_too_deep(q, &m->rcpt[rcpt]) &&
	    !is_circle(q, m, &m->rcpt[rcpt], targets))
		return true;
	m->rcpt[rcpt].state = RS_OPEN;
	outcome_decide(q, m, rcpt, &loop);
	return false;
}
