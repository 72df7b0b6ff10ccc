#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "file.h"

#define LINE_MAX_BYTES ((size_t)64 << 20)

struct control {
	int fd;
	struct buf in;
	size_t used; /* of in, already handed out */
};

struct control *
control_open(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct control *c;

	if (strlen(path) >= sizeof(sa.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	memcpy(sa.sun_path, path, strlen(path) + 1);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	buf_init(&c->in, LINE_MAX_BYTES);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 ||
	    connect(c->fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int e = errno;

		control_close(c);
		errno = e;
		return NULL;
	}
	return c;
}

void
control_close(struct control *c)
{
	if (c == NULL)
		return;
	if (c->fd >= 0)
		close(c->fd);
	buf_release(&c->in);
	free(c);
}

void
control_patience(struct control *c, int seconds)
{
	struct timeval tv = { seconds, 0 };

	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

int
control_fd(const struct control *c)
{
	return c->fd;
}

int
control_send(struct control *c, const json_t *request)
{
	char *text = json_dumps(request, JSON_COMPACT);
	struct iovec iov[2];
	int rc;

	if (text == NULL)
		return -ENOMEM;
	iov[0] = (struct iovec){ text, strlen(text) };
	rc = file_write_all(c->fd, text, iov[0].iov_len);
	if (rc == 0)
		rc = file_write_all(c->fd, "\n", 1);
	free(text);
	return rc;
}

/* More bytes into the buffer; false with errno at the end. */
static bool
fill(struct control *c)
{
	char *room;
	ssize_t n;

	buf_drop(&c->in, c->used);
	c->used = 0;
	room = buf_room(&c->in, 65536);
	if (room == NULL) {
		errno = EMSGSIZE;
		return false;
	}
	do
		n = read(c->fd, room, 65536);
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		if (n == 0)
			errno = EPIPE;
		return false;
	}
	c->in.len += (size_t)n;
	c->in.data[c->in.len] = '\0';
	return true;
}

json_t *
control_next(struct control *c)
{
	for (;;) {
		char *from = c->in.data + c->used;
		char *nl = memchr(from, '\n', c->in.len - c->used);
		json_t *j;

		if (nl == NULL) {
			if (!fill(c))
				return NULL;
			continue;
		}
		j = json_loadb(from, (size_t)(nl - from), 0, NULL);
		c->used = (size_t)(nl + 1 - c->in.data);
		if (j == NULL)
			errno = EPROTO;
		return j;
	}
}

ssize_t
control_read(struct control *c, void *to, size_t n)
{
	size_t have = c->in.len - c->used;

	if (have == 0)
		return read(c->fd, to, n);
	if (n > have)
		n = have;
	memcpy(to, c->in.data + c->used, n);
	c->used += n;
	return (ssize_t)n;
}

int
control_write(struct control *c, const void *bytes, size_t n)
{
	return file_write_all(c->fd, bytes, n);
}
