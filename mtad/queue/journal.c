#include "journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "file.h"
#include "journal_file.h"
#include "record.h"
#include "wire.h"
#include "worker.h"

#define SPARES_MAX 2

struct journal {
	int dirfd;
	struct worker *worker; /* borrowed */
	int fd; /* -1: the first batch makes the file */
	uint64_t file, salt, at; /* at: where the next batch goes */
	uint64_t seq, durable; /* of the next record; see journal_durable() */
	struct buf pending, flying;
	struct commits waiting, flying_commits;
	struct commits lost; /* for a checkpoint to call */
	bool has_lost; /* something, with a commit or not */
	size_t record_at; /* of the record that is being written */
	bool is_flying, wants_kick;
	int error;
	uint64_t oldest; /* lowest file that is kept; 0: not known yet */
	uint64_t spare[SPARES_MAX]; /* files that can be recycled */
	int spares;
	bool is_sparing; /* a fresh spare file is being made */
	/* of the task in flight */
	uint64_t fly_at, next_salt, next_seq, fly_end;
	int fly_fd, next_fd;
	bool needs_file; /* the batch does not fit this one */
	bool is_kept; /* no file could be made for it: it waits */
	uint64_t recycled; /* file that becomes the next one */
};

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

	return journal_file_spare(j->dirfd);
}

static void
spare_done(void *arg, int rc)
{
	struct journal *j = arg;

	j->is_sparing = false;
	if (rc == 0 && j->spares < SPARES_MAX)
		j->spare[j->spares++] = JOURNAL_FRESH_SPARE;
}

/* One spare file at all times: room for outcomes when the disk is full. */
static void
want_spare(struct journal *j)
{
	if (j->spares != 0 || j->is_sparing)
		return;
	j->is_sparing = worker_submit(j->worker, run_spare, spare_done, j) == 0;
}

/* What a crash left of the spare may be short: overwriting it then costs
 * more, and is as safe. */
struct journal *
journal_new(int dirfd, struct worker *w, uint64_t last, uint64_t first_seq)
{
	struct journal *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->dirfd = dirfd;
	j->worker = w;
	j->fd = -1;
	j->file = last;
	j->at = JOURNAL_FILE_SIZE;
	j->seq = j->durable = first_seq;
	buf_init(&j->pending, JOURNAL_BATCH_MAX);
	buf_init(&j->flying, JOURNAL_BATCH_MAX);
	STAILQ_INIT(&j->waiting);
	STAILQ_INIT(&j->flying_commits);
	STAILQ_INIT(&j->lost);
	if (faccessat(dirfd, "spare", F_OK, 0) == 0)
		j->spare[j->spares++] = JOURNAL_FRESH_SPARE;
	return j;
}

void
journal_free(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0)
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
	put_u32(&j->pending, j->record_at ? type : type | JOURNAL_FIRST);
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
	n = b->len - j->record_at - JOURNAL_REC_HEAD;
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

/* In the worker: a new file first when this one is full, then the batch. */
static int
run_batch(void *arg)
{
	struct journal *j = arg;
	uint64_t salt = j->salt;
	int rc;

	if (j->needs_file) {
		salt = j->next_salt;
		rc = journal_file_make(j->dirfd, j->recycled, j->file + 1, salt,
		    j->next_seq, &j->next_fd);
		if (rc < 0)
			return rc;
		j->fly_fd = j->next_fd;
		j->fly_at = JOURNAL_HEAD;
	}
	journal_seal_records(&j->flying, salt);
	rc = file_pwrite_all(
	    j->fly_fd, j->flying.data, j->flying.len, (off_t)j->fly_at);
	if (rc == 0 && fdatasync(j->fly_fd) < 0)
		rc = -errno;
	return rc;
}

void
journal_call_commits(struct commits *list)
{
	struct commit *c;

	while ((c = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, link);
		c->done(c->arg, 0);
	}
}

static void
take_next_file(struct journal *j)
{
	if (j->fd >= 0)
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
	j->error = rc;
	j->is_kept = rc != 0 && j->needs_file && j->next_fd < 0;
	if (j->is_kept)
		return;
	if (j->needs_file)
		take_next_file(j);
	if (rc == 0)
		want_spare(j);
	j->at = j->fly_at + j->flying.len;
	buf_clear(&j->flying);
	if (j->flying.cap > 1 << 20)
		buf_shrink(&j->flying);
	if (rc == 0) {
		journal_call_commits(&j->flying_commits);
		j->durable = j->fly_end;
	} else {
		STAILQ_CONCAT(&j->lost, &j->flying_commits);
		j->has_lost = true;
	}
	if (j->wants_kick)
		journal_kick(j);
}

/* The batch and, when it does not fit, the file for it. */
static void
fly(struct journal *j)
{
	j->is_flying = true;
	j->fly_fd = j->fd;
	j->fly_at = j->at;
	j->next_fd = -1;
	j->needs_file = j->fd < 0 || j->at + j->flying.len > JOURNAL_FILE_SIZE;
	if (j->needs_file) {
		j->next_seq = j->flying.len ? le64(j->flying.data + 8) : j->seq;
		j->next_salt = draw_salt();
		j->recycled =
		    j->spares ? j->spare[--j->spares] : JOURNAL_NO_SPARE;
	}
	if (worker_submit(j->worker, run_batch, batch_done, j) < 0)
		batch_done(j, -ENOMEM);
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
	j->fly_end = j->seq;
	fly(j);
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

	if (j->oldest == 0)
		j->oldest = journal_file_oldest(j->dirfd);
	for (; j->oldest < file; j->oldest++) {
		journal_file_name(name, j->oldest);
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

uint64_t
journal_durable(const struct journal *j)
{
	return j->durable;
}

int
journal_error(const struct journal *j)
{
	return j->error;
}

void
journal_restart(struct journal *j)
{
	bool was_kept = j->is_kept;

	if (j->is_flying)
		return;
	j->error = 0;
	j->is_kept = false;
	if (was_kept) {
		fly(j);
		return;
	}
	if (j->pending.bad) {
		buf_clear(&j->pending);
		STAILQ_CONCAT(&j->lost, &j->waiting);
		j->has_lost = true;
	}
	j->at = JOURNAL_FILE_SIZE; /* never again to where a sync failed */
	journal_kick(j);
}

bool
journal_has_lost(const struct journal *j)
{
	return j->has_lost;
}

void
journal_take_lost(struct journal *j, struct commits *ret)
{
	STAILQ_INIT(ret);
	STAILQ_CONCAT(ret, &j->lost);
	j->has_lost = false;
}

void
journal_give_back(struct journal *j, struct commits *list)
{
	STAILQ_CONCAT(list, &j->lost);
	STAILQ_CONCAT(&j->lost, list);
	j->has_lost = true;
}
