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

#define NAME_SIZE 32
#define PART_MAX 5000 /* recipients of a file */

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
write_drop(int dirfd, const struct buf *b, char name[NAME_SIZE])
{
	char tmp[64];
	uint64_t random = 0;
	int fd, rc;

	while (getrandom(&random, sizeof(random), 0) < 0 && errno == EINTR)
		continue;
	snprintf(name, NAME_SIZE, "%016llx", (unsigned long long)random);
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

/* A message that is all header, and one of which each line grows by a CR. */
const char *
submit_refusal(const struct outgoing *o, uint64_t max_header, uint64_t max_size)
{
	struct slice rest = buf_slice(&o->message), line;
	uint64_t n = 0;
	bool is_header = true;

	while (slice_next(&rest, '\n', &line)) {
		n += line.n + 2;
		if (is_header && n > max_header) /* with its empty line */
			return "headers too long";
		is_header = is_header && line.n != 0;
		if (max_size != 0 && n > max_size)
			return "the message is larger than we take";
	}
	return NULL;
}

/* File after file, each with its part of the recipients; a smtpd takes no more
 * of them in one (sizes.h), whatever it makes of bare names. */
static int
write_parts(
    int dirfd, const struct drop *d, const struct slice *rcpts, uint32_t n)
{
	uint32_t parts = (n + PART_MAX - 1) / PART_MAX, done = 0;
	char(*name)[NAME_SIZE] = calloc(parts + 1, NAME_SIZE);
	struct buf b;
	int rc = name ? 0 : -ENOMEM;

	buf_init(&b, (size_t)2 << 30);
	for (; rc == 0 && done < parts; done++) {
		uint32_t from = done * PART_MAX;

		buf_clear(&b);
		drop_put(&b, d, rcpts + from,
		    n - from < PART_MAX ? n - from : PART_MAX);
		rc = b.bad ? -ENOMEM : write_drop(dirfd, &b, name[done]);
	}
	if (rc < 0) /* the caller tries again with all */
		while (name != NULL && done-- > 0)
			unlinkat(dirfd, name[done], 0);
	buf_release(&b);
	free(name);
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
	char path[4200];
	uint32_t n = 0;
	int dirfd, rc;

	if (rcpts == NULL)
		return EX_OSERR;
	while (n < o->n && slice_next(&rest, '\n', &rcpts[n]))
		n++;
	snprintf(path, sizeof(path), "%s/drop", spool);
	dirfd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	rc = dirfd < 0 ? -errno : write_parts(dirfd, &d, rcpts, n);
	if (rc < 0)
		log_warn("the daemon takes nothing now, nor does %s: %s", path,
		    strerror(-rc));
	if (dirfd >= 0)
		close(dirfd);
	free(rcpts);
	return rc < 0 ? EX_TEMPFAIL : EX_OK;
}
