/*
 * mtad-local: deliveries on this host.
 *
 * The master has root to become the recipient, and does nothing else with
 * it: it forks an agent for each account, hands it that account's letters,
 * and reports. It does not deliver as root. It has no system call filter, as
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
on_second(int fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pool_tidy(arg);
}

static int
warm(struct proc *p)
{
	struct local *l = p->ctx;

	l->proc = p;
	jobs_init(l);
	pool_init(l);
	return 0;
}

/* Capabilities of the root that is left: become a user, make his mailbox. */
static int
keep_few_powers(void)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3
	};
	const unsigned keep =
	    1u << CAP_SETUID | 1u << CAP_SETGID | 1u << CAP_CHOWN;
	struct __user_cap_data_struct data[2] = { { .effective = keep,
	    .permitted = keep } };

	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

static int
sandbox(struct proc *p)
{
	struct rlimit no_core = { 0, 0 };

	setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return -errno;
	return p->is_root ? keep_few_powers() : 0;
}

static void
start(struct proc *p)
{
	struct timeval second = { 1, 0 };
	struct local *l = p->ctx;

	l->second = event_new(p->base, -1, EV_PERSIST, on_second, l);
	if (l->second == NULL || event_add(l->second, &second) < 0)
		fatal("no memory");
}

/* Agents have the old configuration: new ones are started. */
static void
reload(struct proc *p, const struct conf *old)
{
	(void)old;
	pool_retire(p->ctx);
}

static void
turn(struct proc *p)
{
	pool_flush(p->ctx);
	if (p->is_stopping && jobs_are_over(p->ctx))
		proc_exit(p, "stop");
}

/* Deliveries under way end by themselves; turn() sees the last one. */
static void
stop(struct proc *p)
{
	(void)p;
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
