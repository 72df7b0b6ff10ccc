/*
 * LD_PRELOAD for mtad-smtpd: a stand-in for code that a stranger got to run
 * in it (compromise.py). When a client says "NOOP own N", the Nth thing that
 * such code would try is tried, from inside, with what the process has; what
 * came of it stands in a file that the test has mapped.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define FDS 256

static struct result {
	int32_t tried; /* 1 + number of the attempt */
	int32_t worked; /* how many of its calls did */
	int32_t error; /* of the last that did not */
} *result;
static char spool[4096];
static ssize_t (*real_read)(int, void *, size_t);

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("RESULT"), *dir = getenv("SPOOL");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	real_read = dlsym(RTLD_NEXT, "read");
	if (fd < 0 || dir == NULL)
		_exit(72);
	snprintf(spool, sizeof(spool), "%s", dir);
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);
	close(fd);
}

static void
note(long rc)
{
	if (rc >= 0)
		result->worked++;
	else
		result->error = errno;
}

static void
open_paths(void)
{
	static const char *const paths[] = { "/etc/passwd", "/", ".", "..",
		"../../../../etc/passwd", "/proc/self/mem", "/dev/null", "/tmp" };
	char path[4200];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		note(syscall(SYS_openat, AT_FDCWD, paths[i], O_RDONLY));
		note(syscall(SYS_open, paths[i], O_RDONLY));
	}
	snprintf(path, sizeof(path), "%s/identity", spool);
	note(syscall(SYS_openat, AT_FDCWD, path, O_RDWR));
	note(syscall(SYS_openat2, AT_FDCWD, path, NULL, 0));
	note(syscall(SYS_creat, "new", 0600));
	note(syscall(SYS_memfd_create, "x", 0));
}

static void
open_below_descriptors(void)
{
	char path[64];

	for (int fd = 0; fd < FDS; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		note(syscall(SYS_openat, AT_FDCWD, path, O_RDWR));
		note(syscall(SYS_openat, fd, "..", O_RDONLY));
		note(syscall(SYS_openat, fd, "identity", O_RDONLY));
	}
}

static void
change_names(void)
{
	note(syscall(SYS_unlinkat, AT_FDCWD, "/x", 0));
	note(syscall(SYS_renameat2, AT_FDCWD, "/a", AT_FDCWD, "/b", 0));
	note(syscall(SYS_linkat, AT_FDCWD, "/a", AT_FDCWD, "/b", 0));
	note(syscall(SYS_symlinkat, "/a", AT_FDCWD, "/b"));
	note(syscall(SYS_mkdirat, AT_FDCWD, "/d", 0700));
	note(syscall(SYS_fchmodat, AT_FDCWD, "/", 0777));
	note(syscall(SYS_chroot, "."));
	note(syscall(SYS_chdir, "/"));
}

static void
rewrite_what_it_holds(void)
{
	struct iovec v = { (char *)(uintptr_t) "X", 1 };

	for (int fd = 3; fd < FDS; fd++) {
		if (lseek(fd, 0, SEEK_CUR) < 0)
			continue; /* no file */
		note(syscall(SYS_ftruncate, fd, 0));
		note(syscall(SYS_fcntl, fd, F_SETFL, 0));
		note(syscall(SYS_pwrite64, fd, "X", 1, 0));
		note(syscall(SYS_pwritev2, fd, &v, 1, 0, 0, 0x20));
		note(syscall(SYS_fallocate, fd, FALLOC_FL_PUNCH_HOLE |
			    FALLOC_FL_KEEP_SIZE, 0, 4096));
		note(syscall(SYS_fchmod, fd, 0777));
		note(syscall(SYS_pread64, fd, spool, 1, 0));
		note(syscall(SYS_mmap, NULL, 4096, PROT_WRITE, MAP_SHARED, fd,
			    0) == -1
			? -1
			: 0);
		note(syscall(SYS_copy_file_range, fd, NULL, fd, NULL, 1, 0));
	}
}

static void
reach_others(void)
{
	pid_t parent = getppid();

	note(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
	note(syscall(SYS_socket, AF_UNIX, SOCK_STREAM, 0));
	note(syscall(SYS_kill, parent, 0));
	note(syscall(SYS_ptrace, 16, parent, 0, 0));
	note(syscall(SYS_pidfd_open, parent, 0));
	note(syscall(SYS_process_vm_readv, parent, NULL, 0, NULL, 0, 0));
	note(syscall(SYS_fork));
	note(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0));
	note(syscall(SYS_shmget, 1, 1, 0));
}

static void
gain_powers(void)
{
	note(syscall(SYS_setuid, 0));
	note(syscall(SYS_setresuid, 0, 0, 0));
	note(syscall(SYS_setgroups, 0, NULL));
	note(syscall(SYS_personality, 0));
}

/* All of it as if it were frames: other messages' ids, descriptors, noise. */
static void
lie_to_its_peers(void)
{
	static const unsigned char frame[] = { 8, 0, 0, 0, 19, 0, 0, 0, 1, 0, 0,
		0, 1, 0, 0, 0 };

	for (int fd = 3; fd < FDS; fd++)
		syscall(SYS_sendto, fd, frame, sizeof(frame),
		    MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

/* To have the body files of other people's mail removed. */
static void
drop_bodies(void)
{
	unsigned char frame[] = { 8, 0, 0, 0, 22, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0 };

	for (int fd = 3; fd < FDS; fd++)
		for (frame[8] = 1; frame[8] < 10; frame[8]++)
			syscall(SYS_sendto, fd, frame, sizeof(frame),
			    MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

static void
run_a_program(void)
{
	char *args[] = { spool, NULL };

	note(syscall(SYS_execve, "/bin/sh", args, args));
}

static void
use_io_uring(void)
{
	note(syscall(SYS_io_uring_setup, 1, NULL));
}

static void
mount_something(void)
{
	note(syscall(SYS_mount, "x", "/", "tmpfs", 0, NULL));
}

static void (*const attempts[])(void) = { open_paths, open_below_descriptors,
	change_names, rewrite_what_it_holds, reach_others, gain_powers,
	lie_to_its_peers, run_a_program, use_io_uring, mount_something,
	drop_bodies };

ssize_t
read(int fd, void *p, size_t n)
{
	static const char magic[] = "NOOP own ";
	ssize_t got = real_read(fd, p, n);
	const char *at =
	    got > 0 ? memmem(p, (size_t)got, magic, sizeof(magic) - 1) : NULL;

	if (at != NULL) {
		size_t row = (size_t)atoi(at + sizeof(magic) - 1);

		if (row < sizeof(attempts) / sizeof(attempts[0])) {
			result->tried = (int32_t)row + 1;
			attempts[row]();
		}
	}
	return got;
}
