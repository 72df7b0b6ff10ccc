/*
 * sizes: how large things may be, each of them once. What is taken at the
 * door fits everywhere behind it: the asserts below say why.
 *
 * A message is one record in a segment (share/doc/spool.md): its envelope,
 * then its content, or with a body file only the lines added in front of it.
 * The envelope crosses to the queue in a MSG_NEW, the content to a worker in
 * a JOB beside the recipients of one transaction.
 */
#ifndef SIZES_H
#define SIZES_H

#include <assert.h>
#include <stddef.h>

#include "chan.h"

/* Encoded: sender, recipients, ORCPT and all else of one transaction. A
 * client's RCPT over it gets 452 and comes with the next one. */
#define ENVELOPE_MAX ((size_t)4 << 20)
/* Content that lies in the record; more has a body file. */
#define CONTENT_MAX ((size_t)6 << 20)
/* The largest MaxHeadersLength. */
#define HEADER_MAX ((size_t)1 << 20)
/* A record and its head, and what aligns it. */
#define RECORD_MAX (ENVELOPE_MAX + CONTENT_MAX + 64)
/* Beside the recipients in an envelope, and in front of a content: room for
 * what smtpd adds there. */
#define SUBMISSION_REST ((size_t)64 << 10)
/* Body files that one smtpd has and no record names yet. */
#define BODY_FILES_MAX 250
/* Recipients of a JOB; an attempt that would have more takes fewer. */
#define JOB_RCPTS_MAX ((size_t)1 << 20)
/* Who stands in for one recipient, as the journal has it: half of a batch. A
 * list that is larger waits (451 4.2.4). */
#define EXPANSION_MAX ((size_t)32 << 20)
/* What a worker says of a JOB: two texts a recipient, cut to fit. */
#define RESULT_MAX ((size_t)6 << 20)
/* All other fields of a frame together. */
#define FRAME_REST ((size_t)64 << 10)

static_assert(ENVELOPE_MAX + FRAME_REST <= CHAN_FRAME_MAX, "MSG_NEW");
static_assert(
    CONTENT_MAX + JOB_RCPTS_MAX + FRAME_REST <= CHAN_FRAME_MAX, "JOB");

#endif
