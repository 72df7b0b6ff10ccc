/*
 * mbox: kernel lock and dotlock, append, sync; what fails is cut off again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "deliver.h"
#include "file.h"

#define LOCK_TRIES 300 /* a tenth of a second each */
#define STALE_LOCK 300 /* seconds */

struct mbox {
	int fd;
	off_t old; /* size before */
	bool at_line_start, had_blank; /* for "From " in the body */
	char lock[4100];
	bool has_dotlock;
	struct buf b;
};

static void
wait_a_little(void)
{
	struct timespec ts = { 0, 100000000 };

	nanosleep(&ts, NULL);
}

static int
kernel_lock(int fd)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (fcntl(fd, F_OFD_SETLK, &fl) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return -errno;
		wait_a_little();
	}
	return -EDEADLK;
}

/* Where the folder is not ours to write, the kernel's lock has to do. */
static int
dot_lock(struct mbox *m, const char *path)
{
	snprintf(m->lock, sizeof(m->lock), "%s.lock", path);
	for (int i = 0; i < LOCK_TRIES; i++) {
		int fd = open(m->lock,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		struct stat st;

		if (fd >= 0) {
			close(fd);
			m->has_dotlock = true;
			return 0;
		}
		if (errno == EACCES || errno == EPERM || errno == EROFS)
			return 0;
		if (errno != EEXIST)
			return -errno;
		if (lstat(m->lock, &st) == 0 &&
		    st.st_mtime + STALE_LOCK < time(NULL))
			unlink(m->lock);
		wait_a_little();
	}
	return -EDEADLK;
}

/* A mailbox is a regular file, the recipient's own, with one name: what was
 * planted in its place changes nothing elsewhere. */
static int
open_mbox(struct mbox *m, const struct letter *l)
{
	struct stat st;

	m->fd = open(l->path,
	    O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
	    0600);
	if (m->fd < 0)
		return -errno;
	if (fstat(m->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    st.st_uid != l->owner->uid)
		return -EPERM;
	return 0;
}

static int
flush(struct mbox *m)
{
	int rc = file_write_all(m->fd, m->b.data, m->b.len);

	buf_clear(&m->b);
	return rc;
}

/* >From quoting: a line that begins with From would begin a message. */
static int
put(void *arg, const char *p, size_t n)
{
	struct mbox *m = arg;

	while (n != 0) {
		const char *nl = memchr(p, '\n', n);
		size_t len = nl ? (size_t)(nl - p) + 1 : n;

		if (m->at_line_start && len >= 5 && memcmp(p, "From ", 5) == 0)
			buf_addc(&m->b, '>');
		buf_add(&m->b, p, len);
		m->at_line_start = nl != NULL;
		p += len;
		n -= len;
	}
	if (m->b.bad)
		return -ENOMEM;
	return m->b.len >= 1 << 18 ? flush(m) : 0;
}

static int
append(struct mbox *m, const struct letter *l)
{
	struct stat st;
	time_t now = time(NULL);
	char date[40];
	struct tm tm;
	int rc;

	if (fstat(m->fd, &st) < 0)
		return -errno;
	m->old = st.st_size;
	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	buf_addf(&m->b, "From %.*s %s\n", l->sender.n ? (int)l->sender.n : 13,
	    l->sender.n ? l->sender.p : "MAILER-DAEMON", date);
	m->at_line_start = true;
	rc = letter_write(l, put, m);
	if (rc >= 0 && !m->at_line_start)
		buf_addc(&m->b, '\n');
	if (rc >= 0) {
		buf_addc(&m->b, '\n');
		rc = flush(m);
	}
	if (rc >= 0 && fsync(m->fd) < 0)
		rc = -errno;
	if (rc < 0 && ftruncate(m->fd, m->old) == 0)
		fsync(m->fd);
	return rc < 0 ? rc : 0;
}

void
deliver_mbox(const struct letter *l, struct result *r)
{
	struct mbox m = { .fd = -1 };
	int rc;

	if (strcmp(l->path, "/dev/null") == 0) {
		result_set(r, 250, "2.0.0", RC_NONE, "Discarded");
		return;
	}
	buf_init(&m.b, 1 << 20);
	rc = open_mbox(&m, l);
	if (rc == 0)
		rc = dot_lock(&m, l->path);
	if (rc == 0)
		rc = kernel_lock(m.fd);
	if (rc == 0)
		rc = append(&m, l);
	if (rc == -EPERM)
		result_set(r, 451, "4.2.0", RC_LOCAL_IO,
		    "%s is not a mailbox of its owner", l->path);
	else if (rc == -EDEADLK)
		result_set(r, 451, "4.2.0", RC_LOCAL_IO,
		    "%s stays locked by somebody", l->path);
	else if (rc < 0)
		result_errno(r, rc, "mailbox", l->path);
	else
		result_set(r, 250, "2.0.0", RC_NONE, "Delivered to mailbox");
	if (m.has_dotlock)
		unlink(m.lock);
	if (m.fd >= 0)
		close(m.fd);
	buf_release(&m.b);
}

void
deliver_mailbox(const struct letter *l, struct result *r)
{
	size_t n = strlen(l->path);

	if (n != 0 && l->path[n - 1] == '/')
		deliver_maildir(l, r);
	else
		deliver_mbox(l, r);
}
