/*
 * expand_answer: lookup and agents are asked what a recipient is, and what they
 * say is held against what was asked (answered.h).
 */
#include <string.h>

#include "answered.h"
#include "expand.h"
#include "queue.h"
#include "sizes.h"

#define SLOT_BITS 16 /* of a key: which recipient of the attempt */

static void
ask(struct queue *q, struct attempt *a, uint32_t slot)
{
	const struct rcpt *r = &a->msg->rcpt[a->rcpt[slot].index];
	struct slice local = slice_of(rcpt_addr(a->msg, r)), domain;
	size_t at = slice_rfind(local, '@');

	domain = slice_sub(local, at + 1, local.n);
	local = slice_sub(local, 0, at);
	a->waiting++;
	PROC_SEND(&q->proc->lookup, expand_ask, EXPAND_ASK,
	    .key = a->number << SLOT_BITS | slot,
	    .is_self = r->kind == TARGET_SELF, .local = local,
	    .domain = domain);
}

void
expand_ask(struct queue *q, struct attempt *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (expand_is_to_ask(a->rcpt[i].kind))
			ask(q, a, i);
	if (a->waiting == 0)
		attempt_go_on(q, a);
}

static void
decide(struct queue *q, struct msg *m, uint32_t rcpt, const struct verdict *v)
{
	m->rcpt[rcpt].state = RS_OPEN;
	outcome_decide(q, m, rcpt, v);
}

/* It says more than it was asked, or less: as if it had said nothing. */
static void
no_answer(struct queue *q, struct msg *m, uint32_t rcpt, const char *whose)
{
	struct verdict v = VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE, "");

	v.text = slice_of(whose);
	decide(q, m, rcpt, &v);
}

static bool
fits_journal(const struct msg *m, const struct rcpt *r, struct slice targets)
{
	size_t one = 64 + strlen(rcpt_orcpt(m, r)) + strlen(rcpt_addr(m, r));
	struct rd rd = rd_of(targets);
	struct p_target t;
	size_t n = 0;

	while (!rd_end(&rd) && get_p_target(&rd, &t))
		n++;
	return n * one + targets.n <= EXPANSION_MAX;
}

/* A program or file of an alias is DefaultUser's, whatever lookup says. */
static void
use_list(struct queue *q, struct attempt *a, struct attempt_rcpt *ar,
    const struct p_expand_answer *m)
{
	const struct verdict too_large = VERDICT(451, "4.2.4",
	    RC_LOCAL_RESOURCE, "The list has more members than can be kept");
	struct slice targets = buf_slice(&ar->targets);
	struct msg *msg = a->msg;

	if (ar->targets.bad || !answered_are_targets(targets) ||
	    !answered_is_text(m->owner))
		no_answer(q, msg, ar->index, "The aliases gave no list");
	else if (!fits_journal(msg, &msg->rcpt[ar->index], targets))
		decide(q, msg, ar->index, &too_large);
	else if (expand_leads_on(q, msg, ar->index, targets))
		expand(q, msg, ar->index,
		    &(struct stand_in){ .targets = targets,
			.user = slice_of(q->proc->conf->DefaultUser),
			.owner = m->owner,
			.kind = m->owner.n ? "list" : "alias" },
		    NULL, 0);
}

static void
use_verdict(struct queue *q, struct attempt *a, struct attempt_rcpt *ar,
    const struct p_expand_answer *m)
{
	struct rd r = rd_of(m->verdict);
	struct verdict v = get_verdict(&r);

	if (r.bad || v.code / 100 < 4 || v.code / 100 > 5)
		no_answer(
		    q, a->msg, ar->index, "The user database gave no answer");
	else
		decide(q, a->msg, ar->index, &v);
}

static bool
is_of_recipient(struct queue *q, const struct attempt *a,
    const struct attempt_rcpt *ar, const struct p_expand_answer *m)
{
	const struct rcpt *r = &a->msg->rcpt[ar->index];
	struct slice addr = slice_of(rcpt_addr(a->msg, r));
	size_t at = slice_rfind(addr, '@');
	struct slice local = slice_sub(addr, 0, at);
	struct slice domain = slice_sub(addr, at + 1, addr.n);

	if (m->kind == EXPAND_USER)
		return answered_is_account(q->proc->conf, local, m->user);
	return answered_is_virtual(
	    q->proc->conf, local, domain, m->user, m->path);
}

static void
use_answer(struct queue *q, struct attempt *a, struct attempt_rcpt *ar,
    const struct p_expand_answer *m)
{
	if (m->kind != EXPAND_USER && m->kind != EXPAND_VIRTUAL) {
		ar->is_settled = true;
		if (m->kind == EXPAND_LIST)
			use_list(q, a, ar, m);
		else
			use_verdict(q, a, ar, m);
	} else if (!is_of_recipient(q, a, ar, m)) {
		ar->is_settled = true;
		no_answer(q, a->msg, ar->index,
		    "The user database gave the answer of another user");
	} else {
		ar->kind =
		    m->kind == EXPAND_USER ? TARGET_USER : TARGET_VIRTUAL;
		ar->user = slice_dup(m->user);
		ar->path = slice_dup(m->path);
	}
}

bool
expand_answer(struct queue *q, struct slice payload)
{
	struct p_expand_answer m;
	struct attempt *a;
	struct attempt_rcpt *ar;
	uint32_t slot;

	if (!get_p_expand_answer(payload, &m))
		return false;
	if (m.key >> SLOT_BITS == 0) { /* no attempt has this number */
		names_answer(q, &m);
		return true;
	}
	a = attempt_find(q, m.key >> SLOT_BITS);
	slot = m.key & ((1u << SLOT_BITS) - 1);
	if (a == NULL || slot >= a->n || a->waiting == 0 || a->worker != NULL)
		return true; /* asked for before something died */
	ar = &a->rcpt[slot];
	if (a->msg->rcpt[ar->index].state != RS_ACTIVE || ar->is_settled ||
	    !expand_is_to_ask(ar->kind))
		return true;
	buf_add_slice(&ar->targets, m.targets);
	if (m.has_more)
		return true;
	use_answer(q, a, ar, &m);
	if (--a->waiting == 0)
		attempt_go_on(q, a);
	return true;
}

static void
use_forward(struct queue *q, struct attempt *a, struct attempt_rcpt *ar,
    struct peer *peer, const struct p_forward *m)
{
	struct slice targets = buf_slice(&ar->targets);
	struct msg *msg = a->msg;

	if (msg->rcpt[ar->index].state == RS_ACTIVE && !ar->targets.bad &&
	    fits_journal(msg, &msg->rcpt[ar->index], targets) &&
	    (answered_are_targets(targets) || (m->keeps && targets.n == 0)) &&
	    (m->keeps || expand_leads_on(q, msg, ar->index, targets))) {
		expand(q, msg, ar->index,
		    &(struct stand_in){ .targets = targets,
			.user = slice_of(ar->user ? ar->user : ""),
			.keeps = m->keeps,
			.kind = "forward" },
		    peer, m->serial);
		return;
	}
	if (msg->rcpt[ar->index].state == RS_ACTIVE)
		no_answer(q, msg, ar->index, "The .forward gave no list");
	PROC_SEND(peer, result_ack, RESULT_ACK, .serial = m->serial);
}

/* The recipient's own .forward, read by the recipient's own process. */
bool
expand_forward(struct queue *q, struct peer *peer, struct slice payload)
{
	struct p_forward m;
	struct attempt *a;

	if (!get_p_forward(payload, &m))
		return false;
	if (!handover_is_job(q, m.id, m.job, peer))
		return false;
	a = attempt_find(q, handover_number(m.job));
	if (a == NULL || a->worker != peer) {
		PROC_SEND(peer, result_ack, RESULT_ACK, .serial = m.serial);
		return true;
	}
	for (uint32_t i = 0; i < a->n; i++) {
		struct attempt_rcpt *ar = &a->rcpt[i];

		if (ar->index != m.rcpt || ar->is_settled)
			continue;
		buf_add_slice(&ar->targets, m.targets);
		if (m.has_more)
			return true;
		ar->is_settled = true;
		use_forward(q, a, ar, peer, &m);
		break;
	}
	if (!attempt_has_active(a))
		attempt_end(q, a, SCHED_OK);
	return true;
}
