#include <stdio.h>
#include <stdlib.h>

#include "lookup.h"

#define FRAME_TARGETS ((size_t)1 << 20)
#define LINES_MAX 60000

void
answer_to(const struct asker *by, struct verdict v)
{
	struct buf b;

	if (by->told != NULL) {
		by->told(by->arg, &v);
		return;
	}
	buf_init(&b, 4096);
	put_verdict(&b, &v);
	if (by->is_expand)
		PROC_SEND(by->peer, expand_answer, EXPAND_ANSWER,
		    .key = by->key, .kind = EXPAND_VERDICT,
		    .verdict = buf_slice(&b));
	else
		PROC_SEND(by->peer, rcpt_answer, RCPT_ANSWER, .key = by->key,
		    .verdict = buf_slice(&b));
	buf_release(&b);
}

void
answer_verdict(struct ask *a, struct verdict v)
{
	struct asker by = a->by;

	free(a);
	answer_to(&by, v);
}

void
answer_ok(struct ask *a)
{
	answer_verdict(a, VERDICT(250, "2.1.5", RC_NONE, "Recipient ok"));
}

void
answer_user(
    struct ask *a, enum proto_expand kind, const char *user, const char *path)
{
	if (!a->by.is_expand) {
		answer_ok(a);
		return;
	}
	PROC_SEND(a->by.peer, expand_answer, EXPAND_ANSWER, .key = a->by.key,
	    .kind = (uint8_t)kind, .user = slice_of(user),
	    .path = slice_of(path));
	free(a);
}

/* EXPN: who gets it; programs and files are nobody's business. */
void
answer_lines(struct ask *a, struct slice targets)
{
	const struct verdict ok = VERDICT(250, "2.1.5", RC_NONE, "ok");
	struct rd r = rd_of(targets);
	struct p_target t;
	struct buf lines, verdict;

	buf_init(&lines, LINES_MAX + 2 * ADDR_PATH_MAX);
	buf_init(&verdict, 4096);
	while (!rd_end(&r) && get_p_target(&r, &t) && lines.len < LINES_MAX)
		if (t.kind == TARGET_ADDRESS || t.kind == TARGET_MAILBOX) {
			buf_add_slice(&lines, t.text);
			buf_addc(&lines, '\n');
		}
	put_verdict(&verdict, &ok);
	PROC_SEND(a->by.peer, rcpt_answer, RCPT_ANSWER, .key = a->by.key,
	    .verdict = buf_slice(&verdict), .lines = buf_slice(&lines));
	buf_release(&lines);
	buf_release(&verdict);
	free(a);
}

/* owner-LIST gets the errors of LIST: its one address, or itself when it is
 * more than one (SEMANTICS: aliases). */
static void
put_owner(const struct ask *a, struct buf *b)
{
	char key[ADDR_LOCAL_MAX + 8];
	struct slice members;
	struct members m;
	struct p_target t;
	struct rd r;

	snprintf(key, sizeof(key), "owner-%s", a->local);
	if (a->l->aliases == NULL ||
	    !aliases_find(a->l->aliases, slice_of(key), &members))
		return;
	members_init(&m);
	if (members_parse(&m, members) && m.n == 1 && m.targets.len != 0) {
		r = rd_of(buf_slice(&m.targets));
		if (get_p_target(&r, &t) && t.kind == TARGET_ADDRESS)
			buf_add_slice(b, t.text);
	}
	members_release(&m);
	if (b->len == 0)
		addr_put(b, slice_of(key), slice_of(""));
	if (slice_rfind(buf_slice(b), '@') == b->len)
		buf_addf(b, "@%s",
		    a->domain[0] ? a->domain : a->l->proc->conf->HostName);
}

/* In frames of a size that channels like. */
void
answer_targets(struct ask *a, struct slice targets)
{
	struct rd r = rd_of(targets);
	const char *from = targets.p;
	struct p_target t;
	struct buf owner;

	while (!rd_end(&r) && get_p_target(&r, &t)) {
		size_t n = (size_t)((const char *)r.p - from);

		if (n < FRAME_TARGETS || rd_end(&r))
			continue;
		PROC_SEND(a->by.peer, expand_answer, EXPAND_ANSWER,
		    .key = a->by.key, .kind = EXPAND_LIST, .has_more = 1,
		    .targets = { from, n });
		from = (const char *)r.p;
	}
	buf_init(&owner, 2048);
	put_owner(a, &owner);
	PROC_SEND(a->by.peer, expand_answer, EXPAND_ANSWER, .key = a->by.key,
	    .kind = EXPAND_LIST,
	    .user = slice_of(a->l->proc->conf->DefaultUser),
	    .owner = buf_slice(&owner),
	    .targets = { from, (size_t)(targets.p + targets.n - from) });
	buf_release(&owner);
	free(a);
}
