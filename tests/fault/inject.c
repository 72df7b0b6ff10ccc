/*
 * LD_PRELOAD for one process of mtad: the Nth call that changes the spool
 * fails, or is the process's last, as a test says in a file that both have
 * mapped (inject.py, recovery.py).
 *
 * What belongs to the spool: in mtad-queue every file below one of the
 * spool's folders (followed from openat to openat, as inside a sandbox no
 * path can be asked for); in mtad-smtpd, which opens nothing, every regular
 * file but the event log, whose lines begin as events do.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum kind {
	OPEN = 1, /* to write */
	WRITE = 2,
	SYNC = 4,
	RENAME = 8,
	FALLOCATE = 16,
	READ = 32, /* open to read, too; names of a folder */
	UNLINK = 64
};

#define DIES 9999 /* instead of an errno */

static struct order {
	uint32_t at; /* the first call that fails; 0: none */
	uint32_t times; /* so many fail */
	uint32_t error; /* errno, or DIES */
	uint32_t kinds; /* which calls count */
	uint32_t calls; /* seen */
	uint32_t failed;
	uint32_t last; /* kind of the one that failed last */
} * order;
static bool is_smtpd;
static bool in_spool[65536]; /* by descriptor */

static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_renameat)(int, const char *, int, const char *);
static int (*real_fallocate)(int, int, off_t, off_t);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_ftruncate)(int, off_t);
static ssize_t (*real_read)(int, void *, size_t);
static ssize_t (*real_pread)(int, void *, size_t, off_t);
static struct dirent *(*real_readdir)(DIR *);

#define FIND(name) (real_##name = dlsym(RTLD_NEXT, #name))

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("INJECT");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	FIND(openat), FIND(close), FIND(write), FIND(pwrite), FIND(fsync);
	FIND(fdatasync), FIND(renameat), FIND(fallocate);
	FIND(unlinkat), FIND(ftruncate), FIND(read), FIND(pread);
	FIND(readdir);
	if (fd < 0)
		_exit(72);
	order = mmap(
	    NULL, sizeof(*order), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	is_smtpd = strstr(program_invocation_name, "smtpd") != NULL;
}

static bool
is_ours(int fd)
{
	if (fd < 0 || fd >= 65536)
		return false;
	return is_smtpd ? lseek(fd, 0, SEEK_CUR) >= 0 : in_spool[fd];
}

/* True, with errno set: this one fails. */
static bool
fails(enum kind kind)
{
	uint32_t n, at = __atomic_load_n(&order->at, __ATOMIC_SEQ_CST);

	if (!(order->kinds & kind))
		return false;
	n = __atomic_add_fetch(&order->calls, 1, __ATOMIC_SEQ_CST);
	if (at == 0 || n < at || n - at >= order->times)
		return false;
	order->last = kind;
	__atomic_add_fetch(&order->failed, 1, __ATOMIC_SEQ_CST);
	if (order->error == DIES)
		_exit(137);
	errno = (int)order->error;
	return true;
}

static bool
is_part(const char *name)
{
	static const char *const parts[] = { "segment", "body", "journal",
		"checkpoint", "identity", "identity.tmp" };

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (strcmp(name, parts[i]) == 0)
			return true;
	return false;
}

int
openat(int dirfd, const char *name, int flags, ...)
{
	bool ours =
	    is_part(name) || (dirfd >= 0 && dirfd < 65536 && in_spool[dirfd]);
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (ours && fails(flags & (O_WRONLY | O_RDWR) ? OPEN : READ))
		return -1;
	fd = real_openat(dirfd, name, flags, mode);
	if (fd >= 0 && fd < 65536)
		in_spool[fd] = ours;
	return fd;
}

int
close(int fd)
{
	if (fd >= 0 && fd < 65536)
		in_spool[fd] = false;
	return real_close(fd);
}

/* A disk that fills takes a part of what it cannot take whole. */
ssize_t
write(int fd, const void *p, size_t n)
{
	bool is_wakeup = n == 8; /* an eventfd: lseek works there, too */
	bool is_event = n > 2 && memcmp(p, "{\"", 2) == 0;

	if (is_wakeup || is_event || !is_ours(fd) || !fails(WRITE))
		return real_write(fd, p, n);
	return order->failed == 1 && order->error == ENOSPC && n > 1
	    ? real_write(fd, p, n / 2)
	    : -1;
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	bool is_fill = n == 65536 && at != 0; /* one of 256: not each counts */

	if (!is_ours(fd) || is_fill || !fails(WRITE))
		return real_pwrite(fd, p, n, at);
	return -1;
}

int
fsync(int fd)
{
	return is_ours(fd) && fails(SYNC) ? -1 : real_fsync(fd);
}

int
fdatasync(int fd)
{
	return is_ours(fd) && fails(SYNC) ? -1 : real_fdatasync(fd);
}

int
renameat(int from, const char *old, int to, const char *new)
{
	if (from >= 0 && from < 65536 && in_spool[from] && fails(RENAME))
		return -1;
	return real_renameat(from, old, to, new);
}

int
fallocate(int fd, int mode, off_t at, off_t n)
{
	return is_ours(fd) && fails(FALLOCATE)
	    ? -1
	    : real_fallocate(fd, mode, at, n);
}

int
unlinkat(int dirfd, const char *name, int flags)
{
	return is_ours(dirfd) && fails(UNLINK)
	    ? -1
	    : real_unlinkat(dirfd, name, flags);
}

int
ftruncate(int fd, off_t n)
{
	return is_ours(fd) && fails(WRITE) ? -1 : real_ftruncate(fd, n);
}

ssize_t
read(int fd, void *p, size_t n)
{
	bool is_file = !is_smtpd && is_ours(fd);

	return is_file && fails(READ) ? -1 : real_read(fd, p, n);
}

ssize_t
pread(int fd, void *p, size_t n, off_t at)
{
	return is_ours(fd) && fails(READ) ? -1 : real_pread(fd, p, n, at);
}

struct dirent *
readdir(DIR *d)
{
	return is_ours(dirfd(d)) && fails(READ) ? NULL : real_readdir(d);
}
