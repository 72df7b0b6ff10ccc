#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int
fail(int fd, const char *name, const char *what, char why[256])
{
	snprintf(why, 256, "%s: %s: %s", name, what, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Left by one that was killed: nobody answers there. */
static void
remove_dead(const struct sockaddr_un *un, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd >= 0 &&
	    connect(fd, (const struct sockaddr *)un, sizeof(*un)) < 0 &&
	    errno == ECONNREFUSED)
		unlink(un->sun_path);
	if (fd >= 0)
		close(fd);
}

static int
listen_unix(const struct source_settings *s, int type, char why[256])
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(s->Path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return fail(-1, s->title, s->Path, why);
	}
	memcpy(un.sun_path, s->Path, strlen(s->Path));
	remove_dead(&un, type);
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 ||
	    chmod(s->Path, 0666) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 128) < 0))
		return fail(fd, s->title, s->Path, why);
	return fd;
}

int
listen_inet(const char *name, const char *address, int port_number, int type,
    char why[256])
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV |
		    AI_PASSIVE,
		.ai_socktype = type },
			*ai = NULL;
	char port[16], at[100];
	int fd, on = 1, rc;

	snprintf(port, sizeof(port), "%d", port_number);
	snprintf(at, sizeof(at), "%s port %s", address, port);
	rc = getaddrinfo(address, port, &hints, &ai);
	if (rc != 0) {
		snprintf(why, 256, "%s: %s: %s", name, at, gai_strerror(rc));
		return -1;
	}
	fd = socket(ai->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && type == SOCK_STREAM)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	rc = fd < 0 ? -1 : bind(fd, ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	if (rc < 0 || (type == SOCK_STREAM && listen(fd, 128) < 0))
		return fail(fd, name, at, why);
	return fd;
}

int
listen_at(const struct source_settings *s, int type, char why[256])
{
	if (strncmp(s->Kind, "unix", 4) == 0)
		return listen_unix(s, type, why);
	return listen_inet(s->title, s->Address, (int)s->Port, type, why);
}
