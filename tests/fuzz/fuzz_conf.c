/*
 * mtad.conf: a file of any bytes is read or refused with a sentence that
 * names the file; what is read reaches the other processes whole.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "conf_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must_survive_the_way(const struct conf *c)
{
	struct buf b, again;
	struct conf *copy;

	buf_init(&b, 1 << 24);
	buf_init(&again, 1 << 24);
	conf_encode(&b, c);
	copy = conf_decode(buf_slice(&b));
	if (copy == NULL)
		abort();
	conf_encode(&again, copy);
	if (!slice_eq(buf_slice(&b), buf_slice(&again)))
		abort();
	conf_free(copy);
	buf_release(&again);
	buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char path[64];
	static int fd = -1;
	struct buf errors;
	struct conf *c;

	if (fd < 0) {
		fd = memfd_create("fuzz", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) < 0 || pwrite(fd, p, n, 0) != (ssize_t)n)
		abort();
	buf_init(&errors, 1 << 20);
	c = conf_parse(path, NULL, &errors);
	if (c != NULL)
		must_survive_the_way(c);
	else if (errors.len == 0 || errors.data[errors.len - 1] != '\n' ||
	    strncmp(errors.data, path, strlen(path)) != 0)
		abort();
	conf_free(c);
	buf_release(&errors);
	return 0;
}
