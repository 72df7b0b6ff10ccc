#include "join.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "log.h"
#include "parent.h"

/* Are two whose channel is over joined again? Else one of them ends. */
enum mend {
	BY_END, /* no: what was under way between them is lost */
	UNLESS_BREACH, /* yes, but not when the one that is trusted more saw the
			  other break the rules */
	ALWAYS /* both read strangers' bytes: no word of theirs counts */
};

/* Who talks to whom. smtpd asks only the first remote for names. */
static const struct {
	enum proto_role a, b;
	bool first_only; /* of b */
	enum mend mend;
} pairs[] = {
	{ R_SMTPD, R_QUEUE, false, BY_END },
	{ R_SMTPD, R_LOOKUP, false, UNLESS_BREACH },
	{ R_SMTPD, R_REMOTE, true, ALWAYS },
	{ R_QUEUE, R_REMOTE, false, BY_END },
	{ R_QUEUE, R_LOCAL, false, BY_END },
	{ R_QUEUE, R_LOOKUP, false, BY_END },
};

/* The row of pairs, -1: they do not talk. */
static int
pair_of(const struct child *a, const struct child *b)
{
	for (int i = 0; i < (int)(sizeof(pairs) / sizeof(pairs[0])); i++)
		if (a->role == pairs[i].a && b->role == pairs[i].b &&
		    (!pairs[i].first_only || b->index == 0))
			return i;
	return -1;
}

static void
send_peer(struct child *to, const struct child *other, int fd)
{
	struct parent *p = to->parent;

	/* a deep pipe: a batch of messages leaves in one call */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){ 1 << 20 }, sizeof(int));
	p->join[to->slot][other->slot] = p->joins;
	CHILD_SEND(to, peer, PEER, fd, .role = (uint8_t)other->role,
	    .index = (uint8_t)other->index, .join = p->joins,
	    .has_crashed = other->has_crashed);
}

static void
join(struct child *a, struct child *b)
{
	int sv[2];

	if (b->chan == NULL || a->chan == NULL)
		return;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
		sv) < 0) {
		log_warn("no channel between processes: %s", strerror(errno));
		return;
	}
	a->parent->joins++;
	send_peer(a, b, sv[0]);
	send_peer(b, a, sv[1]);
	chan_flush(b->chan);
}

void
join_all(struct child *c)
{
	struct parent *p = c->parent;

	for (int i = 0; i < p->child_n; i++) {
		struct child *other = &p->child[i];

		if (pair_of(c, other) >= 0 || pair_of(other, c) >= 0)
			join(c, other);
	}
}

/* Two children whose channel one of them has lost. */
struct lost {
	struct child *a, *b;
	uint32_t join;
	bool is_breach; /* by the one that is trusted less, says the other */
};

static bool
is_news(const struct lost *l)
{
	return l->a->parent->ending == END_NONE &&
	    l->a->parent->join[l->a->slot][l->b->slot] == l->join &&
	    l->a->chan != NULL && l->b->chan != NULL;
}

static void
repair(const struct lost *l)
{
	struct child *low =
	    proto_trust(l->a->role) < proto_trust(l->b->role) ? l->a : l->b;
	const struct child *high = low == l->a ? l->b : l->a;
	int row = pair_of(l->a, l->b);

	if (row < 0)
		row = pair_of(l->b, l->a);
	if (pairs[row].mend == ALWAYS ||
	    (pairs[row].mend == UNLESS_BREACH && !l->is_breach))
		join(l->a, l->b);
	else
		child_outlaw(
		    low, "broke its channel with", proto_role_name(high->role));
}

/* Neither has died meanwhile, which would have mended it. */
static void
look_again(int fd, short what, void *arg)
{
	struct lost *l = arg;

	(void)fd;
	(void)what;
	if (is_news(l))
		repair(l);
	free(l);
}

static struct child *
find_child(struct parent *p, unsigned role, unsigned index)
{
	for (int i = 0; i < p->child_n; i++)
		if (p->child[i].role == role &&
		    (unsigned)p->child[i].index == index)
			return &p->child[i];
	return NULL;
}

bool
join_lost(struct child *c, struct slice payload)
{
	const struct timeval moment = { 1, 0 };
	struct p_peer_lost m;
	struct lost *l;
	struct child *o;

	if (!get_p_peer_lost(payload, &m) ||
	    (o = find_child(c->parent, m.role, m.index)) == NULL ||
	    (pair_of(c, o) < 0 && pair_of(o, c) < 0))
		return false;
	l = malloc(sizeof(*l));
	if (l == NULL)
		return true; /* the other end says the same */
	*l = (struct lost){ c, o, m.join,
		m.is_breach && proto_trust(c->role) > proto_trust(o->role) };
	if (l->is_breach)
		look_again(-1, 0, l);
	else if (event_base_once(c->parent->base, -1, EV_TIMEOUT, look_again, l,
		     &moment) < 0)
		free(l);
	return true;
}
