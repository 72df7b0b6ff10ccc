/*
 * store: messages into segments, many to a sync (SPOOL.md).
 *
 * What becomes ready gathers; one task beside the loop writes it with one
 * call and syncs, while more gathers for the next. After the sync the queue
 * is told, then each submission's done() runs: only now may anybody say 250.
 * After a short write or a failed sync all that it covered is answered 451,
 * the range is reported, and another segment is begun.
 */
#ifndef SMTP_STORE_H
#define SMTP_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "proc.h"
#include "proto.h"
#include "submission.h"

struct store;

struct store *store_new(struct proc *);
void store_free(struct store *);
/* Its body file is not needed after all; fine without one. */
void store_drop_body(struct store *, struct submission *);
/* A submission that is not submitted after all, or done. NULL is fine. */
void store_forget(struct store *, struct submission *);
/* 0: a message may begin; else the reply to MAIL, with its words. */
int store_refuses(const struct store *, const char **ret_text);
/* A body file for it: body_fd to append to. False: none is there. At most
 * BODY_FILES_MAX are out of the queue's hands at a time. */
bool store_take_body(struct store *, struct submission *);
bool store_has_body(const struct store *);
/* Counts the queues: what one of them gave is nothing to the next. */
uint32_t store_generation(const struct store *);
void store_submit(struct store *, struct submission *);
bool store_is_idle(const struct store *);
bool store_has_segment(const struct store *);
/* Once a turn of the loop. expects_more: others are in the midst of theirs;
 * what is ready then waits for a turn or two, never for a timer. */
void store_turn(struct store *, bool expects_more);
/* Frames of the queue; false: malformed. */
bool store_frame(struct store *, enum proto_type, struct slice, int fd);
void store_queue_up(struct store *);
void store_queue_down(struct store *);
void store_stop(struct store *); /* closes its segments */

#endif
