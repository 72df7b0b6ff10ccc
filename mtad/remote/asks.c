#include "asks.h"

#include <stdlib.h>

#include "mx.h"
#include "name.h"

#define ASKS_MAX 10000 /* a broken smtpd fills no memory */

struct ask {
	TAILQ_ENTRY(ask) all;
	struct remote *remote; /* borrowed */
	struct peer *peer; /* borrowed */
	uint64_t key;
	struct name_lookup *name; /* one of these is under way */
	struct mx_lookup *mx;
};

static struct ask *
ask_new(struct remote *r, struct peer *peer, uint64_t key)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return NULL;
	a->remote = r;
	a->peer = peer;
	a->key = key;
	TAILQ_INSERT_TAIL(&r->asks, a, all);
	if (peer->role == R_SMTPD)
		r->asks_of[peer->index]++;
	return a;
}

static void
ask_free(struct ask *a)
{
	TAILQ_REMOVE(&a->remote->asks, a, all);
	if (a->peer->role == R_SMTPD)
		a->remote->asks_of[a->peer->index]--;
	free(a);
}

/* What each smtpd may have open. */
static int
share_of(const struct remote *r)
{
	return ASKS_MAX / (r->proc->smtpds > 0 ? r->proc->smtpds : 1);
}

static int
count_of(const struct remote *r, const struct peer *peer)
{
	return peer->role == R_SMTPD ? r->asks_of[peer->index] : 0;
}

static void
got_name(void *arg, enum proto_fcrdns result, struct slice name)
{
	struct ask *a = arg;

	PROC_SEND(a->peer, name_answer, NAME_ANSWER, .key = a->key,
	    .result = (uint8_t)result, .name = name);
	ask_free(a);
}

bool
asks_name(struct remote *r, struct peer *peer, struct slice payload)
{
	struct name_lookup *l;
	struct p_name_ask m;
	struct ask *a;

	if (!get_p_name_ask(payload, &m) || m.ip.n > 60)
		return false;
	a = count_of(r, peer) < share_of(r) ? ask_new(r, peer, m.key) : NULL;
	if (a == NULL) {
		PROC_SEND(peer, name_answer, NAME_ANSWER, .key = m.key,
		    .result = FCRDNS_TEMP);
		return true;
	}
	l = name_lookup(r->resolver, m.ip, got_name, a);
	if (l != NULL) /* else a is gone already */
		a->name = l;
	return true;
}

static void
put_targets(struct buf *b, const struct targets *t)
{
	char ip[64];

	for (int i = 0; i < t->n; i++) {
		target_ip(&t->v[i], ip);
		buf_addf(b, "  %u %s [%s]\n", t->v[i].pref, t->v[i].name, ip);
	}
}

static void
got_mx(void *arg, struct targets *t)
{
	struct verdict v =
	    VERDICT(451, "4.3.0", RC_LOCAL_RESOURCE, "Out of memory");
	struct buf lines, verdict;
	struct ask *a = arg;

	buf_init(&lines, 65536);
	buf_init(&verdict, 4096);
	if (t != NULL && t->n == 0)
		v = t->verdict;
	if (t != NULL && t->n != 0) {
		v = VERDICT(250, "2.0.0", RC_NONE, "resolved");
		if (t->why[0] != '\0')
			v.text = slice_of(t->why);
		put_targets(&lines, t);
	}
	put_verdict(&verdict, &v);
	PROC_SEND(a->peer, mx_answer, MX_ANSWER, .key = a->key,
	    .verdict = buf_slice(&verdict), .lines = buf_slice(&lines));
	buf_release(&lines);
	buf_release(&verdict);
	targets_unref(t);
	ask_free(a);
}

bool
asks_mx(struct remote *r, struct peer *peer, struct slice payload)
{
	struct mx_lookup *l;
	struct p_mx_ask m;
	struct ask *a;

	if (!get_p_mx_ask(payload, &m))
		return false;
	a = ask_new(r, peer, m.key);
	if (a == NULL)
		return true;
	l = mx_lookup(
	    r->resolver, r->self, m.domain, m.host, m.port, got_mx, a);
	if (l != NULL)
		a->mx = l;
	return true;
}

void
asks_forget(struct remote *r, const struct peer *peer)
{
	struct ask *a, *next;

	for (a = TAILQ_FIRST(&r->asks); a != NULL; a = next) {
		next = TAILQ_NEXT(a, all);
		if (a->peer != peer)
			continue;
		if (a->name != NULL)
			name_cancel(a->name);
		if (a->mx != NULL)
			mx_cancel(a->mx);
		ask_free(a);
	}
}
