/*
 * recover: what recover.c, scan.c and replay.c share while a spool is read.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include "queue.h"

#define UNKNOWN_MAX 10000

struct recovery {
	struct queue *q;
	struct journal_place from;
	uint32_t first_new; /* next segment number of the checkpoint */
	bool has_checkpoint, was_clean;
	uint64_t records; /* journal records replayed */
	/* messages that the journal knows and no segment has */
	struct msgid unknown[UNKNOWN_MAX];
	uint32_t unknown_n;
	uint32_t *dropped; /* segments that the journal saw removed */
	uint32_t dropped_n;
};

/* A record of this segment, checked: into the index. */
void recover_record(struct queue *, struct segment *,
    const struct record_head *, uint32_t offset, const char *payload);
/* Its hole is no torn batch: say so. */
void recover_damage(struct queue *, struct segment *);
void recover_fail_segment(struct queue *, const struct segment *, int error);
/* Every segment that there is, opened, synced and read; see recover_fail(). */
void scan_all(struct recovery *);
/* What is new in one. 0, or a negative errno: it was not read. */
int scan_file(struct queue *, struct segment *);
/* A live writer holds it. */
bool scan_is_locked(const struct segment *);
/* For journal_read(): arg is a struct recovery. */
void
recover_replay(void *arg, uint8_t type, uint64_t seq, struct slice payload);

#endif
