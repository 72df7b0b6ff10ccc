/*
 * spool: the folder itself: its parts, its lock, and who it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "queue.h"

static int
open_part(struct queue *q, const char *name, int *ret_fd)
{
	int rc = file_mkdir(q->spool_fd, name, 0700), fd;

	if (rc == 0) {
		fd = openat(
		    q->spool_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = fd < 0 ? -errno : 0;
	}
	if (rc == 0)
		*ret_fd = fd;
	else
		recover_fail(q, name, "", rc);
	return rc;
}

static int
take_lock(struct queue *q)
{
	char pid[24] = "";
	int fd =
	    openat(q->spool_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (read(fd, pid, sizeof(pid) - 1) < 0)
			pid[0] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		log_warn("%s is in use by process %s: two programs never write "
			 "one spool",
		    q->proc->conf->QueueDirectory, pid);
		close(fd);
		return -EBUSY;
	}
	snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, strlen(pid), 0) < 0)
		log_warn("cannot write the lock: %s", strerror(errno));
	q->lock_fd = fd;
	return 0;
}

int
spool_open(struct queue *q)
{
	static const struct {
		const char *name;
		size_t at;
	} parts[] = {
		{ "segment", offsetof(struct queue, segment_fd) },
		{ "body", offsetof(struct queue, body_fd) },
		{ "journal", offsetof(struct queue, journal_fd) },
		{ "checkpoint", offsetof(struct queue, checkpoint_fd) },
	};
	int rc = take_lock(q);

	for (size_t i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		rc = open_part(
		    q, parts[i].name, (int *)((char *)q + parts[i].at));
	if (rc == 0) {
		q->drop_fd = openat(
		    q->spool_fd, "drop", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = file_sync_dir(q->spool_fd);
	}
	return rc;
}

/* A word of the identity file, or "". */
static struct slice
word_of(const struct buf *b, const char *key)
{
	struct slice rest = buf_slice(b), line, name;

	while (slice_next(&rest, '\n', &line))
		if (slice_next(&line, ' ', &name) &&
		    slice_eq(name, slice_of(key)))
			return line;
	return SLICE("");
}

static int
write_identity(struct queue *q, const char *dev)
{
	struct buf b;
	int rc;

	buf_init(&b, 4096);
	buf_addf(&b, "format %d\ntag %u\nmachine %s\ndevice %s\n", SPOOL_FORMAT,
	    q->segments.tag, q->proc->machine, dev);
	rc = file_replace(q->spool_fd, "identity", b.data, b.len, 0644);
	buf_release(&b);
	return rc;
}

uint32_t
spool_format(struct queue *q)
{
	struct buf b;
	uint64_t v = 0;

	buf_init(&b, 4096);
	if (file_slurp(q->spool_fd, "identity", &b) < 0 ||
	    !slice_u64(word_of(&b, "format"), UINT32_MAX, &v))
		v = 0;
	buf_release(&b);
	return (uint32_t)v;
}

/*
 * The tag that new ids begin with. A spool that finds itself on another
 * device or machine draws a new one, so that copies never mint equal ids.
 */
int
spool_identify(struct queue *q)
{
	struct stat st;
	struct buf b;
	char dev[40];
	uint64_t v = 0;
	int rc;

	if (fstat(q->spool_fd, &st) < 0)
		return -errno;
	snprintf(dev, sizeof(dev), "%u:%u:%llu", major(st.st_dev),
	    minor(st.st_dev), (unsigned long long)st.st_ino);
	buf_init(&b, 4096);
	rc = file_slurp(q->spool_fd, "identity", &b);
	if (rc == 0 && slice_u64(word_of(&b, "format"), UINT32_MAX, &v) &&
	    v > SPOOL_FORMAT) {
		log_warn("%s has format %llu, this mtad reads up to %d: "
			 "nothing was touched",
		    q->proc->conf->QueueDirectory, (unsigned long long)v,
		    SPOOL_FORMAT);
		rc = -EPROTONOSUPPORT;
	} else if (rc == 0 &&
	    slice_u64(word_of(&b, "tag"), MSGID_TAG_MAX, &v) &&
	    slice_eq(word_of(&b, "machine"), slice_of(q->proc->machine)) &&
	    slice_eq(word_of(&b, "device"), slice_of(dev))) {
		q->segments.tag = (uint32_t)v;
	} else if (rc == 0 || rc == -ENOENT) {
		q->segments.tag = (uint32_t)(draw_random() % MSGID_TAG_MAX);
		rc = write_identity(q, dev);
	}
	if (rc < 0 && rc != -EPROTONOSUPPORT)
		recover_fail(q, "identity", "", rc);
	buf_release(&b);
	return rc;
}
