/*
 * mbox: lock, append, sync; what fails is cut off again.
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
#include "lock.h"

struct mbox {
	int fd;
	off_t old; /* size before */
	bool at_line_start;
	size_t held; /* bytes of "From " that wait for the next piece */
	struct lock lock;
	struct buf b;
};

static int
sync_folder_of(const char *path)
{
	char dir[4100], *slash;
	int fd, rc;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (slash == NULL)
		return -EINVAL;
	slash[slash == dir] = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd <
	    0) /* may be entered and not read: the append's sync has to do */
		return errno == EACCES ? 0 : -errno;
	rc = folder_sync(fd);
	close(fd);
	return rc;
}

static int
open_or_make(const char *path)
{
	const int flags =
	    O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = open(path, flags), rc;

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	fd = open(path, flags | O_CREAT | O_EXCL, 0600);
	if (fd < 0 && errno == EEXIST)
		fd = open(path, flags);
	if (fd < 0)
		return -errno;
	rc = sync_folder_of(path);
	if (rc < 0)
		close(fd);
	return rc < 0 ? rc : fd;
}

/* A mailbox is a regular file, the recipient's own, with one name: what was
 * planted in its place changes nothing elsewhere. */
static int
open_mbox(struct mbox *m, const struct letter *l)
{
	struct stat st;

	m->fd = open_or_make(l->path);
	if (m->fd < 0)
		return m->fd;
	if (fstat(m->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_uid != l->owner->uid ||
	    st.st_nlink != 1)
		return -EPERM;
	return 0;
}

static int
flush(struct mbox *m)
{
	int rc =
	    m->b.bad ? -ENOMEM : file_write_all(m->fd, m->b.data, m->b.len);

	buf_clear(&m->b);
	return rc;
}

static const char from[5] = "From ";

/* At the start of a line: is it "From "? It may come in two pieces. Returns
 * how many bytes of the piece were used. */
static size_t
look_at_start(struct mbox *m, const char *p, size_t n)
{
	size_t used = 0;

	while (used < n && m->held < sizeof(from) && p[used] == from[m->held]) {
		m->held++;
		used++;
	}
	if (m->held < sizeof(from) && used == n)
		return used;
	if (m->held == sizeof(from))
		buf_addc(&m->b, '>');
	buf_add(&m->b, from, m->held);
	m->held = 0;
	m->at_line_start = false;
	return used;
}

/* >From quoting: a line that begins with From would begin a message. */
static int
put(void *arg, const char *p, size_t n)
{
	struct mbox *m = arg;

	while (n != 0) {
		const char *nl;
		size_t len = m->at_line_start ? look_at_start(m, p, n) : 0;

		p += len;
		n -= len;
		if (n == 0)
			break;
		nl = memchr(p, '\n', n);
		len = nl ? (size_t)(nl - p) + 1 : n;
		buf_add(&m->b, p, len);
		m->at_line_start = nl != NULL;
		p += len;
		n -= len;
	}
	if (m->b.bad)
		return -ENOMEM;
	return m->b.len >= 1 << 18 ? flush(m) : 0;
}

/* A delivery that was killed may have left half a message: the next one must
 * not become a part of it. */
static int
end_old(struct mbox *m)
{
	char tail[2] = "\n\n";
	size_t n = m->old >= 2 ? 2 : (size_t)m->old;
	int rc;

	if (n == 0)
		return 0;
	rc = file_pread_all(m->fd, tail + 2 - n, n, m->old - (off_t)n);
	if (rc < 0)
		return rc;
	if (tail[1] != '\n')
		buf_adds(&m->b, "\n\n");
	else if (tail[0] != '\n')
		buf_addc(&m->b, '\n');
	return 0;
}

static void
put_from_line(struct mbox *m, struct slice sender)
{
	time_t now = time(NULL);
	char date[40];
	struct tm tm;

	gmtime_r(&now, &tm); /* RFC 4155: UTC */
	strftime(date, sizeof(date), "%a %b %e %H:%M:%S %Y", &tm);
	buf_adds(&m->b, "From ");
	for (size_t i = 0; i < sender.n; i++)
		buf_addc(&m->b,
		    (unsigned char)sender.p[i] <= ' ' ? '_' : sender.p[i]);
	buf_addf(&m->b, "%s %s\n", sender.n ? "" : "MAILER-DAEMON", date);
}

static int
append(struct mbox *m, const struct letter *l)
{
	struct stat st;
	int rc;

	if (fstat(m->fd, &st) < 0)
		return -errno;
	m->old = st.st_size;
	rc = end_old(m);
	if (rc < 0)
		return rc;
	put_from_line(m, l->sender);
	m->at_line_start = true;
	rc = letter_write(l, put, m);
	buf_add(&m->b, from, m->held);
	if (!m->at_line_start || m->held != 0)
		buf_addc(&m->b, '\n');
	buf_addc(&m->b, '\n');
	if (rc >= 0)
		rc = flush(m);
	if (rc >= 0 && fsync(m->fd) < 0)
		rc = -errno;
	if (rc < 0 && ftruncate(m->fd, m->old) == 0)
		fsync(m->fd);
	return rc < 0 ? rc : 0;
}

static int
locked_append(struct mbox *m, const struct letter *l)
{
	int rc;

	lock_use_group(l, true);
	rc = open_mbox(m, l);
	lock_use_group(l, false);
	if (rc == 0)
		rc = lock_take(&m->lock, m->fd, l);
	if (rc == 0)
		rc = append(m, l);
	lock_leave(&m->lock, l);
	if (m->fd >= 0)
		close(m->fd);
	return rc;
}

/* Threads take turns at a mailbox before they compete with other processes
 * for its locks, which are asked for in long steps. */
static int
append_in_turn(struct mbox *m, const struct letter *l)
{
	struct turn *turn = turn_take(l->path);
	int rc;

	if (turn == NULL)
		return -ENOMEM;
	rc = locked_append(m, l);
	turn_leave(turn);
	return rc;
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
	rc = append_in_turn(&m, l);
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
