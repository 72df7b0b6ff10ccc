/*
 * journal: what became of messages, durable before anybody relies on it.
 *
 * Records gather in memory; one task beside the loop writes and syncs all
 * that gathered while the one before ran. Files are of one size, written
 * once with zeros and then recycled: overwriting blocks that exist costs no
 * metadata sync. Each file has its own random salt in every record's
 * checksum, so what an earlier life of the file left is never believed.
 *
 * A caller that must know adds a struct commit to the record's batch; it is
 * called from the loop, in order, when that is durable. After a failure
 * nothing is written any more until journal_restart() has begun a new file:
 * a failed sync proves nothing. A batch for which no file could be made (a
 * full disk) is kept and waits. What was in another one is lost to the
 * journal: its commits wait for the checkpoint that says it instead.
 */
#ifndef JOURNAL_H
#define JOURNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "buf.h"
#include "slice.h"

struct event_base;
struct journal;
struct worker;

/* A place in the journal: everything before it is in the checkpoint. */
struct journal_place {
	uint64_t file;
	uint64_t seq; /* of the next record */
};

struct commit {
	STAILQ_ENTRY(commit) link;
	void (*done)(void *arg, int error); /* error: 0 */
	void *arg; /* borrowed */
};
STAILQ_HEAD(commits, commit);

/*
 * dirfd: the folder of journal files, borrowed; disk: the worker that writes
 * and syncs, borrowed. The first batch starts a new file after last (from
 * recovery), whose records get numbers from first_seq on. NULL: no memory.
 */
struct journal *
journal_new(int dirfd, struct worker *, uint64_t last, uint64_t first_seq);
/* What is pending is not written. The worker must have ended before. */
void journal_free(struct journal *);

/* A record: append the payload to what begin returned, then end it. */
struct buf *journal_begin(struct journal *, uint8_t type);
void journal_end(struct journal *);
/* Called when everything up to here is durable. */
void journal_on_commit(struct journal *, struct commit *);
/* Write and sync what gathered, unless a sync runs: then right after it. */
void journal_kick(struct journal *);
bool journal_has_pending(const struct journal *);
bool journal_is_busy(const struct journal *);
struct journal_place journal_place(const struct journal *);
/* Files before this one are not needed any more: two are recycled, the rest
 * removed. */
void journal_forget(struct journal *, uint64_t file);
/* Room is kept for n more bytes of outcomes; false: start no attempt. */
bool journal_has_room(const struct journal *, size_t n);
/* Records before this number are durable, and their callers were told. */
uint64_t journal_durable(const struct journal *);
int journal_error(const struct journal *); /* 0, or why it stands still */
/* Go on with a new file after a failure. */
void journal_restart(struct journal *);
/* Records were lost to it: all must go into a checkpoint. */
bool journal_has_lost(const struct journal *);
/* A checkpoint begins, which will say all that was lost: it takes the commits
 * and calls them when it is durable, or gives them back. */
void journal_take_lost(struct journal *, struct commits *ret);
void journal_give_back(struct journal *, struct commits *);
void journal_call_commits(struct commits *);

/*
 * Reading, at start: calls each for every whole record from place on, in
 * order of number. Returns 0, or a negative errno of the folder. damage is
 * told of a hole in the midst of a file.
 */
struct journal_reader {
	void (*each)(void *arg, uint8_t type, uint64_t seq, struct slice);
	void (*damage)(void *arg, uint64_t file, uint64_t offset);
	void *arg;
};
int journal_read(int dirfd, struct journal_place from,
    const struct journal_reader *, uint64_t *ret_last_file,
    uint64_t *ret_next_seq);

#endif
