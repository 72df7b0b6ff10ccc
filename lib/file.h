/*
 * file: small calls around descriptors and durable files.
 * All return 0 (or what they promise) or a negative -E….
 */
#ifndef FILE_H
#define FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "buf.h"

/* All of it, or the error; short writes go on. */
int file_write_all(int fd, const void *, size_t);
int file_pwrite_all(int fd, const void *, size_t, off_t);
/* Exactly n bytes; -ENODATA when the file ends before. */
int file_pread_all(int fd, void *, size_t, off_t);
/* The same of a disk with bad sectors: each block that does not read at the
 * second try becomes zeros and is counted. */
int file_pread_around(int fd, void *, size_t, off_t, size_t *ret_bad);
/* A whole small file below dirfd; -EFBIG past b's ceiling. */
int file_slurp(int dirfd, const char *name, struct buf *b);
/* Replace atomically and durably: temporary file, sync, rename, folder. */
int
file_replace(int dirfd, const char *name, const void *, size_t, mode_t mode);
int file_sync_dir(int dirfd);
/* mkdir -p of the last component only; an existing folder is fine. */
int file_mkdir(int dirfd, const char *name, mode_t);
/* A program of ours that is on no PATH: in ../libexec/mtad of this one, as
 * installed anywhere; else where it was built for. False, with that path,
 * when it is in neither. */
bool file_libexec(const char *name, char ret[PATH_MAX]);

#endif
