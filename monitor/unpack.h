/*
 * unpack: bytes of a descriptor, unpacked when they are gzip, xz or zstd.
 */
#ifndef UNPACK_H
#define UNPACK_H

#include <stddef.h>
#include <sys/types.h>

struct unpack;

/* Takes fd, also on failure. NULL without memory. */
struct unpack *unpack_new(int fd);
void unpack_free(struct unpack *);
/* Like read(): 0 at the end; -EBADMSG when it is damaged or cut short. */
ssize_t unpack_read(struct unpack *, char *to, size_t n);

#endif
