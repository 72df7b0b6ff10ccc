/*
 * body: reading a message back. From memory at once when the page cache has
 * it (preadv2 RWF_NOWAIT); else, and with a body file, beside the loop. The
 * checksum is verified each time: what is sent is what was taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "crc32c.h"
#include "file.h"
#include "queue.h"
#include "record.h"
#include "sizes.h"

struct reading {
	struct queue *q;
	struct msg *m;
	body_done *done;
	void *arg;
	struct body body;
	char *raw; /* head, payload and padding, then: */
	size_t wanted, front; /* of the body file: bytes wanted, bytes read */
	int fd;
};

struct slice
body_content(const struct body *b)
{
	return (
	    struct slice){ b->record + b->envelope, b->length - b->envelope };
}

static int
open_body(struct queue *q, uint64_t number)
{
	char name[32];
	int fd;

	body_name(name, number);
	fd = openat(q->body_fd, name, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int
run_read(void *arg)
{
	struct reading *r = arg;

	if (r->m->body_file != 0) {
		r->body.fd = open_body(r->q, r->m->body_file);
		if (r->body.fd < 0)
			return r->body.fd;
	}
	if (r->body.fd >= 0 && r->wanted != 0) {
		ssize_t n =
		    pread(r->body.fd, r->raw + r->m->length, r->wanted, 0);

		if (n < 0)
			return -errno;
		r->front = (size_t)n;
	}
	return file_pread_all(r->fd, r->raw, r->m->length, r->m->offset);
}

/* Right behind what lies in the record. */
static void
join_front(struct reading *r)
{
	memmove(
	    r->body.record + r->body.length, r->raw + r->m->length, r->front);
	r->body.length += r->front;
}

int
body_check(const struct msg *m, char *raw, struct body *b)
{
	struct record_head h;

	if (!record_head_get((unsigned char *)raw, m->segment->salt, &h) ||
	    !msgid_eq(h.id, m->id) || record_size(h.payload) > m->length ||
	    crc32c(0, raw + RECORD_HEAD, h.payload) != h.payload_crc)
		return -EBADMSG;
	b->record = raw + RECORD_HEAD;
	b->envelope = h.envelope;
	b->length = h.payload;
	return 0;
}

/* A worker counts on the size that it is told. */
static bool
has_its_size(const struct msg *m, const struct body *b)
{
	uint64_t n = b->length - b->envelope;
	struct stat st;

	if (b->fd >= 0 && fstat(b->fd, &st) == 0)
		n += (uint64_t)st.st_size;
	return n == m->size;
}

static void
finish(struct reading *r, int rc)
{
	struct queue *q = r->q;

	if (rc == 0)
		rc = body_check(r->m, r->raw, &r->body);
	if (rc == 0 && !has_its_size(r->m, &r->body))
		rc = -EBADMSG;
	if (rc == 0 && r->front != 0)
		join_front(r);
	r->body.error = rc;
	r->done(q, r->m, &r->body, r->arg);
	if (r->body.fd >= 0)
		close(r->body.fd);
}

static void
read_done(void *arg, int rc)
{
	struct reading *r = arg;

	finish(r, rc);
	msg_unpin(r->q, r->m);
	free(r->raw);
	free(r);
}

/* Not in memory, or a file to open: the thread gets a copy of what we know. */
static bool
read_later(struct reading *now)
{
	struct reading *r = malloc(sizeof(*r));

	if (r == NULL)
		return false;
	*r = *now;
	r->m->pins++;
	if (worker_submit(r->q->reader, run_read, read_done, r) == 0)
		return true;
	r->m->pins--;
	free(r);
	return false;
}

static void
begin(struct queue *q, struct msg *m, size_t wanted, body_done *done, void *arg)
{
	struct reading r = { .q = q,
		.m = m,
		.done = done,
		.arg = arg,
		.body = { .fd = -1 },
		.wanted = m->body_file != 0 ? wanted : 0,
		.fd = m->segment->fd };
	struct iovec iov;
	ssize_t n;

	r.raw = malloc(m->length + r.wanted);
	if (r.raw == NULL) {
		finish(&r, -ENOMEM);
		return;
	}
	iov = (struct iovec){ r.raw, m->length };
	n = m->body_file ? -1 : preadv2(r.fd, &iov, 1, m->offset, RWF_NOWAIT);
	if (n == (ssize_t)m->length) {
		finish(&r, 0);
	} else if (read_later(&r)) {
		return; /* raw is the copy's now */
	} else {
		finish(&r, -ENOMEM);
	}
	free(r.raw);
}

void
body_read(struct queue *q, struct msg *m, body_done *done, void *arg)
{
	begin(q, m, 0, done, arg);
}

void
body_read_header(struct queue *q, struct msg *m, body_done *done, void *arg)
{
	begin(q, m, HEADER_MAX, done, arg);
}
