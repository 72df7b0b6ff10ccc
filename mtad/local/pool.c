/*
 * pool: agents come when there is something for their account, stay a few
 * seconds, and go. Where there are too many, pieces wait for one to go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "master.h"

#define AGENTS_MAX 64
#define AGENT_IDLE (10 * US_SEC)

struct agent_peer {
	LIST_ENTRY(agent_peer) link;
	struct local *l; /* borrowed */
	char *user; /* "": who started us */
	bool is_virtual, is_old; /* old: made under another configuration */
	struct chan *chan;
	pid_t pid;
	unsigned busy;
	int64_t last_used; /* mono */
};

static void hand_waiting(struct local *);

static struct piece *
take_piece(struct local *l, uint64_t tag, const struct agent_peer *ap)
{
	struct piece *p = map_find(
	    &l->pieces, tag * UINT64_C(0x9e3779b97f4a7c15) >> 20, &tag);

	if (p == NULL || p->agent != ap)
		return NULL;
	map_del(&l->pieces, p);
	return p;
}

static int
agent_frame(
    void *arg, struct chan *c, uint16_t type, struct slice payload, int fd)
{
	struct agent_peer *ap = arg;
	struct agent_answer a;
	struct piece *p;

	(void)c;
	if (fd >= 0)
		close(fd); /* an agent has none to give */
	if (fd >= 0 || type != AGENT_ANSWER || !get_agent_answer(payload, &a))
		return -EPROTO;
	p = take_piece(ap->l, a.tag, ap);
	if (p == NULL)
		return -EPROTO;
	ap->busy--;
	ap->last_used = clock_mono();
	jobs_answered(p, &a);
	if (ap->busy == 0 && !TAILQ_EMPTY(&ap->l->waiting))
		hand_waiting(ap->l);
	return 0;
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
		jobs_refused(p, "The delivery process of this user ended");
	}
}

static void
agent_end(struct agent_peer *ap)
{
	struct local *l = ap->l;

	LIST_REMOVE(ap, link);
	l->agents_n--;
	l->agents_ended++;
	refuse_all(l, ap);
	chan_free(ap->chan);
	free(ap->user);
	free(ap);
}

static void
agent_gone(void *arg, struct chan *c)
{
	struct agent_peer *ap = arg;
	struct local *l = ap->l;

	(void)c;
	agent_end(ap);
	hand_waiting(l);
}

static const struct chan_ops agent_ops = { agent_frame, agent_gone, NULL };

static pid_t
fork_agent(struct local *l, struct agent_peer *ap, int sv[2])
{
	const struct agent_role role = { .user = ap->user,
		.conf = l->proc->conf,
		.is_root = l->proc->is_root,
		.is_virtual = ap->is_virtual };
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
agent_new(struct local *l, struct slice user, bool is_virtual)
{
	struct agent_peer *ap = calloc(1, sizeof(*ap));
	int sv[2];

	if (ap == NULL)
		return NULL;
	ap->l = l;
	ap->user = slice_dup(user);
	ap->is_virtual = is_virtual;
	ap->last_used = clock_mono();
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
	return ap;
}

static struct agent_peer *
find_agent(struct local *l, struct slice user, bool is_virtual)
{
	struct agent_peer *ap;

	LIST_FOREACH (ap, &l->agents, link)
		if (ap->is_virtual == is_virtual && !ap->is_old &&
		    slice_eq(slice_of(ap->user), user))
			return ap;
	return NULL;
}

/* Room for one more: the one that was idle longest goes. */
static bool
make_room(struct local *l)
{
	struct agent_peer *ap, *oldest = NULL;

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
		jobs_refused(p, "Too many open files");
		return;
	}
	p->agent = ap;
	if (map_add(&l->pieces, p) < 0) {
		if (fd >= 0)
			close(fd);
		jobs_refused(p, "Out of memory");
		return;
	}
	ap->busy++;
	put_agent_job(chan_begin(ap->chan, AGENT_JOB), &j);
	chan_end(ap->chan, fd);
}

/* False: there is no room for its agent now. */
static bool
try_to_hand(struct local *l, struct piece *p)
{
	bool is_root = l->proc->is_root;
	bool is_virtual = is_root && p->r.kind == TARGET_VIRTUAL;
	struct slice user = is_root ? p->r.user : SLICE("");
	struct agent_peer *ap = find_agent(l, user, is_virtual);

	if (is_root && user.n == 0) {
		jobs_refused(p, "The recipient has no account to deliver as");
		return true;
	}
	if (ap == NULL && !make_room(l))
		return false;
	if (ap == NULL)
		ap = agent_new(l, user, is_virtual);
	if (ap == NULL)
		jobs_refused(p, "No delivery process could be started");
	else
		give(l, ap, p);
	return true;
}

static void
hand_waiting(struct local *l)
{
	struct piece *p, *next;

	for (p = TAILQ_FIRST(&l->waiting); p != NULL; p = next) {
		next = TAILQ_NEXT(p, link);
		TAILQ_REMOVE(&l->waiting, p, link);
		if (!try_to_hand(l, p)) {
			if (next != NULL)
				TAILQ_INSERT_BEFORE(next, p, link);
			else
				TAILQ_INSERT_TAIL(&l->waiting, p, link);
			return;
		}
	}
}

void
pool_hand(struct local *l, struct piece *p)
{
	if (!try_to_hand(l, p))
		TAILQ_INSERT_TAIL(&l->waiting, p, link);
}

void
pool_tidy(struct local *l)
{
	int64_t old = clock_mono() - AGENT_IDLE;
	struct agent_peer *ap, *next;

	for (ap = LIST_FIRST(&l->agents); ap != NULL; ap = next) {
		next = LIST_NEXT(ap, link);
		if (ap->busy == 0 && (ap->is_old || ap->last_used < old))
			agent_end(ap);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	hand_waiting(l);
}

/* Busy ones finish what they have and get no more. */
void
pool_retire(struct local *l)
{
	struct agent_peer *ap;

	LIST_FOREACH (ap, &l->agents, link)
		ap->is_old = true;
	pool_tidy(l);
}

/* A channel that breaks while it is flushed takes its agent out of the list:
 * from the start again then. */
void
pool_flush(struct local *l)
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
pool_init(struct local *l)
{
	LIST_INIT(&l->agents);
	TAILQ_INIT(&l->waiting);
}
