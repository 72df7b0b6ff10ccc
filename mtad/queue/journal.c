#include "journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "file.h"
#include "record.h"
#include "wire.h"
#include "worker.h"

/*
 * File: 64 bytes of head (magic, format, number, salt, first record number,
 * checksum), then records at multiples of 8: u32 length of the payload, u32
 * type, u64 number, payload, u32 checksum over the salt and all before it.
 */
#define HEAD 64
#define REC_HEAD 16
#define REC_TAIL 4
#define BATCH_MAX ((size_t)64 << 20)
#define SPARES_MAX 2
#define NO_SPARE UINT64_MAX
#define FRESH_SPARE 0 /* never used yet: its name is "spare" */

static const char magic[8] = "MTADJRN1";

STAILQ_HEAD(commits, commit);

struct journal {
	int dirfd;
	struct worker *worker; /* borrowed */
	int fd;
	uint64_t file, salt, at; /* at: where the next batch goes */
	uint64_t seq; /* of the next record */
	struct buf pending, flying;
	struct commits waiting, flying_commits;
	size_t record_at; /* of the record that is being written */
	bool is_flying, wants_kick;
	int error;
	uint64_t syncs;
	uint64_t oldest; /* lowest file that is kept */
	uint64_t spare[SPARES_MAX]; /* files that can be recycled */
	int spares;
	/* of the task in flight */
	uint64_t fly_at;
	int fly_fd;
	bool needs_file; /* the next batch does not fit this one */
	uint64_t next_salt;
	int next_fd;
	uint64_t recycled; /* file that becomes the next one, or NO_SPARE */
	bool is_sparing; /* a fresh spare file is being made */
};

static void
name_of(char name[32], uint64_t file)
{
	if (file == FRESH_SPARE)
		snprintf(name, 32, "spare");
	else
		snprintf(name, 32, "%012llu", (unsigned long long)file);
}

static void
put_head(unsigned char p[HEAD], uint64_t file, uint64_t salt, uint64_t seq)
{
	memset(p, 0, HEAD);
	memcpy(p, magic, sizeof(magic));
	set_le32(p + 8, SPOOL_FORMAT);
	set_le64(p + 16, file);
	set_le64(p + 24, salt);
	set_le64(p + 32, seq);
	set_le32(p + HEAD - 4, crc32c(0, p, HEAD - 4));
}

static int
fill_with_zeros(int fd)
{
	static const char zeros[1 << 16];
	int rc = 0;

	for (uint64_t at = 0; rc == 0 && at < JOURNAL_FILE_SIZE;
	     at += sizeof(zeros))
		rc = file_pwrite_all(fd, zeros, sizeof(zeros), (off_t)at);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

/*
 * A file ready for number `file`: a spare one renamed, or a new one. Its
 * blocks exist, its head is durable, and so is its name.
 */
static int
make_file(int dirfd, uint64_t spare, uint64_t file, uint64_t salt, uint64_t seq,
    int *ret_fd)
{
	unsigned char head[HEAD];
	char name[32], old[32];
	int fd, rc = 0;

	name_of(name, file);
	name_of(old, spare);
	if (spare != NO_SPARE && renameat(dirfd, old, dirfd, name) == 0) {
		fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
	} else {
		fd = openat(
		    dirfd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		if (fd >= 0)
			rc = fill_with_zeros(fd);
	}
	if (fd < 0)
		return -errno;
	put_head(head, file, salt, seq);
	if (rc == 0)
		rc = file_pwrite_all(fd, head, sizeof(head), 0);
	if (rc == 0 && fdatasync(fd) < 0)
		rc = -errno;
	if (rc == 0)
		rc = file_sync_dir(dirfd);
	if (rc < 0) {
		close(fd);
		unlinkat(dirfd, name, 0);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

static uint64_t
draw_salt(void)
{
	uint64_t salt = 0;

	while (getrandom(&salt, sizeof(salt), 0) != (ssize_t)sizeof(salt))
		continue;
	return salt;
}

static int
run_spare(void *arg)
{
	const struct journal *j = arg;
	int fd = openat(
	    j->dirfd, "spare", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : fill_with_zeros(fd);

	if (fd >= 0)
		close(fd);
	return rc < 0 ? rc : file_sync_dir(j->dirfd);
}

static void
spare_done(void *arg, int rc)
{
	struct journal *j = arg;

	j->is_sparing = false;
	if (rc == 0 && j->spares < SPARES_MAX)
		j->spare[j->spares++] = FRESH_SPARE;
}

/* One spare file at all times: room for outcomes when the disk is full. */
static void
want_spare(struct journal *j)
{
	if (j->spares != 0 || j->is_sparing)
		return;
	j->is_sparing = worker_submit(j->worker, run_spare, spare_done, j) == 0;
}

struct journal *
journal_new(int dirfd, struct worker *w, uint64_t last, uint64_t first_seq)
{
	struct journal *j = calloc(1, sizeof(*j));
	int rc;

	if (j == NULL)
		return NULL;
	j->dirfd = dirfd;
	j->worker = w;
	j->file = last + 1;
	j->oldest = 0;
	j->salt = draw_salt();
	j->seq = first_seq;
	j->at = HEAD;
	buf_init(&j->pending, BATCH_MAX);
	buf_init(&j->flying, BATCH_MAX);
	STAILQ_INIT(&j->waiting);
	STAILQ_INIT(&j->flying_commits);
	rc = make_file(dirfd, NO_SPARE, j->file, j->salt, j->seq, &j->fd);
	if (rc < 0) {
		free(j);
		errno = -rc;
		return NULL;
	}
	want_spare(j);
	return j;
}

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	close(j->fd);
	buf_release(&j->pending);
	buf_release(&j->flying);
	free(j);
}

struct buf *
journal_begin(struct journal *j, uint8_t type)
{
	j->record_at = j->pending.len;
	put_u32(&j->pending, 0);
	put_u32(&j->pending, type);
	put_u64(&j->pending, j->seq++);
	return &j->pending;
}

/* The checksum is made when the batch leaves: the salt may be another's. */
void
journal_end(struct journal *j)
{
	struct buf *b = &j->pending;
	size_t n;

	if (b->bad)
		return;
	n = b->len - j->record_at - REC_HEAD;
	set_le32(b->data + j->record_at, (uint32_t)n);
	put_u32(b, 0);
	while (b->len % RECORD_ALIGN != 0)
		put_u8(b, 0);
}

void
journal_on_commit(struct journal *j, struct commit *c)
{
	STAILQ_INSERT_TAIL(&j->waiting, c, link);
}

static uint32_t
checksum(uint64_t salt, const char *rec, size_t n)
{
	unsigned char s[8];

	set_le64(s, salt);
	return crc32c(crc32c(0, s, sizeof(s)), rec, REC_HEAD + n);
}

static size_t
record_len(size_t payload)
{
	return (REC_HEAD + payload + REC_TAIL + RECORD_ALIGN - 1) &
	    ~(size_t)(RECORD_ALIGN - 1);
}

static void
seal_records(struct buf *b, uint64_t salt)
{
	for (size_t at = 0; at < b->len;) {
		char *rec = b->data + at;
		size_t n = le32(rec);

		set_le32(rec + REC_HEAD + n, checksum(salt, rec, n));
		at += record_len(n);
	}
}

/* In the worker: a new file first when this one is full, then the batch. */
static int
run_batch(void *arg)
{
	struct journal *j = arg;
	uint64_t salt = j->salt;
	int rc;

	if (j->needs_file) {
		uint64_t seq = le64(j->flying.data + 8);

		salt = j->next_salt;
		rc = make_file(
		    j->dirfd, j->recycled, j->file + 1, salt, seq, &j->next_fd);
		if (rc < 0)
			return rc;
		j->fly_fd = j->next_fd;
		j->fly_at = HEAD;
	}
	seal_records(&j->flying, salt);
	rc = file_pwrite_all(
	    j->fly_fd, j->flying.data, j->flying.len, (off_t)j->fly_at);
	if (rc == 0 && fdatasync(j->fly_fd) < 0)
		rc = -errno;
	return rc;
}

static void
call_commits(struct commits *list, int error)
{
	struct commit *c;

	while ((c = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, link);
		c->done(c->arg, error);
	}
}

static void
take_next_file(struct journal *j)
{
	close(j->fd);
	j->fd = j->next_fd;
	j->salt = j->next_salt;
	j->file++;
}

static void
batch_done(void *arg, int rc)
{
	struct journal *j = arg;

	j->is_flying = false;
	j->syncs++;
	if (rc == 0) {
		if (j->needs_file)
			take_next_file(j);
		want_spare(j);
		j->at = j->fly_at + j->flying.len;
	} else {
		j->error = rc;
	}
	buf_clear(&j->flying);
	if (j->flying.cap > 1 << 20)
		buf_shrink(&j->flying);
	call_commits(&j->flying_commits, rc);
	if (j->wants_kick)
		journal_kick(j);
}

void
journal_kick(struct journal *j)
{
	struct buf b;

	if (j->is_flying) {
		j->wants_kick = true;
		return;
	}
	j->wants_kick = false;
	if (j->error != 0 || (j->pending.len == 0 && STAILQ_EMPTY(&j->waiting)))
		return;
	if (j->pending.bad) {
		j->error = -ENOMEM;
		return;
	}
	b = j->flying;
	j->flying = j->pending;
	j->pending = b;
	STAILQ_CONCAT(&j->flying_commits, &j->waiting);
	j->is_flying = true;
	j->fly_fd = j->fd;
	j->fly_at = j->at;
	j->needs_file = j->at + j->flying.len > JOURNAL_FILE_SIZE;
	j->recycled = NO_SPARE;
	if (j->needs_file) {
		j->next_salt = draw_salt();
		if (j->spares != 0)
			j->recycled = j->spare[--j->spares];
	}
	if (worker_submit(j->worker, run_batch, batch_done, j) < 0)
		batch_done(j, -ENOMEM);
}

bool
journal_has_pending(const struct journal *j)
{
	return j->pending.len != 0 || !STAILQ_EMPTY(&j->waiting);
}

bool
journal_is_busy(const struct journal *j)
{
	return j->is_flying;
}

struct journal_place
journal_place(const struct journal *j)
{
	return (struct journal_place){ j->file, j->seq };
}

void
journal_forget(struct journal *j, uint64_t file)
{
	char name[32];

	for (; j->oldest < file; j->oldest++) {
		name_of(name, j->oldest);
		if (faccessat(j->dirfd, name, F_OK, 0) < 0)
			continue;
		if (j->spares < SPARES_MAX)
			j->spare[j->spares++] = j->oldest;
		else
			unlinkat(j->dirfd, name, 0);
	}
}

bool
journal_has_room(const struct journal *j, size_t n)
{
	/* This file's rest, and whole files that can be recycled. */
	uint64_t room = JOURNAL_FILE_SIZE > j->at + j->pending.len
	    ? JOURNAL_FILE_SIZE - j->at - j->pending.len
	    : 0;

	return j->error == 0 &&
	    n <= room + (uint64_t)j->spares * JOURNAL_FILE_SIZE / 2;
}

int
journal_error(const struct journal *j)
{
	return j->error;
}

int
journal_restart(struct journal *j)
{
	uint64_t salt = draw_salt();
	int fd, rc;

	if (j->is_flying)
		return -EBUSY;
	rc = make_file(j->dirfd, NO_SPARE, j->file + 2, salt,
	    j->pending.len ? le64(j->pending.data + 8) : j->seq, &fd);
	if (rc < 0)
		return rc;
	close(j->fd);
	j->fd = fd;
	j->salt = salt;
	j->file += 2; /* the next number may exist half made */
	j->at = HEAD;
	j->error = 0;
	return 0;
}

uint64_t
journal_syncs(const struct journal *j)
{
	return j->syncs;
}

/* The record at `at`, with a number of *ret_seq or more, or false. */
static bool
record_at(struct slice f, size_t at, uint64_t salt, struct slice *ret_payload,
    uint64_t *ret_seq, uint8_t *ret_type)
{
	const char *rec = f.p + at;
	size_t n;

	if (at + REC_HEAD + REC_TAIL > f.n)
		return false;
	n = le32(rec);
	/* cheap first: this runs over every place of a recycled tail */
	if (le32(rec + 4) > UINT8_MAX || le64(rec + 8) < *ret_seq)
		return false;
	if (n > f.n - at - REC_HEAD - REC_TAIL ||
	    le32(rec + REC_HEAD + n) != checksum(salt, rec, n))
		return false;
	*ret_payload = (struct slice){ rec + REC_HEAD, n };
	*ret_seq = le64(rec + 8);
	*ret_type = (uint8_t)le32(rec + 4);
	return true;
}

/* All of one file. A hole is jumped over when whole records follow it. */
static void
read_records(struct slice f, uint64_t file, const struct journal_reader *r,
    uint64_t *next_seq)
{
	uint64_t salt = le64(f.p + 24), hole = 0;
	uint64_t seq = le64(f.p + 32);
	struct slice payload;
	uint8_t type;

	for (size_t at = HEAD; at + REC_HEAD < f.n;) {
		if (!record_at(f, at, salt, &payload, &seq, &type)) {
			if (hole == 0)
				hole = at;
			at += RECORD_ALIGN;
			continue;
		}
		if (hole != 0 && r->damage != NULL)
			r->damage(r->arg, file, hole);
		hole = 0;
		if (seq >= *next_seq) {
			r->each(r->arg, type, seq, payload);
			*next_seq = seq + 1;
		}
		seq++;
		at += record_len(payload.n);
	}
}

static int
read_file(int dirfd, uint64_t file, const struct journal_reader *r,
    uint64_t *next_seq)
{
	struct buf b;
	char name[32];
	int rc;

	name_of(name, file);
	buf_init(&b, BATCH_MAX + JOURNAL_FILE_SIZE * 2);
	rc = file_slurp(dirfd, name, &b);
	if (rc == 0 && b.len >= HEAD &&
	    memcmp(b.data, magic, sizeof(magic)) == 0 &&
	    le32(b.data + HEAD - 4) == crc32c(0, b.data, HEAD - 4)) {
		if (le32(b.data + 8) > SPOOL_FORMAT)
			rc = -EPROTONOSUPPORT;
		else if (le64(b.data + 16) == file)
			read_records(buf_slice(&b), file, r, next_seq);
	}
	buf_release(&b);
	return rc;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

int
journal_read(int dirfd, struct journal_place from,
    const struct journal_reader *r, uint64_t *ret_last_file,
    uint64_t *ret_next_seq)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint64_t *files = NULL, last = 0, seq = from.seq;
	size_t n = 0;
	struct dirent *e;
	int rc = 0;

	if (d == NULL)
		return -errno;
	while ((e = readdir(d)) != NULL) {
		uint64_t v, *grown;

		if (!slice_u64(slice_of(e->d_name), UINT64_MAX, &v) || v == 0)
			continue;
		grown = realloc(files, (n + 1) * sizeof(*files));
		if (grown == NULL) {
			rc = -ENOMEM;
			break;
		}
		files = grown;
		files[n++] = v;
	}
	closedir(d);
	if (n != 0)
		qsort(files, n, sizeof(*files), by_number);
	for (size_t i = 0; i < n && rc == 0; i++) {
		last = files[i];
		if (files[i] >= from.file)
			rc = read_file(dirfd, files[i], r, &seq);
	}
	free(files);
	*ret_last_file = last;
	*ret_next_seq = seq;
	return rc;
}
