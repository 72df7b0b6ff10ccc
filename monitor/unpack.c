#include "unpack.h"

#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define CHUNK ((size_t)256 << 10)
#define MEMORY_MAX ((uint64_t)80 << 20) /* what a packed file may ask for */
#define WINDOW_LOG_MAX 26

struct unpack;

/* One row a format. step: from in to out, 1 at the end of a member. */
struct format {
	const char *magic;
	size_t n;
	bool (*begin)(struct unpack *);
	int (*step)(struct unpack *, char *to, size_t n, size_t *ret_n);
	void (*end)(struct unpack *);
};

struct unpack {
	int fd;
	bool is_eof;
	bool is_begun; /* a member was begun and did not end */
	const struct format *format; /* NULL: plain */
	char *in;
	size_t from, to; /* of in: read and not used yet */
	z_stream gz;
	lzma_stream xz;
	ZSTD_DStream *zs;
};

static bool
gz_begin(struct unpack *u)
{
	return inflateInit2(&u->gz, 15 + 16) == Z_OK;
}

static int
gz_step(struct unpack *u, char *to, size_t n, size_t *ret_n)
{
	int rc;

	u->gz.next_in = (unsigned char *)u->in + u->from;
	u->gz.avail_in = (unsigned)(u->to - u->from);
	u->gz.next_out = (unsigned char *)to;
	u->gz.avail_out = (unsigned)n;
	rc = inflate(&u->gz, Z_NO_FLUSH);
	u->from = u->to - u->gz.avail_in;
	*ret_n = n - u->gz.avail_out;
	if (rc == Z_STREAM_END)
		return 1;
	return rc == Z_OK || rc == Z_BUF_ERROR ? 0 : -EBADMSG;
}

static void
gz_end(struct unpack *u)
{
	inflateEnd(&u->gz);
}

static bool
xz_begin(struct unpack *u)
{
	u->xz = (lzma_stream)LZMA_STREAM_INIT;
	return lzma_stream_decoder(&u->xz, MEMORY_MAX, 0) == LZMA_OK;
}

static int
xz_step(struct unpack *u, char *to, size_t n, size_t *ret_n)
{
	lzma_ret rc;

	u->xz.next_in = (uint8_t *)u->in + u->from;
	u->xz.avail_in = u->to - u->from;
	u->xz.next_out = (uint8_t *)to;
	u->xz.avail_out = n;
	rc = lzma_code(&u->xz, LZMA_RUN);
	u->from = u->to - u->xz.avail_in;
	*ret_n = n - u->xz.avail_out;
	if (rc == LZMA_STREAM_END)
		return 1;
	if (rc == LZMA_MEMLIMIT_ERROR || rc == LZMA_MEM_ERROR)
		return -ENOMEM;
	return rc == LZMA_OK || rc == LZMA_BUF_ERROR ? 0 : -EBADMSG;
}

static void
xz_end(struct unpack *u)
{
	lzma_end(&u->xz);
}

static bool
zs_begin(struct unpack *u)
{
	u->zs = ZSTD_createDStream();
	return u->zs != NULL &&
	    !ZSTD_isError(ZSTD_DCtx_setParameter(
		u->zs, ZSTD_d_windowLogMax, WINDOW_LOG_MAX));
}

static int
zs_step(struct unpack *u, char *to, size_t n, size_t *ret_n)
{
	ZSTD_inBuffer in = { u->in + u->from, u->to - u->from, 0 };
	ZSTD_outBuffer out = { to, n, 0 };
	size_t rc = ZSTD_decompressStream(u->zs, &out, &in);

	u->from += in.pos;
	*ret_n = out.pos;
	if (ZSTD_isError(rc))
		return -EBADMSG;
	return rc == 0 ? 1 : 0;
}

static void
zs_end(struct unpack *u)
{
	ZSTD_freeDStream(u->zs);
	u->zs = NULL;
}

static const struct format formats[] = {
	{ "\x1f\x8b", 2, gz_begin, gz_step, gz_end },
	{ "\xfd"
	  "7zXZ",
	    6, xz_begin, xz_step, xz_end },
	{ "\x28\xb5\x2f\xfd", 4, zs_begin, zs_step, zs_end },
};

/* More of the descriptor behind what is there. */
static int
fill(struct unpack *u)
{
	ssize_t n;

	memmove(u->in, u->in + u->from, u->to - u->from);
	u->to -= u->from;
	u->from = 0;
	if (u->is_eof || u->to == CHUNK)
		return 0;
	do
		n = read(u->fd, u->in + u->to, CHUNK - u->to);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	u->is_eof = n == 0;
	u->to += (size_t)n;
	return 0;
}

static void
detect(struct unpack *u)
{
	while (u->to < 6 && !u->is_eof && fill(u) == 0)
		continue;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (u->to >= formats[i].n &&
		    memcmp(u->in, formats[i].magic, formats[i].n) == 0)
			u->format = &formats[i];
}

struct unpack *
unpack_new(int fd)
{
	struct unpack *u = calloc(1, sizeof(*u));

	if (u != NULL)
		u->in = malloc(CHUNK);
	if (u == NULL || u->in == NULL) {
		close(fd);
		free(u);
		return NULL;
	}
	u->fd = fd;
	detect(u);
	return u;
}

void
unpack_free(struct unpack *u)
{
	if (u == NULL)
		return;
	if (u->is_begun)
		u->format->end(u);
	close(u->fd);
	free(u->in);
	free(u);
}

/* What was looked at first, then the descriptor itself. */
static ssize_t
read_plain(struct unpack *u, char *to, size_t n)
{
	ssize_t got;

	if (u->from == u->to) {
		do
			got = read(u->fd, to, n);
		while (got < 0 && errno == EINTR);
		return got < 0 ? -errno : got;
	}
	if (n > u->to - u->from)
		n = u->to - u->from;
	memcpy(to, u->in + u->from, n);
	u->from += n;
	return (ssize_t)n;
}

/* Several members may follow each other (log files put together). */
ssize_t
unpack_read(struct unpack *u, char *to, size_t n)
{
	size_t got = 0;
	int rc = 0;

	if (u->format == NULL)
		return read_plain(u, to, n);
	while (got == 0 && rc >= 0) {
		bool is_empty = u->from == u->to;

		if (is_empty && (rc = fill(u)) < 0)
			return rc;
		if (u->from == u->to && !u->is_begun)
			return 0;
		if (!u->is_begun && !u->format->begin(u))
			return -ENOMEM;
		u->is_begun = true;
		rc = u->format->step(u, to, n, &got);
		if (rc == 0 && got == 0 && is_empty && u->is_eof)
			return -EBADMSG; /* cut short */
		if (rc != 1)
			continue;
		u->format->end(u);
		u->is_begun = false;
	}
	return rc < 0 && got == 0 ? rc : (ssize_t)got;
}
