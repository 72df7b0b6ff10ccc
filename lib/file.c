#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)65536)
#define BLOCK ((size_t)4096)

int
file_write_all(int fd, const void *bytes, size_t n)
{
	const char *p = bytes;

	while (n != 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int
file_pwrite_all(int fd, const void *bytes, size_t n, off_t at)
{
	const char *p = bytes;

	while (n != 0) {
		ssize_t w = pwrite(fd, p, n, at);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -errno;
		p += w;
		at += w;
		n -= (size_t)w;
	}
	return 0;
}

int
file_pread_all(int fd, void *bytes, size_t n, off_t at)
{
	char *p = bytes;

	while (n != 0) {
		ssize_t r = pread(fd, p, n, at);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			return -ENODATA;
		p += r;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

int
file_pread_around(int fd, void *bytes, size_t n, off_t at, size_t *ret_bad)
{
	char *p = bytes;
	size_t bad = 0;
	int rc = file_pread_all(fd, p, n, at);

	for (size_t from = 0, len; rc == -EIO && from < n; from += len) {
		len = BLOCK - ((size_t)at + from) % BLOCK;
		if (len > n - from)
			len = n - from;
		if (file_pread_all(fd, p + from, len, at + (off_t)from) == 0)
			continue;
		memset(p + from, 0, len);
		bad++;
	}
	if (rc == 0 || rc == -EIO)
		*ret_bad = bad;
	return rc == -EIO ? 0 : rc;
}

int
file_slurp(int dirfd, const char *name, struct buf *b)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	int rc = 0;

	if (fd < 0)
		return -errno;
	for (;;) {
		size_t left = b->max - b->len;
		size_t want = left < CHUNK ? left : CHUNK;
		char one, *room = want ? buf_room(b, want) : &one;
		ssize_t r;

		if (room == NULL) {
			rc = -ENOMEM;
			break;
		}
		r = read(fd, room, want ? want : 1);
		if (want == 0 && r > 0) {
			rc = -EFBIG;
			break;
		}
		if (r < 0 && errno == EINTR)
			continue;
		if (r <= 0) {
			rc = r < 0 ? -errno : 0;
			break;
		}
		b->len += (size_t)r;
		b->data[b->len] = '\0';
	}
	close(fd);
	return rc;
}

int
file_sync_dir(int dirfd)
{
	return fsync(dirfd) < 0 ? -errno : 0;
}

int
file_replace(
    int dirfd, const char *name, const void *bytes, size_t n, mode_t mode)
{
	char tmp[256];
	int fd, rc;

	snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return -errno;
	rc = file_write_all(fd, bytes, n);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		rc = -errno;
	if (rc == 0)
		return file_sync_dir(dirfd);
	unlinkat(dirfd, tmp, 0);
	return rc;
}

int
file_mkdir(int dirfd, const char *name, mode_t mode)
{
	if (mkdirat(dirfd, name, mode) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

bool
file_libexec(const char *name, char ret[PATH_MAX])
{
	char self[PATH_MAX - 256];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (slash != NULL)
		*slash = '\0';
	snprintf(ret, PATH_MAX, "%s/../libexec/mtad/%s", self, name);
	if (access(ret, X_OK) == 0)
		return true;
	snprintf(ret, PATH_MAX, "%s/%s", MTA_LIBEXECDIR, name);
	return access(ret, X_OK) == 0;
}
