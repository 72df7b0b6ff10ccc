/*
 * watch: agents that are late, stopped or in the way; what they leave.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "agents.h"
#include "clock.h"
#include "tree.h"

#define AGENT_IDLE (10 * US_SEC)
#define MAIL_TIME (10 * US_MIN) /* of one delivery, a disk may be slow */
#define LINGER_MAX 16 /* programs of one account that left something running */

void
agent_free(struct agent_peer *ap)
{
	LIST_REMOVE(ap, link);
	free(ap->user);
	free(ap);
}

static struct agent_peer *
find_pid(const struct agent_list *list, pid_t pid)
{
	struct agent_peer *ap;

	LIST_FOREACH (ap, list, link)
		if (ap->pid == pid)
			return ap;
	return NULL;
}

/* The state of a child changed: is it one of ours? Whoever ends in another
 * way than his own leaves what was below him. */
static void
take_news(struct local *l, const siginfo_t *si)
{
	struct agent_peer *ap = find_pid(&l->agents, si->si_pid);
	bool is_stop = si->si_code == CLD_STOPPED;

	if (ap == NULL)
		ap = find_pid(&l->leaving, si->si_pid);
	if (ap == NULL ||
	    (!is_stop && (si->si_code != CLD_EXITED || si->si_status != 0)))
		l->has_orphans = true;
	if (ap == NULL)
		return;
	if (is_stop)
		ap->is_stopped = true;
	else if (ap->chan != NULL)
		ap->pid = 0; /* and its socket will tell */
	else
		agent_free(ap);
}

void
agents_reap(struct local *l)
{
	siginfo_t si = { .si_pid = 0 };

	while (waitid(P_ALL, 0, &si, WEXITED | WSTOPPED | WNOHANG) == 0 &&
	    si.si_pid != 0) {
		take_news(l, &si);
		si.si_pid = 0;
	}
}

void
agent_end_process(const struct agent_peer *ap)
{
	if (ap->pid > 0)
		kill(ap->pid, SIGKILL);
}

void
agents_limit(struct local *l, const struct agent_peer *last)
{
	struct agent_peer *ap;
	int n = 0;

	LIST_FOREACH (ap, &l->leaving, link) /* the last is the first */
		if (ap->purpose == AGENT_PROGRAM &&
		    strcmp(ap->user, last->user) == 0 && ++n > LINGER_MAX)
			agent_end_process(ap);
}

/* When each got its last, and who has one that is late. */
static void
look_at_pieces(struct local *l, int64_t now)
{
	int64_t program = l->proc->conf->ProgramTimeout + PROGRAM_GRACE;
	size_t pos = 0;
	struct piece *p;

	while ((p = map_next(&l->pieces, &pos)) != NULL) {
		struct agent_peer *ap = p->agent;
		int64_t most =
		    ap->purpose == AGENT_PROGRAM ? program : MAIL_TIME;

		if (p->item.started > ap->last_given)
			ap->last_given = p->item.started;
		ap->is_late |= now - p->item.started >= most;
	}
}

/* One that is late gets no more, and what others have in it may end first. */
static void
look_at_agent(struct agent_peer *ap, int64_t now)
{
	ap->is_old |= ap->is_late;
	if (ap->is_stopped)
		agent_kill(ap, "The delivery process of this user was stopped");
	else if (ap->is_late && now - ap->last_given >= US_SEC)
		agent_kill(ap, "The delivery takes too long");
	else if (ap->busy == 0 &&
	    (ap->is_old || now - ap->last_used >= AGENT_IDLE))
		agent_end(ap);
}

/* Others wait for room: one goes in which nothing has ended, and nothing was
 * begun, for long. */
static void
end_stalled(struct local *l, int64_t now)
{
	struct agent_peer *ap, *first = NULL;

	LIST_FOREACH (ap, &l->agents, link)
		if (ap->busy != 0 &&
		    (first == NULL || ap->last_given < first->last_given))
			first = ap;
	if (first != NULL && now - first->last_given >= LANE_STALL &&
	    now - first->last_used >= LANE_STALL)
		agent_kill(first, "The delivery made room for those of others");
}

static bool
is_ours(const void *arg, pid_t pid)
{
	const struct local *l = arg;

	return find_pid(&l->agents, pid) != NULL ||
	    find_pid(&l->leaving, pid) != NULL;
}

void
agents_tidy(struct local *l, int64_t now)
{
	struct agent_peer *ap, *next;

	agents_reap(l);
	look_at_pieces(l, now);
	for (ap = LIST_FIRST(&l->agents); ap != NULL; ap = next) {
		next = LIST_NEXT(ap, link);
		look_at_agent(ap, now);
	}
	if (l->is_pressed)
		end_stalled(l, now);
	LIST_FOREACH (ap, &l->leaving, link)
		if (ap->is_stopped || now >= ap->until)
			agent_end_process(ap);
	if (l->has_orphans)
		l->has_orphans = tree_kill(is_ours, l) != 0;
}
