/*
 * mtad-local: deliveries on this host.
 *
 * The master has root to become the recipient, and does nothing else with
 * it: it forks an agent for each account, hands it that account's letters,
 * ends it when it does not get along, and reports. It does not deliver as root. It has no system call filter, as
 * what its agents start (delivery programs) would have it too; of root's
 * capabilities it keeps those by which one becomes another.
 */
#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "master.h"

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct local *l = p->ctx;

	(void)peer;
	switch (type) {
	case P_JOB:
		return jobs_take(l, payload, fd);
	case P_RESULT_ACK:
		return jobs_ack(l, payload);
	default:
		return false;
	}
}

static void
peer_up(struct proc *p, struct peer *peer)
{
	if (peer->role == R_QUEUE)
		jobs_report(p->ctx);
}

static void
on_tick(int fd, short what, void *arg)
{
	struct local *l = arg;
	int64_t now = clock_mono();

	(void)fd;
	(void)what;
	pool_tidy(l, now);
	jobs_tidy(l, now);
}

static int
warm(struct proc *p)
{
	struct local *l = p->ctx;

	l->proc = p;
	jobs_init(l);
	pool_init(l);
	agents_init(l);
	return 0;
}

/* Capabilities of the root that is left: become a user, make his mailbox, end
 * what he has stopped or holds up. */
static int
keep_few_powers(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	const unsigned keep = 1u << CAP_SETUID | 1u << CAP_SETGID |
	    1u << CAP_CHOWN | 1u << CAP_KILL;
	struct __user_cap_data_struct data[2] = { { .effective = keep,
	    .permitted = keep } };

	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

static int
sandbox(struct proc *p)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;
	return p->is_root ? keep_few_powers() : 0;
}

/* Often while there is work, so that who is held up is seen at once. */
static void
set_tick(struct local *l, bool is_busy)
{
	const struct timeval often = { 0, 100000 }, seldom = { 1, 0 };

	l->is_busy = is_busy;
	if (event_add(l->tick, is_busy ? &often : &seldom) < 0)
		fatal("no memory");
}

static void
start(struct proc *p)
{
	struct local *l = p->ctx;

	l->tick = event_new(p->base, -1, EV_PERSIST, on_tick, l);
	if (l->tick == NULL)
		fatal("no memory");
	set_tick(l, false);
}

/* Agents have the old configuration: new ones are started. */
static void
reload(struct proc *p, const struct conf *old)
{
	(void)old;
	pool_init_crowds(p->ctx);
	agents_retire(p->ctx);
}

static void
turn(struct proc *p)
{
	struct local *l = p->ctx;

	pool_run(l);
	agents_flush(l);
	if (l->is_busy == LIST_EMPTY(&l->deliveries))
		set_tick(l, !l->is_busy);
	if (p->is_stopping && jobs_are_over(l))
		proc_exit(p, "stop");
}

/* Deliveries under way end by themselves; turn() sees the last one. What waits
 * for its turn the queue gives to the next of us. */
static void
stop(struct proc *p)
{
	pool_drop(p->ctx);
}

static const struct proc_ops ops = {
	.role = R_LOCAL,
	.warm = warm,
	.sandbox = sandbox,
	.start = start,
	.frame = frame,
	.peer_up = peer_up,
	.reload = reload,
	.stop = stop,
	.turn = turn,
};

int
main(int argc, char **argv)
{
	static struct local l;

	return proc_main(&ops, argc, argv, &l);
}
