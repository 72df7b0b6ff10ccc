/*
 * check: mtactl queue check. Reads a spool that no mtad runs on as a start
 * would, then every record and body file that is alive, and says what does
 * not read. Changes nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "file.h"
#include "log.h"
#include "queue.h"
#include "record.h"

enum { CHECK_GOOD, CHECK_DAMAGED, CHECK_CANNOT };

void
check_note(
    const struct msg *m, const char *file, uint64_t offset, const char *what)
{
	char id[MSGID_TEXT + 1] = "";

	if (m != NULL)
		msgid_text(m->id, id);
	printf("%s%s%s at %llu: %s\n", id, m ? ": " : "", file,
	    (unsigned long long)offset, what);
}

static int
open_part(struct queue *q, const char *name, int *ret_fd)
{
	*ret_fd = openat(q->spool_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd >= 0)
		return 0;
	log_warn("%s: %s", name, strerror(errno));
	return -errno;
}

/* The lock is taken, so that none starts meanwhile. */
static int
open_spool(struct queue *q, const char *dir)
{
	int rc;

	q->spool_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (q->spool_fd < 0) {
		log_warn("%s: %s", dir, strerror(errno));
		return -errno;
	}
	if (spool_format(q) == 0 || spool_format(q) > SPOOL_FORMAT) {
		log_warn(
		    "%s is no spool of a format up to %d", dir, SPOOL_FORMAT);
		return -EPROTONOSUPPORT;
	}
	q->lock_fd = openat(q->spool_fd, "lock", O_RDWR | O_CLOEXEC);
	if (q->lock_fd >= 0 && flock(q->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		log_warn("an mtad runs on %s: stop it, or check a copy", dir);
		return -EBUSY;
	}
	rc = open_part(q, "segment", &q->segment_fd);
	if (rc == 0)
		rc = open_part(q, "body", &q->body_fd);
	if (rc == 0)
		rc = open_part(q, "journal", &q->journal_fd);
	if (rc == 0)
		rc = open_part(q, "checkpoint", &q->checkpoint_fd);
	return rc;
}

/* As long as the message says, and the same bytes. */
static int
read_body_file(
    struct queue *q, const struct msg *m, uint64_t size, uint32_t want)
{
	static char block[1 << 16];
	uint64_t total = 0;
	uint32_t crc = 0;
	char name[32];
	ssize_t n;
	int fd;

	body_name(name, m->body_file);
	fd = openat(q->body_fd, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, block, sizeof(block))) > 0) {
		total += (uint64_t)n;
		crc = crc32c(crc, block, (size_t)n);
	}
	close(fd);
	return n < 0 ? -errno : total == size && crc == want ? 0 : -EBADMSG;
}

static int
check_body_file(struct queue *q, const struct msg *m, const struct body *b)
{
	struct rd r = rd_of((struct slice){ b->record, b->envelope });
	struct p_envelope e;
	char name[32];
	int rc = -EBADMSG;

	body_name(name, m->body_file);
	if (get_p_envelope(&r, &e))
		rc = read_body_file(
		    q, m, m->size - body_content(b).n, e.body_crc);
	if (rc < 0)
		check_note(m, name, 0,
		    rc == -EBADMSG ? "its body file is not what was written"
				   : strerror(-rc));
	return rc;
}

static int
check_msg(struct queue *q, const struct msg *m)
{
	char *raw = malloc(m->length), name[32];
	struct body b;
	int rc = raw == NULL
	    ? -ENOMEM
	    : file_pread_all(m->segment->fd, raw, m->length, (off_t)m->offset);

	segment_name(name, m->segment->no);
	if (rc == 0)
		rc = body_check(m, raw, &b);
	if (rc < 0)
		check_note(m, name, m->offset,
		    rc == -EBADMSG ? "checksum does not fit" : strerror(-rc));
	if (rc == 0 && m->body_file != 0)
		rc = check_body_file(q, m, &b);
	free(raw);
	return rc;
}

static uint64_t
check_all(struct queue *q)
{
	uint64_t bad = 0;
	struct msg *m;

	TAILQ_FOREACH (m, &q->index.all, all)
		if (m->open != 0)
			bad += check_msg(q, m) < 0;
	return bad;
}

static uint64_t
waiting(const struct queue *q)
{
	const struct msg *m;
	uint64_t n = 0;

	TAILQ_FOREACH (m, &q->index.all, all)
		n += m->open != 0;
	return n;
}

int
check_spool(struct queue *q, const char *dir)
{
	const struct report *r = &q->report;
	uint64_t bad;
	int rc;

	log_init("mtactl");
	q->is_checking = true;
	index_init(&q->index);
	segments_init(&q->segments);
	rc = open_spool(q, dir);
	if (rc == 0) {
		q->segments.dirfd = q->segment_fd;
		q->segments.body_dirfd = q->body_fd;
		rc = recover_look(q);
		if (rc < 0)
			log_warn("%s%s%s: %s", dir, q->report.error ? "/" : "",
			    q->report.where, strerror(-rc));
	}
	if (rc < 0)
		return CHECK_CANNOT;
	bad = check_all(q) + r->damaged;
	printf("%llu messages, %llu not whole, %llu lost, %llu cut off before "
	       "they were acknowledged\n",
	    (unsigned long long)waiting(q), (unsigned long long)bad,
	    (unsigned long long)r->lost, (unsigned long long)r->incomplete);
	return bad + r->lost != 0 ? CHECK_DAMAGED : CHECK_GOOD;
}
