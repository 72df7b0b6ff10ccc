#include "journal_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "file.h"
#include "journal.h"
#include "record.h"
#include "wire.h"

static const char magic[8] = "MTADJRN1";

void
journal_file_name(char name[32], uint64_t file)
{
	if (file == JOURNAL_FRESH_SPARE)
		snprintf(name, 32, "spare");
	else
		snprintf(name, 32, "%012llu", (unsigned long long)file);
}

static void
put_head(
    unsigned char p[JOURNAL_HEAD], uint64_t file, uint64_t salt, uint64_t seq)
{
	memset(p, 0, JOURNAL_HEAD);
	memcpy(p, magic, sizeof(magic));
	set_le32(p + 8, SPOOL_FORMAT);
	set_le64(p + 16, file);
	set_le64(p + 24, salt);
	set_le64(p + 32, seq);
	set_le32(p + JOURNAL_HEAD - 4, crc32c(0, p, JOURNAL_HEAD - 4));
}

/* Real zeros, as blocks that were only reserved cost a metadata sync when
 * they are first written. A full disk says so before the writing. */
static int
fill_with_zeros(int fd)
{
	static const char zeros[1 << 16];
	int rc = 0;

	if (fallocate(fd, 0, 0, (off_t)JOURNAL_FILE_SIZE) < 0 &&
	    errno != EOPNOTSUPP)
		return -errno;
	for (uint64_t at = 0; rc == 0 && at < JOURNAL_FILE_SIZE;
	     at += sizeof(zeros))
		rc = file_pwrite_all(fd, zeros, sizeof(zeros), (off_t)at);
	if (rc == 0 && fsync(fd) < 0)
		rc = -errno;
	return rc;
}

static int
open_filled(int dirfd, const char *name, int *ret_fd)
{
	int fd =
	    openat(dirfd, name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int rc = fd < 0 ? -errno : fill_with_zeros(fd);

	if (rc < 0 && fd >= 0) {
		close(fd);
		unlinkat(dirfd, name, 0);
	} else if (rc == 0) {
		*ret_fd = fd;
	}
	return rc;
}

static int
open_spare(int dirfd, uint64_t spare, const char *name, int *ret_fd)
{
	char old[32];
	int fd;

	journal_file_name(old, spare);
	if (spare == JOURNAL_NO_SPARE || renameat(dirfd, old, dirfd, name) < 0)
		return open_filled(dirfd, name, ret_fd);
	fd = openat(dirfd, name, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

int
journal_file_make(int dirfd, uint64_t spare, uint64_t file, uint64_t salt,
    uint64_t seq, int *ret_fd)
{
	unsigned char head[JOURNAL_HEAD];
	char name[32];
	int fd, rc;

	journal_file_name(name, file);
	rc = open_spare(dirfd, spare, name, &fd);
	if (rc < 0)
		return rc;
	put_head(head, file, salt, seq);
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

int
journal_file_spare(int dirfd)
{
	int fd, rc = open_filled(dirfd, "spare", &fd);

	if (rc < 0)
		return rc;
	close(fd);
	return file_sync_dir(dirfd);
}

static uint32_t
checksum(uint64_t salt, const char *rec, size_t n)
{
	unsigned char s[8];

	set_le64(s, salt);
	return crc32c(crc32c(0, s, sizeof(s)), rec, JOURNAL_REC_HEAD + n);
}

static size_t
record_len(size_t payload)
{
	return (JOURNAL_REC_HEAD + payload + JOURNAL_REC_TAIL + RECORD_ALIGN -
		   1) &
	    ~(size_t)(RECORD_ALIGN - 1);
}

void
journal_seal_records(struct buf *b, uint64_t salt)
{
	for (size_t at = 0; at < b->len;) {
		char *rec = b->data + at;
		size_t n = le32(rec);

		set_le32(rec + JOURNAL_REC_HEAD + n, checksum(salt, rec, n));
		at += record_len(n);
	}
}

/* The record at `at`, with a number of *ret_seq or more, or false. */
static bool
record_at(struct slice f, size_t at, uint64_t salt, struct slice *ret_payload,
    uint64_t *ret_seq, uint32_t *ret_type)
{
	const char *rec = f.p + at;
	size_t n;

	if (at + JOURNAL_REC_HEAD + JOURNAL_REC_TAIL > f.n)
		return false;
	n = le32(rec);
	/* cheap first: this runs over every place of a recycled tail */
	if (le32(rec + 4) > (JOURNAL_FIRST | UINT8_MAX) ||
	    le64(rec + 8) < *ret_seq)
		return false;
	if (n > f.n - at - JOURNAL_REC_HEAD - JOURNAL_REC_TAIL ||
	    le32(rec + JOURNAL_REC_HEAD + n) != checksum(salt, rec, n))
		return false;
	*ret_payload = (struct slice){ rec + JOURNAL_REC_HEAD, n };
	*ret_seq = le64(rec + 8);
	*ret_type = le32(rec + 4);
	return true;
}

/* All of one file. A hole is jumped over. It is damage when a later batch
 * follows it, as that was written when the one before was durable; else it
 * was torn, and nobody was told of it. */
static void
read_records(struct slice f, uint64_t file, const struct journal_reader *r,
    uint64_t *next_seq)
{
	uint64_t salt = le64(f.p + 24), hole = 0;
	uint64_t seq = le64(f.p + 32);
	struct slice payload;
	uint32_t type;

	for (size_t at = JOURNAL_HEAD; at + JOURNAL_REC_HEAD < f.n;) {
		if (!record_at(f, at, salt, &payload, &seq, &type)) {
			if (hole == 0)
				hole = at;
			at += RECORD_ALIGN;
			continue;
		}
		if (type & JOURNAL_FIRST) {
			if (hole != 0 && r->damage != NULL)
				r->damage(r->arg, file, hole);
			hole = 0;
		}
		if (seq >= *next_seq) {
			r->each(r->arg, (uint8_t)type, seq, payload);
			*next_seq = seq + 1;
		}
		seq++;
		at += record_len(payload.n);
	}
}

/* All of a file; sectors that do not read are zeros, and counted. */
static int
slurp_around(int dirfd, const char *name, struct buf *b, size_t *ret_bad)
{
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC), rc = 0;
	struct stat st;
	char *room;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		rc = -errno;
	room = rc < 0 ? NULL : buf_room(b, (size_t)st.st_size);
	if (rc == 0 && room == NULL)
		rc = -ENOMEM;
	if (rc == 0)
		rc =
		    file_pread_around(fd, room, (size_t)st.st_size, 0, ret_bad);
	if (rc == 0)
		b->len = (size_t)st.st_size;
	close(fd);
	return rc;
}

static bool
is_blank(const char *p, size_t n)
{
	while (n != 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* A file that was being made or renamed has no head of its number yet. */
static int
read_file(int dirfd, uint64_t file, const struct journal_reader *r,
    uint64_t *next_seq)
{
	struct buf b;
	char name[32];
	size_t bad = 0;
	bool has_head;
	int rc;

	journal_file_name(name, file);
	buf_init(&b, JOURNAL_BATCH_MAX + JOURNAL_FILE_SIZE * 2);
	rc = slurp_around(dirfd, name, &b, &bad);
	has_head = rc == 0 && b.len >= JOURNAL_HEAD &&
	    memcmp(b.data, magic, sizeof(magic)) == 0 &&
	    le32(b.data + JOURNAL_HEAD - 4) ==
		crc32c(0, b.data, JOURNAL_HEAD - 4);
	if (has_head && le32(b.data + 8) > SPOOL_FORMAT)
		rc = -EPROTONOSUPPORT;
	else if (has_head && le64(b.data + 16) == file)
		read_records(buf_slice(&b), file, r, next_seq);
	if (rc == 0 && r->damage != NULL &&
	    (bad != 0 ||
		(!has_head && b.len >= JOURNAL_HEAD &&
		    !is_blank(b.data, JOURNAL_HEAD))))
		r->damage(r->arg, file, 0);
	buf_release(&b);
	return rc;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Numbers of all files, in order; the caller frees them. */
static int
list_files(int dirfd, uint64_t **ret, size_t *ret_n)
{
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	uint64_t *files = NULL, v;
	size_t n = 0;
	struct dirent *e;
	int rc;

	if (d == NULL)
		return -errno;
	while ((errno = 0, e = readdir(d)) != NULL) {
		uint64_t *grown;

		if (!slice_u64(slice_of(e->d_name), UINT64_MAX, &v) || v == 0)
			continue;
		grown = realloc(files, (n + 1) * sizeof(*files));
		if (grown == NULL) {
			free(files);
			closedir(d);
			return -ENOMEM;
		}
		files = grown;
		files[n++] = v;
	}
	rc = -errno;
	closedir(d);
	if (rc < 0) {
		free(files);
		return rc;
	}
	if (n != 0)
		qsort(files, n, sizeof(*files), by_number);
	*ret = files;
	*ret_n = n;
	return 0;
}

uint64_t
journal_file_oldest(int dirfd)
{
	uint64_t *files, oldest = 0;
	size_t n;

	if (list_files(dirfd, &files, &n) < 0)
		return 0;
	if (n != 0)
		oldest = files[0];
	free(files);
	return oldest;
}

int
journal_read(int dirfd, struct journal_place from,
    const struct journal_reader *r, uint64_t *ret_last_file,
    uint64_t *ret_next_seq)
{
	uint64_t *files, last = 0, seq = from.seq;
	size_t n;
	int rc = list_files(dirfd, &files, &n);

	if (rc < 0)
		return rc;
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
