/*
 * buf: a growable byte buffer with a hard ceiling.
 *
 * Holds any bytes; data[len] is always NUL, so text can be printed as is.
 * A buffer that meets its ceiling, or runs out of memory, turns "bad":
 * later appends do nothing, and one test at the end tells the story.
 *
 * Ownership: the caller owns the struct (on the stack or embedded); the
 * struct owns the bytes until buf_take() hands them over.
 */
#ifndef BUF_H
#define BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "slice.h"

struct buf {
	char *data; /* never NULL between init and release */
	size_t len;
	size_t cap; /* private */
	size_t max; /* ceiling, set once by buf_init() */
	bool bad; /* an append failed: contents are incomplete */
};

void buf_init(struct buf *, size_t max);
void buf_release(struct buf *); /* also fine after buf_take() */
void buf_clear(struct buf *); /* empty and good again; keeps the memory */
void buf_shrink(struct buf *); /* gives the memory back when empty */

/* Room for n more bytes at data + len; NULL when that passes the ceiling. */
char *buf_room(struct buf *, size_t n);
void buf_add(struct buf *, const void *, size_t);
void buf_addc(struct buf *, char);
void buf_adds(struct buf *, const char *);
void buf_add_slice(struct buf *, struct slice);
void buf_add_u64(struct buf *, uint64_t); /* decimal */
void buf_addf(struct buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void buf_addv(struct buf *, const char *fmt, va_list)
    __attribute__((format(printf, 2, 0)));

/* Forget the first n bytes. */
void buf_drop(struct buf *, size_t n);

struct slice buf_slice(const struct buf *);

/* A text of its own, up to 64 KiB; the caller frees it. NULL without memory. */
char *buf_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Move the bytes out; the caller frees them. NULL if the buffer is bad. */
char *buf_take(struct buf *);

#endif
