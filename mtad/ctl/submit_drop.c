/*
 * submit_drop: without a daemon, a file that waits for it (lib/drop.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "drop.h"
#include "file.h"
#include "log.h"
#include "sendmail.h"

/* The folder cannot be opened by who may only write to it, and without that
 * not be synced: the file system is. */
static int
give_name(int dirfd, int fd, const char *tmp, const char *name)
{
	int rc = 0;

	if (renameat(dirfd, tmp, dirfd, name) < 0)
		return -errno;
	if (syncfs(fd) < 0) {
		rc = -errno;
		unlinkat(dirfd, name, 0);
	}
	return rc;
}

static int
write_drop(int dirfd, const struct buf *b)
{
	char tmp[64], name[32];
	uint64_t random = 0;
	int fd, rc;

	while (getrandom(&random, sizeof(random), 0) < 0 && errno == EINTR)
		continue;
	snprintf(name, sizeof(name), "%016llx", (unsigned long long)random);
	snprintf(tmp, sizeof(tmp), ".%s.tmp", name);
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* nobody but the queue looks into the folder */
	rc =
	    fchmod(fd, 0644) < 0 ? -errno : file_write_all(fd, b->data, b->len);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	if (rc == 0)
		rc = give_name(dirfd, fd, tmp, name);
	if (rc < 0)
		unlinkat(dirfd, tmp, 0);
	close(fd);
	return rc;
}

/* The folder can be entered and written by the set-group-id, not listed. */
int
submit_drop(const char *spool, const struct outgoing *o,
    const struct sendmail_options *opt)
{
	struct drop d = { .sender = slice_of(o->sender),
		.envid = slice_of(opt->envid),
		.ret = slice_of(opt->ret),
		.notify = slice_of(opt->notify),
		.message = buf_slice(&o->message) };
	struct slice *rcpts = calloc(o->n + 1, sizeof(*rcpts));
	struct slice rest = buf_slice(&o->rcpts); /* n may count more */
	struct buf b;
	char path[4200];
	uint32_t n = 0;
	int dirfd, rc;

	if (rcpts == NULL)
		return EX_OSERR;
	while (n < o->n && slice_next(&rest, '\n', &rcpts[n]))
		n++;
	buf_init(&b, (size_t)2 << 30);
	drop_put(&b, &d, rcpts, n);
	free(rcpts);
	snprintf(path, sizeof(path), "%s/drop", spool);
	dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = dirfd < 0 ? -errno : b.bad ? -ENOMEM : write_drop(dirfd, &b);
	if (rc < 0)
		log_warn("no daemon answers, and %s takes nothing: %s", path,
		    strerror(-rc));
	if (dirfd >= 0)
		close(dirfd);
	buf_release(&b);
	return rc < 0 ? EX_TEMPFAIL : EX_OK;
}
