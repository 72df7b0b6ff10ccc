/*
 * input: the lines of a file, plain or packed by gzip, xz or zstd.
 *
 * What it is packed with is told by its first bytes, so a pipe may be any of
 * them. A line longer than the ceiling is cut there and its rest skipped.
 */
#ifndef INPUT_H
#define INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct input;

/* Takes fd, also on failure. NULL without memory. */
struct input *input_new(int fd, size_t line_max);
void input_free(struct input *);
/*
 * The next line without its end: 1, 0 at the end, or negative errno
 * (-EBADMSG: damaged, what could be read has come). The bytes may be changed
 * until the next call. is_whole: false for the last line when it has no end.
 */
int input_line(struct input *, char **ret, size_t *ret_n, bool *ret_is_whole);
/* Unpacked bytes before the next line. */
int64_t input_offset(const struct input *);
/* The first bytes, at most n, without taking them; count, or negative. */
ssize_t input_peek(struct input *, char *to, size_t n);
/* Behind the first n bytes; false when there are not so many. */
bool input_skip(struct input *, int64_t n);

#endif
