/*
 * record: how a message lies in a segment (share/doc/spool.md).
 *
 * A segment starts with a segment header; then records, each at a multiple
 * of 8: a header with its own checksum, then the payload with its own:
 * the envelope (struct p_envelope) and, unless a body file holds it, the
 * message as it will be sent, lines ending with CRLF, no dots stuffed.
 *
 * The salt is random for each segment and known to no sender, so that no
 * mail can look like a record.
 */
#ifndef RECORD_H
#define RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "msgid.h"
#include "slice.h"

#define SPOOL_FORMAT 1
#define SEGMENT_HEAD 64
#define RECORD_HEAD 56
#define RECORD_ALIGN 8

enum segment_kind {
	SEGMENT_OLD = 1, /* a smtpd's, or the queue's notices; made no more */
	SEGMENT_QUEUE,
	SEGMENT_COPY,
	SEGMENT_SMTPD /* what a client can have sent, and nothing else */
};

struct segment_head {
	uint32_t tag, seg;
	uint64_t salt;
	enum segment_kind kind;
	int64_t created; /* wall microseconds */
};

struct record_head {
	struct msgid id;
	uint32_t envelope; /* bytes of the payload that are the envelope */
	uint32_t payload; /* bytes, without the padding */
	uint32_t payload_crc;
	uint64_t body_file; /* number, 0: the body is in the payload */
	bool is_first; /* of those that were written and synced together */
};

void
segment_head_put(unsigned char ret[SEGMENT_HEAD], const struct segment_head *);
/* 0; -EBADMSG not a segment or damaged; -EPROTONOSUPPORT newer format. */
int
segment_head_get(const unsigned char p[SEGMENT_HEAD], struct segment_head *ret);
void record_head_put(
    unsigned char ret[RECORD_HEAD], uint64_t salt, const struct record_head *);
/* False when the salt or the checksum does not fit. */
bool record_head_get(
    const unsigned char p[RECORD_HEAD], uint64_t salt, struct record_head *ret);
/* Bytes that a record with this payload takes, padding included. */
size_t record_size(size_t payload);

#endif
