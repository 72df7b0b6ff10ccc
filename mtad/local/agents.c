/*
 * agents: they come when there is something for their account, stay a few
 * seconds, and go; a program has one of its own.
 */
#include "agents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define AGENTS_MAX 128 /* that serve */
#define PROGRAMS_MAX 96 /* of these: mailboxes have the rest */
#define LEAVE_TIME (10 * US_SEC) /* an idle one has nothing left to do */

static struct piece *
find_piece(struct local *l, uint64_t tag, const struct agent_peer *ap)
{
	struct piece *p = map_find(
	    &l->pieces, tag * UINT64_C(0x9e3779b97f4a7c15) >> 20, &tag);

	return p != NULL && p->agent == ap ? p : NULL;
}

static bool
take_answer(struct agent_peer *ap, struct slice payload)
{
	struct local *l = ap->l;
	struct agent_answer a;
	struct piece *p;
	bool is_good;

	if (!get_agent_answer(payload, &a) ||
	    (p = find_piece(l, a.tag, ap)) == NULL)
		return false;
	is_good = a.is_forward || a.result.code / 100 == 2;
	map_del(&l->pieces, p);
	ap->busy--;
	ap->last_used = clock_mono();
	l->has_room |= ap->busy == 0;
	lanes_end(&l->lanes, &p->item, is_good ? LANE_GOOD : LANE_FAILED,
	    ap->last_used);
	jobs_answered(p, &a);
	return true;
}

static bool
take_held(struct agent_peer *ap, struct slice payload)
{
	struct rd r = rd_of(payload);
	uint64_t tag = get_u64(&r);
	struct piece *p = r.bad ? NULL : find_piece(ap->l, tag, ap);

	if (p == NULL)
		return false;
	lanes_held(&p->item);
	return true;
}

static int
agent_frame(
    void *arg, struct chan *c, uint16_t type, struct slice payload, int fd)
{
	struct agent_peer *ap = arg;
	bool is_good = fd < 0; /* an agent has none to give */

	(void)c;
	if (fd >= 0)
		close(fd);
	if (is_good && type == AGENT_ANSWER)
		is_good = take_answer(ap, payload);
	else
		is_good =
		    is_good && type == AGENT_HELD && take_held(ap, payload);
	return is_good ? 0 : -EPROTO;
}

static void
refuse(struct local *l, struct piece *p, const char *why)
{
	lanes_end(&l->lanes, &p->item, LANE_LOST, clock_mono());
	jobs_refused(p, "4.3.0", why);
}

/* Its letters: not now. It may have delivered some of them. */
static void
refuse_all(struct local *l, const struct agent_peer *ap)
{
	size_t pos = 0;
	struct piece *p;

	while ((p = map_next(&l->pieces, &pos)) != NULL) {
		if (p->agent != ap)
			continue;
		map_del(&l->pieces, p);
		refuse(l, p, ap->why);
	}
}

void
agent_end(struct agent_peer *ap)
{
	struct local *l = ap->l;

	refuse_all(l, ap);
	agents_reap(l);
	chan_free(ap->chan);
	ap->chan = NULL;
	l->agents_n--;
	l->programs_n -= ap->purpose == AGENT_PROGRAM;
	l->agents_ended++;
	l->has_room = true;
	if (ap->pid == 0) {
		agent_free(ap);
		return;
	}
	if (ap->purpose != AGENT_PROGRAM)
		ap->until = clock_mono() + LEAVE_TIME;
	LIST_REMOVE(ap, link);
	LIST_INSERT_HEAD(&l->leaving, ap, link);
	agents_limit(l, ap);
}

void
agent_kill(struct agent_peer *ap, const char *why)
{
	ap->why = why;
	agent_end_process(ap);
	agent_end(ap);
}

static void
agent_gone(void *arg, struct chan *c)
{
	(void)c;
	agent_end(arg);
}

static const struct chan_ops agent_ops = { agent_frame, agent_gone, NULL };

static pid_t
fork_agent(struct local *l, struct agent_peer *ap, int sv[2])
{
	const struct agent_role role = { .user = ap->user,
		.conf = l->proc->conf,
		.is_root = l->proc->is_root,
		.purpose = ap->purpose };
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		agent_run(sv[1], &role);
	close(sv[1]);
	if (pid < 0)
		close(sv[0]);
	return pid;
}

static struct agent_peer *
agent_new(struct local *l, struct slice user, enum agent_purpose purpose)
{
	struct agent_peer *ap = calloc(1, sizeof(*ap));
	int sv[2];

	if (ap == NULL)
		return NULL;
	ap->l = l;
	ap->user = slice_dup(user);
	ap->purpose = purpose;
	ap->why = "The delivery process of this user ended";
	ap->last_used = clock_mono();
	ap->until =
	    ap->last_used + l->proc->conf->ProgramTimeout + PROGRAM_GRACE;
	ap->pid = ap->user ? fork_agent(l, ap, sv) : -1;
	if (ap->pid > 0)
		ap->chan = chan_new(l->proc->base, sv[0], &agent_ops, ap);
	if (ap->chan == NULL) {
		free(ap->user);
		free(ap);
		return NULL;
	}
	LIST_INSERT_HEAD(&l->agents, ap, link);
	l->agents_n++;
	l->programs_n += purpose == AGENT_PROGRAM;
	return ap;
}

/* A program has one of its own. */
static struct agent_peer *
find_agent(struct local *l, struct slice user, enum agent_purpose purpose)
{
	struct agent_peer *ap;

	if (purpose == AGENT_PROGRAM)
		return NULL;
	LIST_FOREACH (ap, &l->agents, link)
		if (ap->purpose == purpose && !ap->is_old &&
		    ap->busy < AGENT_BUSY_MAX &&
		    slice_eq(slice_of(ap->user), user))
			return ap;
	return NULL;
}

/* Room for one more: the one that was idle longest goes. */
static bool
make_room(struct local *l, enum agent_purpose purpose)
{
	struct agent_peer *ap, *oldest = NULL;

	if (purpose == AGENT_PROGRAM && l->programs_n >= PROGRAMS_MAX)
		return false;
	if (l->agents_n < AGENTS_MAX)
		return true;
	LIST_FOREACH (ap, &l->agents, link)
		if (ap->busy == 0 &&
		    (oldest == NULL || ap->last_used < oldest->last_used))
			oldest = ap;
	if (oldest != NULL)
		agent_end(oldest);
	return oldest != NULL;
}

static void
give(struct local *l, struct agent_peer *ap, struct piece *p)
{
	struct agent_job j;
	int fd;

	if (!jobs_letter(p, &j, &fd)) {
		refuse(l, p, "Too many open files");
		return;
	}
	p->agent = ap;
	if (map_add(&l->pieces, p) < 0) {
		if (fd >= 0)
			close(fd);
		refuse(l, p, "Out of memory");
		return;
	}
	ap->busy++;
	put_agent_job(chan_begin(ap->chan, AGENT_JOB), &j);
	chan_end(ap->chan, fd);
}

static enum agent_purpose
purpose_of(const struct local *l, const struct piece *p)
{
	if (p->r.kind == TARGET_PROGRAM)
		return AGENT_PROGRAM;
	return l->proc->is_root && p->r.kind == TARGET_VIRTUAL ? AGENT_VIRTUAL
							       : AGENT_MAIL;
}

bool
agents_hand(struct local *l, struct piece *p)
{
	enum agent_purpose purpose = purpose_of(l, p);
	struct slice user = l->proc->is_root ? p->r.user : SLICE("");
	struct agent_peer *ap = find_agent(l, user, purpose);

	if (l->proc->is_root && user.n == 0) {
		refuse(l, p, "The recipient has no account to deliver as");
		return true;
	}
	if (ap == NULL && !make_room(l, purpose))
		return false;
	if (ap == NULL)
		ap = agent_new(l, user, purpose);
	if (ap == NULL)
		refuse(l, p, "No delivery process could be started");
	else
		give(l, ap, p);
	return true;
}

/* Busy ones finish what they have and get no more. */
void
agents_retire(struct local *l)
{
	struct agent_peer *ap, *next;

	for (ap = LIST_FIRST(&l->agents); ap != NULL; ap = next) {
		next = LIST_NEXT(ap, link);
		ap->is_old = true;
		if (ap->busy == 0)
			agent_end(ap);
	}
}

/* A channel that breaks while it is flushed takes its agent out of the list:
 * from the start again then. */
void
agents_flush(struct local *l)
{
	struct agent_peer *ap = LIST_FIRST(&l->agents);

	while (ap != NULL) {
		unsigned ended = l->agents_ended;

		chan_flush(ap->chan);
		ap = ended == l->agents_ended ? LIST_NEXT(ap, link)
					      : LIST_FIRST(&l->agents);
	}
}

void
agents_init(struct local *l)
{
	LIST_INIT(&l->agents);
	LIST_INIT(&l->leaving);
}
