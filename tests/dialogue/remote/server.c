#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon.h"

void
server_init(struct server *s)
{
	memset(s, 0, sizeof(*s));
	s->fd = -1;
	buf_init(&s->in, 128 << 20);
}

void
server_listen(struct server *s, const char *ip)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_port = htons(s->port) };
	socklen_t n = sizeof(sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	inet_pton(AF_INET, ip, &sa.sin_addr);
	if (s->n == SERVER_PLACES || bind(fd, (struct sockaddr *)&sa, n) < 0 ||
	    listen(fd, 10) < 0 ||
	    getsockname(fd, (struct sockaddr *)&sa, &n) < 0)
		story_fail("cannot listen at %s: %s", ip, strerror(errno));
	s->port = ntohs(sa.sin_port);
	snprintf(s->place[s->n], sizeof(s->place[0]), "%s", ip);
	s->listener[s->n++] = fd;
}

void
server_listen_unix(struct server *s)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(s->path, sizeof(s->path), "/tmp/story.%d", (int)getpid());
	memcpy(sa.sun_path, s->path, sizeof(s->path));
	unlink(s->path);
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ||
	    listen(fd, 10) < 0)
		story_fail("cannot listen at %s", s->path);
	snprintf(s->place[s->n], sizeof(s->place[0]), "unix");
	s->listener[s->n++] = fd;
}

void
server_deaf(struct server *s, const char *ip)
{
	for (int i = 0; i < s->n; i++)
		if (strcmp(s->place[i], ip) == 0) {
			close(s->listener[i]);
			s->listener[i] = -1;
		}
}

void
server_accept(struct server *s, const char *ip)
{
	struct pollfd p[SERVER_PLACES];
	int i;

	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	buf_clear(&s->in);
	for (i = 0; i < s->n; i++)
		p[i] =
		    (struct pollfd){ .fd = s->listener[i], .events = POLLIN };
	if (poll(p, (nfds_t)s->n, STORY_WAIT_MS) <= 0)
		story_fail("no connection came");
	for (i = 0; i < s->n && !(p[i].revents & POLLIN); i++)
		continue;
	if (i < s->n && ip != NULL && strcmp(ip, s->place[i]) != 0)
		story_fail("a connection to %s, not to %s", s->place[i], ip);
	s->fd = i < s->n ? accept(s->listener[i], NULL, NULL) : -1;
	if (s->fd < 0)
		story_fail("accept failed");
}

void
server_say(struct server *s, const void *p, size_t n)
{
	/* a client that went away is part of many stories */
	if (send(s->fd, p, n, MSG_NOSIGNAL) < 0 && errno != EPIPE &&
	    errno != ECONNRESET)
		story_fail("cannot say it: %s", strerror(errno));
}

/* False at the end of the connection. */
static bool
read_more(struct server *s, const char *what)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	char *room = buf_room(&s->in, 65536);
	ssize_t n;

	if (s->fd < 0)
		story_fail("no connection, waiting for %s", what);
	if (poll(&p, 1, STORY_WAIT_MS) <= 0)
		story_fail(
		    "the client is silent, waiting for %s (has \"%.60s\")",
		    what, s->in.data);
	n = read(s->fd, room, 65536);
	if (n <= 0)
		return false;
	s->in.len += (size_t)n;
	return true;
}

static void
need_more(struct server *s, const char *what)
{
	if (!read_more(s, what))
		story_fail("the client closed, waiting for %s", what);
}

void
server_line(struct server *s, char *ret, size_t max)
{
	const char *at;
	size_t n;

	while ((at = memmem(s->in.data, s->in.len, "\r\n", 2)) == NULL)
		need_more(s, "a line");
	n = (size_t)(at - s->in.data);
	snprintf(ret, max, "%.*s", (int)n, s->in.data);
	buf_drop(&s->in, n + 2);
}

void
server_take(struct server *s, size_t n, struct buf *ret)
{
	while (s->in.len < n)
		need_more(s, "a chunk");
	buf_add(ret, s->in.data, n);
	buf_drop(&s->in, n);
}

/* Where the data ends: behind the line with the lone dot; 0: not yet. *at is
 * where to look from. */
static size_t
end_of_data(const struct server *s, size_t *at)
{
	const char *dot;

	if (s->in.len >= 3 && memcmp(s->in.data, ".\r\n", 3) == 0)
		return 3;
	dot = memmem(s->in.data + *at, s->in.len - *at, "\r\n.\r\n", 5);
	if (dot != NULL)
		return (size_t)(dot - s->in.data) + 5;
	*at = s->in.len > 5 ? s->in.len - 5 : 0;
	return 0;
}

void
server_data(struct server *s, struct buf *ret)
{
	size_t at = 0, n;
	struct slice rest, line;

	while ((n = end_of_data(s, &at)) == 0)
		need_more(s, "the end of data");
	rest = slice_sub(buf_slice(&s->in), 0, n - 3);
	while (slice_next(&rest, '\n', &line)) {
		if (line.n != 0 && line.p[0] == '.')
			line = slice_sub(line, 1, line.n);
		buf_add_slice(ret, line);
		buf_addc(ret, '\n');
	}
	buf_drop(&s->in, n);
}

void
server_wait_closed(struct server *s)
{
	while (read_more(s, "the end of the connection"))
		continue;
	if (s->in.len != 0)
		story_fail("the client still says \"%.60s\"", s->in.data);
}

void
server_close(struct server *s, bool is_reset)
{
	struct linger l = { 1, 0 };

	if (is_reset)
		setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(s->fd);
	s->fd = -1;
}

void
server_release(struct server *s)
{
	for (int i = 0; i < s->n; i++)
		if (s->listener[i] >= 0)
			close(s->listener[i]);
	if (s->fd >= 0)
		close(s->fd);
	if (s->path[0] != '\0')
		unlink(s->path);
	buf_release(&s->in);
}
