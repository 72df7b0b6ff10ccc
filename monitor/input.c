#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unpack.h"

#define ROOM ((size_t)256 << 10)

struct input {
	struct unpack *unpack;
	char *buf;
	size_t from, to, max;
	int64_t offset; /* of from */
	bool is_eof, is_skipping;
	int error; /* told when all before it was */
};

struct input *
input_new(int fd, size_t line_max)
{
	struct input *in = calloc(1, sizeof(*in));

	if (in == NULL) {
		close(fd);
		return NULL;
	}
	in->unpack = unpack_new(fd);
	in->buf = malloc(ROOM + line_max);
	in->max = line_max;
	if (in->unpack != NULL && in->buf != NULL)
		return in;
	input_free(in);
	return NULL;
}

void
input_free(struct input *in)
{
	if (in == NULL)
		return;
	unpack_free(in->unpack);
	free(in->buf);
	free(in);
}

int64_t
input_offset(const struct input *in)
{
	return in->offset;
}

static void
fill(struct input *in)
{
	ssize_t n;

	memmove(in->buf, in->buf + in->from, in->to - in->from);
	in->to -= in->from;
	in->from = 0;
	n = unpack_read(in->unpack, in->buf + in->to, ROOM + in->max - in->to);
	if (n <= 0) {
		in->is_eof = true;
		in->error = (int)n;
	} else {
		in->to += (size_t)n;
	}
}

static void
take(struct input *in, size_t n)
{
	in->from += n;
	in->offset += (int64_t)n;
}

/* The rest of a line that was cut. False: there is no more. */
static bool
skip_rest(struct input *in)
{
	while (in->is_skipping) {
		char *p = in->buf + in->from;
		size_t n = in->to - in->from;
		char *end = memchr(p, '\n', n);

		take(in, end != NULL ? (size_t)(end - p) + 1 : n);
		if (end != NULL)
			in->is_skipping = false;
		else if (in->is_eof)
			return false;
		else
			fill(in);
	}
	return true;
}

int
input_line(struct input *in, char **ret, size_t *ret_n, bool *ret_is_whole)
{
	char *end;
	size_t n;

	if (!skip_rest(in))
		return in->error;
	for (size_t looked = 0;;) {
		char *p = in->buf + in->from;

		n = in->to - in->from;
		end = memchr(p + looked, '\n', n - looked);
		if (end != NULL || in->is_eof || n > in->max)
			break;
		looked = n;
		fill(in);
	}
	*ret = in->buf + in->from;
	*ret_is_whole = end != NULL;
	if (end == NULL && n == 0)
		return in->error;
	*ret_n = end != NULL ? (size_t)(end - *ret) : n;
	take(in, *ret_n + (end != NULL));
	if (*ret_n > in->max) {
		*ret_n = in->max;
		in->is_skipping = end == NULL;
	}
	if (*ret_n != 0 && (*ret)[*ret_n - 1] == '\r')
		--*ret_n;
	return 1;
}

ssize_t
input_peek(struct input *in, char *to, size_t n)
{
	if (n > ROOM)
		n = ROOM;
	while (in->to - in->from < n && !in->is_eof)
		fill(in);
	if (n > in->to - in->from)
		n = in->to - in->from;
	if (n == 0 && in->error < 0)
		return in->error;
	memcpy(to, in->buf + in->from, n);
	return (ssize_t)n;
}

bool
input_skip(struct input *in, int64_t n)
{
	while (n > 0) {
		int64_t have = (int64_t)(in->to - in->from);

		if (have == 0 && in->is_eof)
			return false;
		if (have == 0) {
			fill(in);
			continue;
		}
		have = have < n ? have : n;
		take(in, (size_t)have);
		n -= have;
	}
	return true;
}
