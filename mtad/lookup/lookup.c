/*
 * mtad-lookup: aliases, users, lists. Opens what the configuration names, and
 * what NSS needs; has never seen a byte of the network.
 */
#include <errno.h>
#include <pwd.h>
#include <seccomp.h>

#include "lookup.h"
#include "priv.h"
#include "worker.h"

static bool
frame(struct proc *p, struct peer *peer, enum proto_type type,
    struct slice payload, int fd)
{
	struct p_rcpt_ask rcpt;
	struct p_expand_ask expand;
	struct asker by = { .peer = peer };

	(void)fd;
	switch (type) {
	case P_RCPT_ASK:
		if (!get_p_rcpt_ask(payload, &rcpt) || rcpt.what > ASK_EXPN)
			return false;
		by.key = rcpt.key;
		by.what = rcpt.what;
		ask_begin(p->ctx, &by, rcpt.local, rcpt.domain);
		return true;
	case P_EXPAND_ASK:
		if (!get_p_expand_ask(payload, &expand))
			return false;
		by.key = expand.key;
		by.is_expand = true;
		by.is_self = expand.is_self;
		ask_begin(p->ctx, &by, expand.local, expand.domain);
		return true;
	default:
		return false;
	}
}

static int
warm(struct proc *p)
{
	((struct lookup *)p->ctx)->proc = p;
	return 0;
}

/*
 * No root directory of its own: NSS opens what it wants. Its modules are
 * loaded before the filter forbids to map code: the first name is found by
 * the first of them, the second, which nobody has, by none. A module that is
 * not loaded answers just as "no such user".
 */
static int
sandbox(struct proc *p)
{
	static const int calls[] = { SCMP_SYS(openat), SCMP_SYS(open),
		SCMP_SYS(newfstatat), SCMP_SYS(fstat), SCMP_SYS(stat),
		SCMP_SYS(lstat), SCMP_SYS(socket), SCMP_SYS(connect),
		SCMP_SYS(fcntl), SCMP_SYS(readlink), SCMP_SYS(access),
		SCMP_SYS(geteuid), SCMP_SYS(getuid), SCMP_SYS(getegid),
		SCMP_SYS(getgid), SCMP_SYS(pread64), SCMP_SYS(getsockopt),
		SCMP_SYS(setsockopt), SCMP_SYS(getpeername),
		SCMP_SYS(getsockname), SCMP_SYS(statfs), SCMP_SYS(fstatfs),
		SCMP_SYS(getdents64), SCMP_SYS(ioctl), SCMP_SYS(uname),
		SCMP_SYS(readlinkat), SCMP_SYS(statx), SCMP_SYS(faccessat),
		SCMP_SYS(faccessat2), SCMP_SYS(getppid), SCMP_SYS(dup),
		SCMP_SYS(shutdown), SCMP_SYS(clock_nanosleep), -1 };
	struct lookup *l = p->ctx;
	int rc = priv_drop(p->conf->LookupUser, NULL);

	if (rc < 0)
		return rc;
	l->users = users_new(p);
	l->reader = worker_new(p->base);
	if (l->users == NULL || l->reader == NULL)
		return -ENOMEM;
	getpwnam("root");
	getpwnam("mtad-is-nobody");
	return priv_filter(calls);
}

static void
start(struct proc *p)
{
	tables_load(p->ctx);
}

static void
reload(struct proc *p, const struct conf *old)
{
	(void)old;
	tables_load(p->ctx);
}

static void
stop(struct proc *p)
{
	proc_exit(p, "stop");
}

static const struct proc_ops ops = {
	.role = R_LOOKUP,
	.warm = warm,
	.sandbox = sandbox,
	.start = start,
	.frame = frame,
	.reload = reload,
	.stop = stop,
};

int
main(int argc, char **argv)
{
	static struct lookup l;

	return proc_main(&ops, argc, argv, &l);
}
