#include "priv.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <ucontext.h>
#include <unistd.h>

#include "config.h"

/* A folder that nobody can write to and nothing is in: made, entered and
 * removed, so that it is nowhere. */
static int
enter_empty_root(void)
{
	char path[] = "/tmp/mtad.XXXXXX";

	if (mkdtemp(path) == NULL)
		return -errno;
	if (chown(path, 0, 0) < 0 || chmod(path, 0555) < 0 || chdir(path) < 0) {
		int e = errno;

		rmdir(path);
		return -e;
	}
	rmdir(path);
	return chroot(".") < 0 ? -errno : 0;
}

/* 0: there is nothing to give up. */
static int
find_user(const char *user, struct passwd **ret)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (geteuid() != 0)
		return 0;
	*ret = getpwnam(user);
	if (*ret == NULL)
		return -ENOENT;
	return (*ret)->pw_uid == 0 ? -EPERM : 1;
}

static int
become(const struct passwd *pw)
{
	if (setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) < 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) < 0)
		return -errno;
	if (setuid(0) == 0) /* must not work any more */
		return -EPERM;
	/* Cleared by the change of user; without it /proc is root's. */
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ? -errno : 0;
}

int
priv_drop(const char *user, const char *root)
{
	struct passwd *pw = NULL;
	int rc = find_user(user, &pw);

	if (rc <= 0)
		return rc;
	rc = 0;
	if (root != NULL && root[0] == '\0')
		rc = enter_empty_root();
	else if (root != NULL && (chroot(root) < 0 || chdir("/") < 0))
		rc = -errno;
	if (rc < 0)
		return rc;
	return setgroups(0, NULL) < 0 ? -errno : become(pw);
}

int
priv_become(const char *user)
{
	struct passwd *pw = NULL;
	int rc = find_user(user, &pw);

	if (rc <= 0)
		return rc;
	return initgroups(user, pw->pw_gid) < 0 ? -errno : become(pw);
}

static volatile sig_atomic_t denied = -1;

/* The refused call returns ENOSYS, as on a kernel that never had it. */
static void
on_sigsys(int sig, siginfo_t *si, void *context)
{
	ucontext_t *uc = context;

	(void)sig;
	denied = si->si_syscall;
#if defined(__x86_64__)
	uc->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#elif defined(__aarch64__)
	uc->uc_mcontext.regs[0] = (unsigned long)-ENOSYS;
#else
#error "say how a system call returns on this processor"
#endif
}

int
priv_denied(void)
{
	int d = denied;

	denied = -1;
	return d;
}

const char *
priv_call_name(int call, char ret[32])
{
	char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, call);

	snprintf(ret, 32, "%s", name ? name : "?");
	free(name);
	return ret;
}

/* What the loop, the threads, the allocator and the C library need. */
static const int common[] = { SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(sendmsg), SCMP_SYS(recvmsg),
	SCMP_SYS(sendmmsg), SCMP_SYS(sendto), SCMP_SYS(recvfrom),
	SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_ctl), SCMP_SYS(futex), SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(lseek), SCMP_SYS(gettid), SCMP_SYS(munmap),
	SCMP_SYS(mremap), SCMP_SYS(brk), SCMP_SYS(madvise), SCMP_SYS(exit),
	SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(tgkill), SCMP_SYS(restart_syscall), SCMP_SYS(sched_yield),
	SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(poll),
	SCMP_SYS(ppoll),
#ifdef MTAD_SANITIZERS
	SCMP_SYS(sigaltstack), SCMP_SYS(getrusage), SCMP_SYS(readlink),
	SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(prctl),
	SCMP_SYS(rt_sigaction), SCMP_SYS(pread64), SCMP_SYS(mprotect),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(clone), SCMP_SYS(wait4),
	SCMP_SYS(process_vm_readv), SCMP_SYS(ptrace), SCMP_SYS(getppid),
	SCMP_SYS(clone3), SCMP_SYS(fcntl), SCMP_SYS(getdents64),
	SCMP_SYS(pipe2), SCMP_SYS(readlinkat), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(setitimer),
#endif
	-1 };

/* Never needed after the start and no accident when called. */
static const int deadly[] = { SCMP_SYS(execve), SCMP_SYS(execveat),
	SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter),
	SCMP_SYS(io_uring_register), SCMP_SYS(process_vm_writev), SCMP_SYS(bpf),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
	SCMP_SYS(mount), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(keyctl),
	SCMP_SYS(userfaultfd), SCMP_SYS(perf_event_open), -1 };

static int
add_calls(scmp_filter_ctx f, uint32_t action, const int *calls)
{
	for (; *calls != -1; calls++) {
		int rc = seccomp_rule_add(f, action, *calls, 0);

		if (rc < 0 && rc != -EEXIST && rc != -EDOM)
			return rc;
	}
	return 0;
}

/* Memory may be mapped, never to be executed. */
static int
add_memory(scmp_filter_ctx f)
{
	int rc;

	rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, 4 /* PROT_EXEC */, 0));
	if (rc < 0)
		return rc;
#ifndef MTAD_SANITIZERS
	rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0));
#endif
	return rc;
}

static bool
is_in(int call, const int *list)
{
	for (; *list != -1; list++)
		if (*list == call)
			return true;
	return false;
}

static int
add_deadly(scmp_filter_ctx f, const int *allowed)
{
	for (const int *c = deadly; *c != -1; c++) {
		int one[] = { *c, -1 }, rc;

		if (is_in(*c, allowed))
			continue;
		rc = add_calls(f, SCMP_ACT_KILL_PROCESS, one);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
priv_filter(const int *allowed)
{
	struct sigaction sa = { .sa_sigaction = on_sigsys,
		.sa_flags = SA_SIGINFO | SA_NODEFER };
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_TRAP);
	int rc;

	if (f == NULL)
		return -ENOMEM;
	if (sigaction(SIGSYS, &sa, NULL) < 0) {
		seccomp_release(f);
		return -errno;
	}
	rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0)
		rc = add_calls(f, SCMP_ACT_ALLOW, common);
	if (rc == 0)
		rc = add_calls(f, SCMP_ACT_ALLOW, allowed);
	if (rc == 0)
		rc = add_memory(f);
	if (rc == 0)
		rc = add_deadly(f, allowed);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc;
}
