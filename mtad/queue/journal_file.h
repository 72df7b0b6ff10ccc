/*
 * journal_file: one file of the journal, and the records in it
 * (share/doc/spool.md).
 *
 * File: 64 bytes of head (magic, format, number, salt, number of the first
 * record, checksum), then records at multiples of 8: u32 length of the
 * payload, u32 type (bit 8: first of a batch), u64 number, payload, u32
 * checksum over the salt and all before it.
 */
#ifndef JOURNAL_FILE_H
#define JOURNAL_FILE_H

#include <stdint.h>

#include "buf.h"

#define JOURNAL_FILE_SIZE ((uint64_t)16 << 20)
#define JOURNAL_HEAD 64
#define JOURNAL_REC_HEAD 16
#define JOURNAL_REC_TAIL 4
#define JOURNAL_BATCH_MAX ((size_t)64 << 20)
#define JOURNAL_NO_SPARE UINT64_MAX
/* Bit of a record's type: the first of those that were synced together. */
#define JOURNAL_FIRST 0x100u
#define JOURNAL_FRESH_SPARE 0 /* never used yet: its name is "spare" */

void journal_file_name(char ret[32], uint64_t file);
/*
 * A file ready for number `file`: a spare one renamed, or, when there is none
 * of that name, a new one. Its blocks exist; head and name are durable.
 */
int journal_file_make(int dirfd, uint64_t spare, uint64_t file, uint64_t salt,
    uint64_t seq, int *ret_fd);
/* Lowest number there is, 0 when there is none. */
uint64_t journal_file_oldest(int dirfd);
/* The fresh spare: its blocks exist, its name is durable. */
int journal_file_spare(int dirfd);
/* Records that journal_begin() and _end() put there get their checksums. */
void journal_seal_records(struct buf *, uint64_t salt);

#endif
