/*
 * writer: a segment of the queue's own. One writer is for notices; another,
 * whose segments may hold records of any id, for copies and imports.
 *
 * What was added since the last sync is written and synced in one task
 * beside the loop; then each message's callback runs.
 */
#ifndef WRITER_H
#define WRITER_H

#include "queue.h"

/* error: 0 and m is in the index, durable and announced; else m is NULL. */
struct writer_done {
	void (*done)(struct queue *, void *arg, struct msg *m, int error);
	void *arg; /* borrowed */
};

struct writer *writer_new(struct queue *, enum segment_kind);
void writer_free(struct writer *);
/*
 * Write a message under a new id: e->size and the like must be filled,
 * content is copied. Calls back from the loop, always, unless it returns a
 * negative errno at once.
 */
int writer_add(struct writer *, const struct p_envelope *, struct slice content,
    struct writer_done);
/* The same under the id that it had elsewhere; body_file, synced, holds what
 * is not in content, 0: none. */
int writer_import(struct writer *, struct msgid, const struct p_envelope *,
    struct slice content, uint64_t body_file, struct writer_done);
/*
 * Write the record of a message again (b, from body_read) and move it there,
 * durably. done gets it pinned; error -EBUSY: somebody holds it meanwhile, it
 * stays where it was.
 */
int writer_move(
    struct writer *, struct msg *, const struct body *b, struct writer_done);
/* It has a segment, so that one more copy costs none. */
bool writer_has_segment(const struct writer *);
void writer_turn(struct writer *); /* once a turn of the loop */

#endif
