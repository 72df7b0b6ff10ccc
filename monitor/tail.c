#include "tail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "crc32c.h"
#include "input.h"
#include "log.h"

#define ROOM ((size_t)256 << 10)
#define HEAD ((size_t)1024) /* bytes that a file is known by, at most */
#define LEARN ((int64_t)4 << 20) /* bytes before the place, at most */
#define OLD_MAX 64 /* rotated files that are looked at */

/* A rotated file that is still to be read. */
struct old {
	char *path; /* owned */
	int64_t changed, off;
};

struct tail {
	char *path;
	struct feed *feed; /* borrowed */
	struct place place;
	bool is_lost; /* the place is of a file that is not open */
	bool has_complained; /* that it cannot be opened */
	bool is_first; /* since the start: what is not found is a gap */
	bool is_taught; /* the lines before the place are known again */
	int fd; /* the file of that name; -1: not open */
	struct input *in; /* the rotated file that is read now */
	struct old old[OLD_MAX];
	size_t olds;
	char *buf;
};

struct tail *
tail_new(const char *path, struct feed *feed, const struct place *from)
{
	struct tail *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	t->fd = -1;
	t->path = strdup(path);
	t->buf = malloc(ROOM);
	t->feed = feed;
	t->place = *from;
	t->is_taught = from->off == 0;
	t->is_lost = t->is_first = true;
	if (t->path != NULL && t->buf != NULL)
		return t;
	tail_free(t);
	return NULL;
}

static void
close_all(struct tail *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	input_free(t->in);
	t->in = NULL;
	for (size_t i = 0; i < t->olds; i++)
		free(t->old[i].path);
	t->olds = 0;
}

void
tail_free(struct tail *t)
{
	if (t == NULL)
		return;
	close_all(t);
	free(t->path);
	free(t->buf);
	free(t);
}

void
tail_rewind(struct tail *t)
{
	close_all(t);
	t->place = *feed_committed(t->feed);
	t->is_lost = true;
}

/* "LENGTH:CHECKSUM" of the first bytes. */
static void
mark_of(const char *head, size_t n, char mark[200])
{
	snprintf(mark, 200, "%zu:%08x", n, crc32c(0, head, n));
}

static bool
is_mark(const char *mark, const char *head, size_t n)
{
	size_t length = strtoul(mark, NULL, 10);
	char own[200];

	if (length == 0 || length > n)
		return false;
	mark_of(head, length, own);
	return strcmp(own, mark) == 0;
}

/* Another file is begun; its first bytes are those at fd, or in in. */
static void
begin_file(struct tail *t, const char *head, size_t n)
{
	t->place.file++;
	t->place.off = 0;
	mark_of(head, n, t->place.mark);
}

/* The file of the name itself: 1 when it goes on where we are. */
static int
open_live(struct tail *t)
{
	char head[HEAD];
	struct stat st;
	ssize_t n;

	t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0)
		return 0;
	n = pread(t->fd, head, HEAD, 0);
	if (n > 0 && fstat(t->fd, &st) == 0 &&
	    is_mark(t->place.mark, head, (size_t)n) &&
	    st.st_size >= t->place.off)
		return 1;
	close(t->fd);
	t->fd = -1;
	return 0;
}

static bool
begin_live(struct tail *t)
{
	char head[HEAD];
	ssize_t n;

	t->fd = open(t->path, O_RDONLY | O_CLOEXEC);
	if (t->fd < 0 && errno != ENOENT && !t->has_complained) {
		log_warn("%s: %s", t->path, strerror(errno));
		t->has_complained = true;
	}
	n = t->fd < 0 ? -1 : pread(t->fd, head, HEAD, 0);
	if (n > 0) {
		t->has_complained = false;
		begin_file(t, head, (size_t)n);
		return true;
	}
	if (t->fd >= 0)
		close(t->fd); /* empty: nothing to know it by yet */
	t->fd = -1;
	return false;
}

/* mail.log.1, mail.log.2.gz, mail.log-20261124 of mail.log */
static void
add_old(struct tail *t, const char *dir, const char *base, const char *name)
{
	size_t n = strlen(base);
	struct stat st;
	char *path;

	if (t->olds == OLD_MAX || strncmp(name, base, n) != 0 ||
	    (name[n] != '.' && name[n] != '-'))
		return;
	path = buf_text("%s/%s", dir, name);
	if (path == NULL || stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		free(path);
		return;
	}
	t->old[t->olds++] = (struct old){ path,
		(int64_t)st.st_mtim.tv_sec * US_SEC + st.st_mtim.tv_nsec / 1000,
		0 };
}

static int
by_time(const void *a, const void *b)
{
	const struct old *x = a, *y = b;

	return (x->changed > y->changed) - (x->changed < y->changed);
}

static void
list_old(struct tail *t)
{
	const char *slash = strrchr(t->path, '/');
	const char *base = slash != NULL ? slash + 1 : t->path;
	char *dir = slash != NULL
	    ? buf_text("%.*s", (int)(slash - t->path), t->path)
	    : strdup(".");
	DIR *d = dir != NULL ? opendir(dir) : NULL;
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		add_old(t, dir, base, e->d_name);
	if (d != NULL)
		closedir(d);
	free(dir);
	qsort(t->old, t->olds, sizeof(t->old[0]), by_time);
}

/* Its first bytes, unpacked; opens it as t->in. */
static ssize_t
open_old(struct tail *t, const struct old *o, char head[HEAD])
{
	int fd = open(o->path, O_RDONLY | O_CLOEXEC);

	t->in = fd < 0 ? NULL : input_new(fd, FEED_LINE_MAX);
	return t->in == NULL ? -1 : input_peek(t->in, head, HEAD);
}

static void
forget_old(struct tail *t, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(t->old[i].path);
	t->olds -= n;
	memmove(t->old, t->old + n, t->olds * sizeof(t->old[0]));
}

/* The rotated file that we were in, and all behind it. False: gone. */
static bool
find_old(struct tail *t)
{
	char head[HEAD];
	bool is_it = false;
	size_t i;

	list_old(t);
	for (i = 0; i < t->olds && !is_it; i++) {
		ssize_t n = open_old(t, &t->old[i], head);

		is_it = n > 0 && is_mark(t->place.mark, head, (size_t)n);
		input_free(t->in);
		t->in = NULL;
	}
	forget_old(t, is_it ? i - 1 : t->olds);
	if (is_it)
		t->old[0].off = t->place.off;
	return is_it;
}

/* How many lines went unread nobody knows: one at least. */
static int
say_gone(struct tail *t)
{
	struct heard h = { .time_us = clock_wall(),
		.node = SLICE("localhost"),
		.prog = SLICE("mtacollect") };
	int rc;

	event_init(&h.event, EV_LOG_GAP);
	event_cstr(&h.event, F_SOURCE, t->path);
	event_cstr(&h.event, F_CAUSE,
	    "the file that was read last went before its end was read");
	rc = feed_hear(t->feed, &h);
	return rc < 0 ? rc : feed_count(t->feed, TK_LOST, 1);
}

/*
 * A mailer tells of a message over several lines: those that were stored
 * before the start say what the next ones are about. in stands at the begin
 * of the file and, afterwards, at the place.
 */
static void
learn(struct tail *t, struct input *in)
{
	int64_t from = t->place.off > LEARN ? t->place.off - LEARN : 0;
	bool is_whole, is_cut = from > 0;
	char *line;
	size_t n;

	t->is_taught = true;
	if (!input_skip(in, from))
		return;
	while (input_offset(in) < t->place.off &&
	    input_line(in, &line, &n, &is_whole) == 1) {
		if (!is_cut)
			feed_learn(t->feed, line, n);
		is_cut = false;
	}
}

static void
learn_live(struct tail *t)
{
	int fd = open(t->path, O_RDONLY | O_CLOEXEC);
	struct input *in = fd < 0 ? NULL : input_new(fd, FEED_LINE_MAX);

	if (in != NULL)
		learn(t, in);
	input_free(in);
}

/* Where the place is now. */
static int
locate(struct tail *t)
{
	int rc = 0;
	bool is_live = t->place.mark[0] != '\0' && open_live(t) == 1;

	t->is_lost = false;
	if (is_live && !t->is_taught)
		learn_live(t);
	if (t->place.mark[0] != '\0' && !is_live && !find_old(t) && t->is_first)
		rc = say_gone(t);
	t->is_first = false;
	return rc;
}

static int
take_line(struct tail *t, char *line, size_t n, int64_t end)
{
	t->place.off = end;
	feed_at(t->feed, &t->place);
	if (n != 0 && line[n - 1] == '\r')
		n--;
	return n == 0 ? 0 : feed_line(t->feed, line, n);
}

/* The next rotated file, or more of it. */
static int
read_old(struct tail *t, size_t budget, size_t *sum)
{
	char head[HEAD], *line;
	bool is_whole;
	size_t n;
	int rc = 1;

	if (t->in == NULL) {
		ssize_t got = open_old(t, &t->old[0], head);

		if (got > 0 && t->old[0].off == 0)
			begin_file(t, head, (size_t)got);
		else if (got > 0 && !t->is_taught)
			learn(t, t->in);
		else if (got > 0)
			input_skip(t->in, t->old[0].off);
	}
	while (t->in != NULL && *sum < budget) {
		rc = input_line(t->in, &line, &n, &is_whole);
		if (rc != 1)
			break;
		*sum += n + 1;
		rc = take_line(t, line, n, input_offset(t->in));
		if (rc < 0)
			return rc;
	}
	if (*sum < budget) {
		input_free(t->in);
		t->in = NULL;
		forget_old(t, 1);
	}
	return 0;
}

/* Was it renamed, or emptied and written anew? Then it is looked for again. */
static bool
is_live(const struct tail *t)
{
	char head[HEAD];
	ssize_t n = pread(t->fd, head, HEAD, 0);
	struct stat own, named;

	return n > 0 && is_mark(t->place.mark, head, (size_t)n) &&
	    fstat(t->fd, &own) == 0 && stat(t->path, &named) == 0 &&
	    own.st_dev == named.st_dev && own.st_ino == named.st_ino &&
	    own.st_size >= t->place.off;
}

static int
read_live(struct tail *t, size_t *sum)
{
	ssize_t n = pread(t->fd, t->buf, ROOM, t->place.off);
	char *p = t->buf, *end = n > 0 ? memrchr(p, '\n', (size_t)n) : NULL;
	int64_t base = t->place.off;
	int rc = 0;

	if (n == (ssize_t)ROOM && end == NULL)
		end = t->buf + n - 1; /* no line is so long: in pieces */
	*sum += end != NULL ? (size_t)(end - p) + 1 : 0;
	while (end != NULL && p <= end && rc == 0) {
		char *stop = memchr(p, '\n', (size_t)(end - p) + 1);

		stop = stop != NULL ? stop : end;
		rc = take_line(
		    t, p, (size_t)(stop - p), base + (stop - t->buf) + 1);
		p = stop + 1;
	}
	return rc;
}

/* To its end; then, if it is not the one of that name any more, on. */
static int
read_open(struct tail *t, size_t budget, size_t *sum)
{
	size_t before;
	int rc;

	do {
		before = *sum;
		rc = read_live(t, sum);
	} while (rc == 0 && *sum != before && *sum < budget);
	if (rc == 0 && *sum < budget && !is_live(t)) {
		close(t->fd);
		t->fd = -1;
		t->is_lost = true;
	}
	return rc;
}

int
tail_read(struct tail *t, size_t budget, bool *ret_more)
{
	size_t sum = 0;
	int rc = 0;

	while (rc == 0 && sum < budget) {
		if (t->is_lost)
			rc = locate(t);
		else if (t->olds != 0)
			rc = read_old(t, budget, &sum);
		else if (t->fd < 0 && !begin_live(t))
			break;
		else {
			rc = read_open(t, budget, &sum);
			if (!t->is_lost)
				break;
		}
	}
	*ret_more = rc == 0 && sum >= budget;
	return rc;
}
