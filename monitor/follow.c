#include "follow.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "event_file.h"
#include "input.h"
#include "log.h"

#define FILES_MAX 32 /* read at a time */
#define BEHIND 8 /* files that are newer than one without writers */
#define ROOM ((size_t)256 << 10)

/* One file: plain ones by pread(), packed ones from begin to end. */
struct file {
	uint64_t number;
	int fd; /* -1: packed */
	struct input *packed;
	int64_t off; /* behind the last whole line */
	int64_t seen_size; /* what it had when it was read last */
	bool is_finished;
};

struct follow {
	char *dir;
	struct feed *feed; /* borrowed */
	struct place place;
	struct file file[FILES_MAX];
	size_t n;
	uint64_t complained; /* of this file already; 0: of none */
	char *buf;
};

struct follow *
follow_new(const char *dir, struct feed *feed, const struct place *from)
{
	struct follow *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return NULL;
	f->dir = strdup(dir);
	f->buf = malloc(ROOM);
	f->feed = feed;
	f->place = *from;
	if (f->dir != NULL && f->buf != NULL)
		return f;
	follow_free(f);
	return NULL;
}

static void
close_file(struct file *one)
{
	if (one->fd >= 0)
		close(one->fd);
	input_free(one->packed);
}

void
follow_free(struct follow *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->n; i++)
		close_file(&f->file[i]);
	free(f->dir);
	free(f->buf);
	free(f);
}

void
follow_rewind(struct follow *f)
{
	for (size_t i = 0; i < f->n; i++)
		close_file(&f->file[i]);
	f->n = 0;
	f->place = *feed_committed(f->feed);
}

/* The lowest number in the folder that is above after; 0: none. */
static uint64_t
next_number(const struct follow *f, uint64_t after)
{
	DIR *d = opendir(f->dir);
	struct dirent *e;
	uint64_t best = 0, v;
	bool is_packed;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (event_file_number(e->d_name, &v, &is_packed) && v > after &&
		    (best == 0 || v < best))
			best = v;
	if (d != NULL)
		closedir(d);
	return best;
}

static int
open_number(const struct follow *f, uint64_t number, bool is_packed)
{
	char name[EVENT_FILE_NAME], *path;
	int fd;

	event_file_name(name, number, is_packed);
	path = buf_text("%s/%s", f->dir, name);
	fd = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	free(path);
	return fd;
}

/* Once, until one can be opened again; it is tried at every look. */
static void
complain(struct follow *f, uint64_t number)
{
	if (errno != ENOENT && f->complained != number)
		log_warn("%s: event file %llu: %s", f->dir,
		    (unsigned long long)number, strerror(errno));
	f->complained = number;
}

/* Plain if it is there: a packed one beside it may be half written. */
static bool
open_file(struct follow *f, uint64_t number, int64_t off)
{
	struct file *one = &f->file[f->n];
	int fd;

	*one = (struct file){ .number = number, .off = off, .seen_size = -1 };
	one->fd = open_number(f, number, false);
	if (one->fd < 0) {
		fd = errno == ENOENT ? open_number(f, number, true) : -1;
		if (fd < 0)
			complain(f, number);
		one->packed = fd < 0 ? NULL : input_new(fd, FEED_LINE_MAX);
		if (one->packed == NULL)
			return false;
		input_skip(one->packed, off);
	}
	f->complained = 0;
	f->n++;
	return true;
}

/* What the folder lost before it was read, under its numbers of files; what
 * was in them is told by the writers' numbers. */
static int
say_gone(struct follow *f, uint64_t from, uint64_t to)
{
	struct heard h = { .time_us = clock_wall(),
		.node = SLICE("localhost"),
		.prog = SLICE("mtacollect") };
	char cause[96];

	snprintf(cause, sizeof(cause),
	    "event files %llu to %llu went before they were read",
	    (unsigned long long)from, (unsigned long long)to);
	event_init(&h.event, EV_LOG_GAP);
	event_cstr(&h.event, F_SOURCE, f->dir);
	event_cstr(&h.event, F_CAUSE, cause);
	return feed_hear(f->feed, &h);
}

/* Every file behind the last one that is open. */
static int
open_new(struct follow *f)
{
	int rc = 0;

	while (f->n < FILES_MAX && rc == 0) {
		bool is_first = f->n == 0;
		uint64_t last = is_first ? (uint64_t)f->place.file - 1
					 : f->file[f->n - 1].number;
		uint64_t next;
		int64_t off = 0;

		if (is_first && f->place.file == 0)
			last = 0; /* never read: whatever there is */
		next = next_number(f, last);
		if (next == 0 && is_first && last != 0) {
			last = 0; /* the folder was begun anew */
			next = next_number(f, 0);
		}
		if (next == 0)
			break;
		if (is_first && next == (uint64_t)f->place.file)
			off = f->place.off;
		if (last != 0 && next > last + 1)
			rc = say_gone(f, last + 1, next - 1);
		if (rc == 0 && !open_file(f, next, off))
			break;
	}
	return rc;
}

/* The oldest file that is not finished. */
static void
set_place(struct follow *f)
{
	size_t i = 0;

	while (i + 1 < f->n && f->file[i].is_finished)
		i++;
	f->place.file = (int64_t)f->file[i].number;
	f->place.off = f->file[i].off;
	feed_at(f->feed, &f->place);
}

static int
take_line(struct follow *f, struct file *one, char *line, size_t n, int64_t end)
{
	one->off = end;
	set_place(f);
	return n == 0 ? 0 : feed_line(f->feed, line, n);
}

/* A line that no room holds is no event: on behind it. */
static size_t
whole_lines(struct file *one, char *buf, size_t n)
{
	char *end = memrchr(buf, '\n', n);

	if (end != NULL)
		return (size_t)(end - buf) + 1;
	if (n == ROOM)
		one->off += (int64_t)n;
	return 0;
}

/* One block of a plain file; ret_n: bytes taken. */
static int
read_plain(struct follow *f, struct file *one, size_t *ret_n)
{
	ssize_t n = pread(one->fd, f->buf, ROOM, one->off);
	char *p = f->buf, *end;
	int64_t base = one->off;
	int rc = 0;

	*ret_n = n > 0 ? whole_lines(one, f->buf, (size_t)n) : 0;
	end = f->buf + *ret_n;
	while (p < end && rc == 0) {
		char *stop = memchr(p, '\n', (size_t)(end - p));

		rc = take_line(
		    f, one, p, (size_t)(stop - p), base + (stop - f->buf) + 1);
		p = stop + 1;
	}
	return rc;
}

static int
read_packed(struct follow *f, struct file *one, size_t *ret_n)
{
	bool is_whole;
	char *line;
	size_t n;
	int rc = 1;

	*ret_n = 0;
	while (*ret_n < ROOM && rc == 1) {
		rc = input_line(one->packed, &line, &n, &is_whole);
		if (rc == 1 && is_whole) {
			*ret_n += n + 1;
			rc = take_line(
			    f, one, line, n, input_offset(one->packed));
			if (rc < 0)
				return rc;
			rc = 1;
		}
	}
	one->is_finished = rc != 1; /* a damaged one has no more to give */
	return 0;
}

/*
 * No writer is left when it is packed: then it has no name any more. mtad
 * rotates when all writers have left the file before, so one with many
 * behind it has none either, whether it was packed or not.
 */
static void
look_finished(struct follow *f, struct file *one)
{
	uint64_t newest = f->file[f->n - 1].number;
	struct stat st;

	if (one->fd < 0 || fstat(one->fd, &st) < 0)
		return;
	one->is_finished = newest - one->number >= BEHIND ||
	    (st.st_nlink == 0 && st.st_size == one->seen_size);
	one->seen_size = st.st_size;
}

/* True: there is room for more. */
static bool
drop_finished(struct follow *f)
{
	size_t i = 0;

	while (i + 1 < f->n && f->file[i].is_finished)
		close_file(&f->file[i++]);
	if (i == 0)
		return false;
	f->n -= i;
	memmove(f->file, f->file + i, f->n * sizeof(f->file[0]));
	set_place(f);
	return true;
}

int
follow_read(struct follow *f, size_t budget, bool *ret_more)
{
	size_t sum = 0;
	int rc = open_new(f);

	*ret_more = false;
	for (size_t i = 0; i < f->n && rc == 0; i++) {
		struct file *one = &f->file[i];
		size_t n = 1;

		while (!one->is_finished && n != 0 && sum < budget && rc == 0) {
			rc = one->fd >= 0 ? read_plain(f, one, &n)
					  : read_packed(f, one, &n);
			sum += n;
		}
		if (n == 0)
			look_finished(f, one);
	}
	if (rc == 0)
		*ret_more = drop_finished(f) || sum >= budget;
	return rc;
}
