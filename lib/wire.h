/*
 * wire: the one binary encoding, little-endian, of what crosses between our
 * processes and what lies in the spool.
 *
 * Writing appends to a buf (its ceiling is the ceiling of the encoding).
 * Reading goes through a cursor: past the end, or once bad, every get gives
 * 0 or the empty slice, and one look at .bad at the end tells the story.
 * Slices that were read point into the bytes that are being read.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "slice.h"

struct rd {
	const unsigned char *p, *end; /* borrowed */
	bool bad;
};

void put_u8(struct buf *, uint8_t);
void put_u16(struct buf *, uint16_t);
void put_u32(struct buf *, uint32_t);
void put_u64(struct buf *, uint64_t);
void put_str(struct buf *, struct slice); /* u32 length, then the bytes */

struct rd rd_of(struct slice);
bool rd_end(const struct rd *); /* all read, or bad */
uint8_t get_u8(struct rd *);
uint16_t get_u16(struct rd *);
uint32_t get_u32(struct rd *);
uint64_t get_u64(struct rd *);
struct slice get_str(struct rd *);
struct slice get_raw(struct rd *, size_t n);

/* In place, for headers of fixed shape. */
void set_le32(void *, uint32_t);
void set_le64(void *, uint64_t);
uint32_t le32(const void *);
uint64_t le64(const void *);

#endif
