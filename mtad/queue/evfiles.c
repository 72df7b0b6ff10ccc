#include "evfiles.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "event_file.h"
#include "file.h"
#include "log.h"

struct event_files {
	struct queue *q; /* borrowed */
	int fd;
	int old_fd; /* the one before, not synced yet; -1 */
	uint64_t number;
	uint64_t closing; /* file that waits for the parent to leave it */
	uint64_t confirmed; /* where the parent writes */
	bool is_compressing;
	uint64_t compressing;
	int seconds;
};

static DIR *
open_dir(int dirfd)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (d == NULL && fd >= 0)
		close(fd);
	return d;
}

static uint64_t
highest(int dirfd)
{
	DIR *d = open_dir(dirfd);
	struct dirent *e;
	uint64_t best = 0, v;
	bool is_packed;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (event_file_number(e->d_name, &v, &is_packed) && v > best)
			best = v;
	if (d != NULL)
		closedir(d);
	return best;
}

static int
open_next(struct event_files *f)
{
	char name[EVENT_FILE_NAME];
	int fd;

	event_file_name(name, f->number + 1, false);
	fd = openat(f->q->log_fd, name,
	    O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0)
		return -errno;
	f->number++;
	return fd;
}

struct event_files *
evfiles_new(struct queue *q)
{
	struct event_files *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->q = q;
	f->old_fd = -1;
	f->number = highest(q->log_fd);
	f->fd = open_next(f);
	if (f->fd < 0) {
		log_warn("no room for an event log, it is tried again each "
			 "second: %s",
		    strerror(-f->fd));
		f->fd = -1;
		return f;
	}
	evlog_file(q->proc->log, dup(f->fd));
	return f;
}

void
evfiles_free(struct event_files *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0)
		close(f->fd);
	if (f->old_fd >= 0)
		close(f->old_fd);
	free(f);
}

void
evfiles_dup(struct event_files *f, int ret[2])
{
	ret[0] = f->fd < 0 ? -1 : dup(f->fd);
	ret[1] = f->old_fd;
	f->old_fd = -1;
}

uint64_t
evfiles_number(const struct event_files *f)
{
	return f->number;
}

/* The parent has one of its own: it writes when there is no queue any more. */
static void
hand(struct event_files *f)
{
	if (f->fd >= 0)
		PROC_SEND_FD(&f->q->proc->parent, evlog, EVLOG, dup(f->fd),
		    .number = f->number);
}

void
evfiles_greet(struct event_files *f)
{
	f->confirmed = f->number;
	hand(f);
}

/* In the worker: gzip beside it, then the plain one goes. */
static int
run_compress(void *arg)
{
	struct event_files *f = arg;
	char name[EVENT_FILE_NAME], packed[EVENT_FILE_NAME];
	static const size_t size = 65536;
	char *block = malloc(size);
	int in, out, rc = 0;
	gzFile gz = NULL;
	ssize_t n = 0;

	event_file_name(name, f->compressing, false);
	event_file_name(packed, f->compressing, true);
	in = openat(f->q->log_fd, name, O_RDONLY | O_CLOEXEC);
	out = openat(f->q->log_fd, packed,
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (in >= 0 && out >= 0 && block != NULL)
		gz = gzdopen(dup(out), "wb6");
	if (gz == NULL)
		rc = -EIO;
	while (rc == 0 && (n = read(in, block, size)) > 0)
		if (gzwrite(gz, block, (unsigned)n) != n)
			rc = -EIO;
	if (gz != NULL && gzclose(gz) != Z_OK)
		rc = -EIO;
	if (n < 0 || (rc == 0 && fsync(out) < 0))
		rc = -EIO;
	unlinkat(f->q->log_fd, rc == 0 ? name : packed, 0);
	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	free(block);
	return rc;
}

static void
compressed(void *arg, int rc)
{
	struct event_files *f = arg;

	(void)rc; /* it stays as it was, and counts with its size */
	f->is_compressing = false;
}

static void
compress_file(struct event_files *f, uint64_t number)
{
	if (f->is_compressing)
		return;
	f->compressing = number;
	f->is_compressing =
	    worker_submit(f->q->slow, run_compress, compressed, f) == 0;
}

/* All have left it: pack it. */
static void
close_old(struct event_files *f)
{
	if (f->closing == 0 || f->confirmed <= f->closing)
		return;
	compress_file(f, f->closing);
	f->closing = 0;
}

bool
evfiles_confirmed(struct event_files *f, struct slice payload)
{
	struct p_evlog_ok m;

	if (!get_p_evlog_ok(payload, &m))
		return false;
	f->confirmed = m.number;
	close_old(f);
	return true;
}

void
evfiles_rotate(struct event_files *f)
{
	uint64_t old = f->number;
	int fd = open_next(f);

	if (fd < 0) /* a full event disk: this file goes on */
		return;
	if (f->old_fd >= 0)
		close(f->old_fd);
	f->old_fd = f->fd;
	f->closing = f->fd < 0 ? 0 : old;
	f->fd = fd;
	evlog_file(f->q->proc->log, dup(fd));
	hand(f);
}

/* Plain files of earlier starts are packed, one at a time; when all together
 * are too large, the oldest goes: true, look again. */
static bool
tidy(struct event_files *f)
{
	DIR *d = open_dir(f->q->log_fd);
	uint64_t total = 0, oldest = UINT64_MAX, plain = UINT64_MAX, v;
	char victim[256] = "";
	struct dirent *e;
	struct stat st;
	bool is_packed;

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!event_file_number(e->d_name, &v, &is_packed) ||
		    fstatat(f->q->log_fd, e->d_name, &st, 0) < 0)
			continue;
		total += (uint64_t)st.st_size;
		if (!is_packed && v < f->number && v != f->closing && v < plain)
			plain = v;
		if (v < oldest && v != f->number) {
			oldest = v;
			snprintf(victim, sizeof(victim), "%s", e->d_name);
		}
	}
	if (d != NULL)
		closedir(d);
	if (total > (uint64_t)f->q->proc->conf->EventLogSize && victim[0])
		return unlinkat(f->q->log_fd, victim, 0) == 0;
	if (plain != UINT64_MAX && f->closing == 0)
		compress_file(f, plain);
	return false;
}

void
evfiles_second(struct event_files *f)
{
	struct stat st;

	if (f->fd < 0)
		evfiles_rotate(f);
	else if (f->closing == 0 && fstat(f->fd, &st) == 0 &&
	    st.st_size >= f->q->proc->conf->EventLogFileSize)
		evfiles_rotate(f);
	if (++f->seconds % 10 != 5)
		return;
	while (tidy(f))
		continue;
}
