/*
 * segment: the files that messages lie in (SPOOL.md, a segment's life).
 *
 * A segment is made, its number is made durable, it is handed to a writer
 * that appends and syncs, it is sealed when the writer is gone, and removed
 * when nothing in it is alive. Body files hold what is too large for one.
 * All that waits for a disk happens in the worker.
 */
#ifndef SEGMENT_H
#define SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "journal.h"
#include "map.h"
#include "record.h"

#define SEGMENT_SPARES 2 /* ready for the next writer */
#define BODY_SPARES 4

enum segment_state {
	SEG_MAKING, /* being made, or its number not durable yet */
	SEG_SPARE, /* ready to be handed out */
	SEG_OUT, /* a smtpd appends to it */
	SEG_OWN, /* the queue appends to it (writer.h) */
	SEG_SEALED, /* never appended to again */
	SEG_DROPPING /* dead, being removed */
};

struct segment {
	TAILQ_ENTRY(segment) link;
	uint32_t tag, no;
	uint64_t salt;
	enum segment_kind kind;
	enum segment_state state;
	int fd; /* to read; -1 when not open */
	int write_fd; /* until it is handed out; -1 */
	int writer; /* index of the smtpd */
	uint32_t live; /* messages in the index that lie here */
	uint32_t records; /* announced */
	uint32_t marked; /* of these, in the journal's J_MARK */
	uint64_t announced; /* durable up to here, as the writer told */
	uint64_t in_checkpoint; /* up to here the one being written speaks */
	uint64_t live_bytes;
	uint64_t
	    bad_from; /* a sync failed: nothing from here on counts; 0 none */
	uint64_t
	    torn; /* scanned: a hole, perhaps of an unsynced batch; 0 none */
	int64_t sealed; /* mono */
	uint64_t died; /* journal record after its last message's outcome */
	bool is_syncing; /* its writer died, see recover_tail() */
	bool is_emptied; /* what is alive in it is being copied (copy.c) */
	bool has_unread; /* sectors: the file is kept when it is dead */
	bool is_doubtful; /* a sync of it failed: to be emptied at once */
	struct commit commit;
	struct segments *all; /* borrowed */
};
TAILQ_HEAD(segment_list, segment);

struct segments_ops {
	/* A spare segment or body file is there for whoever wants one. */
	void (*ready)(void *arg);
	/* Making or removing one failed: say so, refuse mail. */
	void (*error)(void *arg, const char *what, int error);
};

struct segments {
	int dirfd, body_dirfd; /* borrowed */
	uint64_t size; /* of a segment */
	uint32_t tag, next_no;
	uint64_t next_body;
	struct worker *worker; /* borrowed */
	struct journal *journal; /* borrowed; set before the first want */
	const struct segments_ops *ops;
	void *arg;
	struct segment_list list;
	struct map by_no;
	int making, spares; /* of SEGMENT_SMTPD */
	struct {
		uint64_t number;
		int fd;
	} body[BODY_SPARES];
	int bodies, bodies_making;
	bool is_blocked; /* no space: make none */
};

/* struct journal types that concern segments: J_SEGMENT and J_DROPPED of
 * records.h are written here. */
void segments_init(struct segments *);
void segments_release(struct segments *);
struct segment *segments_find(const struct segments *, uint32_t no);
/* One that exists on disk, found by recovery; sealed. NULL without memory. */
struct segment *segments_found(struct segments *, uint32_t no, uint32_t tag,
    uint64_t salt, enum segment_kind);
/* Make what is missing of the spares. Also tries again after an error. */
void segments_fill(struct segments *);
/* A spare one of this kind, now SEG_OUT or SEG_OWN; its write_fd is the
 * caller's to hand on and to set to -1. NULL: none is ready, ops->ready will
 * be called. */
struct segment *
segments_take(struct segments *, enum segment_kind, enum segment_state as);
/* Remove what died before this record of the journal. */
void segments_drop_dead(struct segments *, uint64_t before);
void segment_seal(struct segments *, struct segment *);
/* A message of this length came to lie in it, or is gone from it. */
void segment_add_live(struct segment *, uint32_t length);
void segment_del_live(struct segments *, struct segment *, uint32_t length);
/* A body file to write; the caller's. -1: none is ready. */
int segments_take_body(struct segments *, uint64_t *ret_number);
uint64_t segments_draw_body(struct segments *); /* a number for another one */
void segments_drop_body(struct segments *, uint64_t number);
void body_name(char ret[32], uint64_t number);
void segment_name(char ret[32], uint32_t no);
void segment_aside(char ret[40], uint32_t no); /* of a file that is kept */
uint64_t draw_random(void);

#endif
