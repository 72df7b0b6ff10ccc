/*
 * Inside the sandbox of mtad-smtpd, with an append-only descriptor of a file:
 * each way to change what was written before is tried, and the bytes are
 * compared afterwards (LIBRARIES.md lists the ways).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "priv.h"
#include "sandbox.h"
#include "unit.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND 0x20
#endif

static const char before[] = "acknowledged mail, never to be unwritten\n";
static char path[] = "/tmp/mtad-sandbox.XXXXXX";

static long
by_truncate(int fd)
{
	return syscall(SYS_ftruncate, fd, 0);
}

static long
by_setfl(int fd)
{
	long rc = syscall(SYS_fcntl, fd, F_SETFL, 0);

	return rc < 0 ? rc : syscall(SYS_pwrite64, fd, "X", 1, 0);
}

static long
by_pwrite(int fd)
{
	return syscall(SYS_pwrite64, fd, "X", 1, 0);
}

static long
by_punch(int fd)
{
	return syscall(SYS_fallocate, fd,
	    FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 8);
}

static long
by_zero(int fd)
{
	return syscall(SYS_fallocate, fd, FALLOC_FL_ZERO_RANGE, 0, 8);
}

static long
by_noappend(int fd)
{
	struct iovec v = { (char *)(uintptr_t) "X", 1 };

	return syscall(SYS_pwritev2, fd, &v, 1, 0, 0, RWF_NOAPPEND);
}

static long
by_proc(int fd)
{
	char name[64];
	long again;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY);
	return again < 0 ? again : syscall(SYS_pwrite64, again, "X", 1, 0);
}

static long
by_open(int fd)
{
	long again = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY);

	(void)fd;
	return again < 0 ? again : syscall(SYS_pwrite64, again, "X", 1, 0);
}

static long
by_unlink(int fd)
{
	(void)fd;
	return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

static long
by_ioctl(int fd)
{
	return syscall(SYS_ioctl, fd, FIOCLEX, 0);
}

static long
by_copy(int fd)
{
	return syscall(SYS_copy_file_range, fd, NULL, fd, NULL, 1, 0);
}

static long
by_socket(int fd)
{
	(void)fd;
	return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
}

static long
by_kill(int fd)
{
	(void)fd;
	return syscall(SYS_kill, getppid(), 0);
}

static long
by_io_submit(int fd)
{
	(void)fd;
	return syscall(SYS_io_submit, 0, 1, NULL);
}

static long
by_io_uring(int fd)
{
	(void)fd;
	return syscall(SYS_io_uring_setup, 1, NULL);
}

static long
by_exec(int fd)
{
	char *args[] = { path, NULL };

	(void)fd;
	return syscall(SYS_execve, path, args, args);
}

static const struct {
	const char *name;
	long (*attempt)(int fd);
	bool kills;
	bool is_wide; /* sanitizer builds allow the call (lib/priv.c) */
} ways[] = {
	{ "ftruncate", by_truncate, false, false },
	{ "F_SETFL, then pwrite", by_setfl, false, true },
	{ "pwrite", by_pwrite, false, false },
	{ "punch a hole", by_punch, false, false },
	{ "zero a range", by_zero, false, false },
	{ "RWF_NOAPPEND", by_noappend, false, false },
	{ "/proc/self/fd", by_proc, false, true },
	{ "open", by_open, false, true },
	{ "unlink", by_unlink, false, false },
	{ "ioctl", by_ioctl, false, false },
	{ "copy_file_range", by_copy, false, false },
	{ "socket", by_socket, false, false },
	{ "kill", by_kill, false, false },
	{ "io_submit", by_io_submit, false, false },
	{ "io_uring", by_io_uring, true, false },
	{ "exec", by_exec, true, false },
};

/* Exit status of the child: 0 refused, 1 it worked, 2 no sandbox. */
static void
attempt(int row, int fd)
{
	if (priv_filter(smtpd_calls) < 0)
		_exit(2);
	if (write(fd, "more\n", 5) != 5 || fdatasync(fd) < 0)
		_exit(2);
	errno = 0;
	_exit(ways[row].attempt(fd) < 0 ? 0 : 1);
}

START_TEST(nothing_written_is_unwritten)
{
	int fd = mkstemp(path), append, status;
	char got[sizeof(before) + 5] = "";
	pid_t pid;

#ifdef MTAD_SANITIZERS
	if (ways[_i].is_wide)
		return;
#endif
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, before, strlen(before)), strlen(before));
	append = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	pid = fork();
	if (pid == 0)
		attempt(_i, append);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (ways[_i].kills)
		ck_assert_msg(
		    WIFSIGNALED(status), "%s: lived on", ways[_i].name);
	else
		ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
		    "%s: status %#x", ways[_i].name, status);
	ck_assert_int_eq(
	    pread(fd, got, sizeof(got), 0), (ssize_t)strlen(before) + 5);
	ck_assert_msg(memcmp(got, before, strlen(before)) == 0,
	    "%s changed what was written", ways[_i].name);
	unlink(path);
	close(append);
	close(fd);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("smtp_sandbox");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);

	tcase_add_loop_test(tc, nothing_written_is_unwritten, 0, ROWS(ways));
	suite_add_tcase(s, tc);
	return unit_run(s);
}
